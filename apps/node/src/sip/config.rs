//! The section `[sip]`.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use rove_base::Transport;
use rove_driver::{Certificate, StreamBounds, Tls, TlsError};
use rove_sip::{
    digest::VerifierConfig,
    message::{Host, NameAddr},
    registrar::RegistrarConfig,
    server::{Mode, SipServerConfig},
    transport::LocalAddress,
};
use serde::Deserialize;

use super::{SipLimits, SipState, SipUser, everywhere::at_this_host};
use crate::config::ConfigError;

/// The section `[sip]`: a registrar and proxy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipConfig {
    /// Where it listens, `[sip.listen]`.
    pub listen: SipListen,
    /// Its certificate, `[sip.tls]`.
    pub tls: Option<SipTls>,
    /// Its domains: whose users register here and are called here.
    pub domains: Vec<String>,
    /// `proxy`, `stateless` or `redirect`.
    #[serde(default)]
    pub mode: SipMode,
    /// Whether users prove who they are; without it anybody may register as anybody.
    #[serde(default = "yes")]
    pub auth: bool,
    /// What the passwords are for; the first domain when not given.
    pub realm: Option<String>,
    /// Hash algorithms that are asked for. MD5 has to be named to be used.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<String>,
    /// The users, `[[sip.user]]`.
    #[serde(default)]
    pub user: Vec<SipUser>,
    /// A file of more users, one a line: `user:ALGORITHM:hash`, where hash is that of `user:realm:password`.
    pub users_file: Option<PathBuf>,
    /// Whether the requests inside a call pass here too.
    #[serde(default = "yes")]
    pub record_route: bool,
    /// Routes that users are told to take for their own requests.
    #[serde(default)]
    pub service_route: Vec<String>,
    /// How long a registration lasts, in seconds, `[sip.expires]`.
    #[serde(default)]
    pub expires: SipExpires,
    /// Seconds that the preferred contacts of a user ring before the others do.
    #[serde(default = "default_ring_seconds")]
    pub ring_seconds: u32,
    /// Whom to ask for the addresses of host names; without any only addresses can be called.
    #[serde(default)]
    pub dns_servers: Vec<SocketAddr>,
    /// Whether numbers are looked up (ENUM, RFC 6116) that are no subscriber's. With `[home]` or `[visited]` they are anyway.
    #[serde(default)]
    pub numbers: bool,
    /// Addresses of other networks' servers, whose word about callers counts, and who hear ours (RFC 3325).
    #[serde(default)]
    pub trusted: Vec<IpAddr>,
    /// What is kept of users' state, `[sip.state]`.
    #[serde(default)]
    pub state: SipState,
    /// What others may do, `[sip.limits]`.
    #[serde(default)]
    pub limits: SipLimits,
    /// A file to which one line of JSON is added for each call.
    pub calls_file: Option<PathBuf>,
    /// A file to which every message is written, as pcap.
    pub pcap: Option<PathBuf>,
    /// Origins whose pages may open WebSockets here, as `https://phone.example`; any when none is named.
    #[serde(default)]
    pub origins: Vec<String>,
    /// A collector of HEP version 3 that is sent every message, `[sip.hep]`.
    pub hep: Option<SipHep>,
}

/// `[sip.listen]`; port 0 lets the system pick one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipListen {
    /// Addresses for datagrams.
    #[serde(default)]
    pub udp: Vec<SocketAddr>,
    /// Addresses for TCP streams.
    #[serde(default)]
    pub tcp: Vec<SocketAddr>,
    /// Addresses for TLS streams.
    #[serde(default)]
    pub tls: Vec<SocketAddr>,
    /// Addresses for WebSockets.
    #[serde(default)]
    pub ws: Vec<SocketAddr>,
    /// Addresses for secure WebSockets.
    #[serde(default)]
    pub wss: Vec<SocketAddr>,
}

impl SipListen {
    /// Every address with its transport, datagrams first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Transport, SocketAddr)> + Clone {
        let lists = [
            (Transport::Udp, &self.udp),
            (Transport::Tcp, &self.tcp),
            (Transport::Tls, &self.tls),
            (Transport::Ws, &self.ws),
            (Transport::Wss, &self.wss),
        ];
        lists.into_iter().flat_map(|(transport, list)| list.iter().map(move |address| (transport, *address)))
    }
}

