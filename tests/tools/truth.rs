//! What the receiving end reports against what the link did.

use core::time::Duration;

use rove_phone::{
    CodecId,
    netem::{DelayTrace, GilbertElliott, Impairments, Jitter, Loss, Spread},
    simulate::{Path, Scenario, Simulated},
};

use crate::speech;

fn simulate(link: Impairments, seed: u64) -> Simulated {
    let scenario = Scenario { codec: CodecId::Pcmu, link, seed, ..Scenario::default() };
    let clip = speech(8_000);
    scenario.run(&clip, 20 * 8_000, &mut |_| {}, &mut |_| true).unwrap()
}

fn gamma(millis: u64) -> Jitter {
    Jitter::independent(Spread::Gamma { mean: Duration::from_millis(millis), shape: 1.0 })
}

#[test]
fn what_is_reported_is_what_happened_over_loss_bursts_and_jitter() {
    let losses = [
        ("no loss", Loss::None),
        ("1 %", Loss::Independent(0.01)),
        ("20 %", Loss::Independent(0.2)),
        ("10 % in bursts of 3", Loss::Bursts(GilbertElliott::bursts(0.1, 3.0))),
        ("30 % in bursts of 5", Loss::Bursts(GilbertElliott::bursts(0.3, 5.0))),
    ];
    let jitters = [
        ("steady", None),
        ("gamma 10", Some(gamma(10))),
        ("uniform 8", Some(Jitter::independent(Spread::Uniform { half_width: Duration::from_millis(8) }))),
        ("normal 15", Some(Jitter::independent(Spread::Normal { deviation: Duration::from_millis(15) }))),
    ];
    for (loss_name, loss) in losses {
        for (jitter_name, jitter) in jitters {
            for seed in [1, 2] {
                let link = Impairments { loss, jitter, ..Impairments::delay(Duration::from_millis(60)) };
                let simulated = simulate(link, seed);
                agree(&format!("{loss_name}, {jitter_name}, seed {seed}"), &simulated);
            }
        }
    }
}

#[test]
fn a_trace_is_followed_packet_by_packet() {
    let delays: Vec<f64> = (0..1_002).map(|n| f64::from(n * 37 % 50) + 30.0).collect();
    let lost = |n: usize| n % 10 == 3 || n % 50 == 4;
    let line = |(n, delay): (usize, &f64)| if lost(n) { "nan\n".into() } else { format!("{delay}\n") };
    let text: String = delays.iter().enumerate().map(line).collect();
    let simulated = simulate(Impairments::default().with_trace(DelayTrace::parse(&text).unwrap()), 1);
    let sent = usize::try_from(simulated.truth.sent.unwrap()).unwrap();
    let arrived: Vec<f64> = (0..sent).filter(|n| !lost(*n)).map(|n| delays[n]).collect();
    let bursts = (0..sent).filter(|n| lost(*n) && !n.checked_sub(1).is_some_and(lost)).count();
    assert_eq!(simulated.truth.delivered, Some(arrived.len() as u64));
    let mean = arrived.iter().sum::<f64>() / arrived.len() as f64;
    assert!((simulated.truth.delay_ms.unwrap() - mean).abs() < 0.001, "{mean} {:?}", simulated.truth);
    let burst = (sent - arrived.len()) as f64 / bursts as f64;
    assert!((simulated.truth.mean_burst.unwrap() - burst).abs() < 0.001, "{burst} {:?}", simulated.truth);
    agree("a trace", &simulated);
}

/// Counts exactly, times within 1 ms.
fn agree(what: &str, simulated: &Simulated) {
    let Path { sent, delivered, lost, loss_percent, mean_burst, jitter_ms, delay_ms } = simulated.reported;
    let truth = simulated.truth;
    let near = |reported: Option<f64>, truth: Option<f64>, by: f64| match (reported, truth) {
        (Some(reported), Some(truth)) => (reported - truth).abs() <= by,
        (reported, truth) => reported == truth,
    };
    assert_eq!((sent, delivered, lost), (truth.sent, truth.delivered, truth.lost), "{what}");
    assert!(near(loss_percent, truth.loss_percent, 0.001), "{what}: {loss_percent:?} {truth:?}");
    assert!(near(mean_burst, truth.mean_burst, 0.001), "{what}: {mean_burst:?} {truth:?}");
    assert!(near(jitter_ms, truth.jitter_ms, 1.0), "{what}: {jitter_ms:?} {truth:?}");
    assert!(near(delay_ms, truth.delay_ms, 1.0), "{what}: {delay_ms:?} {truth:?}");
}
