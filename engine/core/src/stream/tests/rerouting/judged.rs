//! What the user puts up with, and ways that are bad for long.

use super::*;

#[test]
fn a_way_that_loses_a_little_more_than_its_user_allows_is_left_after_some_comparisons_and_not_before() {
    let little = Road { loss: 0.05, ..GOOD };
    for (limit, leaves) in [(0.02, true), (0.1, false)] {
        let mut left = 0;
        for seed in 0..10 {
            let mut world = World::new(true, seed);
            world.ends.iter_mut().for_each(|end| end.stream.tolerate(losing(limit)));
            world.run(secs(5.0), &[[GOOD; 2]; 2]);
            world.run(secs(60.0), &[[little, GOOD], [GOOD; 2]]);
            left += usize::from(world.rerouted(1).iter().any(|told| told.to == RouteId(1)));
        }
        println!("5 % under a limit of {limit}: left in {left} of 10");
        assert!(if leaves { left >= 9 } else { left == 0 }, "{left}");
    }
}

#[test]
fn of_two_bad_ways_the_better_one_is_taken_and_nobody_flaps() {
    let [bad, worse] = [0.05, 0.3].map(|loss| Road { loss, ..GOOD });
    for seed in 0..5 {
        let mut world = World::new(true, seed);
        world.run(secs(5.0), &[[GOOD; 2]; 2]);
        world.run(secs(120.0), &[[worse, bad]; 2]);
        for end in 0..2 {
            let told = world.rerouted(end);
            assert!(told.len() <= 3 && told.last().is_some_and(|told| told.to == RouteId(1)), "{told:?}");
        }
    }
}

#[test]
fn a_way_that_loses_half_of_all_packets_both_ways_is_left_by_both_ends() {
    let bad = Road { loss: 0.5, ..GOOD };
    let mut lost = Vec::new();
    for seed in 0..60 {
        let mut world = World::new(true, seed);
        world.run(secs(5.0), &[[GOOD; 2]; 2]);
        world.run(secs(3.0), &[[bad, GOOD]; 2]);
        for end in 0..2 {
            let told = world.rerouted(end);
            lost.push(world.shortage(end, secs(4.9)).1);
            if told.len() != 1 {
                println!("{seed} {end}: {told:?} lost {}", lost.last().unwrap());
            }
        }
    }
    lost.sort_unstable();
    println!("lost {lost:?}");
    assert!(lost[lost.len() * 95 / 100] <= 10);
}

#[test]
fn a_way_that_never_was_fast_is_left_when_its_user_wants_a_faster_one_and_not_otherwise() {
    let slow = Road { delay: 90.0, ..GOOD };
    for delay in [None, Some(secs(0.08)), Some(secs(0.12))] {
        let mut world = World::new(true, 9);
        world.ends[1].stream.tolerate(Tolerance { delay, ..Tolerance::default() });
        world.run(secs(20.0), &[[slow, GOOD]; 2]);
        let told = world.rerouted(1);
        let leaves = delay == Some(secs(0.08));
        assert_eq!(told.len(), usize::from(leaves), "{delay:?}: {told:?}");
        assert!(told.iter().all(|one| one.cause == Cause::Delay && one.lost == Some(0)));
        assert!(world.rerouted(0).is_empty(), "the other end has asked for nothing");
    }
}

#[test]
fn where_no_other_way_is_known_whoever_may_know_one_hears_what_is_wrong() {
    let mut world = World::new(true, 10);
    let bad = Road { loss: 0.3, ..GOOD };
    // The second way never works: the call has none but the first.
    world.run(secs(5.0), &[[GOOD, CUT]; 2]);
    world.run(secs(10.0), &[[bad, CUT], [GOOD, CUT]]);
    let complaints = |end: usize| {
        let complaint = |event: &StreamEvent| match event {
            StreamEvent::Complaint(complaint) => Some((complaint.cause, complaint.compared)),
            _ => None,
        };
        world.ends[end].events.iter().filter_map(complaint).collect::<Vec<_>>()
    };
    assert!(world.rerouted(1).is_empty());
    assert!(complaints(1).contains(&(Cause::Loss, true)), "{:?}", complaints(1));
    assert_eq!(complaints(0), []);
}

