//! A name server as a host: the real server machine, its journal on a disk that can fail, crash and come back.

use core::time::Duration;
use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Ticket, UdpFlow};
use rove_dns::{
    server::{Event, Server, ServerConfig},
    tsig::TsigKey,
    wire::Name,
    zones::{Record, ZoneConfig},
};
use rove_io::journal::{FaultyStorage, Log, Storage};
use zeroize::Zeroizing;

use crate::host::{Host, Outlet, Taken, drain_machine};

/// A name server on port 53, UDP and TCP.
#[derive(Debug)]
pub struct DnsHost {
    config: ServerConfig,
    addresses: Vec<IpAddr>,
    disk: FaultyStorage,
    sync_time: Duration,
    /// `None` while it is down.
    running: Option<Running>,
    /// What the server told, over all its lives.
    pub events: Vec<(Instant, Event)>,
    /// Records that were in the journal at the last start.
    pub replayed: u64,
    lives: u64,
}

#[derive(Debug)]
struct Running {
    server: Server,
    log: Log<FaultyStorage>,
    waiting: VecDeque<(Ticket, Vec<u8>)>,
    /// When the commit that is under way will be done.
    commit_at: Option<Instant>,
    /// How many of those that wait belong to it.
    committing: usize,
}

impl DnsHost {
    /// A server whose disk is faultless and needs no time.
    ///
    /// # Panics
    ///
    /// When the zones contradict themselves.
    #[must_use]
    pub fn new(config: ServerConfig, addresses: Vec<IpAddr>) -> Self {
        let mut host = Self {
            config,
            addresses,
            disk: FaultyStorage::new(),
            sync_time: Duration::ZERO,
            running: None,
            events: Vec::new(),
            replayed: 0,
            lives: 0,
        };
        host.start();
        host
    }

    /// The same on another disk, started anew from what it holds. Down when the disk fails at once.
    #[must_use]
    pub fn on_disk(mut self, disk: FaultyStorage) -> Self {
        self.disk = disk;
        self.start();
        self
    }

    /// The same with a disk that needs this long for one commit.
    #[must_use]
    pub const fn syncing_in(mut self, time: Duration) -> Self {
        self.sync_time = time;
        self
    }

    /// Where to ask it.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.addresses[0], PORT)
    }

    /// The server, unless it is down.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        self.running.as_ref().map(|running| &running.server)
    }

    /// Its disk.
    #[must_use]
    pub const fn disk(&self) -> &FaultyStorage {
        &self.disk
    }

    /// Pulls the plug. Break its streams with [`crate::World::break_streams`] too.
    pub fn crash(&mut self) {
        self.disk.crash();
        self.running = None;
    }

    /// Plugs it in again; of what the disk had not made durable the first `survive` bytes are there.
    pub fn reboot(&mut self, survive: usize) {
        self.disk = self.disk.reboot(survive);
        self.start();
    }

    fn start(&mut self) {
        self.running = None;
        self.lives += 1;
        let mut entropy = Entropy::from_number(self.lives);
        let Ok((log, records)) = Log::open(self.disk.clone(), &mut entropy) else { return };
        let mut server = Server::new(self.config.clone()).expect("the zones are sound");
        self.replayed = 0;
        for record in records {
            server.replay(&record).expect("the journal holds what the server wrote");
            self.replayed += 1;
        }
        self.running =
            Some(Running { server, log, waiting: VecDeque::new(), commit_at: None, committing: 0 });
    }

    fn has_power(&mut self) -> bool {
        self.disk.read().is_ok()
    }
}

impl Running {
    /// Starts a commit of all that waits, if none is under way.
    fn begin_commit(&mut self, now: Instant, takes: Duration) {
        if self.commit_at.is_none() && !self.waiting.is_empty() {
            self.commit_at = Some(now + takes);
            self.committing = self.waiting.len();
        }
    }

    /// Ends the commit whose time has come. `false` when the disk failed.
    fn end_commit(&mut self, now: Now) -> bool {
        if self.commit_at.is_none_or(|at| at > now.mono) {
            return true;
        }
        self.commit_at = None;
        let group: Vec<_> = self.waiting.drain(..self.committing).collect();
        if self.log.commit(group.iter().map(|(_, record)| record.as_slice())).is_err() {
            return false;
        }
        if let Some((ticket, _)) = group.last() {
            self.server.handle(now, Arrival::Durable { ticket: *ticket });
        }
        true
    }
}

impl Host for DnsHost {
    fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.clone()
    }

    fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], _arrived: Instant) {
        if let Some(running) = self.running.as_mut().filter(|_| flow.local.port() == PORT) {
            running.server.handle(now, Arrival::Datagram { flow: Flow::Udp(flow), bytes });
        }
    }

    fn stream(&mut self, now: Now, arrival: Arrival<'_>) {
        if let Some(running) = &mut self.running {
            running.server.handle(now, arrival);
        }
    }

    fn listens(&self, local: SocketAddr) -> bool {
        self.running.is_some() && local.port() == PORT
    }

    fn tick(&mut self, now: Now) {
        if let Some(running) = &mut self.running {
            running.server.tick(now);
        }
    }

    fn drain(&mut self, now: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant> {
        loop {
            let running = self.running.as_mut()?;
            if !running.end_commit(now) {
                if !self.has_power() {
                    net.note(format_args!("loses power"));
                    self.running = None;
                    return None;
                }
                self.running.as_mut()?.server.journal_failed(now);
                continue;
            }
            let wake = drain_machine(&mut running.server, out, net, |taken, net| match taken {
                Taken::Event(event) => {
                    net.note(format_args!("{event:?}"));
                    self.events.push((now.mono, event));
                }
                Taken::Record { ticket, bytes } => running.waiting.push_back((ticket, bytes.to_vec())),
            });
            running.begin_commit(now.mono, self.sync_time);
            if running.commit_at.is_none_or(|at| at > now.mono) {
                return Instant::earliest(wake, running.commit_at);
            }
        }
    }
}

/// A key that may change [`home`] and its reverse zones.
///
/// # Panics
///
/// Never.
#[must_use]
pub fn home_key() -> TsigKey {
    let secret = Zeroizing::new(b"a secret of thirty-two bytes, yes".to_vec());
    let key = TsigKey::new("phones.home.example", secret).expect("a good key");
    REVERSE_ZONES.iter().fold(key.allowing(name("home.example")), |key, zone| key.allowing(name(zone)))
}

/// A server of `home.example` and the reverse zones of the addresses for documentation (192.0.2.0/24, 198.51.100.0/24,
/// 203.0.113.0/24, 2001:db8::/32), empty, with [`home_key`].
#[must_use]
pub fn home() -> ServerConfig {
    let zones = core::iter::once("home.example").chain(REVERSE_ZONES.iter().copied());
    let zones = zones.map(|origin| zone(origin, &[])).collect();
    ServerConfig::new(zones, vec![home_key()])
}

/// A zone from lines of master file format, with a TTL of 5 s.
///
/// # Panics
///
/// When a line is no record.
#[must_use]
pub fn zone(origin: &str, lines: &[&str]) -> ZoneConfig {
    let origin = name(origin);
    ZoneConfig {
        primary: name("ns.home.example"),
        hostmaster: name("hostmaster.home.example"),
        ttl: TTL,
        negative_ttl: TTL,
        records: lines.iter().map(|line| Record::parse(line, &origin, TTL).expect("a record")).collect(),
        origin,
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// Where name servers listen (RFC 1035 §4.2).
const PORT: u16 = 53;
/// Seconds.
const TTL: u32 = 5;
const REVERSE_ZONES: [&str; 4] =
    ["2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"];
