//! The role that registers users and connects their calls.

mod capture;
mod config;
mod everywhere;
mod hep;
mod ledger;
mod limits;
mod seen;
mod state;
mod store;
mod users;

use core::convert::Infallible;
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Append, Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step};
use rove_dns::lookup::{self, LookupId, Query, Resolver, ResolverConfig};
use rove_driver::Tls;
use rove_sip::{
    message::{Host, SipUri, StatusCode},
    registrar::MemoryLimits,
    server::{ConsultId, Event, Grant, ResolveId, SipServer, Treatment},
    transport::LocalAddress,
};
use serde_json::Value;

pub use config::{SipConfig, SipExpires, SipHep, SipListen, SipMode, SipTls};
pub(crate) use config::{dns_local, option};
pub use limits::SipLimits;
pub use state::{SipState, SipWatchers};
pub use users::SipUser;

pub(crate) use self::store::NodeStore;
use self::{capture::Sinks, ledger::Ledger, seen::Seen};
use crate::{
    calls::{CallAnswer, CallQuestion, refused},
    config::NodeConfig,
    dns::Ration,
    driver::{Role, Unreadable, eventless},
    node::NodeError,
    operate::{Act, View},
    tenant::TenantConfig,
};

/// The server with what only a running program has: a resolver, and files to tell.
pub(crate) struct SipRole {
    server: SipServer<NodeStore>,
    resolver: Option<Resolver>,
    /// Where the resolver asks from.
    resolver_at: Option<SocketAddr>,
    resolving: HashMap<LookupId, ResolveId>,
    /// Calls to numbers that are looked up, and the URI where it is known.
    numbers: HashMap<LookupId, (ConsultId, Box<Grant>)>,
    /// What the other roles are to be asked.
    questions: VecDeque<CallQuestion>,
    domains: Vec<Host>,
    ledger: Option<Ledger>,
    sinks: Sinks,
    refusals: Ration,
    seen: Seen,
    /// Whose it is, where it is run on another's behalf.
    tenant: Option<String>,
    config: SipConfig,
}

impl SipRole {
    /// Listens at `local`, keeps bindings in what `store` makes within these limits, asks for names from `resolver_at`, and
    /// what becomes of calls where there are `services`.
    pub(crate) fn new(
        config: &SipConfig,
        local: Vec<LocalAddress>,
        resolver_at: Option<SocketAddr>,
        services: bool,
        store: impl FnOnce(MemoryLimits) -> NodeStore,
        mut entropy: Entropy,
    ) -> Result<Self, NodeError> {
        let resolver = resolver_at.map(|at| {
            let config = ResolverConfig::new(config.dns_servers.clone(), vec![at]);
            Resolver::new(config, entropy.fork())
        });
        let ledger = config.calls_file.as_deref().map(Ledger::open).transpose()?;
        let sinks = Sinks::open(config)?;
        let mut of_server = config.server(local)?;
        of_server.services |= services;
        let domains = of_server.registrar.domains.clone();
        let store = store(of_server.bindings);
        let server = SipServer::with_store(of_server, store, entropy);
        let config = config.clone();
        Ok(Self {
            server,
            resolver,
            resolver_at,
            resolving: HashMap::new(),
            numbers: HashMap::new(),
            questions: VecDeque::new(),
            domains,
            ledger,
            sinks,
            refusals: Ration::default(),
            seen: Seen::default(),
            tenant: None,
            config,
        })
    }

    /// The same, run on behalf of whoever has this domain, if that is somebody else.
    pub(crate) fn of(self, tenant: Option<&str>) -> Self {
        Self { tenant: tenant.map(str::to_owned), ..self }
    }