/// What both ends of many calls lost, and after how long they had left a way that is so bad both ways.
fn both_ways(bad: Road) -> [f64; 4] {
    let (mut lost, mut after) = (Vec::new(), Vec::new());
    for seed in 0..40 {
        let mut world = World::new(true, seed);
        // Not quite even: now and then something is suspected that is nothing.
        let uneven = Road { jitter: 25.0, ..GOOD };
        world.run(secs(5.0), &[[uneven, uneven]; 2]);
        world.run(secs(6.0), &[[bad, GOOD]; 2]);
        for end in 0..2 {
            let left = world.rerouted(end).into_iter().find(|told| told.cause != Cause::Delay);
            after.push(
                left.map_or(f64::INFINITY, |told| told.decided.since(start().mono).as_secs_f64() - 5.0),
            );
            lost.push(world.shortage(end, secs(4.9)).1 as f64);
        }
    }
    let at = |values: &mut Vec<f64>, share: f64| {
        values.sort_by(f64::total_cmp);
        values[((values.len() - 1) as f64 * share) as usize]
    };
    [at(&mut lost, 0.5), at(&mut lost, 0.95), at(&mut after, 0.5), at(&mut after, 0.95)]
}

#[test]
fn a_way_that_is_bad_both_ways_is_left_by_both_ends_although_suspicions_before_were_none() {
    for (loss, most, latest) in
        [(0.085, [12.0, 20.0], 3.0), (0.2, [8.0, 20.0], 2.0), (0.5, [10.0, 16.0], 1.0)]
    {
        let [half, nearly, typical, late] = both_ways(Road { loss, ..GOOD });
        println!(
            "{loss} both ways: lost {half} p50 {nearly} p95, left after {typical:.2} s p50 {late:.2} s p95"
        );
        assert!(half <= most[0] && nearly <= most[1] && typical <= latest, "{loss}");
    }
}

#[test]
fn a_way_on_which_packets_arrive_changed_is_left_within_three_seconds_nearly_always() {
    // Of packets of a hundred bytes whose bits arrive changed once in ten thousand times.
    let [half, nearly, typical, late] = both_ways(Road { changed: 0.08, ..GOOD });
    println!(
        "changed both ways: lost {half} p50 {nearly} p95, left after {typical:.2} s p50 {late:.2} s p95"
    );
    assert!(typical <= 1.5 && late <= 3.0, "{typical} {late}");
}

#[test]
fn two_ways_on_which_as_many_packets_arrive_changed_are_not_run_to_and_fro_between() {
    let changed = Road { changed: 0.08, ..GOOD };
    for seed in 0..10 {
        let mut world = World::new(true, seed);
        world.run(secs(5.0), &[[GOOD; 2]; 2]);
        world.run(secs(120.0), &[[changed; 2]; 2]);
        for end in 0..2 {
            let told = world.rerouted(end);
            println!("seed {seed}: {} switches in two minutes", told.len());
            assert!(told.len() <= 4, "{told:?}");
        }
    }
}

#[test]
fn after_a_rough_time_on_all_ways_a_way_that_gets_bad_is_left_as_soon_as_ever() {
    let rough = Road { jitter: 80.0, ..GOOD };
    let loses = |loss| Road { loss, ..GOOD };
    for (what, bad, within) in [("a fifth", loses(0.2), 2.0), ("half", loses(0.5), 1.0)] {
        let mut after = Vec::new();
        for seed in 0..60 {
            let mut world = World::new(true, seed);
            world.run(secs(2.5), &[[rough; 2]; 2]);
            world.run(secs(2.5), &[[GOOD; 2]; 2]);
            let before = world.since_start();
            world.run(secs(6.0), &[[bad, GOOD]; 2]);
            for end in 0..2 {
                let told = world.rerouted(end);
                let is_before = |told: &&Rerouted| told.decided.since(start().mono) < before;
                if told.iter().take_while(is_before).last().is_some_and(|told| told.to == RouteId(1)) {
                    // It is on the other already.
                    continue;
                }
                let at =
                    told.iter().find(|told| !is_before(told)).map(|told| told.decided.since(start().mono));
                after.push(at.map_or(f64::INFINITY, |at| (at - before).as_secs_f64()));
            }
        }
        after.sort_by(f64::total_cmp);
        let at = |share: f64| after[((after.len() - 1) as f64 * share) as usize];
        println!("loses {what}: left after {:.2} s p50 {:.2} s p95 {:.2} s p99", at(0.5), at(0.95), at(0.99));
        assert!(at(0.95) <= within, "{what}: {after:?}");
    }
}
