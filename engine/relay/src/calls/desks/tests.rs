#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::BTreeMap, net::SocketAddr};

use proptest::{collection::vec, prelude::*};
use rove_base::{Flow, Scratch, Step, UnixTime};

use super::*;
use crate::calls::{
    Answer, CallLimits, Grant, Word,
    tests::{WALL, at, flow, grants, secret},
};

/// Desks that share a port. What they tell waits until it is carried over.
struct World {
    desks: Vec<Calls>,
    now: Now,
    out: Scratch,
    /// From which desk to which, in order.
    wires: BTreeMap<(usize, usize), VecDeque<Tiding>>,
}

impl World {
    fn new(count: u8, most: usize) -> Self {
        let limits = CallLimits { calls: most, ..CallLimits::default() };
        let desk = |index| Calls::new(vec![secret()], limits).among(Desk::new(index, count).unwrap());
        let now = Now { mono: Instant::from_nanos(100_000_000_000), wall: UnixTime::from_secs(WALL) };
        let desks = (0..count).map(desk).collect();
        Self { desks, now, out: Scratch::default(), wires: BTreeMap::new() }
    }

    /// What leaves desk `desk` when `bytes` come in there.
    fn sent(&mut self, desk: usize, from: SocketAddr, bytes: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        self.out.clear();
        self.desks[desk].datagram(self.now, flow(from), bytes, &mut self.out);
        self.gather();
        let mut left = Vec::new();
        while let Step::Send(transmit) = self.desks[desk].poll() {
            let Flow::Udp(flow) = transmit.flow else { panic!("a stream") };
            left.push((flow.remote, self.out.get(transmit.range).to_vec()));
        }
        left
    }

    /// Takes what each desk has to tell the others.
    fn gather(&mut self) {
        let count = self.desks.len();
        for (from, desk) in self.desks.iter_mut().enumerate() {
            assert_eq!(desk.has_tidings(), !desk.others.as_ref().unwrap().news.is_empty());
            while let Some(tiding) = desk.next_tiding() {
                for to in (0..count).filter(|to| *to != from) {
                    self.wires.entry((from, to)).or_default().push_back(tiding);
                }
            }
        }
    }

    /// Carries all over that waits, and what follows from that.
    fn tell(&mut self) -> usize {
        let mut count = 0;
        self.gather();
        while let Some(way) = self.wires.iter().find_map(|(way, wire)| (!wire.is_empty()).then_some(*way)) {
            count += usize::from(self.tell_one(way));
            self.gather();
        }
        count
    }

    fn tell_one(&mut self, (from, to): (usize, usize)) -> bool {
        let Some(tiding) = self.wires.get_mut(&(from, to)).and_then(VecDeque::pop_front) else {
            return false;
        };
        self.desks[to].told(self.now, &tiding);
        true
    }

    /// Says hello, shows the challenge, and is welcome or not; then all desks know.
    fn enter(&mut self, desk: usize, from: SocketAddr, grant: &Grant) -> Option<bool> {
        let challenge = self.challenge(desk, from, grant)?;
        let joined = self.show(desk, from, grant, challenge);
        self.tell();
        joined
    }

    fn challenge(&mut self, desk: usize, from: SocketAddr, grant: &Grant) -> Option<[u8; 8]> {
        let first = self.sent(desk, from, &grant.write(Word::Hello, [0; 8]));
        match first.first().and_then(|(_, bytes)| Answer::parse(bytes))? {
            Answer::Challenge(challenge) => Some(challenge),
            Answer::Welcome { .. } => None,
        }
    }

    fn show(&mut self, desk: usize, from: SocketAddr, grant: &Grant, challenge: [u8; 8]) -> Option<bool> {
        let second = self.sent(desk, from, &grant.write(Word::Hello, challenge));
        match second.first().and_then(|(_, bytes)| Answer::parse(bytes))? {
            Answer::Welcome { joined, proof } => {
                assert!(grant.is_welcome(challenge, proof));
                Some(joined)
            }
            Answer::Challenge(_) => None,
        }
    }

    fn later(&mut self, by: Duration) {
        self.now = self.now.later(by);
        self.desks.iter_mut().for_each(|desk| desk.tick(self.now));
    }

