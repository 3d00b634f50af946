//! Accounts at SIP servers: each is looked up, registered over the ways that are found, and kept registered.

mod news;
mod publications;

use core::time::Duration;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Instant, Now};
use rove_dns::lookup::{Candidate, LookupError, LookupId, Resolver};
use rove_sip::{
    digest::Login,
    event::EventState,
    message::{HeaderName, NameAddr, Uri},
    register::{Push, Registering},
    transport::Hop,
    ua::{self, Failure, RegistrationId, UserAgent},
};

pub use self::news::AccountNews;
use self::publications::{Place, Publications};
use crate::{Config, Event, Target, event::Asker, switchboard::query};

/// Names one account, for the life of the switchboard.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccountId(pub u64);

/// Who we are at a SIP server.
#[derive(Clone, Debug)]
pub struct Account {
    /// Our address of record.
    pub identity: NameAddr,
    /// Where the registrar, or our proxy, is looked up: the domain of the identity, unless another way was asked for.
    pub server: Target,
    /// Name and password.
    pub login: Option<Login>,
    /// Whether others are to reach us there; else only our calls go there.
    pub register: bool,
    /// How long a binding is asked for.
    pub expires: Duration,
    /// Names this phone for ever, as a URN (RFC 5626 §4.1).
    pub instance: Option<String>,
    /// How many ways are to be kept open at once (RFC 5626); one does without that.
    pub flows: usize,
    /// Whether all our calls go by way of `server`.
    pub proxy: bool,
    /// Whether what others may know of us is published there (RFC 3903), and not only told to who asks here.
    pub publish: bool,
    /// How this phone is woken when it sleeps (RFC 8599).
    pub push: Option<Push>,
}

/// All accounts of a switchboard.
#[derive(Default)]
pub(crate) struct Accounts {
    all: BTreeMap<AccountId, Entry>,
    by_lookup: HashMap<LookupId, AccountId>,
    by_registration: HashMap<RegistrationId, AccountId>,
    publications: Publications,
    last: u64,
}

struct Entry {
    account: Account,
    stage: Stage,
    /// The ways that lead to the server.
    hops: Vec<Hop>,
    /// The route that the registrar wants our requests to take.
    route: Vec<NameAddr>,
    /// Whether a binding stands, as far as we know.
    stands: bool,
}

enum Stage {
    /// The server is being looked up.
    Finding,
    /// Our end of the way to the first of these is asked for.
    Routing(Vec<Candidate>),
    /// Nobody knows where the server is; to be looked up again then.
    Lost(Instant),
    Registering(RegistrationId),
    /// Nothing is registered, by our own wish.
    Ready,
}

impl Accounts {
    /// Takes up an account, and looks its server up.
    pub(crate) fn add(&mut self, now: Now, resolver: &mut Resolver, account: Account) -> AccountId {
        self.last += 1;
        let id = AccountId(self.last);
        let lookup = resolver.sip(now, query(&account.server));
        self.by_lookup.insert(lookup, id);
        self.all.insert(id, Entry::new(account, Stage::Finding));
        id
    }

    /// Publishes what is told of us where that is wanted, anew when it has changed.
    pub(crate) fn publish(&mut self, now: Now, agent: &mut UserAgent, states: &[(&str, EventState)]) {
        for (id, entry) in self.all.iter().filter(|(_, entry)| entry.account.publish && entry.stands) {
            let route = entry.route.iter().map(|route| (HeaderName::Route, route.to_string())).collect();
            let place = Place { hops: &entry.hops, entity: &entry.account.identity, route };
            self.publications.publish(now, agent, *id, &place, states);
        }
    }

    /// Whether anything is to be published.
    pub(crate) fn publishes(&self) -> bool {
        self.all.values().any(|entry| entry.account.publish && entry.stands)
    }

    /// Registers anew at once.
    pub(crate) fn refresh(&self, now: Now, agent: &mut UserAgent, id: AccountId) {
        if let Some(Stage::Registering(registration)) = self.all.get(&id).map(|entry| &entry.stage) {
            agent.reregister(now, *registration);
        }
    }

    /// Gives an account up. `true` when a registration must be taken back first, which is told later.
    pub(crate) fn remove(&mut self, now: Now, agent: &mut UserAgent, id: AccountId) -> bool {
        self.publications.withdraw(now, agent, id);
        match self.all.get_mut(&id) {
            Some(Entry { stage: Stage::Registering(registration), stands, .. }) => {
                // What changes from here on is not published any more.
                *stands = false;
                agent.unregister(now, *registration);
                true
            }
            _ => {
                self.all.remove(&id);
                false
            }
        }
    }

