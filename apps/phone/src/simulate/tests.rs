use super::*;
use crate::netem::{GilbertElliott, Jitter, Loss, Rate, Spread};

/// Seconds of a voice-like sound: a few harmonics, louder and softer.
fn clip(rate: u32, seconds: u32) -> Vec<f32> {
    let at = |n: u32| f64::from(n) / f64::from(rate);
    let sample = |t: f64| {
        let harmonics: f64 =
            (1..8).map(|k| (core::f64::consts::TAU * 140.0 * f64::from(k) * t).sin() / f64::from(k)).sum();
        (0.2 * harmonics * (0.6 + 0.4 * (core::f64::consts::TAU * 3.0 * t).sin())) as f32
    };
    (0..rate * seconds).map(|n| sample(at(n))).collect()
}

fn pcmu(link: Impairments) -> Scenario {
    Scenario { codec: CodecId::Pcmu, link, ..Scenario::default() }
}

fn simulate(scenario: &Scenario, seconds: u32) -> (Simulated, Vec<f32>) {
    let rate = scenario.sample_rate().unwrap();
    let clip = clip(rate, 4);
    let mut heard = Vec::new();
    let samples = u64::from(rate) * u64::from(seconds);
    let simulated = scenario.run(&clip, samples, &mut |pcm| heard.extend_from_slice(pcm), &mut |_| true);
    (simulated.unwrap(), heard)
}

fn impaired() -> Impairments {
    Impairments::delay(Duration::from_millis(40))
        .with_jitter(Jitter::independent(Spread::Gamma { mean: Duration::from_millis(8), shape: 1.0 }))
        .with_loss(Loss::Bursts(GilbertElliott::bursts(0.1, 2.5)))
}

#[test]
fn an_equal_seed_gives_an_equal_call_and_another_seed_another() {
    for codec in [CodecId::Opus, CodecId::Pcma] {
        let scenario = |seed| Scenario { codec, seed, ..pcmu(impaired()) };
        let first = simulate(&scenario(3), 4);
        assert_eq!(first, simulate(&scenario(3), 4));
        assert_ne!(first.1, simulate(&scenario(4), 4).1);
    }
}

#[test]
fn a_clean_link_loses_nothing_and_all_that_was_said_is_heard() {
    let (simulated, heard) = simulate(&pcmu(Impairments::delay(Duration::from_millis(40))), 6);
    let truth = simulated.truth;
    assert_eq!((truth.sent, truth.delivered, truth.lost), (Some(301), Some(301), Some(0)));
    assert_eq!((truth.loss_percent, truth.mean_burst, truth.delay_ms), (Some(0.0), None, Some(40.0)));
    assert!(truth.jitter_ms.unwrap() < 0.001);
    assert_eq!(simulated.concealed_percent, Some(0.0));
    assert_eq!(simulated.bitrate_kbps, Some(64.0));
    assert!(heard.len() >= 6 * 48_000 && heard.len() < 6 * 48_000 + 4_800, "{}", heard.len());
    // Played against what was said: the codec's error and the resampler's millisecond are all that differs.
    let (said, lag) = (clip(8_000, 4), 48);
    let played = |n: usize| heard.get(6 * n + lag..).and_then(|rest| rest.first()).copied().unwrap_or(9.0);
    let shift = (0..200).min_by_key(|shift| {
        let pairs = said.iter().enumerate().skip(1_000).take(8_000);
        let error: f32 = pairs.map(|(n, said)| (said - played(n + shift)).abs()).sum();
        (error * 1_000.0) as u64
    });
    assert_eq!(shift, Some(0), "it begins with the first word");
}

#[test]
fn what_is_lost_is_what_was_asked_for() {
    let (simulated, heard) = simulate(&pcmu(impaired()), 60);
    let truth = simulated.truth;
    assert!((truth.loss_percent.unwrap() - 10.0).abs() < 3.0, "{truth:?}");
    assert!((truth.mean_burst.unwrap() - 2.5).abs() < 0.6, "{truth:?}");
    assert!((truth.delay_ms.unwrap() - 48.0).abs() < 1.0, "{truth:?}");
    assert!(simulated.concealed_percent.unwrap() > 5.0);
    assert!(heard.len() >= 60 * 48_000);
    assert!(simulated.playout_delay_ms.p95 >= simulated.playout_delay_ms.mean);
}

#[test]
fn a_link_that_loses_everything_ends_and_measures_nothing() {
    let (simulated, heard) = simulate(&pcmu(Impairments::default().with_loss(Loss::Independent(1.0))), 2);
    assert_eq!((simulated.truth.delivered, simulated.truth.loss_percent), (Some(0), Some(100.0)));
    assert_eq!((simulated.mos, simulated.concealed_percent), (None, None));
    assert_eq!((simulated.playout_delay_ms.mean, simulated.truth.delay_ms), (None, None));
    assert!(heard.is_empty());
}

#[test]
fn a_bottleneck_delays_by_its_queue_and_drops_what_does_not_fit() {
    let rate = Rate { bits_per_second: 60_000, queue_bytes: 2_000 };
    let link = Impairments { rate: Some(rate), ..Impairments::delay(Duration::from_millis(40)) };
    let (simulated, _) = simulate(&pcmu(link), 20);
    // 80 kb/s into 60 kb/s: a quarter is dropped, and the queue of 2 000 bytes is always full. Packets of 60 ms, which a
    // sender that hears of it may come to, need 69 kb/s still, of which an eighth is dropped.
    assert!((12.0..28.0).contains(&simulated.truth.loss_percent.unwrap()), "{:?}", simulated.truth);
    assert!(simulated.truth.delay_ms.unwrap() > 200.0);
}

#[test]
fn who_watches_may_stop_it() {
    let mut told = 0;
    let stopped = pcmu(Impairments::default()).run(&clip(8_000, 1), 800_000, &mut |_| {}, &mut |_| {
        told += 1;
        told < 5
    });
    assert!(matches!(stopped, Err(SimulationError::Stopped)));
    assert_eq!(told, 5);
}
