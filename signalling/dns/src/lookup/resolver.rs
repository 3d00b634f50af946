//! The machine: look-ups that share questions, questions that share the servers.

use core::{net::IpAddr, time::Duration};
use std::{collections::BTreeMap, net::SocketAddr};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step, StreamId, Transport};

use super::{
    Candidate, Event, LookupError, LookupId, Query, ResolverConfig,
    cache::Cache,
    exchange::{self, Exchange, Means, Servers},
    number,
    procedure::{self, Facts, Goal, Progress, Taste, Wish},
    search::{Lookup, Source, literal},
    walk::Tree,
};
use crate::{
    outbox::Outbox,
    query::{self, Question, parse_name},
};

/// A stub resolver for calls. One datagram socket per address family and, for long answers, TCP.
///
/// Its streams are named from 2⁴⁰ on, so that it can share a driver with other machines. Datagrams that answer
/// nothing it asked are ignored, so it can also share a socket.
#[derive(Debug)]
pub struct Resolver {
    pub(super) now: Instant,
    pub(super) servers: Servers,
    prefer_v6: bool,
    transports: &'static [Transport],
    eager: bool,
    cache: Cache,
    /// What is known of delegations, when they are followed.
    pub(super) tree: Option<Tree>,
    entropy: Entropy,
    pub(super) lookups: BTreeMap<LookupId, Lookup>,
    pub(super) exchanges: BTreeMap<u64, Exchange>,
    next_lookup: u64,
    next_exchange: u64,
    out: Outbox<Event>,
}

impl Resolver {
    /// A resolver that has asked nothing yet. `entropy` must be unpredictable: message IDs come from it.
    #[must_use]
    pub fn new(config: ResolverConfig, entropy: Entropy) -> Self {
        let ResolverConfig { servers, local, timeout, attempts, prefer_v6, transports, eager, .. } = config;
        let flows = exchange::pair_up(&local, &servers);
        let tree = config.walk.then(|| Tree::new(&flows, config.cache_longest));
        Self {
            now: Instant::ZERO,
            tree,
            servers: Servers { flows, timeout, attempts: attempts.max(1) },
            prefer_v6,
            transports,
            eager,
            cache: Cache::new(config.cache_entries, config.cache_longest),
            entropy,
            lookups: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            next_lookup: 0,
            next_exchange: 0,
            out: Outbox::new(FIRST_STREAM),
        }
    }

    /// Looks for where to send a SIP request (RFC 3263 §4): an IP address stands for itself, as does localhost; with a port only
    /// addresses are asked for; else NAPTR, SRV and addresses, each the fallback of the one before.
    pub fn sip(&mut self, now: Now, query: Query) -> LookupId {
        self.now = self.now.max(now.mono);
        let wish = Wish { transport: query.transport, secure: query.secure, spoken: self.transports };
        if let Some(transport) = wish.impossible() {
            return self.fail_at_once(LookupError::Unsupported { transport });
        }
        if let Some(addresses) = literal(&query.host, self.prefer_v6) {
            let id = self.new_id();
            let transport = wish.plain();
            let port = query.port.unwrap_or(Wish::port(transport));
            let candidates = addresses.into_iter().map(|ip| Candidate {
                address: SocketAddr::new(ip, port),
                transport,
                name: ip.to_string(),
            });
            let candidates = candidates.collect();
            self.out.event(Event::Found { id, candidates, steps: Vec::new() });
            return id;
        }
        match parse_name(&query.host) {
            Some(host) => self.start(Goal::Sip { host, port: query.port, wish }),
            None => self.fail_at_once(LookupError::BadName { name: query.host }),
        }
    }

    /// Looks for where to call a telephone number, `+` and its digits (RFC 6116): [`Event::Number`] tells its URI, then that
    /// is looked for as by [`Resolver::sip`].
    pub fn number(&mut self, now: Now, number: &str) -> LookupId {
        self.now = self.now.max(now.mono);
        let wish = Wish { transport: None, secure: false, spoken: self.transports };
        match number::name(number) {
            Some(name) => self.start(Goal::Number { number: number.to_owned(), name, wish }),
            None => self.fail_at_once(LookupError::BadNumber { number: number.to_owned() }),
        }
    }

    /// Looks for where `service` of a domain is (RFC 2782), for example `_irmv._udp`; where nothing says so, it is at `port`
    /// of the domain itself.
    pub fn service(
        &mut self,
        now: Now,
        service: &str,
        domain: &str,
        port: u16,
        transport: Transport,
    ) -> LookupId {
        self.now = self.now.max(now.mono);
        match (parse_name(&format!("{service}.{domain}")), parse_name(domain)) {
            (Some(name), Some(domain)) => self.start(Goal::Service { name, domain, port, transport }),
            _ => self.fail_at_once(LookupError::BadName { name: domain.to_owned() }),
        }
    }

