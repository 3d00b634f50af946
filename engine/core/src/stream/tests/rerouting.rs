//! A call with two routes, of which one gets worse.

use rove_base::{SrtpKeys, SrtpProfile};

use super::*;
use crate::{
    reroute::{Cause, Rerouted, Tolerance},
    stream::StreamEvent,
};

mod deep;
mod judged;

/// One direction of one route.
#[derive(Clone, Copy, Debug)]
struct Road {
    delay: f64,
    jitter: f64,
    loss: f64,
    /// Arrive with a bit changed.
    changed: f64,
}

const GOOD: Road = Road { delay: 30.0, jitter: 0.0, loss: 0.0, changed: 0.0 };
const CUT: Road = Road { loss: 1.0, ..GOOD };

/// From `a` to `b` and back, by each of both routes.
type Roads = [[Road; 2]; 2];

fn keys(forth: bool) -> SrtpKeys {
    let (a, b) = ([1; 28], [2; 28]);
    let (ours, theirs) = if forth { (a, b) } else { (b, a) };
    SrtpKeys::new(SrtpProfile::AeadAes128Gcm, &ours, &theirs).unwrap()
}

fn two_routes(forth: bool, protected: bool) -> MediaPlan {
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    two_routes_in(codec, forth, protected)
}

fn two_routes_in(codec: CodecPlan, forth: bool, protected: bool) -> MediaPlan {
    let turn = |flow: UdpFlow| if forth { flow } else { UdpFlow { local: flow.remote, remote: flow.local } };
    let route = |id: u16, kind| {
        let flow = turn(flow(4 + id * 10, 6 + id * 10));
        Route { id: RouteId(id.into()), kind, rtp: flow, rtcp: flow }
    };
    let name = if forth { "a" } else { "b" };
    let plan =
        MediaPlan::builder(codec, name).route(route(0, RouteKind::Direct)).route(route(1, RouteKind::Other));
    if protected { plan.srtp(keys(forth)).build().unwrap() } else { plan.build().unwrap() }
}

/// What one end heard, and what was sent to it.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// Numbers and times of packets that came, each once.
    came: Vec<(u16, Duration)>,
    /// Packets of media on their way, and bytes of all.
    sent: u64,
    bytes: u64,
    copies: u64,
}

struct World {
    ends: [End; 2],
    /// Of what comes to `a`, and to `b`.
    tallies: [Tally; 2],
    now: Now,
    speaks: bool,
    /// What comes is played as well.
    plays: bool,
    network: Vec<(Instant, u64, usize, UdpFlow, Vec<u8>, bool)>,
    chance: Entropy,
    count: u64,
}

impl World {
    fn new(protected: bool, seed: u64) -> Self {
        Self::of([true, false].map(|forth| two_routes(forth, protected)), seed)
    }

    /// The plans of the two ends.
    fn of(plans: [MediaPlan; 2], seed: u64) -> Self {
        let now = start();
        let [a, b] = plans;
        Self {
            ends: [End::new(now, &a, 2 + 2 * seed), End::new(now, &b, 1 + 2 * seed)],
            tallies: Default::default(),
            now,
            speaks: true,
            plays: false,
            network: Vec::new(),
            chance: Entropy::from_number(seed),
            count: 0,
        }
    }

    fn since_start(&self) -> Duration {
        self.now.mono.since(start().mono)
    }