    /// All of them.
    pub(crate) fn ids(&self) -> Vec<AccountId> {
        self.all.keys().copied().collect()
    }

    /// The account that a call to `target` is made with, if any: the one that is `wanted`, else one whose domain is the
    /// target's, else the first.
    fn to_call(&self, target: &Target, wanted: Option<AccountId>) -> Option<&Entry> {
        let host = &target.uri().host;
        let at_home =
            |entry: &&Entry| entry.account.identity.uri.as_sip().is_some_and(|ours| ours.host == *host);
        let wanted = wanted.and_then(|id| self.all.get(&id));
        wanted.or_else(|| self.all.values().find(at_home)).or_else(|| self.all.values().next())
    }

    /// Who calls `target`.
    pub(crate) fn identity(&self, target: &Target, wanted: Option<AccountId>) -> Option<&NameAddr> {
        self.to_call(target, wanted).map(|entry| &entry.account.identity)
    }

    /// A number as our server knows it, when calls of the account go there and nobody else was asked; else `target`.
    pub(crate) fn spelled(&self, target: &Target, wanted: Option<AccountId>) -> Target {
        let entry = self.to_call(target, wanted).filter(|entry| entry.account.proxy);
        let domain = entry.and_then(|entry| Some(entry.account.identity.uri.as_sip()?.host.clone()));
        domain.map_or_else(|| target.clone(), |domain| target.in_domain(&domain))
    }

    /// Where a call to `target` is looked up: at our proxy, if all calls of the account go there.
    pub(crate) fn way(&self, target: &Target, wanted: Option<AccountId>) -> Target {
        let proxy = self.to_call(target, wanted).filter(|entry| entry.account.proxy);
        proxy.map_or_else(|| target.clone(), |entry| entry.account.server.clone())
    }

