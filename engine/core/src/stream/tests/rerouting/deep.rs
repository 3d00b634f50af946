//! What deep redundancy (Opus DRED) saves of the packets that a cut has cost.

use rove_codecs::Redundancy;

use super::*;

/// A call in Opus whose ends read deep redundancy and nothing else, after a while of losses on all ways.
fn reminded(seed: u64) -> World {
    let plan = |forth| {
        let codec = CodecPlan {
            deep_redundancy: true,
            ..CodecPlan::new(CodecId::Opus, PayloadType::from_header(111))
        };
        two_routes_in(codec, forth, true)
    };
    let mut world = World::of([true, false].map(plan), seed);
    world.plays = true;
    // Neither is to leave for that.
    world.ends.iter_mut().for_each(|end| end.stream.tolerate(losing(0.6)));
    let lossy = Road { loss: 0.2, ..GOOD };
    world.run(secs(10.0), &[[lossy; 2]; 2]);
    world.run(secs(2.0), &[[GOOD; 2]; 2]);
    for end in &world.ends {
        let codec = end.stream.sending().scheme.codec;
        assert!(matches!(codec, Redundancy::Deep { .. }), "{codec:?}");
    }
    world
}

/// Frames that never came to an end by themselves since `from`, and that the first packet after them could still tell of: it
/// reaches so far back, and their time had not passed.
fn reachable(world: &World, end: usize, from: Duration) -> usize {
    let came: Vec<_> = world.tallies[end].came.iter().filter(|came| came.1 >= from).collect();
    let gap =
        came.windows(2).find(|pair| pair[1].0.wrapping_sub(pair[0].0) > 1).expect("something is missing");
    let [before, after] = gap else { unreachable!() };
    let count = |number: u16| {
        let back = Duration::from_millis(20) * u32::from(after.0.wrapping_sub(number));
        // As all others it would have come so much later than the one before the gap, and have waited.
        let due = before.1 + Duration::from_millis(20) * u32::from(number.wrapping_sub(before.0)) + WAITS;
        back <= REACH && due >= after.1
    };
    (before.0.wrapping_add(1)..after.0).filter(|number| count(*number)).count()
}

#[test]
fn nothing_is_concealed_that_deep_redundancy_could_reach_when_a_way_is_cut() {
    let mut told = Vec::new();
    for seed in 0..8 {
        let mut world = reminded(seed);
        let cut = world.since_start() + Duration::from_millis(3 * seed);
        world.run(Duration::from_millis(3 * seed), &[[GOOD; 2]; 2]);
        let before = world.ends.each_ref().map(|end| end.playout.meter());
        // Losses may have moved one of them.
        let taken = [1, 0].map(|to: usize| world.ends[to].stream.guard.taken());
        world.run(
            secs(2.0),
            &taken.map(|way| if way == Some(RouteId(0)) { [CUT, GOOD] } else { [GOOD, CUT] }),
        );
        for (end, before) in before.iter().enumerate() {
            let (_, lost) = world.shortage(end, cut);
            let reachable = reachable(&world, end, cut);
            let meter = world.ends[end].playout.meter();
            let saved = meter.recovered_deep - before.recovered_deep
                + (meter.recovered_inband - before.recovered_inband);
            let concealed = (meter.concealed - before.concealed) / 960;
            told.push((lost, reachable, saved, concealed));
            assert_eq!(world.rerouted(end).last().unwrap().cause, Cause::Silence);
            assert!(saved >= reachable as u64, "{seed}, {end}: {told:?}");
            assert!(concealed <= (lost - reachable) as u64 + 1, "{seed}, {end}: {told:?}");
        }
    }
    println!("lost, in reach, told, concealed: {told:?}");
    assert!(told.iter().any(|(_, reachable, ..)| *reachable > 0), "{told:?}");
}

/// What the playout here waits for the latest packet.
const WAITS: Duration = Duration::from_millis(60);
/// How far back it tells.
const REACH: Duration = Duration::from_millis(80);
