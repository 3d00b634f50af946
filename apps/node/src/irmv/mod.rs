//! The role that knows who is where, and asks other servers.

mod accounts;
mod config;
mod numbers;
mod relay;
mod search;
mod signatures;

use core::convert::Infallible;
use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    net::SocketAddr,
};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, Transport};
use rove_dns::lookup::{self, LookupId, Resolver, ResolverConfig};
use rove_driver::{NumberAuthorities, Tls};
use rove_irmv::{
    Identifier, Pointer, Record, Registry, RegistryLimits, SharedRegistry,
    server::{Server, ServerEvent},
};

pub(crate) use self::accounts::{AccountOrder, Accounts, Keeping, Kept};
pub use self::{
    accounts::AccountFileError,
    config::{IrmvConfig, IrmvPeer, IrmvSearch, IrmvShownTo, IrmvUser},
    relay::IrmvRelay,
    signatures::SignatureFile,
};
use self::{relay::Lender, search::Searcher};
use crate::{
    config::{ConfigError, NodeConfig},
    dns::Ration,
    driver::{Reply, Role, Seek, Unreadable, eventless},
    operate::{MOST_LISTED, Registration, View},
    shared::Share,
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
    /// What other nodes of the domain are to know, where there are some.
    shares: Option<VecDeque<Share>>,
    /// Who is believed for numbers.
    numbers: Option<NumberAuthorities>,
    lender: Option<Lender>,
    /// Accounts of a database, where there is one.
    accounts: Option<Accounts>,
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
        let registry = Registry::new(limits, &key, entropy).speaking(&key, &server);
        let Some(path) = &config.signatures else { return Ok(registry) };
        let file = SignatureFile::create(path).map_err(|error| ConfigError::Irmv {
            key: "signatures",
            what: format!(
                "{}: cannot be made: {error}; name a file in a folder of the node's own",
                path.display()
            ),
        })?;
        Ok(registry.with_shelf(Box::new(file)))
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
        let (search, numbers) = (Searcher::new(config.search.is_some()), config.number_authorities()?);
        let shares = config.store.is_some().then(VecDeque::new);
        Ok(Self {
            server,
            resolver,
            resolver_at,
            resolving,
            refusals,
            config,
            search,
            shares,
            numbers,
            lender,
            accounts: None,
        })
    }

    fn note(&mut self, now: Now, event: ServerEvent) {
        match event {
            ServerEvent::Registered { record, from } => {
                self.search.registered(&record);
                self.share(&record);
                self.pin(&record.claim.name, record.claim.uid());
                let (name, status) = (&record.claim.name, record.claim.status);
                tracing::info!(target: "rove::irmv", %name, %status, %from, "registered");
            }
            ServerEvent::Left { name } => {
                self.search.left(&name);
                let last = self.server.registry().lock().find(&Identifier::Name(name.clone()));
                last.iter().for_each(|record| self.share(record));
                tracing::info!(target: "rove::irmv", %name, "left");
            }
            ServerEvent::Dismissed { name, kept } => {
                tracing::info!(target: "rove::irmv", %name, kept, "dismissed");
                self.dismissed(&name, kept);
            }
            ServerEvent::Listed { name, words } => {
                self.search.listed(&name, &words);
                tracing::info!(target: "rove::irmv", %name, words = words.len(), "listed");
            }
            ServerEvent::Verify { number, proof } => {
                let result = numbers::verified(self.numbers.as_ref(), &proof, now.wall);
                if let Err(error) = &result
                    && let Some(unsaid) = self.refusals.admit(now.mono)
                {
                    let name = &proof.user;
                    tracing::warn!(target: "rove::irmv", %name, %error, unsaid, "the number is not proved");
                }
                self.server.verified(now, number, result.is_ok());
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

    /// Other nodes of the domain are to know it.
    fn share(&mut self, record: &Record) {
        let Some(shares) = &mut self.shares else { return };
        let (name, until) = (record.claim.name.to_string(), record.claim.expires.as_secs());
        shares.push_back(Share { name, until, record: record.encode().into() });
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
        self.start_accounts();
        let registry = self.server.registry().clone();
        let here = |record: &Record| record.claim.expires > now.wall;
        registry.lock().iter().filter(here).for_each(|record| self.search.registered(&record));
        for listing in self.server.listings() {
            self.search.listed(&listing.card.name, &listing.card.words);
        }
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

    fn shares(&mut self) -> Option<Share> {
        self.shares.as_mut()?.pop_front()
    }

    fn heard_elsewhere(&mut self, now: Now, record: &[u8]) {
        match self.server.learned(now, record) {
            Ok(true) => self.pin_learned(record),
            Ok(false) => {}
            Err(error) => {
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::irmv", %error, unsaid, "what the store says makes no sense");
                }
            }
        }
    }

    fn journal_failed(&mut self, now: Now) {
        self.server.journal_failed(now);
    }

    /// Takes the certificate, users, peers and limits over. What cannot be read leaves things as they are.
    fn reload(&mut self, config: &NodeConfig) -> Option<Tls> {
        let ours = config.irmv.clone()?;
        match ours.server() {
            Ok(mut config) => {
                self.accounts.iter().for_each(|accounts| accounts.join(&mut config));
                self.server.reconfigure(config);
            }
            Err(error) => tracing::error!(target: "rove::irmv", %error, "the users stay as they are"),
        }
        match ours.number_authorities() {
            Ok(numbers) => self.numbers = numbers,
            Err(error) => {
                tracing::error!(target: "rove::irmv", %error, "who speaks for numbers stays as it is");
            }
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

    fn agrees(&self, config: &NodeConfig) -> Result<(), ConfigError> {
        config.irmv.as_ref().map_or(Ok(()), |irmv| self.agrees_with(irmv))
    }

    fn account(&mut self, now: Now, order: &AccountOrder, reply: Reply) -> Option<Reply> {
        self.take_order(now, order, reply)
    }

    fn kept(&mut self, now: Now, kept: &Kept) {
        self.kept_account(now, kept);
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