    fn note(&mut self, now: Now, event: Event) {
        match event {
            Event::Registered { aor, bindings, from } => {
                tracing::info!(target: "rove::sip", %aor, bindings, %from, "registered");
            }
            Event::Refused { method, user, from } => {
                self.seen.refused();
                // Anyone can send what is refused; the log is not theirs to fill.
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::sip", %method, %user, %from, unsaid, "refused");
                }
            }
            Event::Flooding { from } => {
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::sip", %from, unsaid, "sends more than it may");
                }
            }
            Event::Call(record) => {
                let (call_id, status) = (record.call_id.as_str(), record.status.code());
                tracing::info!(target: "rove::sip", call_id, status, end = ?record.end, "call");
                self.seen.call(&record);
                if let Some(ledger) = &mut self.ledger {
                    ledger.write(&record);
                }
            }
            Event::Consult(call) => {
                self.questions.push_back(CallQuestion { call, domains: self.domains.clone() });
            }
            Event::Resolve { id, uri } => self.resolve(now, id, &uri),
            Event::Message { at, hop, sent, bytes } => self.sinks.take(at, &hop, sent, &bytes),
            _ => {}
        }
    }

    fn resolve(&mut self, now: Now, id: ResolveId, uri: &SipUri) {
        let Some(resolver) = &mut self.resolver else { return self.server.resolved(now, id, &[]) };
        let (host, port) = (uri.host.to_string(), uri.port);
        let query = Query { host, port, transport: uri.transport(), secure: uri.secure };
        self.resolving.insert(resolver.sip(now, query), id);
    }

    /// A number that is no subscriber's: its user's here, or what it stands for is looked up.
    fn look_up(&mut self, now: Now, id: ConsultId, number: &str, mut grant: Box<Grant>) {
        if let Some(uri) = self.server.store().called_by(now, number, &self.domains) {
            grant.instead = Some(uri);
            return self.server.treated(now, id, Treatment::Granted(grant));
        }
        match &mut self.resolver {
            Some(resolver) => drop(self.numbers.insert(resolver.number(now, number), (id, grant))),
            None => self.server.treated(now, id, unallocated()),
        }
    }

    /// A look-up of a number has brought its URI, or nothing. Gives the event back when it was about something else.
    fn number_found(&mut self, now: Now, event: lookup::Event) -> Option<lookup::Event> {
        let (id, uri) = match &event {
            lookup::Event::Number { id, uri } => (*id, uri.parse().ok()),
            lookup::Event::Found { id, .. } | lookup::Event::Failed { id, .. } => (*id, None),
            _ => return None,
        };
        let Some((consult, mut grant)) = self.numbers.remove(&id) else { return Some(event) };
        let treatment = match uri {
            Some(uri) => {
                grant.instead = Some(uri);
                Treatment::Granted(grant)
            }
            None => unallocated(),
        };
        self.server.treated(now, consult, treatment);
        None
    }

    fn found(&mut self, now: Now, event: lookup::Event) {
        let Some(event) = self.number_found(now, event) else { return };
        let (id, ways) = match event {
            lookup::Event::Found { id, candidates, .. } => {
                (id, candidates.into_iter().map(|one| (one.transport, one.address)).collect())
            }
            lookup::Event::Failed { id, error, .. } => {
                tracing::debug!(target: "rove::sip", %error, "a host was not found");
                (id, Vec::new())
            }
            _ => return,
        };
        if let Some(id) = self.resolving.remove(&id) {
            self.server.resolved(now, id, &ways);
        }
    }
}

impl Role for SipRole {
    fn tag(&self) -> u8 {
        if self.tenant.is_some() { TAG_OF_TENANTS } else { TAG }
    }

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        let ours = |flow: Flow| matches!(flow, Flow::Udp(flow) if Some(flow.local.port()) == self.resolver_at.map(|at| at.port()));
        match (&mut self.resolver, input) {
            (_, Arrival::Durable { ticket }) => {
                self.server.store().durable(ticket);
                self.server.tick(now);
            }
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
            if let Some((ticket, record)) = self.server.store().next_record() {
                return Step::Append(Append { range: out.push(&record), ticket });
            }
            let wait = match eventless(self.server.poll(out)) {
                Ok(Step::Wait(until)) => until,
                Ok(step) => return step,
                Err(event) => {
                    self.note(now, event);
                    continue;
                }
            };
            let Some(resolver) = &mut self.resolver else {
                self.sinks.flush();
                return Step::Wait(wait);
            };
            match eventless(resolver.poll(out)) {
                Ok(Step::Wait(until)) => {
                    self.sinks.flush();
                    return Step::Wait(Instant::earliest(wait, until));
                }
                Ok(step) => return step,
                Err(event) => self.found(now, event),
            }
        }
    }

    fn question(&mut self) -> Option<CallQuestion> {
        self.questions.pop_front()
    }

    fn learned(&mut self, now: Now, question: CallQuestion, answer: Option<CallAnswer>) {
        let id = question.call.id;
        match (answer, question.number()) {
            (Some(CallAnswer::Treatment(treatment)), _) => self.server.treated(now, id, treatment),
            (Some(CallAnswer::Number(number, grant)), _) => self.look_up(now, id, &number, grant),
            (None, Some(number)) => self.look_up(now, id, &number, Box::default()),
            (None, None) => self.server.treated(now, id, Treatment::Granted(Box::default())),
        }
    }

    fn replay(&mut self, record: &[u8]) -> Result<bool, Unreadable> {
        Ok(self.server.store().replay(record)?)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        if self.tenant.is_some() {
            // What is a tenant's is in no journal.
            return Some(Vec::new());
        }
        self.server.stored().snapshot()
    }

    fn journal_failed(&mut self, now: Now) {
        self.server.store().journal_failed();
        self.server.tick(now);
    }

    /// Takes certificates, users, limits and trusted servers over. What cannot be read leaves things as they are.
    fn reload(&mut self, config: &NodeConfig) -> Option<Tls> {
        let ours = match &self.tenant {
            None => config.sip.clone(),
            Some(domain) => {
                let tenant = config.tenant.iter().find(|tenant| tenant.domain == *domain);
                tenant.map(TenantConfig::sip)
            }
        };
        let ours = ours?;
        self.renew(&ours);
        match ours.tls() {
            Ok(tls) => Some(tls),
            Err(error) => {
                tracing::error!(target: "rove::sip", %error, "the certificate stays as it is");
                None
            }
        }
    }

    fn view(&self, now: Now, tenant: Option<&str>, view: &mut View) {
        self.show(now, tenant, view);
    }

    fn metrics(&self, text: &mut String) {
        self.count(text);
    }

    fn act(&mut self, now: Now, act: &Act) -> Option<Value> {
        self.obey(now, act)
    }
}

/// What the caller of a number hears that nobody has (ITU-T Q.850, cause 1).
fn unallocated() -> Treatment {
    refused(StatusCode::NOT_FOUND, 1, "nobody has this number")
}

const TAG: u8 = 2;
/// They keep nothing in the journal, and are told nothing of it.
const TAG_OF_TENANTS: u8 = 9;