    /// Goes on for a while over these roads, a millisecond at a time.
    fn run(&mut self, time: Duration, roads: &Roads) {
        let mut scratch = Scratch::with_capacity(8_192);
        let block = (self.ends[0].stream.pcm_rate() / 100) as usize;
        let pcm: Vec<f32> = (0..block).map(|n| 0.3 * (n as f32 * 24.0 / block as f32).sin()).collect();
        for _ in 0..time.as_millis() {
            self.now = self.now.later(Duration::from_millis(1));
            self.network.sort_by_key(|datagram| (datagram.0, datagram.1));
            let due = self.network.iter().take_while(|datagram| datagram.0 <= self.now.mono).count();
            let due: Vec<_> = self.network.drain(..due).collect();
            for (arrived, _, to, flow, bytes, changed) in due {
                if !changed {
                    self.tally(to, &bytes);
                }
                let flow = UdpFlow { local: flow.remote, remote: flow.local };
                let input = MediaInput::Datagram { flow, bytes: &bytes, arrived };
                self.ends[to].stream.handle(self.now, input);
            }
            let captures = self.since_start().as_millis().is_multiple_of(10) && self.speaks;
            for from in 0..2 {
                if captures {
                    self.ends[from].stream.handle(self.now, MediaInput::Pcm(&pcm));
                }
                if captures && self.plays {
                    let end = &mut self.ends[from];
                    end.playout.pull(self.now.mono, &mut vec![0.0; block]);
                    end.stream.handle(self.now, MediaInput::Meter(end.playout.meter()));
                }
                self.ends[from].stream.tick(self.now);
                for (flow, bytes) in self.ends[from].drain(&mut scratch) {
                    self.send(from, flow, bytes, roads);
                }
            }
        }
    }

    fn send(&mut self, from: usize, flow: UdpFlow, mut bytes: Vec<u8>, roads: &Roads) {
        let by = usize::from(flow.local.port() > 10);
        let road = roads[from][by];
        let tally = &mut self.tallies[1 - from];
        if is_media(&bytes) {
            tally.sent += 1;
        }
        tally.bytes += bytes.len() as u64;
        if self.chance.unit() < road.loss {
            return;
        }
        let delay = road.delay + road.jitter * self.chance.unit();
        self.count += 1;
        let arrives = self.now.mono + Duration::from_secs_f64(delay / 1_000.0);
        let changed = road.changed > 0.0 && self.chance.unit() < road.changed;
        if changed {
            let at = (self.chance.unit() * bytes.len() as f64) as usize;
            bytes[at] ^= 1;
        }
        self.network.push((arrives, self.count, 1 - from, flow, bytes, changed));
    }

    fn tally(&mut self, to: usize, bytes: &[u8]) {
        if !is_media(bytes) {
            return;
        }
        let (seq, at) = (u16::from_be_bytes([bytes[2], bytes[3]]), self.since_start());
        let tally = &mut self.tallies[to];
        if tally.came.iter().rev().take(200).any(|came| came.0 == seq) {
            tally.copies += 1;
        } else {
            tally.came.push((seq, at));
        }
    }

    fn rerouted(&self, end: usize) -> Vec<Rerouted> {
        let rerouted = |event: &StreamEvent| match event {
            StreamEvent::Rerouted(rerouted) => Some(*rerouted),
            _ => None,
        };
        self.ends[end].events.iter().filter_map(rerouted).collect()
    }

    /// The longest time in which nothing new came to an end, and what never came, since `from`.
    fn shortage(&self, end: usize, from: Duration) -> (Duration, usize) {
        let mut came: Vec<_> = self.tallies[end].came.iter().filter(|came| came.1 >= from).collect();
        let gap = came.windows(2).map(|pair| pair[1].1 - pair[0].1).max().unwrap_or_default();
        came.sort_by_key(|came| came.0);
        let all = usize::from(came.last().unwrap().0 - came[0].0) + 1;
        (gap, all - came.len())
    }
}

/// RTP, and not RTCP on the same port (RFC 5761 §4).
fn is_media(bytes: &[u8]) -> bool {
    !(64..96).contains(&(bytes[1] & 0x7f))
}

fn losing(share: f32) -> Tolerance {
    Tolerance { loss: Some(share), ..Tolerance::default() }
}

fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}

const ROUND_TRIP: f64 = 0.060;

