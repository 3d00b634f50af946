//! What a phone shows of its call is what the wire did.

use serde_json::json;

use crate::scene::{KNOWN, Scene, at, proves, together};

#[test]
fn b14_what_a_call_shows_of_loss_and_delay_is_what_the_wire_did() {
    let seconds = if proves() { 120.0 } else { 25.0 };
    let told = together(2, |round| {
        // There is one way, so that nobody leaves it.
        let scene = Scene::new(1, 140 + round)?;
        Some(scene.call(KNOWN + seconds + 2.5, |scene| {
            scene.until(KNOWN);
            let (loss, burst) = if round == 0 { (0.05, 0.0) } else { (0.1, 3.0) };
            scene.wires.set(0, "there", &json!({ "delay_ms": 70.0, "loss": loss, "burst": burst }));
            scene.wires.set(0, "back", &json!({ "delay_ms": 35.0 }));
            scene.wires.mark();
            scene.until(KNOWN + seconds);
            scene.wires.set(0, "there", &json!({ "delay_ms": 70.0 }));
            // The last ones come before they are counted.
            scene.until(KNOWN + seconds + 1.0);
            scene.wires.truth()
        }))
    });
    for ends in told.into_iter().flatten() {
        let truth = ends.each_ref().map(|end| end.truth.of(0, "delay_ms"));
        for end in &ends {
            // Before and after nothing is lost; a second counts by its packets, which are fewer where they are longer.
            let [shares, packets] =
                ["loss_percent", "expected"].map(|key| end.each_second(key, KNOWN - 1.0, KNOWN + seconds));
            let lost_of = |(share, packets): (&f64, &f64)| share * packets;
            let loss = shares.iter().zip(&packets).map(lost_of).sum::<f64>() / packets.iter().sum::<f64>();
            let lost = end.truth.lost_share() * 100.0;
            let shown = |key| end.each_second(key, KNOWN + 1.0, KNOWN + seconds);
            let round_trip = at(0.5, shown("round_trip_ms"));
            println!(
                "shown: {} lost, loss {loss:.2} %, there and back {round_trip:.1} ms; in truth {}, {lost:.2} %, {:.1} ms; \
                 the wire was late by {:.1} ms at most",
                end.lost(),
                end.truth.lost(),
                truth[0] + truth[1],
                end.truth.of(0, "latest_ms"),
            );
            assert_eq!(shares.len(), packets.len());
            assert!((loss - lost).abs() <= 1.0, "loss");
            assert!((end.lost() - end.truth.lost()).abs() <= 1.0, "packets");
            assert!((round_trip - truth[0] - truth[1]).abs() <= 2.0, "delay");
        }
    }
}