    /// Looks for the addresses of a host; the candidates have port 0.
    pub fn address(&mut self, now: Now, name: &str) -> LookupId {
        self.now = self.now.max(now.mono);
        match parse_name(name) {
            Some(host) => self.start(Goal::Address(host)),
            None => self.fail_at_once(LookupError::BadName { name: name.to_owned() }),
        }
    }

    /// Looks for the names of an address (RFC 1035 §3.5, RFC 3596 §2.5); one candidate per name.
    pub fn reverse(&mut self, now: Now, ip: IpAddr) -> LookupId {
        self.now = self.now.max(now.mono);
        self.start(Goal::Reverse(ip))
    }

    /// Ends a look-up without an event.
    pub fn cancel(&mut self, id: LookupId) {
        self.lookups.remove(&id);
    }

    /// Forgets every remembered answer: the network has changed, or someone wants to know it anew.
    pub fn forget(&mut self) {
        self.cache.clear();
        self.tree.iter_mut().for_each(Tree::clear);
    }

    /// The network has changed: `local` are our addresses from now on. What is in the air is asked again from there.
    pub fn rebind(&mut self, now: Now, local: &[SocketAddr], servers: &[SocketAddr]) {
        self.now = self.now.max(now.mono);
        self.servers.flows = exchange::pair_up(local, servers);
        self.cache.clear();
        if let Some(tree) = &mut self.tree {
            tree.move_to(&self.servers.flows);
        }
        let open: Vec<u64> = self.exchanges.keys().copied().collect();
        for key in open {
            if let Some(question) = self.exchanges.get(&key).map(|exchange| exchange.question.clone()) {
                let way = self.way_to(&question);
                self.with_exchange(key, |exchange, means| {
                    exchange.close_stream(means);
                    *exchange = Exchange::new(question, means.now).walking(way);
                    exchange.ask(means)
                });
            }
        }
    }

    fn new_id(&mut self) -> LookupId {
        self.next_lookup += 1;
        LookupId(self.next_lookup)
    }

    fn fail_at_once(&mut self, error: LookupError) -> LookupId {
        let id = self.new_id();
        self.out.event(Event::Failed { id, error, steps: Vec::new() });
        id
    }

    fn start(&mut self, goal: Goal) -> LookupId {
        if self.servers.flows.is_empty() {
            return self.fail_at_once(LookupError::NoServer);
        }
        if self.lookups.len() >= MAX_LOOKUPS {
            return self.fail_at_once(LookupError::Overload);
        }
        let id = self.new_id();
        let likely = if self.eager { procedure::likely_questions(&goal) } else { Vec::new() };
        let (facts, wanted) = (Facts::new(), likely.clone());
        self.lookups.insert(id, Lookup { goal, facts, steps: Vec::new(), wanted, hurry_at: None });
        for question in likely {
            if !self.recall(id, &question) {
                self.ask(question);
            }
        }
        self.advance(id);
        id
    }

    /// Takes the answer to `question` from the cache, if it is there.
    fn recall(&mut self, id: LookupId, question: &Question) -> bool {
        let (Some(answer), Some(lookup)) = (self.cache.get(self.now, question), self.lookups.get_mut(&id))
        else {
            return false;
        };
        lookup.learn(question, Ok(answer), Source::default());
        true
    }

    /// Starts an exchange, unless the question is in the air already.
    pub(super) fn ask(&mut self, question: Question) {
        if self.exchanges.values().any(|exchange| exchange.question == question) {
            return;
        }
        let key = self.next_exchange;
        self.next_exchange += 1;
        let way = self.way_to(&question);
        self.exchanges.insert(key, Exchange::new(question, self.now).walking(way));
        self.with_exchange(key, Exchange::ask);
    }

