//! Servers, agents and peers written by hand on a virtual network, in virtual time.

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step, UdpFlow, UnixTime};

use crate::{
    digest::{Algorithm, Answerer, Asking, Login, Users},
    message::{HeaderName, Message, Request, Response, StatusCode},
    registrar::RegistrarConfig,
    server::{CallRecord, Consultation, Event, ResolveId, SipServer, SipServerConfig, Treatment},
    transport::{Hop, LocalAddress},
    ua::{self, CallId, OutgoingInvite, UaConfig, UserAgent},
};

pub(super) const PROXY: &str = "192.0.2.1:5060";
pub(super) const OFFER: &[u8] = b"v=0 offer";
pub(super) const ANSWER: &[u8] = b"v=0 answer";

/// Everything in the world, by its address.
pub(super) struct World {
    pub(super) now: Now,
    pub(super) servers: BTreeMap<SocketAddr, SipServer>,
    pub(super) agents: BTreeMap<SocketAddr, UserAgent>,
    pub(super) told: VecDeque<(SocketAddr, ua::Event)>,
    pub(super) events: Vec<Event>,
    pub(super) resolves: Vec<(SocketAddr, ResolveId)>,
    /// What came to addresses where nobody is.
    pub(super) stray: VecDeque<(SocketAddr, SocketAddr, String)>,
    /// First words of what went over the wire, with both ends.
    pub(super) log: Vec<(SocketAddr, SocketAddr, String)>,
    pub(super) lose: Loss,
    /// Who knows the subscribers, where a server asks.
    pub(super) treat: Box<dyn FnMut(&Consultation) -> Treatment>,
    wire: BTreeMap<(Instant, usize), (UdpFlow, Vec<u8>)>,
}

/// Whether a datagram gets lost, by its number and text.
type Loss = Box<dyn FnMut(usize, &str) -> bool>;

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A proxy for home.example at `at`, which asks for passwords when there are users.
pub(super) fn config(at: &str, users: &[(&str, &str)]) -> SipServerConfig {
    let registrar = RegistrarConfig::new(vec!["home.example".parse().unwrap()]);
    let mut config = SipServerConfig::new(registrar, vec![LocalAddress::udp(addr(at))]);
    if !users.is_empty() {
        let mut all = Users::new("home.example");
        users.iter().for_each(|(user, password)| all.add_password(user, password, &Algorithm::ALL));
        config.users = Some(all);
    }
    config
}

