#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use rove_base::{ClosedBy, UnixTime};

use super::*;
use crate::{
    Addresses, Generation, NetworkName,
    aka::TerminalKey,
    attach::{Answer, CredentialError, Query, ToTerminal},
};

/// A terminal, and what it did.
struct Bench {
    terminal: Terminal,
    now: Now,
    said: Vec<ToNetwork>,
    events: Vec<TerminalEvent>,
    connects: Vec<Connect>,
    due: Option<Instant>,
}

impl Bench {
    fn new(credential: Box<dyn Credential>) -> Self {
        let config = TerminalConfig { imsi: "262011234567890".parse().unwrap(), name: None, dhcp: false };
        let now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
        let terminal = Terminal::new(config, credential, Entropy::from_number(1));
        let (said, events, connects) = (Vec::new(), Vec::new(), Vec::new());
        Self { terminal, now, said, events, connects, due: None }
    }

    fn key() -> Self {
        Self::new(Box::new(TerminalKey::from_seed(&[1; 32])))
    }

    fn act(&mut self, act: impl FnOnce(&mut Terminal, Now)) {
        act(&mut self.terminal, self.now);
        let mut out = Scratch::default();
        loop {
            match self.terminal.poll(&mut out) {
                Step::Send(transmit) => {
                    let frame = &out.get(transmit.range)[2..];
                    self.said.push(ToNetwork::decode(frame).unwrap());
                }
                Step::Connect(connect) => self.connects.push(connect),
                Step::Event(event) => self.events.push(event),
                Step::Wait(due) => break self.due = due,
                _ => {}
            }
        }
    }

    fn attach(&mut self, network: Option<&str>) {
        let access = Access {
            address: ([127, 0, 0, 1], 4_043).into(),
            network: network.map(|network| network.parse().unwrap()),
        };
        self.act(|terminal, now| terminal.attach(now, access));
    }

    fn stream(&self) -> StreamId {
        self.connects.last().unwrap().stream
    }

    fn connected(&mut self) {
        let stream = self.stream();
        let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
        let arrival = Arrival::Connected { stream, local, remote, transport: Transport::Tls };
        self.act(|terminal, now| terminal.handle(now, arrival));
    }

    fn identified(&mut self, name: &str) {
        let arrival = Arrival::Identified { stream: self.stream(), name };
        self.act(|terminal, now| terminal.handle(now, arrival));
    }

    fn told(&mut self, message: &ToTerminal) {
        let frame = Frames::frame(&message.encode());
        let stream = self.stream();
        self.act(|terminal, now| terminal.handle(now, Arrival::Stream { stream, bytes: &frame }));
    }

    fn closed(&mut self) {
        let arrival = Arrival::Closed { stream: self.stream(), by: ClosedBy::Failure };
        self.act(|terminal, now| terminal.handle(now, arrival));
    }

    /// The next deadline comes.
    fn late(&mut self) -> Duration {
        let wait = self.due.unwrap().since(self.now.mono);
        self.now = self.now.later(wait);
        self.act(Machine::tick);
        wait
    }

    /// As far as `steps` of the usual way.
    fn up_to(&mut self, steps: usize) {
        self.attach(Some(NETWORK));
        self.connected();
        for message in usual().into_iter().take(steps) {
            self.told(&message);
        }
    }
}

const NETWORK: &str = "visited.example";

fn network() -> NetworkName {
    NETWORK.parse().unwrap()
}

fn challenge() -> ToTerminal {
    ToTerminal::Challenge { network: network(), query: Query::Ed25519 { nonce: [1; 32] } }
}

fn bound() -> ToTerminal {
    ToTerminal::Bound { lease: 30, ticket: Secret::new([2; 16]) }
}

/// What a network says on the usual way.
fn usual() -> [ToTerminal; 4] {
    let assign = ToTerminal::Assign {
        addresses: Addresses { v4: Some([10, 1, 0, 1].into()), v6: None },
        network: network(),
        generation: Generation(4),
        name: "t1.home.example".parse().unwrap(),
    };
    [challenge(), assign, ToTerminal::Accept { token: Secret::new([3; 16]), patience: 30 }, bound()]
}