#[test]
fn a_way_that_is_cut_is_left_after_a_tenth_of_a_second_and_a_round_trip() {
    for protected in [true, false] {
        for cut_at in [5.0, 5.007, 5.013, 5.019] {
            let mut world = World::new(protected, 1);
            world.run(secs(cut_at), &[[GOOD; 2]; 2]);
            world.run(secs(3.0), &[[CUT, GOOD]; 2]);
            for end in 0..2 {
                let (gap, lost) = world.shortage(end, secs(4.0));
                let told = world.rerouted(end);
                assert_eq!(told.len(), 1, "{told:?}");
                assert_eq!(
                    (told[0].from, told[0].to, told[0].cause),
                    (RouteId(0), RouteId(1), Cause::Silence)
                );
                assert!(gap <= secs(0.120 + ROUND_TRIP), "{gap:?}");
                assert!(lost as f64 <= 5.0 + ROUND_TRIP / 0.020, "{lost}");
                let told_gap = told[0].gap.unwrap();
                assert!(told_gap.abs_diff(gap) <= secs(0.005), "{told_gap:?} {gap:?}");
                assert_eq!(usize::from(told[0].lost.unwrap()), lost);
            }
        }
    }
}

/// Loses packets one way; what each of many calls lost before it was left, and when that was decided.
fn lossy(loss: f64) -> Vec<(usize, Option<Rerouted>)> {
    let bad = Road { loss, ..GOOD };
    let one = |seed| {
        let mut world = World::new(true, seed);
        world.run(secs(5.0), &[[GOOD; 2]; 2]);
        world.run(secs(6.0), &[[bad, GOOD], [GOOD; 2]]);
        assert!(world.rerouted(0).is_empty(), "the other direction stays");
        let told = world.rerouted(1);
        assert!(told.len() <= 1, "{told:?}");
        (world.shortage(1, secs(4.9)).1, told.first().copied())
    };
    (0..40).map(one).collect()
}

fn summed(mut calls: Vec<(usize, Option<Rerouted>)>) -> [f64; 5] {
    let left = calls.iter().filter(|call| call.1.is_some()).count();
    calls.sort_by_key(|call| call.0);
    let at = |share: f64| calls[((calls.len() - 1) as f64 * share) as usize].0 as f64;
    let mut decided: Vec<_> = calls
        .iter()
        .filter_map(|call| Some(call.1?.decided.since(start().mono).as_secs_f64() - 5.0))
        .collect();
    decided.sort_by(f64::total_cmp);
    let late = |share: f64| decided[((decided.len() - 1) as f64 * share) as usize];
    [left as f64, at(0.5), at(0.95), late(0.5), late(0.95)]
}

#[test]
fn a_way_that_loses_a_fifth_or_half_of_its_packets_is_left_before_many_are_lost() {
    for (loss, most, latest) in [(0.2, [8.0, 20.0], 2.0), (0.5, [6.0, 10.0], 1.0)] {
        let [left, half, nearly, typical, late] = summed(lossy(loss));
        println!(
            "{loss}: left in {left} of 40, lost {half} p50 {nearly} p95, decided {typical:.2} {late:.2} s"
        );
        assert!(left >= 39.0, "{left}");
        assert!(half <= most[0] && nearly <= most[1], "{half} {nearly}");
        assert!(typical <= latest, "{typical}");
    }
}

#[test]
fn a_way_on_which_packets_come_later_or_less_evenly_is_left_within_three_seconds() {
    let late = Road { delay: 330.0, ..GOOD };
    let uneven = Road { jitter: 40.0, ..GOOD };
    for (what, bad) in [("later", late), ("less evenly", uneven)] {
        for seed in 0..10 {
            let mut world = World::new(true, seed);
            world.run(secs(5.0), &[[GOOD; 2]; 2]);
            world.run(secs(4.0), &[[bad, GOOD], [GOOD; 2]]);
            let told = world.rerouted(1);
            assert_eq!(told.len(), 1, "{what}, {seed}: {told:?}");
            let after = told[0].decided.since(start().mono).as_secs_f64() - 5.0;
            assert!(after <= 3.0, "{what}, {seed}: {after}");
            println!("{what}: {:?} after {after:.2} s, gap {:?}", told[0].cause, told[0].gap);
        }
    }
}

#[test]
fn two_ways_that_are_as_good_are_not_switched_between() {
    let mut world = World::new(true, 3);
    let uneven = Road { jitter: 8.0, ..GOOD };
    world.run(secs(600.0), &[[uneven; 2]; 2]);
    assert!((0..2).all(|end| world.rerouted(end).is_empty()), "{:?}", world.rerouted(0));
}

