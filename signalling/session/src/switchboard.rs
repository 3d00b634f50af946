//! The one place that carries an ask to its machine and the answer back.

mod accounts;
mod agent;
mod carry;
mod conference;
mod errands;
mod features;
mod finding;
mod relayed;
mod telling;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Nested, Now, Scratch, Step, Transport};
use rove_dns::lookup::{self, LookupId, Resolver, ResolverConfig};
use rove_sip::{
    message::{HeaderName, StatusCode},
    ua::{self, UaConfig, UserAgent},
};

pub(crate) use self::finding::{find, query};
pub use self::relayed::RelayStep;
use crate::{
    CallId, Config, Event, MediaFact, Record, Side, Target,
    account::{AccountId, Accounts},
    call::{Ask, Context, Dialing, Fact, State},
    errand::Errands,
    registration::{Outcome, Registrar},
};

struct Call {
    state: State,
    record: Record,
    invite: Option<ua::CallId>,
    session_id: u64,
    /// What its INVITE says beside the usual.
    headers: Vec<(HeaderName, String)>,
    /// The call by which we were referred to this one.
    referrer: Option<CallId>,
    /// The account it is to be made with.
    account: Option<AccountId>,
    /// Its steps go by way of servers instead of SIP.
    relayed: bool,
}

/// All calls of one phone, with the machines they need: a SIP user agent, a resolver, a registration.
pub struct Switchboard {
    config: Config,
    agent: UserAgent,
    resolver: Resolver,
    registrar: Option<Registrar>,
    accounts: Accounts,
    errands: Errands,
    calls: BTreeMap<CallId, Call>,
    by_invite: HashMap<ua::CallId, CallId>,
    by_lookup: HashMap<LookupId, CallId>,
    events: VecDeque<Event>,
    entropy: Entropy,
    last_call: u64,
    /// The calls that are one conversation; none, or two and more.
    conference: Vec<CallId>,
    /// How many they may be.
    most_parties: usize,
    /// Whether this end is nothing but a conference: also of one call, and told so from the first answer on.
    focus: bool,
    /// Whether our owner takes calls.
    available: bool,
    /// Something has changed of what others are told.
    changed: bool,
    now: Now,
}

impl Switchboard {
    /// A switchboard without calls.
    #[must_use]
    pub fn new(config: Config, mut entropy: Entropy) -> Self {
        let agent = UserAgent::new(
            UaConfig {
                // What program it is, and how old, may tell whose.
                user_agent: if config.anonymous { String::new() } else { config.user_agent.clone() },
                local: config.reached_at(),
                streams: config.streams,
                max_calls: config.most_calls,
                max_watchers: config.most_watchers,
                requests_per_second: config.most_requests,
                max_ringing_per_source: config.most_ringing,
                ..UaConfig::default()
            },
            entropy.fork(),
        );
        let names = ResolverConfig {
            transports: &TRANSPORTS,
            walk: config.dns_walk,
            // One after the other, so that the way to a zone is gone once.
            eager: !config.dns_walk,
            ..ResolverConfig::new(config.dns_servers.clone(), config.dns.clone())
        };
        let resolver = Resolver::new(names, entropy.fork());
        let mut board = Self {
            config,
            agent,
            resolver,
            registrar: None,
            accounts: Accounts::default(),
            errands: Errands::default(),
            calls: BTreeMap::new(),
            by_invite: HashMap::new(),
            by_lookup: HashMap::new(),
            events: VecDeque::new(),
            entropy,
            last_call: 0,
            conference: Vec::new(),
            most_parties: conference::MOST_PARTIES,
            focus: false,
            available: true,
            changed: false,
            now: Now::default(),
        };
        board.tell_watchers();
        board
    }

    /// Calls somebody, with the account whose domain is the target's, else with the first.
    pub fn dial(&mut self, now: Now, target: Target) -> CallId {
        self.dial_as(now, target, Vec::new(), None, None)
    }

    /// Calls somebody with a certain account; one that is not there counts as none.
    pub fn dial_with(&mut self, now: Now, target: Target, account: AccountId) -> CallId {
        self.dial_as(now, target, Vec::new(), None, Some(account))
    }

