//! The role that knows who is where, and asks other servers.

mod config;
mod relay;
mod search;

use core::convert::Infallible;
use std::{collections::HashMap, fmt::Write as _, net::SocketAddr};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, Transport};
use rove_dns::lookup::{self, LookupId, Resolver, ResolverConfig};
use rove_driver::Tls;
use rove_irmv::{
    Pointer, Record, Registry, RegistryLimits, SharedRegistry,
    server::{Server, ServerEvent},
};

pub use self::config::{IrmvConfig, IrmvPeer, IrmvSearch, IrmvShownTo, IrmvUser};
pub use self::relay::IrmvRelay;
use self::{relay::Lender, search::Searcher};
use crate::{
    config::{ConfigError, NodeConfig},
    dns::Ration,
    driver::{Role, Seek, Unreadable, eventless},
    operate::{MOST_LISTED, Registration, View},
};

/// The server with what only a running program has: a resolver, and its log.
pub(crate) struct IrmvRole {
    server: Server,
    resolver: Option<Resolver>,
    /// Where the resolver asks from.
    resolver_at: Option<SocketAddr>,
    resolving: HashMap<LookupId, String>,
    refusals: Ration,
    config: IrmvConfig,
    search: Searcher,
    lender: Option<Lender>,
}

impl IrmvRole {
    /// The registry of a node that has this role, with room for so many names and bytes of others' beside its own.
    pub(crate) fn registry(
        config: &IrmvConfig,
        (names, bytes): (usize, usize),
        entropy: &mut Entropy,
    ) -> Result<Registry, ConfigError> {
        let (server, key) = (config.server()?, config.signing_key()?);
        let RegistryLimits { records, bytes: own } = server.limits.registry;
        let limits =
            RegistryLimits { records: records.saturating_add(names), bytes: own.saturating_add(bytes) };
        Ok(Registry::new(limits, &key, entropy).speaking(&key, &server))
    }

    /// Asks for other servers from `resolver_at`.
    pub(crate) fn new(
        config: &IrmvConfig,
        resolver_at: Option<SocketAddr>,
        registry: SharedRegistry,
        mut entropy: Entropy,
    ) -> Result<Self, ConfigError> {
        let resolver = resolver_at.map(|at| {
            let config = ResolverConfig::new(config.dns_servers.clone(), vec![at]);
            Resolver::new(config, entropy.fork())
        });
        let server = Server::on(registry, config.server()?, config.signing_key()?);
        let lender = config.lender()?;
        let (resolving, refusals, config) = (HashMap::new(), Ration::default(), config.clone());
        let search = Searcher::new(config.search.is_some());
        Ok(Self { server, resolver, resolver_at, resolving, refusals, config, search, lender })
    }

    fn note(&mut self, now: Now, event: ServerEvent) {
        match event {
            ServerEvent::Registered { record, from } => {
                self.search.registered(&record);
                let (name, status) = (&record.claim.name, record.claim.status);
                tracing::info!(target: "rove::irmv", %name, %status, %from, "registered");
            }
            ServerEvent::Left { name } => {
                self.search.left(&name);
                tracing::info!(target: "rove::irmv", %name, "left");
            }
            ServerEvent::Refused { from, reason } => {
                // Anyone can come to be refused; the log is not theirs to fill.
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::irmv", %from, %reason, unsaid, "refused");
                }
            }
            ServerEvent::Malformed { from, error } => {
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::irmv", %from, %error, unsaid, "sends what makes no sense");
                }
            }
            ServerEvent::Peer { domain, up } => tracing::info!(target: "rove::irmv", %domain, up, "link"),
            ServerEvent::Resolve { domain } => self.resolve(now, domain),
            ServerEvent::Lend { stream, id, user, whom, call } => {
                let ticket = self.lender.as_ref().map(|lender| lender.ticket(now, &user, &whom, call));
                self.server.lent(now, stream, id, ticket.unwrap_or_default());
            }
            ServerEvent::Seek { seek, key } => self.search.seek(seek, key),
            _ => {}
        }
    }

    fn resolve(&mut self, now: Now, domain: String) {
        if let Some(addresses) = self.config.known(&domain) {
            return self.server.resolved(now, &domain, addresses);
        }
        match &mut self.resolver {
            Some(resolver) => {
                let id = resolver.service(now, SERVICE, &domain, PORT, Transport::Quic);
                self.resolving.insert(id, domain);
            }
            None => self.is_at(now, &domain, &[]),
        }
    }

    fn found(&mut self, now: Now, event: lookup::Event) {
        let (id, addresses) = match event {
            lookup::Event::Found { id, candidates, .. } => {
                (id, candidates.into_iter().map(|one| one.address).collect())
            }
            lookup::Event::Failed { id, error, .. } => {
                tracing::debug!(target: "rove::irmv", %error, "a server was not found");
                (id, Vec::new())
            }
            _ => return,
        };
        if let Some(domain) = self.resolving.remove(&id) {
            self.is_at(now, &domain, &addresses);
        }
    }

    /// What DNS says about a domain; where it says nothing, what the search network does.
    fn is_at(&mut self, now: Now, domain: &str, addresses: &[SocketAddr]) {
        let addresses = if addresses.is_empty() { self.search.told_of(domain) } else { addresses };
        self.server.resolved(now, domain, addresses);
    }
}

