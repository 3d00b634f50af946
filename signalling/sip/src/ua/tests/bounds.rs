//! Nothing is left behind, and nothing that peers send breaks the agent or makes it grow.

use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;
use rove_base::{Arrival, Entropy, Flow, Machine, Now, Scratch, Step, UdpFlow};

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, StatusCode},
    ua::{CallId, Event, OutgoingInvite, Party, UaConfig, UserAgent},
};

#[test]
fn after_ten_thousand_calls_nothing_is_left() {
    let mut world = World::pair();
    world.delay = Duration::from_millis(1);
    let mut most = 0;
    for number in 0..10_000 {
        let (ours, theirs) = world.talking();
        let (side, call, other) = if number % 2 == 0 { (0, ours, 1) } else { (1, theirs, 0) };
        world.with(side, |agent, now| agent.hang_up(now, call));
        assert!(matches!(world.event(other), Event::Ended { by: Party::Peer, .. }));
        assert!(matches!(world.event(side), Event::Ended { by: Party::Us, .. }));
        most = most.max(world.phones[0].agent.transactions());
        world.log.clear();
    }
    assert!((5_000..20_000).contains(&most), "they live for half a minute: {most}");
    world.finish();
}

/// What a hostile peer and a careless owner do.
#[derive(Clone, Debug)]
enum Move {
    /// One of the messages below, with bytes changed.
    Say {
        message: usize,
        changes: Vec<(usize, u8)>,
        cut: Option<usize>,
    },
    /// Any bytes.
    Noise(Vec<u8>),
    /// The last thing we sent comes back to us, or as a response with this status.
    Echo {
        status: u16,
    },
    /// Time passes.
    Wait(u64),
    Dial,
    Ring,
    Accept,
    Reject,
    HangUp,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let changes = prop::collection::vec((any::<usize>(), any::<u8>()), 0..3);
    let cut = prop::option::weighted(0.1, any::<usize>());
    let say = (any::<usize>(), changes, cut).prop_map(|(message, changes, cut)| Move::Say {
        message,
        changes,
        cut,
    });
    let one = prop_oneof![
        8 => say,
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Move::Noise),
        4 => (100_u16..=699).prop_map(|status| Move::Echo { status }),
        3 => (0_u64..20_000).prop_map(Move::Wait),
        1 => Just(Move::Dial),
        1 => Just(Move::Ring),
        2 => Just(Move::Accept),
        1 => Just(Move::Reject),
        1 => Just(Move::HangUp),
    ];
    prop::collection::vec(one, 0..60)
}

/// An agent, what it has sent last, and the calls it has told of.
struct Victim {
    agent: UserAgent,
    now: Now,
    sent: Option<(UdpFlow, String)>,
    calls: BTreeSet<CallId>,
    tag: String,
}

impl Victim {
    fn new() -> Self {
        let config = UaConfig { max_calls: 4, max_transactions: 8, ..UaConfig::default() };
        let agent = UserAgent::new(config, Entropy::from_number(3));
        Self { agent, now: Now::default(), sent: None, calls: BTreeSet::new(), tag: "0".into() }
    }

    fn flow() -> UdpFlow {
        UdpFlow { local: "192.0.2.1:5060".parse().unwrap(), remote: peer() }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let flow = Flow::Udp(Self::flow());
        self.agent.handle(self.now, Arrival::Datagram { flow, bytes });
        self.drain();
    }