    /// The route of a request to `target` along `hop`: what the registrar wants, where the request goes to it.
    pub(crate) fn route(&self, target: &Target, wanted: Option<AccountId>, hop: &Hop) -> Vec<String> {
        let here = |one: &Hop| (one.transport, one.remote) == (hop.transport, hop.remote);
        let entry = self.to_call(target, wanted).filter(|entry| entry.hops.iter().any(here));
        entry.map(|entry| entry.route.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }

    /// A look-up is done. Gives its result back when it was none of ours.
    pub(crate) fn looked_up(
        &mut self,
        now: Now,
        lookup: LookupId,
        found: Result<Vec<Candidate>, LookupError>,
        events: &mut VecDeque<Event>,
    ) -> Option<Result<Vec<Candidate>, LookupError>> {
        let Some(id) = self.by_lookup.remove(&lookup) else { return Some(found) };
        let entry = self.all.get_mut(&id)?;
        match found {
            Ok(candidates) if !candidates.is_empty() => entry.route_to_first(id, candidates, events),
            Ok(_) => entry.lose(now, id, "its name has no address", events),
            Err(error) => entry.lose(now, id, &error.to_string(), events),
        }
        None
    }

    /// Our end of the way to the server is known, or there is none.
    pub(crate) fn routed(
        &mut self,
        now: Now,
        id: AccountId,
        local: Result<SocketAddr, String>,
        machines: (&Config, &mut UserAgent),
        events: &mut VecDeque<Event>,
    ) {
        let (config, agent) = machines;
        let Some(entry) = self.all.get_mut(&id) else { return };
        let Stage::Routing(candidates) = core::mem::replace(&mut entry.stage, Stage::Ready) else { return };
        let local = match local {
            Ok(local) => local,
            Err(_) if candidates.len() > 1 => {
                return entry.route_to_first(id, candidates.into_iter().skip(1).collect(), events);
            }
            Err(why) => return entry.lose(now, id, &why, events),
        };
        let same_family = candidates.iter().filter(|one| one.address.is_ipv4() == local.is_ipv4());
        let hops = same_family
            .take(MOST_WAYS)
            .map(|one| Hop::toward(one.transport, config.local(one.transport, local), one.address));
        entry.hops = hops.collect();
        if let Some(name) = entry.account.server.name() {
            for hop in entry.hops.iter().filter(|hop| hop.transport.is_secure()) {
                agent.connections().expect_name(hop.transport, hop.remote, &name);
            }
        }
        if let Some(registration) = entry.start(now, agent) {
            self.by_registration.insert(registration, id);
        }
    }

    /// What the user agent says of a registration. Gives the event back when it is about something else.
    pub(crate) fn on_agent(&mut self, event: ua::Event, events: &mut VecDeque<Event>) -> Option<ua::Event> {
        let (id, news) = match event {
            ua::Event::Registered { registration, hop, expires, route, public, push, .. } => {
                let id = self.by_registration.get(&registration).copied()?;
                if let Some(entry) = self.all.get_mut(&id) {
                    (entry.route, entry.stands) = (route, true);
                    if entry.account.push.is_some() {
                        let news = AccountNews::Push { provider: push };
                        events.push_back(Event::Account { account: id, news });
                    }
                }
                (id, AccountNews::Registered { server: hop.remote, expires, public })
            }
            ua::Event::RegistrationFailed { registration, failure, retry_in, .. } => {
                let id = self.by_registration.get(&registration).copied()?;
                if let Some(entry) = self.all.get_mut(&id) {
                    entry.stands = false;
                }
                (id, AccountNews::Failed { why: reason(&failure), retry_in })
            }
            ua::Event::Unregistered { registration } => {
                let id = self.by_registration.remove(&registration)?;
                self.all.remove(&id);
                (id, AccountNews::Unregistered)
            }
            other => return self.publications.on_agent(other, events),
        };
        events.push_back(Event::Account { account: id, news });
        None
    }

    /// Looks up again what could not be found.
    pub(crate) fn tick(&mut self, now: Now, resolver: &mut Resolver) {
        for (id, entry) in &mut self.all {
            if matches!(entry.stage, Stage::Lost(at) if at <= now.mono) {
                entry.stage = Stage::Finding;
                self.by_lookup.insert(resolver.sip(now, query(&entry.account.server)), *id);
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let deadline = |entry: &Entry| match entry.stage {
            Stage::Lost(at) => Some(at),
            _ => None,
        };
        self.all.values().filter_map(deadline).min()
    }
}

impl Entry {
    const fn new(account: Account, stage: Stage) -> Self {
        Self { account, stage, hops: Vec::new(), route: Vec::new(), stands: false }
    }

    fn route_to_first(&mut self, id: AccountId, candidates: Vec<Candidate>, events: &mut VecDeque<Event>) {
        if let Some(first) = candidates.first() {
            events.push_back(Event::FindRoute { whose: Asker::Account(id), toward: first.address });
        }
        self.stage = Stage::Routing(candidates);
    }

    fn lose(&mut self, now: Now, id: AccountId, why: &str, events: &mut VecDeque<Event>) {
        self.stage = Stage::Lost(now.mono + LOOK_AGAIN);
        let why = format!("{} cannot be found: {why}", self.account.server);
        events.push_back(Event::Account {
            account: id,
            news: AccountNews::Failed { why, retry_in: Some(LOOK_AGAIN) },
        });
    }

    /// Registers, or only makes the password known.
    fn start(&mut self, now: Now, agent: &mut UserAgent) -> Option<RegistrationId> {
        let account = &self.account;
        if !account.register {
            if let Some(login) = account.login.clone() {
                agent.set_login(&account.identity, login, &self.hops);
            }
            return None;
        }
        let count = account.flows.clamp(1, self.hops.len().max(1));
        let flow = |first: usize| {
            let others = self.hops.iter().cycle().skip(first).take(self.hops.len());
            others.copied().collect::<Vec<Hop>>()
        };
        let flows = if count > 1 { (0..count).map(flow).collect() } else { vec![self.hops.clone()] };
        let registration = agent.register(
            now,
            Registering {
                aor: account.identity.clone(),
                registrar: domain_of(&account.identity.uri),
                flows,
                route: Vec::new(),
                login: account.login.clone(),
                expires: account.expires,
                instance: account.instance.clone(),
                contact_params: String::new(),
                push: account.push.clone(),
            },
        );
        self.stage = Stage::Registering(registration);
        Some(registration)
    }
}

/// The URI of a registrar: the domain without user and parameters (RFC 3261 §10.2).
fn domain_of(aor: &Uri) -> Uri {
    match aor.as_sip() {
        Some(sip) => {
            let mut domain = rove_sip::message::SipUri::new(sip.host.clone());
            (domain.port, domain.secure) = (sip.port, sip.secure);
            domain.into()
        }
        None => aor.clone(),
    }
}

/// Why a registration failed, as a sentence that says what to look at.
fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Status { code, reason, .. } => match code.code() {
            401 | 407 => "the server does not take the password; check user, password and realm".into(),
            403 => format!("the server forbids it ({code} {reason}); check the user and what it may do"),
            404 => format!("the server does not know this address ({code} {reason})"),
            _ => format!("the server says {code} {reason}"),
        },
        Failure::Timeout => "the server does not answer; check its address and that it is running".into(),
        Failure::Transport => "there is no way to the server; check its address, port and transport".into(),
        Failure::NotBound => "the server says yes, but does not list our address".into(),
        other => format!("{other:?}"),
    }
}

/// More ways than this are not tried.
const MOST_WAYS: usize = 8;
/// How long after a look-up without result it is tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