#[test]
fn one_percent_of_loss_makes_nobody_leave_and_costs_few_copies() {
    let mut world = World::new(true, 4);
    let one = Road { loss: 0.01, ..GOOD };
    for end in &mut world.ends {
        end.stream.tolerate(losing(0.08));
    }
    world.run(secs(3_600.0), &[[one; 2]; 2]);
    for end in 0..2 {
        assert!(world.rerouted(end).is_empty(), "{:?}", world.rerouted(end));
        let tally = &world.tallies[end];
        let more = tally.copies as f64 / tally.sent as f64;
        println!("copies: {:.2} %", more * 100.0);
        assert!(more <= 0.02, "{more}");
    }
}

#[test]
fn ways_that_are_bad_in_turn_are_not_run_after() {
    let mut world = World::new(true, 5);
    let bad = Road { loss: 0.2, ..GOOD };
    world.run(secs(5.0), &[[GOOD; 2]; 2]);
    for round in 0..24 {
        let roads = if round % 2 == 0 { [bad, GOOD] } else { [GOOD, bad] };
        world.run(secs(5.0), &[roads; 2]);
    }
    for end in 0..2 {
        let told: Vec<_> = world.rerouted(end).iter().map(|told| told.decided).collect();
        println!("{} switches in two minutes", told.len());
        for one in &told {
            let minute = told.iter().filter(|two| **two >= *one && two.since(*one) < secs(60.0)).count();
            assert!(minute <= 2, "{told:?}");
        }
        assert!(told.len() <= 4, "{told:?}");
    }
}

#[test]
fn in_a_pause_ten_beats_a_second_say_that_the_way_is_there_and_its_end_is_noticed() {
    let mut world = World::new(true, 6);
    world.run(secs(5.0), &[[GOOD; 2]; 2]);
    world.speaks = false;
    world.run(secs(10.0), &[[GOOD; 2]; 2]);
    assert!((0..2).all(|end| world.rerouted(end).is_empty()));
    // Nobody speaks while the way is cut; whoever speaks then is heard by the other.
    world.run(secs(2.0), &[[CUT, GOOD]; 2]);
    world.speaks = true;
    world.run(secs(3.0), &[[CUT, GOOD]; 2]);
    for end in 0..2 {
        let (_, lost) = world.shortage(end, secs(4.0));
        println!("lost {lost}, {:?}", world.rerouted(end));
        assert_eq!(world.rerouted(end).len(), 1);
        assert!(lost as f64 <= 5.0 + ROUND_TRIP / 0.020, "{lost}");
    }
}

#[test]
fn the_cheaper_way_is_taken_again_once_it_is_good_and_nobody_hears_that() {
    let mut world = World::new(true, 7);
    let bad = Road { loss: 0.3, ..GOOD };
    world.run(secs(5.0), &[[GOOD; 2]; 2]);
    world.run(secs(10.0), &[[bad, GOOD]; 2]);
    let from = world.since_start();
    world.run(secs(30.0), &[[GOOD; 2]; 2]);
    for end in 0..2 {
        let told = world.rerouted(end);
        let [left, back] = &told[..] else { panic!("{told:?}") };
        assert_eq!((left.cause, back.cause), (Cause::Loss, Cause::Cost));
        assert_eq!((back.to, back.lost), (RouteId(0), Some(0)));
        let (gap, lost) = world.shortage(end, from + secs(1.0));
        assert_eq!((gap, lost), (secs(0.02), 0), "nobody misses anything");
    }
}

#[test]
fn a_cheaper_way_that_stays_bad_is_tried_less_and_less_often() {
    let mut world = World::new(true, 8);
    let bad = Road { loss: 0.3, ..GOOD };
    world.run(secs(5.0), &[[GOOD; 2]; 2]);
    world.run(secs(1_200.0), &[[bad, GOOD]; 2]);
    for end in 0..2 {
        assert_eq!(world.rerouted(end).len(), 1);
        let tally = &world.tallies[end];
        let more = tally.copies as f64 / tally.sent as f64;
        assert!(more < 0.01, "{more}");
    }
}