    /// All that the agent wants now; a handful of steps, whatever has happened.
    fn drain(&mut self) -> Option<rove_base::Instant> {
        let mut scratch = Scratch::default();
        for _ in 0..200 {
            match self.agent.poll(&mut scratch) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { panic!("not UDP") };
                    let text = String::from_utf8_lossy(scratch.get(transmit.range)).into_owned();
                    if let Some((_, tag)) =
                        text.lines().find(|l| l.starts_with("To:")).and_then(|l| l.split_once("tag="))
                    {
                        tag.clone_into(&mut self.tag);
                    }
                    self.sent = Some((flow, text));
                }
                Step::Event(Event::Incoming { call, .. }) => assert!(self.calls.insert(call), "a new name"),
                Step::Event(Event::Failed { call, .. } | Event::Ended { call, .. }) => {
                    assert!(self.calls.remove(&call), "a call ends once");
                }
                Step::Event(_) => {}
                Step::Wait(until) => return until,
                other => panic!("{other:?}"),
            }
        }
        panic!("the agent does not come to rest");
    }

    fn wait(&mut self, ms: u64) {
        let end = self.now.later(Duration::from_millis(ms));
        while let Some(next) = self.drain().filter(|next| *next <= end.mono) {
            self.now = self.now.later(next.since(self.now.mono));
            self.agent.tick(self.now);
        }
        self.now = end;
        self.agent.tick(end);
        self.drain();
    }

    /// What a peer in its right mind could say next.
    fn message(&self, which: usize) -> String {
        let to = format!("<sip:bob@192.0.2.1>;tag={}", self.tag);
        let sdp = "Content-Type: application/sdp\r\n";
        let inside = |method, branch, cseq| request(method, "sip:bob@192.0.2.1", branch, &to, cseq, "");
        match which % 12 {
            0 => invite("z9hG4bK1", sdp) + "v=0",
            1 => invite("z9hG4bK2", "Expires: 4\r\n").replace("handmade", "other"),
            2 => request("CANCEL", "sip:bob@192.0.2.1", "z9hG4bK1", "<sip:bob@192.0.2.1>", 7, ""),
            3 => inside("ACK", "z9hG4bK3", 7),
            4 => inside("BYE", "z9hG4bK4", 8),
            5 => inside("ACK", "z9hG4bK1", 7),
            6 => inside("INVITE", "z9hG4bK5", 9) + "",
            7 => inside("OPTIONS", "z9hG4bK6", 10),
            8 => inside("CANCEL", "z9hG4bK5", 9),
            9 => inside("ACK", "z9hG4bK7", 9),
            10 => invite("1", "").replace("handmade", "old"),
            _ => request("OPTIONS", "sip:192.0.2.1", "z9hG4bK8", "<sip:192.0.2.1>", 1, ""),
        }
    }

    fn make(&mut self, what: Move) {
        match what {
            Move::Say { message, changes, cut } => {
                let mut bytes = self.message(message).into_bytes();
                for (at, byte) in changes {
                    let at = at % bytes.len();
                    bytes[at] = byte;
                }
                bytes.truncate(cut.map_or(bytes.len(), |cut| cut % bytes.len()));
                self.hear(&bytes);
            }
            Move::Noise(bytes) => self.hear(&bytes),
            Move::Echo { status } => {
                let Some((_, text)) = self.sent.clone() else { return };
                let echo = match text.split_once("\r\n") {
                    Some((line, rest)) if !line.starts_with("SIP/2.0") && status < 650 => {
                        format!("SIP/2.0 {status} So\r\nContact: <sip:x@{PEER}>\r\n{rest}")
                    }
                    _ => text,
                };
                self.hear(echo.as_bytes());
            }
            Move::Wait(ms) => self.wait(ms),
            Move::Dial => {
                let uri: crate::message::Uri = "sip:carol@example.com".parse().unwrap();
                let from = "<sip:bob@192.0.2.1>".parse().unwrap();
                let to = crate::message::NameAddr::new(uri.clone());
                let (hop, body, headers) = (Self::flow().into(), OFFER.to_vec(), Vec::new());
                let call = self.agent.invite(
                    self.now,
                    OutgoingInvite { hop, name: None, uri, from, to, body, private: false, headers },
                );
                self.calls.insert(call);
            }
            Move::Ring | Move::Accept | Move::Reject | Move::HangUp => {
                let Some(call) = self.calls.first().copied() else { return };
                let (agent, now) = (&mut self.agent, self.now);
                match what {
                    Move::Ring => agent.ring(now, call, StatusCode::RINGING, None),
                    Move::Accept => agent.accept(now, call, ANSWER.to_vec()),
                    Move::Reject => agent.reject(now, call, StatusCode::DECLINE, None),
                    _ => agent.hang_up(now, call),
                }
            }
        }
        self.drain();
    }
}

proptest! {
    #[test]
    fn whatever_a_peer_sends_the_agent_stays_bounded_and_comes_to_rest(moves in moves()) {
        let mut victim = Victim::new();
        let mut dialled = 0;
        for what in moves {
            dialled += usize::from(matches!(what, Move::Dial));
            victim.make(what);
            prop_assert_eq!(victim.agent.calls(), victim.calls.len(), "its owner knows of every call");
            prop_assert!(victim.agent.calls() <= 4 + dialled);
            prop_assert!(victim.agent.transactions() <= 8 + 20 * (4 + dialled));
        }
        for call in victim.calls.clone() {
            victim.agent.hang_up(victim.now, call);
        }
        victim.wait(100_000);
        // An INVITE of ours that nobody answers finally rings until its owner has had enough, and 32 s more.
        for call in victim.calls.clone() {
            victim.agent.hang_up(victim.now, call);
        }
        victim.wait(100_000);
        prop_assert_eq!((victim.agent.calls(), victim.agent.transactions()), (0, 0));
        prop_assert!(victim.agent.is_idle() && victim.agent.tags.is_empty() && victim.agent.cx.layer.is_empty());
    }
}

#[test]
fn a_source_that_asks_too_fast_is_told_once_then_not_heard_and_others_are() {
    let mut world = World::alone();
    world.reconfigure(0, |config| config.requests_per_second = 10);
    let ask = |number: usize| {
        request("OPTIONS", "sip:bob@192.0.2.1", &format!("z9hG4bKo{number}"), "<sip:bob@192.0.2.1>", 1, "")
    };
    for number in 0..20 {
        world.inject(peer(), world.phones[0].address, ask(number).as_bytes());
    }
    world.run_ms(20);
    for _ in 0..10 {
        world.hear_response(200);
    }
    let refused = world.hear_response(503);
    assert!(refused.headers.get(&HeaderName::RetryAfter).is_some());
    assert!(world.stray.is_empty(), "{:?}", world.stray);
    let counted = world.phones[0].agent.refused();
    assert_eq!((counted.told, counted.dropped), (1, 9));
    world.run(Duration::from_secs(1));
    world.ask(&ask(20), 200);
}

#[test]
fn calls_of_one_source_that_wait_for_an_answer_are_bounded_and_those_answered_count_no_more() {
    let mut world = World::alone();
    world.reconfigure(0, |config| config.max_ringing_per_source = 2);
    let invite = |number: usize| {
        invite(&format!("z9hG4bKi{number}"), "").replace("Call-ID: ", &format!("Call-ID: c{number}"))
    };
    let mut calls = Vec::new();
    for number in 0..2 {
        world.say(&invite(number));
        match world.event(0) {
            Event::Incoming { call, .. } => calls.push(call),
            other => panic!("{other:?}"),
        }
    }
    world.ask(&invite(2), 503);
    assert_eq!(world.phones[0].agent.refused().ringing, 1);
    world.with(0, |agent, now| agent.reject(now, calls[0], StatusCode::BUSY_HERE, None));
    world.hear_response(486);
    world.events(0);
    world.say(&invite(3));
    assert!(matches!(world.event(0), Event::Incoming { .. }));
}
