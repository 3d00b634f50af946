//! Opening what a desk needs, before there is a runtime to watch it.

use core::time::Duration;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use rove_base::{CodecId, Entropy, Scratch, Transport};
use rove_driver::{CannotBind, Certificate, Listener, Sockets, Streams, Tls, address_toward, bind_pair};
use rove_io::{clock::Clock, entropy::os_entropy, net::UdpSocket};
use rove_phone::netem::Impairments;
use rove_session::{Config, Disclosure, MediaSecurity, Switchboard, Target};
use rove_sip::{
    message::NameAddr,
    transport::{Limits, LocalAddress},
};
use tokio::sync::Notify;

use super::Desk;
use crate::{
    failure::Failure,
    mill::{Mill, Pool},
    voice::Voice,
};

/// What a desk is to be.
#[derive(Clone, Debug)]
pub(crate) struct DeskConfig {
    /// Where SIP listens, over UDP and TCP; port 0 lets the system pick.
    pub(crate) listen: SocketAddr,
    /// Who calls.
    pub(crate) identity: String,
    /// In order of preference.
    pub(crate) codecs: Vec<CodecId>,
    /// Name servers; none for those of the system.
    pub(crate) dns_servers: Vec<SocketAddr>,
    /// More calls than this at once are refused.
    pub(crate) most_calls: usize,
    /// How long a call may ring.
    pub(crate) ring_for: Duration,
    /// Threads for media; none: calls have no media.
    pub(crate) media_threads: usize,
    /// What is said in calls.
    pub(crate) play: Option<PathBuf>,
    /// Authorities to trust instead of the system's.
    pub(crate) tls_ca: Option<PathBuf>,
    /// What is shown to whoever opens a secure stream here.
    pub(crate) certificate: Option<Certificate>,
    /// Whether media are protected by keys of the signalling.
    pub(crate) security: MediaSecurity,
    /// What calls are made in, where targets do not say: it is listened for as well.
    pub(crate) transport: Option<Transport>,
    /// What becomes of the packets of media that come in.
    pub(crate) impairments: Option<Impairments>,
    /// What is left to chance there is drawn from this.
    pub(crate) seed: u64,
}

/// A desk whose sockets are open but not watched yet.
pub(crate) struct Opening {
    config: DeskConfig,
    board: Switchboard,
    sockets: Vec<UdpSocket>,
    listeners: Vec<Listener>,
    tls: Tls,
    sip: Vec<SocketAddr>,
    clock: Clock,
    entropy: Entropy,
}

impl Opening {
    /// Opens the sockets.
    ///
    /// # Errors
    ///
    /// [`Failure`] says which one cannot be had.
    pub(crate) fn new(config: DeskConfig) -> Result<Self, Failure> {
        let entropy = os_entropy().map_err(|error| Failure::fatal(format!("no randomness: {error}")));
        let mut entropy = entropy?;
        let identity = Target::parse(&config.identity)
            .map_err(|error| Failure::fatal(format!("--from {}: {error}", config.identity)))?;
        let tls = Tls::new(config.tls_ca.as_deref(), config.certificate.as_ref());
        let tls = tls.map_err(|error| Failure::fatal(error.to_string()))?;
        let (udp, tcp) = bind_pair(config.listen).map_err(|error| cannot(config.listen, error))?;
        let mut listeners = vec![tcp];
        for (transport, address) in beside(&config) {
            listeners.push(Listener::bind(address, transport).map_err(|error| cannot(address, error))?);
        }
        let sip = vec![udp.local_addr()];
        let servers =
            if config.dns_servers.is_empty() { system_name_servers() } else { config.dns_servers.clone() };
        let mut sockets = vec![udp];
        let dns = dns_sockets(&servers);
        let board = Switchboard::new(
            Config {
                identity: NameAddr::new(identity.uri().clone()),
                anonymous: false,
                user_agent: concat!("rove-load/", env!("CARGO_PKG_VERSION")).into(),
                sip: sip.clone(),
                sip_streams: listeners.iter().map(local_of).collect(),
                streams: Limits { total: STREAMS, per_source: STREAMS, ..Limits::default() },
                dns: dns.iter().map(UdpSocket::local_addr).collect(),
                dns_servers: servers,
                dns_walk: false,
                codecs: config.codecs.clone(),
                packet_time: crate::mill::TURN,
                media_security: config.security,
                stun_server: None,
                ring_for: config.ring_for,
                cname: format!("{:016x}{:08x}", entropy.next_u64(), entropy.next_u32()),
                follow_transfers: false,
                most_calls: config.most_calls,
                disclosure: Disclosure::Nothing,
                most_watchers: 0,
                most_requests: 0,
                most_ringing: config.most_calls,
            },
            entropy.fork(),
        );
        sockets.extend(dns);
        Ok(Self { config, board, sockets, listeners, tls, sip, clock: Clock::new(), entropy })
    }

