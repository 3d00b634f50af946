#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::{collection::vec, prelude::*};
use rove_base::Entropy;

use super::Arrivals;

mod plain;

/// Frames of 20 ms from `from` on, as late as `late` says.
fn feed(arrivals: &mut Arrivals, frames: core::ops::Range<u32>, mut late: impl FnMut(u32) -> f64) {
    for n in frames {
        let late = late(n);
        arrivals.came(f64::from(n) * 20.0 + late, late);
        arrivals.judged(true);
    }
}

fn exponential(mean: f64, seed: u64) -> impl FnMut() -> f64 {
    let mut entropy = Entropy::from_number(seed);
    move || -(1.0 - entropy.unit()).max(1e-12).ln() * mean
}

#[test]
fn the_wait_grows_with_the_jitter_and_vanishes_without_it() {
    let wait = |mean: f64| {
        let (mut arrivals, mut jitter) = (Arrivals::new(), exponential(mean, 1));
        feed(&mut arrivals, 0..3_000, |_| 40.0 + jitter());
        arrivals.wait()
    };
    assert!(wait(0.0) <= 20.0, "{}", wait(0.0));
    assert!(wait(3.0) < wait(10.0) && wait(10.0) < wait(20.0));
    assert!((30.0..60.0).contains(&wait(10.0)), "{}", wait(10.0));
}

#[test]
fn one_spike_is_not_remembered() {
    let (mut arrivals, mut jitter) = (Arrivals::new(), exponential(3.0, 2));
    feed(&mut arrivals, 0..1_000, |_| jitter());
    let before = arrivals.wait();
    feed(&mut arrivals, 1_000..1_012, |n| 250.0 - f64::from(n - 1_000) * 20.0);
    feed(&mut arrivals, 1_012..1_150, |_| jitter());
    assert!((arrivals.wait() - before).abs() <= 10.0, "{before}, then {}", arrivals.wait());
}

#[test]
fn a_step_moves_the_base_and_leaves_the_wait() {
    let (mut arrivals, mut jitter) = (Arrivals::new(), exponential(5.0, 3));
    feed(&mut arrivals, 0..1_000, |_| jitter());
    let before = arrivals.wait();
    feed(&mut arrivals, 1_000..1_300, |_| 100.0 + jitter());
    assert!((arrivals.base(26_000.0) - 100.0).abs() < 3.0);
    assert!((arrivals.wait() - before).abs() < 10.0, "{before}, then {}", arrivals.wait());
    feed(&mut arrivals, 1_300..1_310, |_| jitter());
    assert!(arrivals.base(26_200.0) < 3.0, "down at once");
}

#[test]
fn drift_is_known_apart_from_jitter() {
    for ppm in [-300.0, 0.0, 200.0] {
        let (mut arrivals, mut jitter) = (Arrivals::new(), exponential(5.0, 4));
        feed(&mut arrivals, 0..3_000, |n| f64::from(n) * 20.0 * ppm * 1e-6 + jitter());
        assert!((arrivals.drift_ppm() - ppm).abs() < 20.0, "{ppm}: {}", arrivals.drift_ppm());
    }
}

#[test]
fn a_path_that_is_slow_already_buys_less_loss_with_delay() {
    let wait = |path: f64| {
        let (mut arrivals, mut jitter) = (Arrivals::new(), exponential(25.0, 5));
        arrivals.set_path(Some(path));
        feed(&mut arrivals, 0..3_000, |_| jitter());
        arrivals.wait()
    };
    assert!(wait(300.0) < wait(20.0), "{} {}", wait(300.0), wait(20.0));
}

#[test]
fn a_second_of_jitter_tells_how_late_the_latest_may_come() {
    let waits = |frames: u32| -> Vec<f64> {
        let wait = |seed| {
            let (mut arrivals, mut jitter) = (Arrivals::new(), exponential(15.0, seed));
            arrivals.set_path(Some(40.0));
            feed(&mut arrivals, 0..frames, |_| jitter());
            arrivals.wait()
        };
        (1..=40).map(wait).collect()
    };
    let short = |waits: &[f64]| waits.iter().filter(|wait| **wait < 80.0).count();
    assert_eq!(short(&waits(2_000)), 0);
    assert!(short(&waits(60)) <= 6, "{:?}", waits(60));
    assert!(short(&waits(100)) <= 2, "{:?}", waits(100));
}

#[test]
fn what_later_packets_tell_again_has_no_tail() {
    let wait = |frames: u32, told: bool| {
        let mut arrivals = Arrivals::new();
        arrivals.set_path(Some(40.0));
        for n in 0..frames {
            let again = n % 10 == 3;
            if again && told {
                arrivals.told();
            }
            let late = if again { 20.0 } else { f64::from(n % 3) };
            arrivals.came(f64::from(n) * 20.0 + late, late);
        }
        arrivals.wait()
    };
    let (told, alone) = (wait(150, true), wait(150, false));
    assert!(told + 10.0 < alone, "{told} and {alone}");
    assert!((20.0..40.0).contains(&wait(600, true)), "{}", wait(600, true));
}

#[test]
fn what_is_mostly_lost_is_not_expected_to_come() {
    let (mut arrivals, mut jitter) = (Arrivals::new(), exponential(10.0, 6));
    feed(&mut arrivals, 0..2_000, |_| jitter());
    let sure = arrivals.odds(30.0, 10.0);
    (0..400).for_each(|n| arrivals.judged(n % 5 != 0));
    assert!(sure > 0.4 && arrivals.odds(30.0, 10.0) < sure / 2.0);
}

proptest! {
    #[test]
    fn whatever_comes_the_wait_is_a_number_within_reason(late in vec(-1e6_f64..1e6, 1..300)) {
        let mut arrivals = Arrivals::new();
        for (n, late) in late.into_iter().enumerate() {
            arrivals.came(n as f64 * 20.0, late);
            prop_assert!((0.0..=512.0).contains(&arrivals.wait()));
            prop_assert!((0.0..=1.0).contains(&arrivals.odds(20.0, 20.0)));
        }
    }
}