    fn dial_as(
        &mut self,
        now: Now,
        target: Target,
        headers: Vec<(HeaderName, String)>,
        referrer: Option<CallId>,
        account: Option<AccountId>,
    ) -> CallId {
        self.now = now;
        let record = Record::new(Side::Caller, target.to_string(), target.to_string(), now.mono);
        let (id, mut call) = self.new_call(record);
        (call.headers, call.referrer, call.account) = (headers, referrer, account);
        let mut asks = Vec::new();
        call.state = Dialing::start(
            &mut context(&self.config, now, &mut call.record, &mut asks, call.session_id, &mut self.entropy),
            target,
        );
        self.calls.insert(id, call);
        self.changed = true;
        self.carry(id, asks);
        id
    }

    /// Picks up.
    pub fn answer(&mut self, now: Now, call: CallId) {
        self.show_focus(now, call);
        self.fact(now, call, Fact::Answer);
    }

    /// Refuses with `status`: 486 for busy, 603 for declined.
    pub fn decline(&mut self, now: Now, call: CallId, status: StatusCode) {
        self.fact(now, call, Fact::Decline(status));
    }

    /// Ends a call in whatever state it is.
    pub fn hang_up(&mut self, now: Now, call: CallId) {
        self.fact(now, call, Fact::HangUp);
    }

    /// Reports what the engine has to say about a call.
    pub fn media(&mut self, now: Now, call: CallId, fact: MediaFact) {
        match fact {
            MediaFact::Opened(ports) => self.fact(now, call, Fact::MediaOpened(ports)),
            MediaFact::Unavailable(why) => self.fact(now, call, Fact::NoMedia(why)),
            MediaFact::Candidate(candidate) => self.fact(now, call, Fact::Candidate(candidate)),
            MediaFact::Failed(why) => self.fact(now, call, Fact::MediaFailed(why)),
            MediaFact::FirstAudio(at) => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.record.first_audio.get_or_insert(at);
                }
            }
            MediaFact::Quality(quality) => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.record.quality = Some(quality);
                }
            }
        }
    }

    /// What is known of a call, until it is forgotten.
    #[must_use]
    pub fn record(&self, call: CallId) -> Option<&Record> {
        self.calls.get(&call).map(|call| &call.record)
    }

    /// Forgets a call that is over, and hands out what was known of it. `None` while it is not over.
    pub fn forget(&mut self, call: CallId) -> Option<Record> {
        self.changed = true;
        matches!(self.calls.get(&call)?.state, State::Over)
            .then(|| self.calls.remove(&call))?
            .map(|call| call.record)
    }

    /// What was refused because somebody wanted too much.
    #[must_use]
    pub const fn refused(&self) -> ua::Refused {
        self.agent.refused()
    }

    /// Calls that are not over.
    pub fn running(&self) -> impl Iterator<Item = CallId> {
        self.calls.iter().filter(|(_, call)| !matches!(call.state, State::Over)).map(|(&id, _)| id)
    }

    /// Whether the last message of every call has been exchanged.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running().next().is_none() && self.agent.is_idle()
    }

    fn new_call(&mut self, record: Record) -> (CallId, Call) {
        self.last_call += 1;
        // 62 bits: some peers read the session id as a signed number.
        let session_id = self.entropy.next_u64() >> 2;
        (
            CallId(self.last_call),
            Call {
                state: State::Over,
                record,
                invite: None,
                session_id,
                headers: Vec::new(),
                referrer: None,
                account: None,
                relayed: false,
            },
        )
    }

    fn fact(&mut self, now: Now, id: CallId, fact: Fact) {
        self.now = now;
        let Some(call) = self.calls.get_mut(&id) else { return };
        let mut asks = Vec::new();
        let state = core::mem::replace(&mut call.state, State::Over);
        call.state = state.on(
            &mut context(&self.config, now, &mut call.record, &mut asks, call.session_id, &mut self.entropy),
            fact,
        );
        self.changed = true;
        self.carry(id, asks);
        self.tell_if_over(id);
    }

    fn on_lookup(&mut self, event: lookup::Event) {
        let (id, found, steps) = match event {
            lookup::Event::Found { id, candidates, steps } => (id, Ok(candidates), steps),
            lookup::Event::Failed { id, error, steps } => (id, Err(error), steps),
            lookup::Event::Number { id, uri } => {
                if self.errands.number(id, &uri, &mut self.events) {
                    return;
                }
                if let Some(call) = self.by_lookup.get(&id) {
                    self.fact(self.now, *call, Fact::Number(uri));
                }
                return;
            }
            _ => return,
        };
        let Some(found) = self.accounts.looked_up(self.now, id, found, &mut self.events) else { return };
        let Some(found) = self.errands.looked_up(id, found, &mut self.events) else { return };
        match (self.by_lookup.remove(&id), found) {
            (None, found) => self.events.push_back(Event::LookedUp { id, found, steps }),
            (Some(call), Ok(candidates)) => self.fact(self.now, call, Fact::Found(candidates)),
            (Some(call), Err(error)) => self.fact(self.now, call, Fact::NotFound(error)),
        }
    }

    fn on_registrar(&mut self, outcome: Outcome) {
        self.events.push_back(match outcome {
            Outcome::Published { name } => Event::Registered { name },
            Outcome::Withdrawn { name } => Event::Unregistered { name },
            Outcome::Failed(error) => Event::RegistrationFailed(error),
        });
    }

    fn is_ours(&self, arrival: &Arrival<'_>, addresses: &[SocketAddr]) -> bool {
        match arrival {
            Arrival::Datagram { flow: Flow::Udp(flow), .. } => addresses.iter().any(|a| {
                a.port() == flow.local.port() && (a.ip() == flow.local.ip() || a.ip().is_unspecified())
            }),
            Arrival::Connected { stream, .. }
            | Arrival::Stream { stream, .. }
            | Arrival::Closed { stream, .. } => stream.0 % 2 == 1 || stream.0 < FIRST_OTHER_STREAM,
            _ => true,
        }
    }
}

