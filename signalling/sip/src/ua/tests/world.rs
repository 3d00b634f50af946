//! Agents on a virtual network, in virtual time.

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step, UdpFlow};

use crate::{
    message::{Message, StatusCode},
    transport::{Hop, LocalAddress},
    ua::{CallId, Event, Failure, OutgoingInvite, Party, UaConfig, UserAgent},
};

/// One side of the world.
pub(super) struct Phone {
    pub(super) agent: UserAgent,
    pub(super) address: SocketAddr,
    pub(super) events: VecDeque<Event>,
}

/// Agents, the wire between them, and the time.
pub(super) struct World {
    pub(super) now: Now,
    pub(super) phones: Vec<Phone>,
    /// One way.
    pub(super) delay: Duration,
    /// Which datagrams get lost, by their number.
    pub(super) lose: Loss,
    /// What every datagram says in its first line, with its time in ms; lost ones too.
    pub(super) log: Vec<(u64, String)>,
    /// Datagrams to addresses where no agent is.
    pub(super) stray: Vec<(UdpFlow, String)>,
    wire: BTreeMap<(Instant, usize), (UdpFlow, Vec<u8>)>,
}

type Loss = Box<dyn FnMut(usize, &str) -> bool>;

pub(super) const OFFER: &[u8] = b"v=0 offer";
pub(super) const ANSWER: &[u8] = b"v=0 answer";

impl World {
    /// Agents at these addresses.
    pub(super) fn new(addresses: &[&str]) -> Self {
        let phones = addresses.iter().enumerate().map(|(seed, address)| {
            let address: SocketAddr = address.parse().unwrap();
            let config = UaConfig { local: vec![LocalAddress::udp(address)], ..UaConfig::default() };
            let agent = UserAgent::new(config, Entropy::from_number(seed as u64));
            Phone { agent, address, events: VecDeque::new() }
        });
        Self {
            now: Now::default(),
            phones: phones.collect(),
            delay: Duration::from_millis(10),
            lose: Box::new(|_, _| false),
            log: Vec::new(),
            stray: Vec::new(),
            wire: BTreeMap::new(),
        }
    }

    /// Alice and Bob.
    pub(super) fn pair() -> Self {
        Self::new(&["192.0.2.1:5060", "192.0.2.2:5060"])
    }

    /// A phone begins anew with other settings.
    pub(super) fn reconfigure(&mut self, phone: usize, change: impl FnOnce(&mut UaConfig)) {
        let phone = &mut self.phones[phone];
        let mut config = UaConfig { local: vec![LocalAddress::udp(phone.address)], ..UaConfig::default() };
        change(&mut config);
        phone.agent = UserAgent::new(config, Entropy::from_number(7));
    }

    /// Phone 0 calls phone `callee`.
    pub(super) fn call(&mut self, callee: usize) -> CallId {
        let (from, to) = (self.phones[0].address, self.phones[callee].address);
        let outgoing = OutgoingInvite {
            hop: Hop::udp(from, to),
            name: None,
            uri: format!("sip:bob@{to}").parse().unwrap(),
            from: format!("\"Alice\" <sip:alice@{from}>").parse().unwrap(),
            to: format!("<sip:bob@{to}>").parse().unwrap(),
            body: OFFER.to_vec(),
            private: false,
            headers: Vec::new(),
        };
        let call = self.phones[0].agent.invite(self.now, outgoing);
        self.drain();
        call
    }

    /// The way from one phone to another.
    pub(super) fn flow(&self, from: usize, to: usize) -> UdpFlow {
        UdpFlow { local: self.phones[from].address, remote: self.phones[to].address }
    }

    /// Does something with one agent.
    pub(super) fn with<R>(&mut self, phone: usize, act: impl FnOnce(&mut UserAgent, Now) -> R) -> R {
        let answer = act(&mut self.phones[phone].agent, self.now);
        self.drain();
        answer
    }

    /// Puts bytes on the wire that no agent has sent.
    pub(super) fn inject(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.send(UdpFlow { local: from, remote: to }, bytes.to_vec());
    }

