//! A pool and its terminals in virtual time.

mod causes;
mod dhcp4;
mod dhcp6;
mod model;
mod names;
mod stays;

use core::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step, UnixTime};

use super::*;

/// A network of its own: the pool, its clock, and a register that makes everything durable at once.
struct Network {
    pool: Pool,
    now: Now,
    /// Records in the order they became durable.
    journal: Vec<Vec<u8>>,
    events: Vec<Event>,
    sent: Vec<(UdpFlow, Vec<u8>)>,
    /// Commits are kept back while this is set.
    stalled: bool,
    held: Vec<Change>,
}

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const LEASE: u32 = 120;

fn settings(count: u8) -> PoolConfig {
    let last = Ipv4Addr::new(10, 9, 0, 9_u8.saturating_add(count));
    PoolConfig {
        v4: Some(V4Config {
            ranges: vec![Range4 { first: Ipv4Addr::new(10, 9, 0, 10), last }],
            server: SERVER,
            prefix_len: 24,
            router: Some(SERVER),
            dns: vec![SERVER],
            server_port: 67,
            client_port: 68,
            to_source: false,
        }),
        v6: None,
        name_ttl: Duration::from_secs(5),
        patience: Duration::from_secs(30),
    }
}

impl Network {
    fn new(count: u8) -> Self {
        Self::of(settings(count), 1)
    }

    fn of(config: PoolConfig, seed: u64) -> Self {
        let pool = Pool::new(config, Entropy::from_number(seed)).unwrap();
        let now = Now { mono: Instant::from_nanos(5), wall: UnixTime::from_secs(1_800_000_000) };
        let (journal, events, sent, held) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut network = Self { pool, now, journal, events, sent, stalled: false, held };
        network.pool.tick(now);
        network.drain();
        network
    }

    fn drain(&mut self) -> Option<Instant> {
        let mut out = Scratch::default();
        loop {
            match self.pool.poll(&mut out) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { panic!("a stream") };
                    self.sent.push((flow, out.get(transmit.range).to_vec()));
                }
                Step::Event(Event::Commit(change)) if self.stalled => self.held.push(change),
                Step::Event(Event::Commit(change)) => self.write(change),
                Step::Event(event) => self.events.push(event),
                Step::Wait(until) => return until,
                other => panic!("{other:?}"),
            }
        }
    }

    fn write(&mut self, change: Change) {
        self.journal.push(change.record);
        self.pool.committed(self.now, change.id, true);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.later(time);
        while let Some(wake) = self.drain().filter(|wake| *wake <= end.mono) {
            self.now = self.now.later(wake.since(self.now.mono));
            self.pool.tick(self.now);
        }
        self.now = end;
        self.pool.tick(end);
        self.drain();
    }

    fn datagram(&mut self, from: SocketAddr, bytes: &[u8]) {
        let flow = Flow::udp((SERVER, 67).into(), from);
        self.pool.handle(self.now, Arrival::Datagram { flow, bytes });
        self.drain();
    }

    /// Reserves and grants, as after an attach.
    fn attach(&mut self, who: Imsi, token: Token) -> Ipv4Addr {
        let addresses = self.pool.reserve(self.now, who).unwrap();
        self.pool.grant(self.now, token, who);
        self.drain();
        addresses.v4.unwrap()
    }

    /// The register makes the binding durable.
    fn bind(&mut self, who: Imsi) {
        self.journal.push(self.pool.record(self.now, who, LEASE));
        self.pool.bound(self.now, who, LEASE);
        self.drain();
    }

    fn release(&mut self, who: Imsi) {
        self.pool.release(self.now, who);
        self.drain();
    }

    fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// The same network after a crash: what the journal knows is what there is.
    fn restart(&self, config: PoolConfig, seed: u64, records: &[Vec<u8>]) -> Self {
        let mut pool = Pool::new(config, Entropy::from_number(seed)).unwrap();
        // The clock that only moves forward starts anew.
        let now = Now { mono: Instant::from_nanos(7), wall: self.now.wall };
        for record in records {
            pool.replay(now, record).unwrap();
        }
        pool.replayed(now);
        let (events, sent, held) = (Vec::new(), Vec::new(), Vec::new());
        let mut network = Self { pool, now, journal: records.to_vec(), events, sent, stalled: false, held };
        network.drain();
        network
    }
}

fn imsi(number: u32) -> Imsi {
    format!("00101{number:010}").parse().unwrap()
}

fn token(number: u8) -> Token {
    Token([number; 16])
}