/// `[sip.tls]`: what is shown to those that open a secure stream. Read again on SIGHUP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipTls {
    /// A file with the chain of certificates, the node's own first, in PEM.
    pub certificate: PathBuf,
    /// A file with its private key, in PEM.
    pub key: PathBuf,
    /// A file with the authorities that are believed; those of the system when not given.
    pub authorities: Option<PathBuf>,
    /// A file to which the secrets of all sessions are added, for whoever reads a capture with them. Whoever can read it
    /// reads everything; its owner alone can.
    pub key_log: Option<PathBuf>,
}

/// What becomes of requests for others.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SipMode {
    /// Passed on, with a transaction on each side.
    #[default]
    Proxy,
    /// Passed on and forgotten.
    Stateless,
    /// Answered with where to go.
    Redirect,
}

/// `[sip.expires]`, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SipExpires {
    /// When nothing is said.
    pub default: u32,
    /// Shorter ones are refused.
    pub min: u32,
    /// Longer ones are shortened.
    pub max: u32,
}

impl Default for SipExpires {
    fn default() -> Self {
        Self { default: 3_600, min: 60, max: 7_200 }
    }
}

impl SipTls {
    /// Every file that it names.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = [&mut self.certificate, &mut self.key].into_iter();
        files.chain(&mut self.authorities).chain(&mut self.key_log)
    }
}

/// `[sip.hep]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipHep {
    /// Where the collector listens for datagrams.
    pub collector: SocketAddr,
    /// What this node is called there.
    #[serde(default)]
    pub id: u32,
}

impl SipConfig {
    /// A registrar without passwords for trying things out.
    #[must_use]
    pub fn open(udp: Vec<SocketAddr>, tcp: Vec<SocketAddr>, domain: &str) -> Self {
        Self {
            listen: SipListen { udp, tcp, ..SipListen::default() },
            tls: None,
            domains: vec![domain.to_owned()],
            mode: SipMode::Proxy,
            auth: false,
            realm: None,
            algorithms: default_algorithms(),
            user: Vec::new(),
            users_file: None,
            record_route: true,
            service_route: Vec::new(),
            expires: SipExpires::default(),
            ring_seconds: default_ring_seconds(),
            dns_servers: Vec::new(),
            numbers: false,
            trusted: Vec::new(),
            state: SipState::default(),
            limits: SipLimits::default(),
            calls_file: None,
            pcap: None,
            origins: Vec::new(),
            hep: None,
        }
    }

    /// What others may do to its streams.
    pub(crate) fn bounds(&self) -> StreamBounds {
        let usual = StreamBounds::default();
        StreamBounds {
            // A handshake takes about as much as the stream that comes of it.
            shaking: (self.limits.memory / 16 / HANDSHAKE_BYTES).clamp(16, usual.shaking),
            waiting: (self.limits.memory / 8).min(usual.waiting),
            origins: self.origins.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect(),
        }
    }

    /// How many bindings there may be, and how many bytes they may take.
    pub(crate) fn bindings(&self) -> (usize, usize) {
        let (bindings, _) = self.limits.of_server();
        (bindings.bindings, bindings.bytes)
    }

