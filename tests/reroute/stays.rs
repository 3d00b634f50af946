//! A call stays where it is when that is good enough, and does not run to and fro.

use rove_tests::wires::Truth;
use serde_json::json;

use crate::scene::{Bad, DELAY, End, KNOWN, Scene, proves, together};

/// So many seconds of a call.
fn lasts(short: f64, long: f64) -> f64 {
    if proves() { long } else { short }
}

/// Both ways are like this from the moment on that both are known; what is counted since.
fn both_ways(scene: &Scene, seconds: f64, bad: &serde_json::Value) -> [End; 2] {
    scene.call(seconds + KNOWN + 1.0, |scene| {
        scene.until(KNOWN);
        (0..2).for_each(|wire| scene.wires.set(wire, "both", bad));
        scene.wires.mark();
        scene.until(KNOWN + seconds);
        scene.wires.truth()
    })
}

#[test]
fn b15_two_ways_as_good_are_not_switched_between_nor_is_one_percent_of_loss_where_eight_are_allowed() {
    let lasted = [lasts(60.0, 600.0), lasts(60.0, 3_600.0)];
    let told = together(2, |round| {
        let scene = Scene::new(2, 100 + round)?;
        Some(if round == 0 {
            both_ways(&scene, lasted[0], &json!({ "delay_ms": DELAY, "jitter_ms": 8.0 }))
        } else {
            let scene = scene.with(&["--max-loss", "8"]);
            both_ways(&scene, lasted[1], &json!({ "delay_ms": DELAY, "loss": 0.01 }))
        })
    });
    let Some(told) = told else { return };
    let both = || ["equal", "one percent"].into_iter().zip(lasted).zip(&told);
    for ((what, seconds), ends) in both() {
        for end in ends {
            let (switches, copied) = (end.switches().len(), end.truth.copied() * 100.0);
            println!("{what}, {seconds} s: {switches} switches, {copied:.2} % of bytes twice");
        }
    }
    for ((what, _), ends) in both() {
        for end in ends {
            assert!(end.switches().is_empty(), "{what}: {:?}", end.switches());
            // A comparison more or less shows in a minute.
            let most = if proves() { 0.02 } else { 0.04 };
            assert!(end.truth.copied() <= most, "{what}: {:?}", end.truth);
        }
    }
}

#[test]
fn b15_ways_that_are_bad_in_turn_are_not_run_after() {
    let seconds = lasts(60.0, 240.0);
    let Some(scene) = Scene::new(2, 110) else { return };
    let ends = scene.call(seconds + KNOWN + 1.0, |scene| {
        let turns = (seconds / 5.0) as usize;
        for turn in 0..turns {
            scene.until(KNOWN + turn as f64 * 5.0);
            scene.mend(1 - turn % 2);
            scene.spoil(turn % 2, "both", Bad::Loses(0.2));
        }
        scene.until(KNOWN + seconds);
        scene.wires.truth()
    });
    for end in &ends {
        let told = end.switches();
        println!("bad in turn, {seconds} s: {} switches", told.len());
        assert!(!told.is_empty(), "it left once at least");
        for one in &told {
            let minute = told.iter().filter(|two| two.at >= one.at && two.at - one.at < 60.0).count();
            assert!(minute <= 2, "{told:?}");
        }
    }
}

#[test]
fn b15_of_two_bad_ways_the_better_one_is_taken_and_nobody_flaps() {
    let seconds = lasts(20.0, 300.0);
    let told = together(2, |round| {
        let scene = Scene::new(2, 120 + round)?;
        Some(scene.call(seconds + KNOWN + 1.0, |scene| {
            scene.until(KNOWN);
            scene.spoil(0, "both", Bad::Loses(0.3));
            scene.spoil(1, "both", Bad::Loses(0.05));
            scene.until(KNOWN + 10.0);
            scene.wires.mark();
            scene.until(KNOWN + seconds);
            scene.wires.truth()
        }))
    });
    let Some(told) = told else { return };
    for end in told.iter().flatten() {
        let switches = end.switches();
        let [worse, better] = [0, 1].map(|wire| end.truth.sent(wire));
        println!("30 % and 5 %, {seconds} s: {} switches, then {worse} and {better} packets", switches.len());
        assert!(switches.len() <= 3, "{switches:?}");
        assert!(switches.last().is_some_and(|one| one.to == "other"), "{switches:?}");
        assert!(better > 5 * worse, "{:?}", end.truth);
    }
}

#[test]
fn b15_a_way_that_is_bad_one_way_is_left_one_way() {
    let told = together(2, |round| {
        let scene = Scene::new(2, 130 + round)?;
        Some(scene.call(11.0, |scene| {
            scene.until(KNOWN);
            scene.wires.mark();
            scene.spoil(0, "there", Bad::Loses(0.3));
            scene.until(KNOWN + 4.0);
            scene.wires.truth()
        }))
    });
    for [alice, bob] in told.into_iter().flatten() {
        println!("one way: {:?}, {:?}", alice.switches(), bob.switches());
        assert_eq!(alice.switches().len(), 0, "she hears as before");
        assert_eq!(bob.switches().len(), 1, "he hears by the other way");
        let last = |truth: &Truth| truth.last_alone(0).unwrap_or(0.0);
        assert!(last(&alice.truth) > 3_900.0 && alice.truth.sent(1) == 0, "{:?}", alice.truth);
        assert!(last(&bob.truth) < 3_000.0, "{:?}", bob.truth);
    }
}