fn call(id: u32) -> CallRequest {
    CallRequest { id: CallId(id), dialled: "bob.example.net".parse().unwrap(), third: false }
}

#[test]
fn the_usual_way_leads_to_a_stay() {
    let mut bench = Bench::key();
    bench.up_to(4);
    let said: Vec<_> = bench.said.iter().map(core::mem::discriminant).collect();
    let prove = bench.said.iter().position(|message| matches!(message, ToNetwork::Prove { .. }));
    assert_eq!((said.len(), prove, bench.said.last()), (4, Some(2), Some(&ToNetwork::Ready)));
    assert!(matches!(bench.events[..], [TerminalEvent::Token { .. }, TerminalEvent::Attached { .. }]));
    assert_eq!(bench.late(), Duration::from_secs(10));
    assert_eq!(bench.said.last(), Some(&ToNetwork::Renew));
}

#[test]
fn nothing_is_said_before_the_certificate_is_known() {
    let mut bench = Bench::key();
    bench.attach(None);
    bench.connected();
    assert_eq!((&bench.said[..], &bench.connects[0].name), (&[][..], &None));
    bench.identified(NETWORK);
    assert_eq!(bench.said.len(), 1);
    let mut chosen = Bench::key();
    chosen.attach(Some(NETWORK));
    assert_eq!(chosen.connects[0].name.as_deref(), Some(NETWORK), "the driver verifies it");
}

#[test]
fn another_network_than_the_certificates_gets_no_answer_and_no_proof() {
    let other: NetworkName = "evil.example".parse().unwrap();
    for at in [0, 1] {
        let mut bench = Bench::key();
        bench.up_to(at);
        let mut message = usual()[at].clone();
        match &mut message {
            ToTerminal::Challenge { network, .. } | ToTerminal::Assign { network, .. } => {
                *network = other.clone();
            }
            _ => {}
        }
        bench.told(&message);
        assert_eq!(bench.said.last(), Some(&ToNetwork::Decline { reason: Reason::Distrusted }), "step {at}");
        assert_eq!(bench.events, [TerminalEvent::Refused(Reason::Distrusted)], "step {at}");
    }
}

#[test]
fn every_step_is_given_up_in_its_time() {
    for (steps, wait) in [(0, 15), (1, 15), (2, 15), (3, 45)] {
        let mut bench = Bench::key();
        bench.up_to(steps);
        assert_eq!(bench.late(), Duration::from_secs(wait), "after {steps} steps");
        assert_eq!(
            bench.events.last(),
            Some(&TerminalEvent::Refused(Reason::Timeout)),
            "after {steps} steps"
        );
        assert_eq!(bench.due, None);
    }
    let mut bench = Bench::key();
    bench.attach(Some(NETWORK));
    assert_eq!(bench.late(), Duration::from_secs(15), "the stream does not stand");
    assert_eq!(bench.events, [TerminalEvent::Refused(Reason::Timeout)]);
}

#[test]
fn a_message_out_of_its_place_ends_the_attach() {
    for steps in 0..4 {
        for (index, message) in usual().into_iter().enumerate().filter(|(index, _)| *index != steps) {
            let mut bench = Bench::key();
            bench.up_to(steps);
            bench.told(&message);
            let last = bench.events.last();
            assert_eq!(last, Some(&TerminalEvent::Refused(Reason::Protocol)), "{index} after {steps} steps");
        }
    }
}

#[test]
fn a_stay_is_taken_up_again_until_its_lease_is_over() {
    let mut bench = Bench::key();
    bench.up_to(4);
    bench.closed();
    bench.late();
    bench.connected();
    let moved = ToNetwork::Moved { imsi: "262011234567890".parse().unwrap(), ticket: Secret::new([2; 16]) };
    assert_eq!(bench.said.last(), Some(&moved));
    bench.told(&bound());
    assert!(bench.terminal.is_attached());
    // From now on nobody answers.
    let start = bench.now.mono;
    bench.closed();
    while bench.terminal.is_attached() {
        bench.late();
    }
    let after = bench.now.mono.since(start);
    assert!(after <= Duration::from_secs(30 + 15), "{after:?}");
    assert_eq!(bench.events.last(), Some(&TerminalEvent::Ended(Reason::Lost)));
}