    /// What the server machine is told, when it listens at `local`.
    pub(crate) fn server(&self, local: Vec<LocalAddress>) -> Result<SipServerConfig, ConfigError> {
        let wrong = |key: &'static str, value: &str| ConfigError::Sip { key, value: value.to_owned() };
        let host = |text: &String| text.parse::<Host>().map_err(|_| wrong("domains", text));
        let route = |text: &String| text.parse::<NameAddr>().map_err(|_| wrong("service_route", text));
        let domains = self.domains.iter().map(host).collect::<Result<Vec<_>, _>>()?;
        if domains.is_empty() {
            return Err(wrong("domains", "none; give at least one"));
        }
        let secs = |secs: u32| Duration::from_secs(secs.into());
        let mut registrar = RegistrarConfig::new(domains);
        registrar.service_route = self.service_route.iter().map(route).collect::<Result<_, _>>()?;
        registrar.default_expires = secs(self.expires.default);
        registrar.min_expires = secs(self.expires.min);
        registrar.max_expires = secs(self.expires.max);
        let (everywhere, local) = local.into_iter().partition(|one| one.address.ip().is_unspecified());
        let mut server = SipServerConfig::new(registrar, local);
        server.local.extend(at_this_host(&everywhere));
        server.everywhere = everywhere;
        server.mode = match self.mode {
            SipMode::Proxy => Mode::Proxy,
            SipMode::Stateless => Mode::Stateless,
            SipMode::Redirect => Mode::Redirect,
        };
        server.verifier = VerifierConfig { algorithms: self.algorithms()?, ..VerifierConfig::default() };
        server.users = if self.auth { Some(self.users()?) } else { None };
        server.services = self.numbers;
        server.trusted.clone_from(&self.trusted);
        server.record_route = self.record_route;
        server.ring_time = secs(self.ring_seconds);
        server.capture = self.pcap.is_some() || self.hep.is_some();
        server.state = self.state(self.limits.memory / 16);
        server.streams.memory = self.limits.memory / 2;
        (server.bindings, server.limits) = self.limits.of_server();
        Ok(server)
    }

    /// Every file that it names.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let tls = self.tls.iter_mut().flat_map(SipTls::paths);
        let passwords = self.user.iter_mut().filter_map(|user| user.password_file.as_mut());
        passwords.chain(&mut self.users_file).chain(&mut self.calls_file).chain(&mut self.pcap).chain(tls)
    }

    /// Everything that can be checked without a socket.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let all = self.listen.all();
        if all.clone().next().is_none() {
            return Err(ConfigError::NoSipAddress);
        }
        if self.tls.is_none() && all.clone().any(|(transport, _)| transport.is_secure()) {
            return Err(ConfigError::Sip {
                key: "tls",
                value: "missing, and there are secure addresses".into(),
            });
        }
        if self.limits.memory < LEAST_MEMORY {
            let value = format!("{}; it takes {LEAST_MEMORY} at least", self.limits.memory);
            return Err(ConfigError::Sip { key: "limits.memory", value });
        }
        self.tls_with(None).map_err(ConfigError::SipTls)?;
        let local = all.map(|(transport, address)| LocalAddress { transport, address }).collect();
        self.server(local).map(drop)
    }

    /// What it shows and believes.
    pub(crate) fn tls(&self) -> Result<Tls, TlsError> {
        self.tls_with(self.tls.as_ref().and_then(|tls| tls.key_log.as_deref()))
    }

    fn tls_with(&self, key_log: Option<&Path>) -> Result<Tls, TlsError> {
        let Some(tls) = &self.tls else { return Ok(Tls::default()) };
        let certificate = Certificate { chain: tls.certificate.clone(), key: tls.key.clone() };
        Tls::with_key_log(tls.authorities.as_deref(), Some(&certificate), key_log)
    }
}

/// Where a transport is bound, by the name of its key.
pub(crate) const fn option(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "[sip.listen] tcp",
        Transport::Tls => "[sip.listen] tls",
        Transport::Ws => "[sip.listen] ws",
        Transport::Wss => "[sip.listen] wss",
        _ => "[sip.listen] udp",
    }
}

/// An address for questions to `servers`.
pub(crate) fn dns_local(servers: &[SocketAddr]) -> Option<SocketAddr> {
    let first = servers.first()?;
    let ip: IpAddr = match (first.ip().is_loopback(), first.is_ipv4()) {
        (true, true) => IpAddr::from([127, 0, 0, 1]),
        (true, false) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        (false, true) => IpAddr::from([0, 0, 0, 0]),
        (false, false) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    };
    Some(SocketAddr::new(ip, 0))
}

/// With less there is no room for anybody.
const LEAST_MEMORY: usize = 4 << 20;
/// What a handshake takes.
const HANDSHAKE_BYTES: usize = 64 * 1_024;

fn default_algorithms() -> Vec<String> {
    ["SHA-512-256", "SHA-256"].map(str::to_owned).into()
}

const fn default_ring_seconds() -> u32 {
    20
}

const fn yes() -> bool {
    true
}
