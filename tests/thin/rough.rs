//! Calls over a cable that loses frames, and what becomes of them when a node dies.

use std::time::Duration;

use crate::{
    calls::{call, same_rtp},
    long,
    place::{PATIENCE, Place},
};

#[test]
fn b17_after_bursts_of_lost_frames_voice_is_understood_again_within_packets_and_none_of_it_is_wrong() {
    let all = [(40, false), (40, true), (14, true), (100, true), (100, false)];
    for (lost, drop) in all.into_iter().take(if long() { 5 } else { 2 }) {
        let Some(mut place) = Place::new() else { return };
        place.start_both(&format!("padding = false\ndrop_checksums = {drop}\n"));
        let seconds = if long() { 60 } else { 12 };
        let Some(()) = place.lose(1, lost, 200 + lost) else { return };
        let Some(call) = call(&place, "pcmu", "10.9.0.2", seconds) else { return };
        let counts = place.metrics(1);
        let (repairs, after) =
            (counts["rove_thin_repairs_total"], counts["rove_thin_repaired_after_packets_total"]);
        let missing = same_rtp(&call, "10.9.0.", 60);
        let bursts = (seconds as f64 - 1.0) * 50.0 / f64::from(200 + lost);
        println!(
            "{lost} lost in a row, checksums {}: {missing:?} did not come; {repairs} repairs, {after} packets refused before them, {:.2} for each burst; {counts:?}",
            if drop { "left out" } else { "carried" },
            after / bursts,
        );
        // Without a checksum the first after a burst is not believed; what the complaint brings is, and so is a little later.
        assert!(after <= (bursts + 1.0) * if drop { 4.0 } else { 1.0 }, "{counts:?}");
        assert_eq!(missing[1], 0, "the other direction loses nothing");
    }
}

#[test]
fn a_node_that_dies_and_is_started_again_is_understood_again_after_seconds_and_packets_go_as_they_are_without()
 {
    let Some(mut place) = Place::new() else { return };
    place.start_both("padding = false\n");
    place.kill(1);
    place.start(1, "padding = false\n");
    let again = |place: &Place| {
        [0, 1].iter().all(|&side| place.metrics(side).get("rove_thin_agreed") == Some(&1.0))
            && place.metrics(0)["rove_thin_agreements_total"] >= 1.0
            && place.metrics(1)["rove_thin_hellos_total{direction=\"in\"}"] >= 1.0
    };
    assert!(place.until(Duration::from_secs(10), again), "both agree again");
    place.kill(1);
    let alone = |place: &Place| place.metrics(0).get("rove_thin_agreed") == Some(&0.0);
    assert!(place.until(PATIENCE, alone), "the other end is missed");
}