    /// Lets `time` pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.later(time);
        loop {
            let wake = self.drain();
            let arrives = self.wire.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = Instant::earliest(wake, arrives).filter(|next| *next <= end.mono) else {
                break;
            };
            self.now = self.now.later(next.since(self.now.mono));
            self.step();
        }
        self.now = end;
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        self.run(Duration::from_millis(ms));
    }

    /// Lets time pass until `phone` is told something, for two minutes at most.
    pub(super) fn event(&mut self, phone: usize) -> Event {
        for _ in 0..120_000 {
            if let Some(event) = self.phones[phone].events.pop_front() {
                return event;
            }
            self.run_ms(1);
        }
        panic!("nothing has happened; the wire says {:#?}", self.log);
    }

    /// All that `phone` was told so far.
    pub(super) fn events(&mut self, phone: usize) -> Vec<Event> {
        self.phones[phone].events.drain(..).collect()
    }

    /// Lets time pass until an incoming call shows at `phone`.
    pub(super) fn incoming(&mut self, phone: usize) -> CallId {
        match self.event(phone) {
            Event::Incoming { call, body, .. } => {
                assert_eq!(body, OFFER);
                call
            }
            other => panic!("{other:?}"),
        }
    }

    /// A call from phone 0 to phone 1 that both sides know to stand.
    pub(super) fn talking(&mut self) -> (CallId, CallId) {
        let ours = self.call(1);
        let theirs = self.incoming(1);
        self.with(1, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
        self.with(1, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
        loop {
            match self.event(0) {
                Event::Progress { .. } => {}
                Event::Answered { call, body } => {
                    assert_eq!((call, body.as_slice()), (ours, ANSWER));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(self.event(1), Event::Confirmed { call: theirs, body: None });
        (ours, theirs)
    }

    /// First words of what went over the wire: methods, or status codes.
    pub(super) fn words(&self) -> Vec<String> {
        self.log.iter().map(|(_, line)| word(line)).collect()
    }

    /// The same with times.
    pub(super) fn timed(&self, wanted: &str) -> Vec<u64> {
        self.log.iter().filter(|(_, line)| word(line) == wanted).map(|(at, _)| *at).collect()
    }

    /// Lets all transactions end, and demands that nothing is left.
    pub(super) fn finish(&mut self) {
        self.run(Duration::from_secs(120));
        for phone in &mut self.phones {
            assert!(phone.agent.is_idle());
            assert_eq!((phone.agent.calls(), phone.agent.transactions()), (0, 0));
            assert!(phone.agent.tags.is_empty() && phone.agent.cx.layer.is_empty());
            assert_eq!(phone.agent.poll(&mut Scratch::default()), Step::Wait(None));
        }
    }

    fn step(&mut self) {
        while let Some(entry) = self.wire.first_entry() {
            if entry.key().0 > self.now.mono {
                break;
            }
            let (flow, bytes) = entry.remove();
            let Some(phone) = self.phones.iter_mut().find(|phone| phone.address == flow.remote) else {
                self.stray.push((flow, String::from_utf8_lossy(&bytes).into_owned()));
                continue;
            };
            let arrival = Flow::udp(flow.remote, flow.local);
            phone.agent.handle(self.now, Arrival::Datagram { flow: arrival, bytes: &bytes });
        }
        for phone in &mut self.phones {
            phone.agent.tick(self.now);
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        let mut wake = None;
        let mut scratch = Scratch::default();
        for phone in 0..self.phones.len() {
            loop {
                match self.phones[phone].agent.poll(&mut scratch) {
                    Step::Send(transmit) => {
                        let Flow::Udp(flow) = transmit.flow else { panic!("not UDP") };
                        assert_eq!(flow.local, self.phones[phone].address);
                        self.send(flow, scratch.get(transmit.range).to_vec());
                    }
                    Step::Event(event) => self.phones[phone].events.push_back(event),
                    Step::Wait(until) => {
                        wake = Instant::earliest(wake, until);
                        break;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        wake
    }

    fn send(&mut self, flow: UdpFlow, bytes: Vec<u8>) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let number = self.log.len();
        self.log
            .push((self.now.mono.as_nanos() / 1_000_000, text.lines().next().unwrap_or_default().to_owned()));
        if !(self.lose)(number, &text) {
            assert!(
                Message::parse(&bytes).is_ok() || !text.contains("rove"),
                "we send well-formed messages: {text}"
            );
            self.wire.insert((self.now.mono + self.delay, number), (flow, bytes));
        }
    }
}

/// The method or status code of a first line.
pub(super) fn word(line: &str) -> String {
    let mut words = line.split(' ');
    let first = words.next().unwrap_or_default();
    if first == "SIP/2.0" { words.next().unwrap_or_default() } else { first }.to_owned()
}

/// That a call ended so.
pub(super) fn ended(call: CallId, by: Party) -> Event {
    Event::Ended { call, by, reason: None }
}

/// That a call was refused with this status.
pub(super) fn refused(event: &Event) -> Option<u16> {
    match event {
        Event::Failed { failure: Failure::Status { code, .. }, .. } => Some(code.code()),
        _ => None,
    }
}

/// A number from 0 to 1 that repeats itself.
pub(super) fn chance(number: usize, seed: u64) -> f64 {
    Entropy::from_number(seed << 32 | number as u64).unit()
}