impl Role for IrmvRole {
    fn tag(&self) -> u8 {
        TAG
    }

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        let ours = |flow: Flow| matches!(flow, Flow::Udp(flow) if Some(flow.local.port()) == self.resolver_at.map(|at| at.port()));
        match (&mut self.resolver, input) {
            (Some(resolver), Arrival::Datagram { flow, .. }) if ours(flow) => resolver.handle(now, input),
            _ => self.server.handle(now, input),
        }
    }

    fn tick(&mut self, now: Now) {
        self.server.tick(now);
        if let Some(resolver) = &mut self.resolver {
            resolver.tick(now);
        }
    }

    fn poll(&mut self, now: Now, out: &mut Scratch) -> Step<Infallible> {
        loop {
            let wait = match eventless(self.server.poll(out)) {
                Ok(Step::Wait(until)) => until,
                Ok(step) => return step,
                Err(event) => {
                    self.note(now, event);
                    continue;
                }
            };
            let Some(resolver) = &mut self.resolver else { return Step::Wait(wait) };
            match eventless(resolver.poll(out)) {
                Ok(Step::Wait(until)) => return Step::Wait(Instant::earliest(wait, until)),
                Ok(step) => return step,
                Err(event) => self.found(now, event),
            }
        }
    }

    fn replay(&mut self, record: &[u8]) -> Result<bool, Unreadable> {
        Ok(self.server.replay(record)?)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        self.server.snapshot()
    }

    fn start(&mut self, now: Now) {
        let registry = self.server.registry().clone();
        let here = |record: &Record| record.claim.expires > now.wall;
        registry.lock().iter().filter(here).for_each(|record| self.search.registered(&record));
    }

    fn seeks(&mut self) -> Option<Seek> {
        self.search.next()
    }

    fn sought(&mut self, now: Now, number: u64, pointer: Option<&Pointer>) {
        match pointer {
            Some(pointer) => {
                self.search.heard_of(pointer);
                self.server.pointed(now, number, pointer);
            }
            None => self.server.sought(now, number),
        }
    }

    fn journal_failed(&mut self, now: Now) {
        self.server.journal_failed(now);
    }

    /// Takes the certificate, users, peers and limits over. What cannot be read leaves things as they are.
    fn reload(&mut self, config: &NodeConfig) -> Option<Tls> {
        let ours = config.irmv.clone()?;
        match ours.server() {
            Ok(config) => self.server.reconfigure(config),
            Err(error) => tracing::error!(target: "rove::irmv", %error, "the users stay as they are"),
        }
        match ours.lender() {
            Ok(lender) => self.lender = lender,
            Err(error) => tracing::error!(target: "rove::irmv", %error, "the relays stay as they are"),
        }
        let tls = ours.tls();
        self.config = ours;
        match tls {
            Ok(tls) => Some(tls),
            Err(error) => {
                tracing::error!(target: "rove::irmv", %error, "the certificate stays as it is");
                None
            }
        }
    }

    fn view(&self, now: Now, tenant: Option<&str>, view: &mut View) {
        if tenant.is_some() {
            return;
        }
        let registry = self.server.registry().lock();
        view.registered += registry.len() as u64;
        for record in registry.iter().take(MOST_LISTED) {
            if !view.lists() {
                return;
            }
            let places = record.claim.contacts.iter();
            view.registrations.push(Registration {
                name: record.claim.name.to_string(),
                via: "irmv".into(),
                status: record.claim.status.to_string(),
                places: places.map(|one| format!("{} {}", one.transport, one.address)).collect(),
                seconds_left: record.claim.expires.as_secs().saturating_sub(now.wall.as_secs()),
                tenant: None,
            });
        }
    }

    fn metrics(&self, text: &mut String) {
        let _ = writeln!(text, "rove_irmv_registrations {}", self.server.registry().lock().len());
    }
}

const TAG: u8 = 6;
/// How DNS names servers of a domain (RFC 2782).
const SERVICE: &str = "_irmv._udp";
/// Where they are when it does not.
const PORT: u16 = 5_064;
