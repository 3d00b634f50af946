use core::time::Duration;

use super::*;
use Delivery::{Reliable, Unreliable};

const START: Instant = Instant::from_nanos(7_000_000_000);

fn at(ms: u64) -> Instant {
    START + Duration::from_millis(ms)
}

/// All that happens without another message, with its time in ms after the start.
fn left_alone(machine: &mut Client) -> Vec<(u64, Fired)> {
    let mut log = Vec::new();
    while let Some(due) = machine.deadline() {
        assert_eq!(
            machine.tick(Instant::from_nanos(due.as_nanos() - 1)),
            Fired::Nothing,
            "early is harmless"
        );
        log.push((due.since(START).as_millis() as u64, machine.tick(due)));
    }
    log
}

fn resends(at: &[u64]) -> Vec<(u64, Fired)> {
    at.iter().map(|ms| (*ms, Fired::Resend)).collect()
}

#[test]
fn timer_e_doubles_up_to_t2_until_timer_f_gives_up() {
    let mut machine = Client::start(START, Unreliable);
    let mut expected = resends(&[500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    expected.push((32_000, Fired::TimedOut));
    assert_eq!(left_alone(&mut machine), expected);
    assert!(machine.is_terminated());
}

#[test]
fn over_a_stream_only_timer_f_runs() {
    let mut machine = Client::start(START, Reliable);
    assert_eq!(left_alone(&mut machine), [(32_000, Fired::TimedOut)]);
}

#[test]
fn after_a_provisional_response_timer_e_fires_every_t2_and_timer_f_goes_on() {
    let mut machine = Client::start(START, Unreliable);
    assert!(machine.response(at(200), 100));
    let mut expected = resends(&[500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500]);
    expected.push((32_000, Fired::TimedOut));
    assert_eq!(left_alone(&mut machine), expected);
}

#[test]
fn timer_k_absorbs_repeated_responses_for_5_seconds() {
    let cases = [
        ("datagrams", Unreliable, vec![(6_000, Fired::Finished)]),
        ("a stream repeats nothing, so there is nothing to absorb", Reliable, vec![]),
    ];
    for (what, delivery, expected) in cases {
        let mut machine = Client::start(START, delivery);
        assert!(machine.response(at(1_000), 200), "{what}");
        assert!(!machine.response(at(1_001), 200), "{what}");
        assert_eq!(left_alone(&mut machine), expected, "{what}");
        assert!(machine.is_terminated(), "{what}");
    }
}

#[test]
fn a_transport_failure_matters_until_the_final_response() {
    let mut machine = Client::start(START, Unreliable);
    assert!(machine.response(at(1), 100));
    assert!(machine.transport_failed());
    let mut machine = Client::start(START, Unreliable);
    assert!(machine.response(at(1), 200));
    assert!(!machine.transport_failed());
}
