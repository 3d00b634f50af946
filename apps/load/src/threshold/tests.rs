use super::*;
use crate::stats::Outcome;

fn run(setups_ms: &[f64], failures: u64) -> Stats {
    let mut stats = Stats::default();
    for setup in setups_ms {
        stats.add(&Outcome { setup_ms: Some(*setup), ..Outcome::default() });
    }
    for _ in 0..failures {
        stats.add(&Outcome { failed: true, ..Outcome::default() });
    }
    stats
}

fn holds(text: &str, stats: &Stats) -> bool {
    text.parse::<Threshold>().unwrap().judge(stats).ok
}

#[test]
fn the_three_examples_of_the_manual_are_understood_and_decide() {
    let stats = run(&[10.0, 20.0, 250.0], 1);
    assert!(!holds("setup_ms.p99<200", &stats));
    assert!(holds("setup_ms.p50<200", &stats));
    assert!(!holds("failed.rate<0.01", &stats));
    assert!(holds("failed.rate<=0.25", &stats));
    assert!(holds("failed.count == 1", &stats));
    assert!(holds("setup_ms.max>=250", &stats));
    assert!(holds("setup_ms.count!=4", &stats));
}

#[test]
fn of_what_was_not_measured_nothing_holds() {
    let verdict = "mos.p5>=1".parse::<Threshold>().unwrap().judge(&run(&[10.0], 0));
    assert_eq!((verdict.value, verdict.ok), (None, false));
    assert!(verdict.to_string().contains("nothing was measured"));
    assert!(!holds("failed.rate<1", &Stats::default()), "no call, no rate");
}

#[test]
fn a_percentile_from_below_finds_the_worst_calls() {
    let mut stats = Stats::default();
    for mos in (0..100).map(|call| if call < 6 { 2.0 } else { 4.4 }) {
        stats.add(&Outcome { mos: Some(mos), ..Outcome::default() });
    }
    assert!(!holds("mos.p5>=4.0", &stats), "six calls of a hundred were bad");
    assert!(holds("mos.p10>=4.0", &stats));
}

#[test]
fn what_cannot_be_understood_is_named() {
    let error = |text: &str| text.parse::<Threshold>().unwrap_err().to_string();
    assert!(error("setup_ms<200").contains("METRIC.FIGURE"));
    assert!(error("setup.p99<200").contains("setup is not measured"));
    assert!(error("setup_ms.p101<200").contains("p101 is no figure of setup_ms"));
    assert!(error("failed.p99<1").contains("count and rate"));
    assert!(error("setup_ms.rate<1").contains("rate is no figure"));
    assert!(error("setup_ms.p99<fast").contains("and a number"));
    assert!(error("setup_ms.p99=>3").contains("METRIC.FIGURE"));
}