    fn calls(&self) -> Vec<usize> {
        self.desks.iter().map(Calls::len).collect()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn ends_at_different_desks_hear_each_other_and_either_ends_the_call_at_all_of_them() {
    let mut world = World::new(3, 10);
    let [alice, bob] = grants(1);
    assert_eq!(world.enter(0, at(1), &alice), Some(false));
    assert_eq!(world.enter(1, at(2), &bob), Some(true));
    assert_eq!(world.calls(), [1, 1, 1]);
    for packet in [&b"\x80rtp"[..], b"\x00\x01stun", b"\x16dtls"] {
        assert_eq!(world.sent(0, at(1), packet), [(at(2), packet.to_vec())]);
        assert_eq!(world.sent(1, at(2), packet), [(at(1), packet.to_vec())]);
        // Whatever desk it comes to.
        assert_eq!(world.sent(2, at(2), packet), [(at(1), packet.to_vec())]);
    }
    assert_eq!(world.desks.iter().map(|desk| desk.counts().begun).collect::<Vec<_>>(), [1, 0, 0]);
    let challenge = world.challenge(1, at(2), &bob).unwrap();
    assert_eq!(world.sent(1, at(2), &bob.write(Word::Bye, challenge)), []);
    world.tell();
    assert_eq!(world.calls(), [0, 0, 0]);
    assert!(world.desks.iter().all(|desk| desk.flows.is_empty() && desk.ends.is_empty()));
    // By the operator as well, and whoever comes again begins anew.
    assert_eq!((world.enter(2, at(1), &alice), world.enter(1, at(2), &bob)), (Some(false), Some(true)));
    world.desks[0].hang_up(&[1; 16]);
    world.tell();
    assert_eq!(world.calls(), [0, 0, 0]);
}

#[test]
fn a_challenge_of_one_desk_is_good_at_another() {
    let mut world = World::new(2, 10);
    let [alice, _] = grants(1);
    let challenge = world.challenge(0, at(1), &alice).unwrap();
    assert_eq!(world.show(1, at(1), &alice, challenge), Some(false));
    // Of another address it is good at none.
    assert_eq!(
        (world.show(0, at(2), &alice, challenge), world.show(1, at(2), &alice, challenge)),
        (None, None)
    );
}

/// Where the ends are, and which of them speaks, for ten minutes; answers when each desk forgets the call after that.
fn minutes_of_silence(desks: [usize; 2], speaks: usize, told: bool) -> (Vec<usize>, Vec<u64>) {
    let mut world = World::new(3, 10);
    for (leg, desk) in desks.into_iter().enumerate() {
        assert_eq!(world.enter(desk, at(leg as u16), &grants(1)[leg]), Some(leg == 1));
    }
    for second in 0..600 {
        world.later(SECOND);
        world.gather();
        if told {
            world.tell();
        }
        // Twice a minute at least, and not in step with anything.
        if second % 29 == 7 {
            world.sent(desks[speaks], at(speaks as u16), b"voice");
        }
    }
    let standing = world.calls();
    let mut gone = vec![0; 3];
    for second in 1..=70 {
        world.later(SECOND);
        world.tell();
        for (gone, calls) in gone.iter_mut().zip(world.calls()) {
            if *gone == 0 && calls == 0 {
                *gone = second;
            }
        }
    }
    (standing, gone)
}

#[test]
fn a_call_that_is_heard_at_one_desk_stands_at_all_however_long_its_other_end_is_silent() {
    for desks in [[0, 1], [1, 0], [2, 2]] {
        for speaks in [0, 1] {
            let (standing, gone) = minutes_of_silence(desks, speaks, true);
            assert_eq!(standing, [1, 1, 1], "{desks:?}, {speaks} speaks");
            // The last was heard in second 587, and all of them forget it within the same second.
            assert!(gone.iter().all(|second| *second == gone[0]), "{gone:?}");
            assert!((46..=49).contains(&gone[0]), "{gone:?}");
        }
    }
    // It is by what they tell each other that it stands.
    let (standing, _) = minutes_of_silence([0, 1], 0, false);
    assert_eq!(standing, [1, 0, 0]);
}

#[test]
fn what_all_desks_know_is_not_told_again() {
    let mut world = World::new(2, 10);
    let [alice, bob] = grants(1);
    assert_eq!((world.enter(0, at(1), &alice), world.enter(1, at(2), &bob)), (Some(false), Some(true)));
    // The same hello in between, and a silent call.
    let challenge = world.challenge(0, at(1), &alice).unwrap();
    for _ in 0..10 {
        assert_eq!(world.show(0, at(1), &alice, challenge), Some(true));
        assert_eq!(world.tell(), 0);
    }
    let mut told = 0;
    for _ in 0..59 {
        world.later(SECOND);
        told += world.tell();
    }
    assert!(told <= 2, "{told} times");
    // Media of an hour costs each desk three tidings a minute, however many packets it has.
    let mut world = World::new(2, 10);
    assert_eq!((world.enter(0, at(1), &alice), world.enter(1, at(2), &bob)), (Some(false), Some(true)));
    let mut told = 0;
    for _ in 0..30_000 {
        world.later(Duration::from_millis(20));
        for (desk, from) in [(0, at(1)), (1, at(2))] {
            assert_eq!(world.sent(desk, from, b"voice").len(), 1);
        }
        told += world.tell();
    }
    assert!((30..=62).contains(&told), "{told} times in ten minutes");
}

#[test]
fn of_two_places_of_an_end_at_two_desks_at_once_the_later_holds_at_both() {
    let mut world = World::new(2, 10);
    let [alice, bob] = grants(1);
    assert_eq!((world.enter(0, at(1), &alice), world.enter(1, at(2), &bob)), (Some(false), Some(true)));
    let challenges =
        [(0, at(7)), (1, at(8))].map(|(desk, from)| world.challenge(desk, from, &alice).unwrap());
    world.now = world.now.later(Duration::from_nanos(5));
    assert_eq!(world.show(1, at(8), &alice, challenges[1]), Some(true));
    world.now.mono = world.now.mono - Duration::from_nanos(2);
    // This desk is behind, by its clock; and neither has heard of the other's yet.
    assert_eq!(world.show(0, at(7), &alice, challenges[0]), Some(true));
    assert_eq!(world.sent(0, at(2), b"voice"), [(at(7), b"voice".to_vec())]);
    world.tell();
    for desk in 0..2 {
        assert_eq!(world.sent(desk, at(2), b"voice"), [(at(8), b"voice".to_vec())], "desk {desk}");
        assert_eq!((world.sent(desk, at(1), b"voice"), world.sent(desk, at(7), b"voice")), (vec![], vec![]));
    }
    // An address that goes to another call is lost to this one everywhere.
    assert_eq!(world.enter(1, at(8), &grants(2)[0]), Some(false));
    for desk in 0..2 {
        assert_eq!(world.sent(desk, at(2), b"voice"), [], "desk {desk}");
    }
}

#[test]
fn an_end_that_comes_while_the_call_is_ended_elsewhere_stays() {
    let mut world = World::new(2, 10);
    let [alice, bob] = grants(1);
    assert_eq!((world.enter(0, at(1), &alice), world.enter(1, at(2), &bob)), (Some(false), Some(true)));
    let challenge = world.challenge(1, at(9), &bob).unwrap();
    world.desks[0].hang_up(&[1; 16]);
    assert_eq!(world.show(1, at(9), &bob, challenge), Some(true));
    world.tell();
    let legs: Vec<_> = world.desks.iter().map(|desk| desk.sight(&[1; 16]).map(|call| call.legs)).collect();
    assert_eq!(legs, [Some([None, Some(flow(at(9)))]); 2]);
}

#[test]
fn there_are_as_many_calls_as_there_may_be_at_all_desks_together() {
    let mut world = World::new(2, 4);
    for call in 0..4_u8 {
        assert_eq!(world.enter(usize::from(call % 2), at(call.into()), &grants(call)[0]), Some(false));
    }
    assert_eq!((world.enter(0, at(9), &grants(9)[0]), world.enter(1, at(9), &grants(9)[0])), (None, None));
    assert!(world.desks.iter().all(|desk| desk.len() == 4 && desk.counts().refused(Cause::Capacity) == 1));
    assert_eq!(world.enter(1, at(8), &grants(2)[1]), Some(true));
}

#[test]
fn nobody_is_let_in_while_too_much_waits_to_be_told() {
    let mut desk = Calls::new(vec![secret()], CallLimits::default()).among(Desk::new(0, 2).unwrap());
    let now = Now { mono: Instant::from_nanos(1), wall: UnixTime::from_secs(WALL) };
    let ticket = grants(1)[0].ticket;
    let moves = (0..).take_while(|port| desk.join(now, flow(at(*port)), &ticket).is_ok()).count();
    assert_eq!(moves, MOST_NEWS);
    assert_eq!(desk.join(now, flow(at(1)), &ticket), Err(Cause::Capacity));
    assert!(desk.next_tiding().is_some());
    assert_eq!(desk.join(now, flow(at(1)), &ticket), Ok(()));
}

#[test]
fn one_desk_alone_keeps_nothing_for_others() {
    let mut desk = Calls::new(vec![secret()], CallLimits::default()).among(Desk::new(0, 1).unwrap());
    let now = Now { mono: Instant::from_nanos(1), wall: UnixTime::from_secs(WALL) };
    assert_eq!(desk.join(now, flow(at(1)), &grants(1)[0].ticket), Ok(()));
    assert!(desk.others.is_none() && desk.next_tiding().is_none() && !desk.has_tidings());
    assert!(Desk::new(2, 2).is_none() && Desk::new(0, 0).is_none());
}

/// What happens: an end says hello with an address, or a call ends, or something is carried over.
#[derive(Clone, Copy, Debug)]
enum Act {
    Join { call: u8, leg: bool, port: u16 },
    End { desk: usize, call: u8 },
    Tell { from: usize, to: usize },
}

fn act(ends: bool) -> BoxedStrategy<Act> {
    let join = (0..3_u8, any::<bool>(), 0..6_u16).prop_map(|(call, leg, port)| Act::Join { call, leg, port });
    let tell = (0..3_usize, 0..3_usize).prop_map(|(from, to)| Act::Tell { from, to });
    let end = (0..3_usize, 0..3_u8).prop_map(|(desk, call)| Act::End { desk, call });
    if ends {
        prop_oneof![4 => join, 6 => tell, 1 => end].boxed()
    } else {
        prop_oneof![4 => join, 6 => tell].boxed()
    }
}

impl World {
    fn act(&mut self, act: Act) {
        match act {
            Act::Join { call, leg, port } => {
                // What comes from one address comes to one desk.
                let desk = usize::from(port % 3);
                let ticket = grants(call)[usize::from(leg)].ticket;
                self.desks[desk].join(self.now, flow(at(port)), &ticket).unwrap();
            }
            Act::End { desk, call } => self.desks[desk].hang_up(&[call; 16]),
            Act::Tell { from, to } => drop(self.tell_one((from, to))),
        }
        self.gather();
    }

    /// Each address is in the call that says so, and in no other.
    fn is_sound(&self) {
        for desk in &self.desks {
            let legs = desk.calls.iter().zip(0_u32..).flat_map(|(call, index)| {
                let legs = call.iter().flat_map(|call| [Leg::Caller, Leg::Callee].into_iter().zip(call.legs));
                legs.filter_map(move |(leg, flow)| Some((flow?, (index, leg)))).collect::<Vec<_>>()
            });
            let legs: Vec<_> = legs.collect();
            assert!(legs.iter().all(|(flow, place)| desk.flows.get(flow) == Some(place)));
            assert_eq!(legs.len(), desk.flows.len());
            assert_eq!(desk.ends.len(), desk.ids.len());
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_decided_at_once_all_desks_agree_when_all_is_told(
        acts in vec((act(false), 0..3_u64), 0..80),
    ) {
        let mut world = World::new(3, 10);
        for (act, nanos) in acts {
            world.now = world.now.later(Duration::from_nanos(nanos));
            world.act(act);
            world.is_sound();
        }
        world.tell();
        for call in 0..3_u8 {
            let legs: Vec<_> = world.desks.iter().map(|desk| desk.sight(&[call; 16]).map(|call| call.legs)).collect();
            prop_assert!(legs.iter().all(|one| *one == legs[0]), "{:?}", legs);
        }
    }

    #[test]
    fn whatever_is_ended_in_between_every_table_is_sound_and_all_is_forgotten_in_the_end(
        acts in vec(act(true), 0..80),
    ) {
        let mut world = World::new(3, 10);
        for act in acts {
            world.act(act);
            world.is_sound();
        }
        for _ in 0..130 {
            world.later(SECOND);
            world.tell();
        }
        prop_assert_eq!(world.calls(), [0, 0, 0]);
        world.is_sound();
    }
}
