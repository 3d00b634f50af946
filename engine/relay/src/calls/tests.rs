#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::SocketAddr;

use proptest::{collection::vec, prelude::*};
use rove_base::UnixTime;

use super::*;

pub(super) const WALL: u64 = 1_800_000_000;

struct World {
    calls: Calls,
    now: Now,
    out: Scratch,
}

impl World {
    fn new(most: usize) -> Self {
        let limits = CallLimits { calls: most, ..CallLimits::default() };
        let now = Now { mono: Instant::from_nanos(100_000_000_000), wall: UnixTime::from_secs(WALL) };
        Self { calls: Calls::new(vec![secret()], limits), now, out: Scratch::default() }
    }

    /// What leaves when `bytes` come in from `from`.
    fn sent(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        self.out.clear();
        self.calls.datagram(self.now, flow(from), bytes, &mut self.out);
        let mut left = Vec::new();
        while let Step::Send(transmit) = self.calls.poll() {
            let Flow::Udp(flow) = transmit.flow else { panic!("a stream") };
            left.push((flow.remote, self.out.get(transmit.range).to_vec()));
        }
        left
    }

    /// Says hello, shows the challenge, and is welcome or not.
    fn enter(&mut self, from: SocketAddr, grant: &Grant) -> Option<bool> {
        let first = self.sent(from, &grant.write(Word::Hello, [0; 8]));
        let Some(Answer::Challenge(challenge)) = first.first().and_then(|(_, bytes)| Answer::parse(bytes))
        else {
            return None;
        };
        let second = self.sent(from, &grant.write(Word::Hello, challenge));
        match second.first().and_then(|(_, bytes)| Answer::parse(bytes))? {
            Answer::Welcome { joined, proof } => {
                assert!(grant.is_welcome(challenge, proof) && !grant.is_welcome([1; 8], proof));
                Some(joined)
            }
            Answer::Challenge(_) => None,
        }
    }

    fn later(&mut self, secs: u64) {
        self.now = self.now.later(Duration::from_secs(secs));
        self.calls.tick(self.now);
    }
}

pub(super) fn secret() -> Secret {
    Secret::new(b"between registry and relay")
}

pub(super) fn flow(remote: SocketAddr) -> UdpFlow {
    UdpFlow { local: ([192, 0, 2, 1], 3_478).into(), remote }
}

pub(super) fn at(port: u16) -> SocketAddr {
    ([198, 51, 100, 1], port).into()
}

pub(super) fn grants(call: u8) -> [Grant; 2] {
    [Leg::Caller, Leg::Callee].map(|leg| {
        let pair = pair(b"alice", b"bob");
        secret().grant(Ticket { call: [call; 16], pair, leg, expires: WALL as u32 + 3_600 })
    })
}

#[test]
fn two_ends_that_are_let_in_hear_each_other_unread_and_nobody_else() {
    let mut world = World::new(10);
    let [alice, bob] = grants(1);
    assert_eq!(world.enter(at(1), &alice), Some(false));
    assert_eq!(world.sent(at(1), b"too early"), []);
    assert_eq!(world.enter(at(2), &bob), Some(true));
    for packet in [&b"\x80rtp"[..], b"\x00\x01stun", b"\x16dtls", b"\x40\x00channel", b"\xf5other"] {
        assert_eq!(world.sent(at(1), packet), [(at(2), packet.to_vec())]);
        assert_eq!(world.sent(at(2), packet), [(at(1), packet.to_vec())]);
    }
    assert_eq!(world.sent(at(3), b"\x80rtp"), []);
    assert_eq!(world.calls.counts().packets_out, 10);
    assert_eq!(world.calls.counts().refused(Cause::HalfCall), 1);
}

#[test]
fn what_was_seen_on_the_way_lets_nobody_in_from_elsewhere() {
    let mut world = World::new(10);
    let [alice, bob] = grants(1);
    let first = world.sent(at(1), &alice.write(Word::Hello, [0; 8]));
    let Some(Answer::Challenge(challenge)) = Answer::parse(&first[0].1) else { panic!("{first:?}") };
    let seen = alice.write(Word::Hello, challenge);
    assert!(matches!(world.sent(at(1), &seen)[..], [_]));
    assert_eq!(world.enter(at(2), &bob), Some(true));
    // A stranger repeats it: what he gets is a challenge of his own, and the call stays where it is.
    let answer = world.sent(at(9), &seen);
    assert!(matches!(Answer::parse(&answer[0].1), Some(Answer::Challenge(_))));
    assert_eq!(world.sent(at(2), b"voice"), [(at(1), b"voice".to_vec())]);
    assert_eq!(world.sent(at(9), b"voice"), []);
}

