use super::*;

#[test]
fn a_percentile_is_right_to_a_thousandth_of_itself_over_six_decades() {
    let mut stats = Stats::default();
    (1..=100_000).for_each(|n| stats.value("setup_ms", f64::from(n) / 100.0));
    for (percent, expected) in [(1.0, 10.0), (50.0, 500.0), (99.0, 990.0), (99.9, 999.0)] {
        let got = stats.percentile("setup_ms", percent).unwrap();
        assert!((got / expected - 1.0).abs() < 0.002, "p{percent}: {got}");
    }
    assert_eq!(stats.figure("setup_ms", Figure::Most), Some(1_000.0));
    assert_eq!(stats.figure("setup_ms", Figure::Least), Some(0.01));
}

#[test]
fn a_call_that_measured_nothing_adds_to_no_distribution() {
    let mut stats = Stats::default();
    stats.add(&Outcome { failed: true, cause: "busy".into(), ..Outcome::default() });
    let told = stats.to_json();
    assert_eq!(told["setup_ms"], Value::Null);
    assert_eq!(told["mos"], Value::Null);
    assert_eq!(told["failed"]["rate"], 1.0);
    assert_eq!(told["answered"]["count"], 0);
    assert_eq!(stats.causes()["busy"], 1);
}

#[test]
fn dropped_arrivals_are_a_share_of_all_arrivals() {
    let mut stats = Stats::default();
    stats.add(&Outcome::default());
    stats.count("dropped_arrivals", 3);
    assert_eq!(stats.figure("dropped_arrivals", Figure::Rate), Some(0.75));
    assert_eq!(stats.figure("calls", Figure::Count), Some(1.0));
}