    /// Begins to watch the sockets; must be called on the runtime.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the system has no more descriptors or threads.
    pub(crate) fn take_up(self) -> Result<Desk, Failure> {
        let system = |error: io::Error| Failure::fatal(format!("the sockets cannot be watched: {error}"));
        let streams_at = self.listeners.iter().map(local_of).collect();
        let mut streams = Streams::new(self.tls);
        self.listeners.into_iter().try_for_each(|one| streams.accept_from(one)).map_err(system)?;
        let news = Arc::new(Notify::new());
        let mills = (0..self.config.media_threads).map(|_| {
            let news = Arc::clone(&news);
            Mill::start(self.clock, move || news.notify_one())
        });
        let mills: Vec<Mill> = mills.collect::<io::Result<_>>().map_err(system)?;
        Ok(Desk {
            board: self.board,
            clock: self.clock,
            sockets: Sockets::new(self.sockets).map_err(system)?,
            streams,
            scratch: Scratch::with_capacity(64 * 1_024),
            entropy: self.entropy,
            chance: Entropy::from_number(self.config.seed),
            impairments: self.config.impairments,
            sip: self.sip,
            streams_at,
            silent: mills.is_empty(),
            pools: (0..mills.len().max(1)).map(|_| Pool::new(mills.is_empty())).collect(),
            mills,
            voice: Voice::new(self.config.play.as_deref()),
            unheard: Vec::new(),
            leases: std::collections::HashMap::new(),
            running: std::collections::HashMap::new(),
            next_mill: 0,
            news,
        })
    }
}

/// What else is listened for, and where: ports next to that of UDP and TCP.
fn beside(config: &DeskConfig) -> Vec<(Transport, SocketAddr)> {
    let secure = config.certificate.is_some();
    let wanted = |transport| config.transport == Some(transport);
    let at = |further: u16| match config.listen.port() {
        0 => config.listen,
        port => SocketAddr::new(config.listen.ip(), port.saturating_add(further)),
    };
    [
        (Transport::Tls, 1, secure || wanted(Transport::Tls)),
        (Transport::Wss, 2, secure || wanted(Transport::Wss)),
        (Transport::Ws, 3, secure || wanted(Transport::Ws)),
    ]
    .into_iter()
    .filter(|(.., used)| *used)
    .map(|(transport, further, _)| (transport, at(further)))
    .collect()
}

fn local_of(listener: &Listener) -> LocalAddress {
    LocalAddress { transport: listener.transport(), address: listener.local_addr() }
}

fn cannot(address: SocketAddr, CannotBind { over, what }: CannotBind) -> Failure {
    Failure::fatal(format!("cannot use {address} ({over}): {what}; choose another one with --listen"))
}

/// One socket per family of `servers`, on the address that leads to the first of that family.
fn dns_sockets(servers: &[SocketAddr]) -> Vec<UdpSocket> {
    let mut sockets: Vec<UdpSocket> = Vec::new();
    for server in servers {
        let known = sockets.iter().any(|socket| socket.local_addr().is_ipv4() == server.is_ipv4());
        // No route to a server is no reason not to start: names that need it fail when they are looked up.
        if !known && let Ok(ip) = address_toward(*server) {
            sockets.extend(UdpSocket::bind(SocketAddr::new(ip, 0)).ok());
        }
    }
    sockets
}

/// The name servers of `/etc/resolv.conf`; none when it cannot be read.
fn system_name_servers() -> Vec<SocketAddr> {
    let Ok(text) = std::fs::read("/etc/resolv.conf") else { return Vec::new() };
    let Ok(config) = resolv_conf::Config::parse(text) else { return Vec::new() };
    config.nameservers.iter().map(|server| SocketAddr::new(server.into(), 53)).collect()
}

/// Streams at once.
const STREAMS: usize = 65_536;