#[test]
fn an_end_that_moves_is_followed_and_its_old_place_is_nobodys() {
    let mut world = World::new(10);
    let [alice, bob] = grants(1);
    assert_eq!((world.enter(at(1), &alice), world.enter(at(2), &bob)), (Some(false), Some(true)));
    assert_eq!(world.enter(at(7), &alice), Some(true));
    assert_eq!(world.sent(at(2), b"voice"), [(at(7), b"voice".to_vec())]);
    assert_eq!(world.sent(at(1), b"voice"), []);
    // Its port is in another call from now on: the first one has lost this end.
    assert_eq!(world.enter(at(7), &grants(2)[0]), Some(false));
    assert_eq!(world.sent(at(2), b"voice"), []);
}

#[test]
fn a_ticket_of_another_secret_pair_end_or_time_lets_nobody_in() {
    let mut world = World::new(10);
    let [alice, _] = grants(1);
    let cases: [(&str, Ticket, Secret); 3] = [
        ("another secret", alice.ticket, Secret::new(b"guessed")),
        ("over", Ticket { expires: WALL as u32, ..alice.ticket }, secret()),
        ("long over", Ticket { expires: 0, ..alice.ticket }, secret()),
    ];
    for (what, ticket, secret) in cases {
        assert_eq!(world.enter(at(1), &secret.grant(ticket)), None, "{what}");
    }
    let whole = alice.write(Word::Hello, [0; 8]);
    for bit in 0..whole.len() * 8 {
        let mut changed = whole;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(world.sent(at(1), &changed), [], "bit {bit}");
    }
    assert!(world.calls.is_empty());
    assert_eq!(world.enter(at(1), &alice), Some(false));
    // The same call for another pair.
    let other = secret().grant(Ticket { pair: pair(b"alice", b"mallory"), leg: Leg::Callee, ..alice.ticket });
    assert_eq!(world.enter(at(3), &other), None);
    assert_ne!(pair(b"ab", b"c"), pair(b"a", b"bc"));
}

#[test]
fn nobody_gets_more_than_he_has_sent() {
    let mut world = World::new(10);
    let [alice, _] = grants(1);
    let hello = alice.write(Word::Hello, [0; 8]);
    let answers = world.sent(at(1), &hello);
    assert!(answers.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < hello.len());
}

#[test]
fn calls_end_by_a_word_by_silence_and_with_their_tickets() {
    let mut world = World::new(10);
    let [alice, bob] = grants(1);
    assert_eq!((world.enter(at(1), &alice), world.enter(at(2), &bob)), (Some(false), Some(true)));
    for _ in 0..100 {
        world.later(30);
        assert_eq!(world.sent(at(1), b"voice").len(), 1);
    }
    world.later(59);
    assert_eq!(world.calls.len(), 1);
    world.later(2);
    assert!(world.calls.is_empty() && world.sent(at(1), b"voice").is_empty());
    assert_eq!(world.enter(at(1), &alice), Some(false));
    world.later(3_600 - 3_000 - 61 - 30);
    world.sent(at(1), b"voice");
    world.later(31);
    assert!(world.calls.is_empty(), "its tickets are over");
    let mut world = World::new(10);
    assert_eq!(world.enter(at(1), &alice), Some(false));
    let first = world.sent(at(1), &alice.write(Word::Bye, [0; 8]));
    let Some(Answer::Challenge(challenge)) = Answer::parse(&first[0].1) else { panic!("{first:?}") };
    assert_eq!(world.sent(at(1), &alice.write(Word::Bye, challenge)), []);
    assert!(world.calls.is_empty() && world.calls.flows.is_empty() && world.calls.ends.is_empty());
}

#[test]
fn there_are_as_many_calls_as_there_may_be() {
    let mut world = World::new(3);
    for call in 0..3 {
        assert_eq!(world.enter(at(call), &grants(call as u8)[0]), Some(false));
    }
    assert_eq!(world.enter(at(9), &grants(9)[0]), None);
    assert_eq!(world.calls.counts().refused(Cause::Capacity), 1);
    assert_eq!(world.enter(at(8), &grants(2)[1]), Some(true));
}

proptest! {
    #[test]
    fn no_bytes_let_anybody_in(bytes in vec(any::<u8>(), 0..100), magic in any::<bool>()) {
        let mut world = World::new(10);
        let mut bytes = bytes;
        if magic {
            bytes.splice(0..0, [0xf5, b'r', b'v', 1]);
        }
        world.sent(at(1), &bytes);
        prop_assert!(world.calls.is_empty());
    }
}
