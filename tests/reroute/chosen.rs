//! A way that is bad from the start is not taken, where its user has asked for a better one.

use rove_tests::wires::Truth;

use crate::scene::{Bad, Scene, together};

/// Calls over a first way that loses a fifth both ways from the start; what is counted from their beginning.
fn calls(seed: u64, flags: &'static [&'static str]) -> Option<Vec<[Truth; 2]>> {
    together(4, |round| {
        let scene = Scene::new(2, seed + round)?.with(flags);
        scene.spoil(0, "both", Bad::Loses(0.2));
        scene.wires.mark();
        let ends = scene.call(5.0, |scene| {
            scene.until(4.0);
            scene.wires.truth()
        });
        println!("{flags:?}: first heard after {} ms", ends[0].report["calls"][0]["first_audio_ms"]);
        Some(ends.map(|end| end.truth))
    })
}

#[test]
fn b29_a_way_that_loses_a_fifth_from_the_start_is_not_taken_by_whom_allows_five_percent() {
    let share = |truth: &Truth| {
        let [first, other] = [0, 1].map(|wire| truth.sent(wire) as f64);
        first / (first + other)
    };
    let shares = |ends: Vec<[Truth; 2]>| ends.iter().flatten().map(share).collect::<Vec<f64>>();
    let Some(chosen) = calls(160, &["--max-loss", "5"]).map(shares) else { return };
    let Some(usual) = calls(170, &[]).map(shares) else { return };
    println!("of the first packets went by the bad way: {chosen:.2?}, else {usual:.2?}");
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(mean(&chosen) < 0.05, "{chosen:?}");
    // It is left soon after.
    assert!(mean(&usual) > 0.15, "{usual:?}");
}