#[test]
fn a_stay_that_the_network_does_not_know_any_more_is_over() {
    let mut bench = Bench::key();
    bench.up_to(4);
    bench.closed();
    bench.late();
    bench.connected();
    bench.told(&ToTerminal::Refused { reason: Reason::UnknownTicket });
    assert_eq!(bench.events.last(), Some(&TerminalEvent::Ended(Reason::UnknownTicket)));
    assert!(!bench.terminal.is_attached());
}

/// A SIM that is never content.
struct Stale;

impl Credential for Stale {
    fn answer(&mut self, _: &Query, _: &NetworkName) -> Answer {
        Err(CredentialError::Stale([9; 14]))
    }

    fn prove(&self, _: &BindClaim) -> Option<crate::Proof> {
        None
    }
}

#[test]
fn an_old_challenge_is_told_once_and_then_declined() {
    let mut bench = Bench::new(Box::new(Stale));
    bench.up_to(1);
    assert_eq!(bench.said.last(), Some(&ToNetwork::SyncFailure { auts: [9; 14] }));
    bench.told(&challenge());
    assert_eq!(bench.said.last(), Some(&ToNetwork::Decline { reason: Reason::Distrusted }));
    assert_eq!(bench.events, [TerminalEvent::Refused(Reason::Distrusted)]);
}

#[test]
fn every_call_is_answered_once_whatever_happens() {
    let refused = |bench: &Bench, id| {
        let answers = bench.events.iter().filter(|event| match event {
            TerminalEvent::CallRefused { id: of, .. } | TerminalEvent::CallAllowed { id: of, .. } => {
                *of == CallId(id)
            }
            _ => false,
        });
        answers.count()
    };
    let ends: [fn(&mut Bench); 6] = [
        Bench::closed,
        |bench| bench.told(&ToTerminal::CallAllowed { id: CallId(1), anonymous: false }),
        |bench| bench.told(&ToTerminal::Ended { reason: Reason::Lost }),
        |bench| bench.act(|terminal, now| terminal.detach(now)),
        |bench| bench.attach(Some(NETWORK)),
        |bench| bench.told(&challenge()),
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let mut bench = Bench::key();
        bench.up_to(4);
        bench.act(|terminal, now| terminal.call(now, call(1)));
        end(&mut bench);
        bench.told(&ToTerminal::CallAllowed { id: CallId(1), anonymous: false });
        assert_eq!(refused(&bench, 1), 1, "end {number}");
    }
    let mut bench = Bench::key();
    bench.act(|terminal, now| terminal.call(now, call(1)));
    assert_eq!(refused(&bench, 1), 1, "detached");
    bench.up_to(2);
    bench.act(|terminal, now| terminal.call(now, call(2)));
    bench.act(|terminal, now| terminal.call(now, call(3)));
    assert_eq!((refused(&bench, 2), refused(&bench, 3)), (0, 1), "one waits for the stay");
    usual().into_iter().skip(2).for_each(|message| bench.told(&message));
    assert_eq!(bench.said.last(), Some(&ToNetwork::CallRequest(call(2))));
}

#[test]
fn a_detach_is_over_when_the_network_says_so_or_does_not_answer() {
    let farewells: [fn(&mut Bench); 3] = [
        |bench| bench.told(&ToTerminal::Detached),
        Bench::closed,
        |bench| assert!(bench.late() > Duration::ZERO),
    ];
    for farewell in farewells {
        let mut bench = Bench::key();
        bench.up_to(4);
        bench.act(|terminal, now| terminal.detach(now));
        assert_eq!(bench.said.last(), Some(&ToNetwork::Detach));
        assert!(!bench.events.contains(&TerminalEvent::Detached));
        farewell(&mut bench);
        assert_eq!(bench.events.last(), Some(&TerminalEvent::Detached));
        assert_eq!(bench.due, None);
    }
}