/// What we speak, best first where the other side has no wish.
const TRANSPORTS: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
/// Even streams from here on are those of look-ups and updates, the ones before are SIP's, as are all that others open.
const FIRST_OTHER_STREAM: u64 = 1 << 40;

impl Machine for Switchboard {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    fn handle(&mut self, now: Now, arrival: Arrival<'_>) {
        self.now = now;
        if self.is_ours(&arrival, &self.config.sip) {
            return self.agent.handle(now, arrival);
        }
        self.resolver.handle(now, arrival);
        if let Some(registrar) = &mut self.registrar {
            registrar.handle(now, arrival);
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.agent.tick(now);
        self.resolver.tick(now);
        self.accounts.tick(now, &mut self.resolver);
        if let Some(registrar) = &mut self.registrar {
            registrar.tick(now);
        }
        let due: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, call)| call.state.deadline().is_some_and(|at| at <= now.mono))
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            self.fact(now, id, Fact::Tick);
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.handed_out(&event);
                return Step::Event(event);
            }
            let mut wake = self.calls.values().filter_map(|call| call.state.deadline()).min();
            wake = Instant::earliest(wake, self.accounts.deadline());
            if self.tell_what_changed() {
                continue;
            }
            match self.agent.poll(out).nested() {
                Nested::Pass(step) => return step,
                Nested::Wait(at) => wake = Instant::earliest(wake, at),
                Nested::Event(event) => {
                    self.on_agent(event);
                    continue;
                }
            }
            match self.resolver.poll(out).nested() {
                Nested::Pass(step) => return step,
                Nested::Wait(at) => wake = Instant::earliest(wake, at),
                Nested::Event(event) => {
                    self.on_lookup(event);
                    continue;
                }
            }
            match self.registrar.as_mut().map_or(Nested::Wait(None), |registrar| registrar.poll(out).nested())
            {
                Nested::Pass(step) => return step,
                Nested::Wait(at) => wake = Instant::earliest(wake, at),
                Nested::Event(outcome) => {
                    self.on_registrar(outcome);
                    continue;
                }
            }
            return Step::Wait(wake);
        }
    }
}

fn context<'a>(
    config: &'a Config,
    now: Now,
    record: &'a mut Record,
    asks: &'a mut Vec<Ask>,
    session_id: u64,
    entropy: &'a mut Entropy,
) -> Context<'a> {
    Context { now, config, record, asks, session_id, entropy }
}
