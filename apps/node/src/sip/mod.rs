//! The role that registers users and connects their calls.

mod capture;
mod config;
mod everywhere;
mod hep;
mod ledger;
mod users;

use core::convert::Infallible;
use std::{collections::HashMap, net::SocketAddr};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step};
use rove_dns::lookup::{self, LookupId, Query, Resolver, ResolverConfig};
use rove_driver::Tls;
use rove_sip::{
    message::SipUri,
    server::{Event, ResolveId, SipServer},
    transport::LocalAddress,
};

pub use config::{SipConfig, SipExpires, SipHep, SipLimits, SipListen, SipMode, SipTls};
pub(crate) use config::{dns_local, option};
pub use users::SipUser;

use self::{capture::Sinks, ledger::Ledger};
use crate::{
    dns::Ration,
    driver::{Role, Unreadable, eventless},
    node::NodeError,
};

/// The server with what only a running program has: a resolver, and files to tell.
pub(crate) struct SipRole {
    server: SipServer,
    resolver: Option<Resolver>,
    /// Where the resolver asks from.
    resolver_at: Option<SocketAddr>,
    resolving: HashMap<LookupId, ResolveId>,
    ledger: Option<Ledger>,
    sinks: Sinks,
    refusals: Ration,
    config: SipConfig,
}

impl SipRole {
    /// Listens at `local`; asks for names from `resolver_at`.
    pub(crate) fn new(
        config: &SipConfig,
        local: Vec<LocalAddress>,
        resolver_at: Option<SocketAddr>,
        mut entropy: Entropy,
    ) -> Result<Self, NodeError> {
        let resolver = resolver_at.map(|at| {
            let config = ResolverConfig::new(config.dns_servers.clone(), vec![at]);
            Resolver::new(config, entropy.fork())
        });
        let ledger = config.calls_file.as_deref().map(Ledger::open).transpose()?;
        let sinks = Sinks::open(config)?;
        let server = SipServer::new(config.server(local)?, entropy);
        let (resolving, refusals) = (HashMap::new(), Ration::default());
        let config = config.clone();
        Ok(Self { server, resolver, resolver_at, resolving, ledger, sinks, refusals, config })
    }

    fn note(&mut self, now: Now, event: Event) {
        match event {
            Event::Registered { aor, bindings, from } => {
                tracing::info!(target: "rove::sip", %aor, bindings, %from, "registered");
            }
            Event::Refused { method, user, from } => {
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
                if let Some(ledger) = &mut self.ledger {
                    ledger.write(&record);
                }
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

    fn found(&mut self, now: Now, event: lookup::Event) {
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

    /// Registrations are not kept: phones renew them.
    fn replay(&mut self, _: &[u8]) -> Result<bool, Unreadable> {
        Ok(false)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        Some(Vec::new())
    }

    fn journal_failed(&mut self, _: Now) {}

    /// Reads certificates and users again. What cannot be read leaves things as they are.
    fn reload(&mut self) -> Option<Tls> {
        if self.config.auth {
            match self.config.users() {
                Ok(users) => self.server.set_users(users),
                Err(error) => tracing::error!(target: "rove::sip", %error, "the users stay as they are"),
            }
        }
        match self.config.tls() {
            Ok(tls) => {
                tracing::info!(target: "rove::sip", "certificates and users were read again");
                Some(tls)
            }
            Err(error) => {
                tracing::error!(target: "rove::sip", %error, "the certificate stays as it is");
                None
            }
        }
    }
}

const TAG: u8 = 2;