impl World {
    pub(super) fn new(configs: Vec<SipServerConfig>) -> Self {
        let servers = configs.into_iter().enumerate().map(|(seed, config)| {
            let address = config.local[0].address;
            (address, SipServer::new(config, Entropy::from_number(seed as u64 + 100)))
        });
        Self {
            now: Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) },
            servers: servers.collect(),
            agents: BTreeMap::new(),
            told: VecDeque::new(),
            events: Vec::new(),
            resolves: Vec::new(),
            stray: VecDeque::new(),
            log: Vec::new(),
            lose: Box::new(|_, _| false),
            treat: Box::new(|_| Treatment::Granted(Box::default())),
            wire: BTreeMap::new(),
        }
    }

    /// One proxy without passwords, and agents at these addresses.
    pub(super) fn open(agents: &[&str]) -> Self {
        let mut world = Self::new(vec![config(PROXY, &[])]);
        agents.iter().for_each(|at| world.add_agent(at));
        world
    }

    pub(super) fn add_agent(&mut self, at: &str) {
        let address = addr(at);
        let seed = u64::from(address.port()) + 7 * self.agents.len() as u64;
        let config = UaConfig { local: vec![LocalAddress::udp(address)], ..UaConfig::default() };
        self.agents.insert(address, UserAgent::new(config, Entropy::from_number(seed)));
    }

    /// `from` sends this to `to`.
    pub(super) fn say(&mut self, from: &str, to: &str, text: &str) {
        self.send(UdpFlow { local: addr(from), remote: addr(to) }, text.as_bytes().to_vec());
        self.run_ms(30);
    }

    /// The same, and no time passes.
    pub(super) fn send_now(&mut self, from: &str, to: &str, text: &str) {
        self.send(UdpFlow { local: addr(from), remote: addr(to) }, text.as_bytes().to_vec());
    }

    /// The next message that came to `at`, where nobody is.
    pub(super) fn hear(&mut self, at: &str) -> Message {
        for _ in 0..200_000 {
            if let Some(found) = self.stray.iter().position(|(to, _, _)| *to == addr(at)) {
                let (_, _, text) = self.stray.remove(found).unwrap();
                return Message::parse(text.as_bytes()).unwrap();
            }
            self.run_ms(1);
        }
        panic!("nothing came to {at}: {:#?}", self.log);
    }

    pub(super) fn hear_request(&mut self, at: &str, method: &str) -> Request {
        match self.hear(at) {
            Message::Request(request) if request.method.as_str() == method => request,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn hear_response(&mut self, at: &str, status: u16) -> Response {
        match self.hear(at) {
            Message::Response(response) if response.status.code() == status => response,
            other => panic!("{status} expected: {other:?}"),
        }
    }

    /// `at` answers a request it has heard from the proxy.
    pub(super) fn reply(&mut self, at: &str, request: &Request, status: u16, more: &[(HeaderName, &str)]) {
        let mut response = request.response(StatusCode::new(status).unwrap());
        let to = request.headers.to().unwrap();
        if to.tag().is_none() && status > 100 {
            let tag = at.replace(['.', ':'], "");
            response.headers.set(HeaderName::To, to.with_tag(&tag).to_string());
        }
        response.headers.copy(&HeaderName::RecordRoute, &request.headers);
        for (name, value) in more {
            response.headers.push(name.clone(), *value);
        }
        let mut bytes = Vec::new();
        response.write(&mut bytes);
        let via = request.headers.via().unwrap();
        let to = SocketAddr::new(via.host.ip().unwrap(), via.sent_by_port());
        self.say(at, &to.to_string(), std::str::from_utf8(&bytes).unwrap());
    }

    /// Registers `user` at the contact `at`, where an agent or nobody is.
    pub(super) fn register(&mut self, user: &str, at: &str, params: &str) {
        let text = register(user, at, params, "");
        let proxy = *self.servers.keys().next().unwrap();
        let asker = addr(at);
        self.send(UdpFlow { local: asker, remote: proxy }, text.into_bytes());
        self.run_ms(30);
        // An agent hears an answer to something it did not ask, and passes it over.
        self.stray.retain(|(to, _, _)| *to != asker);
        assert!(
            self.log.iter().any(|(_, to, line)| *to == asker && line.starts_with("SIP/2.0 200")),
            "{:?}",
            self.log
        );
    }

    /// The agent at `from` calls `uri` through the server at `proxy`.
    pub(super) fn call(&mut self, from: &str, proxy: &str, uri: &str) -> CallId {
        let outgoing = OutgoingInvite {
            hop: Hop::udp(addr(from), addr(proxy)),
            name: None,
            private: false,
            uri: uri.parse().unwrap(),
            from: "<sip:alice@home.example>".parse().unwrap(),
            to: format!("<{uri}>").parse().unwrap(),
            body: OFFER.to_vec(),
            headers: Vec::new(),
        };
        let now = self.now;
        let call = self.agents.get_mut(&addr(from)).unwrap().invite(now, outgoing);
        self.drain();
        call
    }

    pub(super) fn with<T>(&mut self, at: &str, act: impl FnOnce(&mut UserAgent, Now) -> T) -> T {
        let now = self.now;
        let answer = act(self.agents.get_mut(&addr(at)).unwrap(), now);
        self.drain();
        answer
    }

    /// The next thing the agent at `at` is told, but for what `skip` takes.
    pub(super) fn event(&mut self, at: &str) -> ua::Event {
        for _ in 0..200_000 {
            if let Some(found) = self.told.iter().position(|(to, _)| *to == addr(at)) {
                return self.told.remove(found).unwrap().1;
            }
            self.run_ms(1);
        }
        panic!("{at} is told nothing: {:#?}", self.log);
    }

    /// Until an incoming call shows at `at`.
    pub(super) fn incoming(&mut self, at: &str) -> CallId {
        match self.event(at) {
            ua::Event::Incoming { call, .. } => call,
            other => panic!("{other:?}"),
        }
    }

    /// Until the agent at `at` is told how its call went on, past what rings.
    pub(super) fn outcome(&mut self, at: &str) -> ua::Event {
        loop {
            match self.event(at) {
                ua::Event::Progress { .. } => {}
                other => return other,
            }
        }
    }

    pub(super) fn records(&mut self) -> Vec<CallRecord> {
        let (calls, rest) =
            std::mem::take(&mut self.events).into_iter().partition(|e| matches!(e, Event::Call(_)));
        self.events = rest;
        let record = |event| match event {
            Event::Call(record) => Some(record),
            _ => None,
        };
        Vec::into_iter(calls).filter_map(record).collect()
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        self.run(Duration::from_millis(ms));
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.later(time);
        loop {
            let wake = self.drain();
            let arrives = self.wire.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = Instant::earliest(wake, arrives).filter(|next| *next <= end.mono) else { break };
            self.now = self.now.later(next.since(self.now.mono));
            self.step();
        }
        self.now = end;
    }

    /// Lets all end, and demands that nothing is left in the servers.
    pub(super) fn finish(&mut self) {
        self.run(Duration::from_secs(400));
        for server in self.servers.values_mut() {
            assert_eq!((server.relays(), server.transactions()), (0, 0), "{server:#?}");
            assert!(server.asked.is_empty() && server.resolving.is_empty());
        }
    }

    fn step(&mut self) {
        while let Some(entry) = self.wire.first_entry() {
            if entry.key().0 > self.now.mono {
                break;
            }
            let (flow, bytes) = entry.remove();
            let arrival = Arrival::Datagram { flow: Flow::udp(flow.remote, flow.local), bytes: &bytes };
            if let Some(server) = self.servers.get_mut(&flow.remote) {
                server.handle(self.now, arrival);
            } else if let Some(agent) = self.agents.get_mut(&flow.remote) {
                agent.handle(self.now, arrival);
            } else {
                self.stray.push_back((flow.remote, flow.local, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        self.servers.values_mut().for_each(|server| server.tick(self.now));
        self.agents.values_mut().for_each(|agent| agent.tick(self.now));
    }

    pub(super) fn drain(&mut self) -> Option<Instant> {
        let mut wake = None;
        let mut sends = Vec::new();
        let mut scratch = Scratch::default();
        for (at, server) in &mut self.servers {
            loop {
                match server.poll(&mut scratch) {
                    Step::Send(transmit) => sends.push((transmit.flow, scratch.get(transmit.range).to_vec())),
                    Step::Event(Event::Consult(asked)) => {
                        let treatment = (self.treat)(&asked);
                        server.treated(self.now, asked.id, treatment);
                    }
                    Step::Event(Event::Resolve { id, .. }) => self.resolves.push((*at, id)),
                    Step::Event(event) => self.events.push(event),
                    Step::Wait(until) => break wake = Instant::earliest(wake, until),
                    other => panic!("{other:?}"),
                }
            }
        }
        for (at, agent) in &mut self.agents {
            loop {
                match agent.poll(&mut scratch) {
                    Step::Send(transmit) => sends.push((transmit.flow, scratch.get(transmit.range).to_vec())),
                    Step::Event(event) => self.told.push_back((*at, event)),
                    Step::Wait(until) => break wake = Instant::earliest(wake, until),
                    other => panic!("{other:?}"),
                }
            }
        }
        for (flow, bytes) in sends {
            let Flow::Udp(flow) = flow else { panic!("not UDP") };
            self.send(flow, bytes);
        }
        wake
    }

    fn send(&mut self, flow: UdpFlow, bytes: Vec<u8>) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let number = self.log.len();
        self.log.push((flow.local, flow.remote, text.lines().next().unwrap_or_default().to_owned()));
        if !(self.lose)(number, &text) {
            self.wire.insert((self.now.mono + Duration::from_millis(10), number), (flow, bytes));
        }
    }
}

/// A REGISTER of `user` at home.example for the contact `at`, with more headers.
pub(super) fn register(user: &str, at: &str, params: &str, more: &str) -> String {
    let sequence = next_number();
    format!(
        "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKreg{sequence}\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@home.example>;tag=r\r\nTo: <sip:{user}@home.example>\r\nCall-ID: reg-{at}\r\n\
         CSeq: {sequence} REGISTER\r\nContact: <sip:{user}@{at}>{params}\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// Any request of `at`, for a peer written by hand.
pub(super) fn request(method: &str, uri: &str, at: &str, more: &str) -> String {
    let sequence = next_number();
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKx{sequence}\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@home.example>;tag=a\r\nTo: <{uri}>\r\nCall-ID: c{sequence}@{at}\r\n\
         CSeq: {sequence} {method}\r\nContact: <sip:alice@{at}>\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// The header that answers the challenges of a 401 or 407.
pub(super) fn authorization(
    response: &Response,
    user: &str,
    password: &str,
    method: &str,
    uri: &str,
) -> String {
    let (ask, answer) = match response.status.code() {
        401 => (HeaderName::WwwAuthenticate, "Authorization"),
        407 => (HeaderName::ProxyAuthenticate, "Proxy-Authorization"),
        other => panic!("{other}"),
    };
    let challenges: Vec<&str> = response.headers.all(&ask).collect();
    let login = Login { user: user.into(), password: password.to_owned().into(), realm: None };
    let mut answerer = Answerer::choose(&challenges, &login, &mut Entropy::from_number(9)).unwrap();
    format!("{answer}: {}\r\n", answerer.answer(&Asking { method, uri, body: b"" }))
}

fn next_number() -> u32 {
    thread_local!(static NUMBER: std::cell::Cell<u32> = const { std::cell::Cell::new(1) });
    NUMBER.with(|number| {
        number.set(number.get() + 1);
        number.get()
    })
}
