//! A protected call that lasts, and lives through everything: its numbers turn over while it does (RFC 3711 §3.3.1).

use rove_tests::wires::Truth;

use crate::scene::{Bad, KNOWN, ROUND_TRIP, Scene, at, proves};

/// What happens, one after the other, to the wire that voice takes then.
const EVENTS: [Bad; 8] = [
    Bad::Address,
    Bad::Cut,
    Bad::Loses(0.2),
    Bad::Down,
    Bad::Late(300.0),
    Bad::Uneven(40.0),
    Bad::Loses(0.5),
    Bad::Bits(1e-4),
];
/// So long each lasts, and is counted.
const BAD: f64 = 5.0;

/// The wire that most of the last second's voice went by.
fn taken(scene: &Scene) -> usize {
    scene.wires.mark();
    scene.until(scene.time() + 1.0);
    let [there, _] = scene.wires.truth();
    usize::from(there.sent(1) > there.sent(0))
}

fn event(scene: &Scene, begins: f64, bad: Bad) -> [Truth; 2] {
    scene.until(begins - 1.2);
    let wire = taken(scene);
    scene.until(begins);
    scene.wires.mark();
    scene.spoil(wire, "both", bad);
    scene.until(begins + BAD);
    let truth = scene.wires.truth();
    // An address that became another stays so until it becomes the first one again.
    if bad != Bad::Address {
        scene.restore(wire, bad);
    }
    scene.mend(wire);
    let figures = truth.each_ref().map(|truth| (truth.gap().round(), truth.lost()));
    println!("{bad:?} of wire {wire} after {begins:.0} s: ms and packets that were missed {figures:?}");
    truth
}

#[test]
fn b15_a_protected_call_lives_through_all_of_that_and_in_its_long_form_its_numbers_turn_over() {
    // In its short form two of them happen; 65 536 packets of 20 ms take 21.8 minutes.
    // Between two of them is time to come back to the cheaper way, else none.
    let (minutes, each, turns) = if proves() { (23.0, 32.0, true) } else { (0.45, 9.0, false) };
    let Some(scene) = Scene::new(2, 180) else { return };
    let scene = scene.with(&["--srtp", "required"]).with(Bad::Bits(1e-4).flags());
    let mut gaps = Vec::new();
    let ends = scene.call(minutes * 60.0, |scene| {
        let mut begins = KNOWN + 2.0;
        for bad in EVENTS.into_iter().cycle() {
            if begins + BAD + 5.0 > minutes * 60.0 {
                break;
            }
            let truth = event(scene, begins, bad);
            if matches!(bad, Bad::Cut | Bad::Down) {
                gaps.extend(truth.each_ref().map(Truth::gap));
            }
            begins += each;
        }
        scene.wires.mark();
        scene.until(begins.min(minutes * 60.0 - 1.0));
        scene.wires.truth()
    });
    for end in &ends {
        let call = &end.report["calls"][0];
        let (sent, received) = (call["sent"].as_f64().unwrap(), call["received"].as_f64().unwrap());
        println!("{} switches, sent {sent}, received {received}, lost {}", end.switches().len(), end.lost());
        assert_eq!(call["media_security"], "dtls");
        // Longer packets, as for a while where much is lost, are fewer.
        assert!(!turns || sent.min(received) > 60_000.0, "{call}");
        assert!(end.lost() < 0.02 * received, "{call}");
    }
    assert!(at(0.5, gaps.clone()) <= 120.0 + ROUND_TRIP, "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap < 1_000.0), "{gaps:?}");
}
