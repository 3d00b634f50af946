//! Two ends over a network that loses, doubles and reorders, in virtual time.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

mod begin;
mod data;
mod strangers;

use core::{net::SocketAddr, time::Duration};

use rove_base::{ClosedBy, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, StreamId};

use super::{
    Payload, Sctp, SctpEvent, SctpInput, SctpPeer, UDP_PORT,
    packet::{Packet, Writer, kind},
};
use crate::private::m3ua;

const OURS: [StreamId; 2] = [StreamId(2), StreamId(4)];
const DELAY: Duration = Duration::from_millis(10);

fn address(end: usize) -> SocketAddr {
    ([127, 0, 0, [1, 2][end]], UDP_PORT).into()
}

fn end(which: usize, seed: u64) -> Sctp {
    let peer = SctpPeer { address: address(1 - which), payload: Payload::M3ua };
    Sctp::new(address(which), [peer], Entropy::from_number(seed))
}

/// What a packet's way may do to it.
type Way = fn(&mut Entropy, &[u8]) -> Fate;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Arrives,
    Lost,
    /// Twice.
    Twice,
    /// After those that follow it.
    Late,
}

struct World {
    now: Now,
    ends: [Sctp; 2],
    told: [Vec<SctpEvent>; 2],
    /// On their way: when they are there, to whom, and what.
    flying: Vec<(Instant, usize, Vec<u8>)>,
    way: Way,
    chance: Entropy,
    /// Every packet that was sent, and by whom.
    sent: Vec<(usize, Vec<u8>)>,
}

impl World {
    fn new(seed: u64, way: Way) -> Self {
        Self {
            now: Now::default(),
            ends: [end(0, seed), end(1, seed + 1_000)],
            told: Default::default(),
            flying: Vec::new(),
            way,
            chance: Entropy::from_number(seed),
            sent: Vec::new(),
        }
    }

    /// One that end 0 has asked for and that stands.
    fn up() -> Self {
        let mut world = Self::new(1, |_, _| Fate::Arrives);
        world.connect(0);
        world.run(Duration::from_secs(1));
        assert_eq!(world.told(0), [connected(OURS[0], false)]);
        assert!(matches!(world.told(1)[..], [SctpEvent::Connected { accepted: true, .. }]));
        world
    }

    fn connect(&mut self, end: usize) {
        self.input(end, SctpInput::Connect { stream: OURS[end], remote: address(1 - end) });
    }

    fn input(&mut self, end: usize, input: SctpInput<'_>) {
        self.ends[end].handle(self.now, input);
        self.drain(end);
    }

    fn drain(&mut self, end: usize) -> Option<Instant> {
        let mut scratch = Scratch::default();
        loop {
            match self.ends[end].poll(&mut scratch) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { panic!("{transmit:?}") };
                    assert_eq!((flow.local, flow.remote), (address(end), address(1 - end)));
                    let bytes = scratch.get(transmit.range).to_vec();
                    assert!(bytes.len() <= super::packet::MTU, "{} bytes", bytes.len());
                    Packet::parse(&bytes).expect("a packet of ours");
                    self.sent.push((end, bytes.clone()));
                    let at = self.now.mono + DELAY;
                    match (self.way)(&mut self.chance, &bytes) {
                        Fate::Lost => {}
                        Fate::Arrives => self.flying.push((at, 1 - end, bytes)),
                        Fate::Late => self.flying.push((at + DELAY * 3, 1 - end, bytes)),
                        Fate::Twice => {
                            self.flying.push((at, 1 - end, bytes.clone()));
                            self.flying.push((at + DELAY, 1 - end, bytes));
                        }
                    }
                }
                Step::Event(event) => self.told[end].push(event),
                Step::Wait(wake) => return wake,
                step => panic!("{step:?}"),
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let until = self.now.mono + time;
        loop {
            let wakes = [0, 1].map(|end| self.drain(end));
            let arrival = self.flying.iter().map(|(at, ..)| *at).min();
            let next = wakes.into_iter().flatten().chain(arrival).min().filter(|next| *next <= until);
            let Some(next) = next else { break };
            self.now = self.now.later(next.max(self.now.mono).since(self.now.mono));
            let due = self.flying.iter().position(|(at, ..)| *at <= self.now.mono);
            if let Some(index) = due {
                let (_, end, bytes) = self.flying.remove(index);
                self.input(end, SctpInput::Datagram { from: address(1 - end), bytes: &bytes });
            }
            self.ends.iter_mut().for_each(|end| end.tick(self.now));
        }
        self.now = self.now.later(until.since(self.now.mono));
    }

    fn told(&mut self, end: usize) -> Vec<SctpEvent> {
        core::mem::take(&mut self.told[end])
    }

    /// The name that `end` has for the association that stands.
    fn stream(&self, end: usize) -> StreamId {
        self.ends[end].peers[0].association.as_ref().expect("one stands").stream
    }

    /// `end` sends these on the association that stands.
    fn send(&mut self, end: usize, bytes: &[u8]) {
        let stream = self.stream(end);
        self.input(end, SctpInput::Send { stream, bytes });
    }

    /// The messages that `end` was told, and nothing else.
    fn messages(&mut self, end: usize) -> Vec<Vec<u8>> {
        let message = |event| match event {
            SctpEvent::Message { bytes, .. } => bytes,
            event => panic!("{event:?}"),
        };
        self.told(end).into_iter().map(message).collect()
    }
}

fn connected(stream: StreamId, accepted: bool) -> SctpEvent {
    SctpEvent::Connected { stream, peer: 0, accepted }
}

/// Signalling of that many bytes, told apart by a number.
fn data(number: u32, len: usize) -> Vec<u8> {
    let mut message = Vec::new();
    let user: Vec<u8> = number.to_be_bytes().into_iter().cycle().take(len.max(4)).collect();
    m3ua::write_data(&mut message, (1, 2), &user);
    message
}

/// A packet of a stranger, with a checksum that is right.
fn forged(tag: u32, kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut packet = Writer::new((2_905, 2_905), tag);
    packet.chunk(kind, flags, &[value]);
    packet.finish()
}

/// What INIT says (RFC 9260 §3.3.2).
fn init(tag: u32) -> Vec<u8> {
    [tag.to_be_bytes(), [0, 1, 0, 0], [0, 2, 0, 2], [0, 0, 0, 1]].concat()
}

fn chunks(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    Packet::parse(bytes).unwrap().chunks().map(|chunk| (chunk.kind, chunk.value.to_vec())).collect()
}