    /// Lets one exchange take a step and, when that ends it, spreads what it found.
    pub(super) fn with_exchange(
        &mut self,
        key: u64,
        step: impl FnOnce(&mut Exchange, &mut Means<'_>) -> Option<exchange::Outcome>,
    ) {
        let Some(exchange) = self.exchanges.get_mut(&key) else { return };
        let mut means =
            Means { now: self.now, servers: &self.servers, entropy: &mut self.entropy, out: &mut self.out };
        let Some(mut outcome) = step(exchange, &mut means) else { return };
        if let Some(referral) = outcome.referral.take()
            && self.follow(key, outcome.server, &referral)
        {
            return;
        }
        let Some(ended) = self.exchanges.remove(&key) else { return };
        if let Ok(answer) = &outcome.result {
            self.cache.put(self.now, &ended.question, answer);
        }
        let zone = ended.way.as_ref().map(|way| query::plain(&way.zone));
        let source = Source { server: outcome.server, zone, took: self.now.since(ended.started) };
        let mut waiting = Vec::new();
        for (id, lookup) in &mut self.lookups {
            if lookup.wants(&ended.question) {
                lookup.learn(&ended.question, outcome.result.as_ref(), source.clone());
                waiting.push(*id);
            }
        }
        self.found_server(&ended.question, outcome.result.ok().as_ref());
        for id in waiting {
            self.advance(id);
        }
    }

    /// Goes on with a look-up as far as what is known leads.
    fn advance(&mut self, id: LookupId) {
        loop {
            let Some(lookup) = self.lookups.get_mut(&id) else { return };
            let hurry = lookup.hurry_at.is_some_and(|at| at <= self.now);
            let taste = Taste { prefer_v6: self.prefer_v6, hurry };
            let progress = procedure::evaluate(&lookup.goal, &lookup.facts, taste, &mut self.entropy);
            if !matches!(progress, Progress::Need { .. })
                && let Some(uri) = procedure::uri_of(&lookup.goal, &lookup.facts)
            {
                self.out.event(Event::Number { id, uri });
            }
            match progress {
                Progress::Found(candidates) => {
                    let steps = core::mem::take(&mut lookup.steps);
                    self.out.event(Event::Found { id, candidates, steps });
                    self.lookups.remove(&id);
                    return;
                }
                Progress::Failed(error) => return self.fail(id, error),
                Progress::Need { .. } if lookup.facts.len() > MAX_FACTS => {
                    return self.fail(id, LookupError::Overload);
                }
                Progress::Need { open, found } => {
                    if found > 0 && lookup.hurry_at.is_none() {
                        lookup.hurry_at = Some(self.now + PATIENCE);
                    }
                    let mut recalled = false;
                    let mut missing = Vec::new();
                    for question in open {
                        if self.recall(id, &question) {
                            recalled = true;
                        } else {
                            missing.push(question);
                        }
                    }
                    if !recalled {
                        self.want(id, missing);
                        return;
                    }
                }
            }
        }
    }

    fn want(&mut self, id: LookupId, questions: Vec<Question>) {
        for question in questions {
            match self.lookups.get_mut(&id) {
                Some(lookup) if !lookup.wanted.contains(&question) => lookup.wanted.push(question.clone()),
                Some(_) => {}
                None => return,
            }
            self.ask(question);
        }
    }

    fn fail(&mut self, id: LookupId, error: LookupError) {
        if let Some(lookup) = self.lookups.remove(&id) {
            self.out.event(Event::Failed { id, error, steps: lookup.steps });
        }
    }

    fn on_stream(
        &mut self,
        stream: StreamId,
        step: impl FnOnce(&mut Exchange, &mut Means<'_>) -> Option<exchange::Outcome>,
    ) {
        let key = self
            .exchanges
            .iter()
            .find(|(_, exchange)| exchange.stream() == Some(stream))
            .map(|(key, _)| *key);
        if let Some(key) = key {
            self.with_exchange(key, step);
        }
    }
}

impl Machine for Resolver {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = self.now.max(now.mono);
        match input {
            Arrival::Datagram { flow: Flow::Udp(flow), bytes } => {
                let found = self.exchanges.iter().filter(|(_, exchange)| exchange.expects(flow, bytes));
                for key in found.map(|(key, _)| *key).collect::<Vec<_>>() {
                    self.with_exchange(key, |exchange, means| exchange.on_datagram(flow, bytes, means));
                }
            }
            Arrival::Stream { stream, bytes } => {
                self.on_stream(stream, |exchange, means| exchange.on_stream(bytes, means));
            }
            Arrival::Connected { stream, .. } => self.on_stream(stream, |exchange, means| {
                exchange.on_connected(means);
                None
            }),
            Arrival::Closed { stream, .. } => self.on_stream(stream, Exchange::on_closed),
            Arrival::Datagram { .. } | Arrival::Identified { .. } | Arrival::Durable { .. } => {}
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = self.now.max(now.mono);
        let due = self.exchanges.iter().filter(|(_, exchange)| exchange.deadline <= self.now);
        let due: Vec<u64> = due.map(|(key, _)| *key).collect();
        for key in due {
            self.with_exchange(key, Exchange::on_deadline);
        }
        let hurried =
            self.lookups.iter().filter(|(_, lookup)| lookup.hurry_at.is_some_and(|at| at <= self.now));
        let hurried: Vec<LookupId> = hurried.map(|(id, _)| *id).collect();
        for id in hurried {
            self.advance(id);
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        if let Some(step) = self.out.pop(out) {
            return step;
        }
        let deadlines = self.exchanges.values().map(|exchange| exchange.deadline);
        let hurries = self.lookups.values().filter_map(|lookup| lookup.hurry_at);
        Step::Wait(deadlines.chain(hurries).min())
    }
}

/// Streams of this machine have even names from here on.
const FIRST_STREAM: u64 = 1 << 40;
/// After the first address has come, this long for the other ones (RFC 8305 §3 gives them 50 ms on a fast path).
const PATIENCE: Duration = Duration::from_millis(200);
/// Look-ups at once.
const MAX_LOOKUPS: usize = 256;
/// Answers that one look-up may gather.
const MAX_FACTS: usize = 64;
