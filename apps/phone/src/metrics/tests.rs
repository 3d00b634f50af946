use core::time::Duration;

use rove_base::{Band, Instant, RouteId};
use rove_core::reroute::Cause;

use super::*;

fn rerouted(cause: Cause, gap: Option<u64>, lost: u16) -> PhoneEvent {
    let at = Instant::ZERO;
    let rerouted = Rerouted {
        from: RouteId(0),
        to: RouteId(1),
        kinds: [Some(RouteKind::Direct), Some(RouteKind::Pvdpn)],
        cause,
        suspected: at,
        decided: at,
        gap: gap.map(Duration::from_millis),
        lost: Some(lost),
    };
    PhoneEvent::Rerouted { call: CallId(3), rerouted }
}

#[test]
fn moves_are_counted_by_cause_and_kind_with_what_they_have_cost() {
    let mut metrics = Metrics::default();
    metrics.event(&rerouted(Cause::Silence, Some(140), 6));
    metrics.event(&rerouted(Cause::Silence, Some(120), 5));
    metrics.event(&rerouted(Cause::Loss, None, 3));
    let text = metrics.text();
    for line in [
        "rove_phone_reroutes_total{cause=\"silence\",from=\"direct\",to=\"pvdpn\"} 2",
        "rove_phone_reroutes_total{cause=\"loss\",from=\"direct\",to=\"pvdpn\"} 1",
        "rove_phone_reroute_gap_seconds_sum 0.26",
        "rove_phone_reroute_gap_seconds_count 2",
        "rove_phone_reroute_lost_packets_total 14",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
}

#[test]
fn the_newest_second_of_a_call_stands_until_its_end_and_what_was_not_measured_does_not() {
    let mut metrics = Metrics::default();
    let mut quality = Quality::nothing(Instant::ZERO, Band::Full);
    quality.mos = Some(4.5);
    metrics.event(&PhoneEvent::Quality { call: CallId(3), quality });
    let text = metrics.text();
    assert!(text.contains("rove_phone_mos{call=\"3\",route=\"unknown\"} 4.5\n"), "{text}");
    assert!(text.contains("rove_phone_calls_active 1\n") && !text.contains("jitter"), "{text}");
    metrics.event(&rerouted(Cause::Loss, None, 0));
    assert!(metrics.text().contains("rove_phone_mos{call=\"3\",route=\"pvdpn\"} 4.5\n"));
}

#[test]
fn each_metric_has_its_kind_once_and_each_line_a_number() {
    let mut metrics = Metrics::default();
    metrics.event(&rerouted(Cause::BitErrors, Some(20), 1));
    let text = metrics.text();
    let kinds: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let mut once = kinds.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), kinds.len(), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}
