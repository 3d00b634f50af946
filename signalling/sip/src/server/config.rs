//! What a server is told once.

use core::{net::IpAddr, time::Duration};

use crate::{
    digest::{Users, VerifierConfig},
    registrar::{MemoryLimits, RegistrarConfig},
    sources::Rate,
    transport::{self, LocalAddress},
};

use super::StateConfig;

/// What becomes of requests for others than the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// They are passed on, and their responses back, with a transaction on each side (RFC 3261 §16.2).
    Proxy,
    /// They are passed on and forgotten (RFC 3261 §16.11).
    Stateless,
    /// Their sender is told where to go: 302 (RFC 3261 §8.3).
    Redirect,
}

/// A registrar and proxy.
#[derive(Clone, Debug)]
pub struct SipServerConfig {
    /// What Server says; empty leaves it out.
    pub name: String,
    /// Where it can be reached.
    pub local: Vec<LocalAddress>,
    /// Where it listens at all addresses of this host, each with the unspecified one. Those that it is reached at are
    /// learned from what comes, beside those of `local`.
    pub everywhere: Vec<LocalAddress>,
    /// What becomes of requests for others.
    pub mode: Mode,
    /// Its domains and how it registers their users.
    pub registrar: RegistrarConfig,
    /// How many bindings the store in memory holds.
    pub bindings: MemoryLimits,
    /// Who its users are. `None` asks nobody for a password: anybody is who they say.
    pub users: Option<Users>,
    /// How they are asked.
    pub verifier: VerifierConfig,
    /// Whether the owner is asked what becomes of each call, with [`Event::Consult`](super::Event::Consult).
    pub services: bool,
    /// What is kept of users' state, and who is told of it. Nothing is where requests are not passed on with a transaction.
    pub state: StateConfig,
    /// Servers of other networks whose word about identities counts, and who hear ours (RFC 3325).
    pub trusted: Vec<IpAddr>,
    /// Whether the requests inside a dialog pass here too.
    pub record_route: bool,
    /// How long the most preferred contacts ring before the next are tried, where there are any.
    pub ring_time: Duration,
    /// How long an INVITE may ring without any news (timer C, RFC 3261 §16.6 step 11).
    pub timer_c: Duration,
    /// How many streams there may be, and how long each may take.
    pub streams: transport::Limits,
    /// What it lets others do.
    pub limits: Limits,
    /// Whether every message is told as an event, to be captured.
    pub capture: bool,
}

/// What a server lets others do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Transactions that peers may have open; beyond, 503.
    pub transactions: usize,
    /// Requests that are being passed on; beyond, 503.
    pub relays: usize,
    /// Calls that are followed to their end; those beyond are carried without a record of their length.
    pub calls: usize,
    /// Calls at a time, those that ring among them; beyond, 503.
    pub admitted: usize,
    /// Bytes that transactions, relays and the records of calls may take; beyond, 503. Three quarters of it are for requests
    /// that begin something, the rest for those inside of calls.
    pub memory: usize,
    /// Requests a second that one source may send in the long run; `0` lets any number pass.
    pub requests_per_second: u32,
    /// Requests that one source may send at once.
    pub burst: u32,
    /// Sources whose rate is known; of more, the longest silent are forgotten.
    pub sources: usize,
}

impl Limits {
    /// What of it is said of each source.
    pub(super) const fn rate(&self) -> Rate {
        let Self { requests_per_second, burst, sources, .. } = *self;
        Rate { requests_per_second, burst, sources }
    }
}

impl Default for Limits {
    /// 65 536 transactions, 16 384 relays, 100 000 calls, 128 MiB for these; 200 requests a second, 400 at once; 16 384 sources.
    fn default() -> Self {
        Self {
            transactions: 65_536,
            relays: 16_384,
            calls: 100_000,
            admitted: usize::MAX,
            memory: 128 << 20,
            requests_per_second: 200,
            burst: 400,
            sources: 16_384,
        }
    }
}

impl SipServerConfig {
    /// A proxy with record-route, without passwords, of these domains and addresses.
    #[must_use]
    pub fn new(registrar: RegistrarConfig, local: Vec<LocalAddress>) -> Self {
        Self {
            name: "rove".into(),
            local,
            everywhere: Vec::new(),
            mode: Mode::Proxy,
            registrar,
            bindings: MemoryLimits::default(),
            users: None,
            verifier: VerifierConfig::default(),
            services: false,
            state: StateConfig::default(),
            trusted: Vec::new(),
            record_route: true,
            ring_time: Duration::from_secs(20),
            timer_c: Duration::from_secs(181),
            streams: transport::Limits { total: 20_000, ..transport::Limits::default() },
            limits: Limits::default(),
            capture: false,
        }
    }
}
