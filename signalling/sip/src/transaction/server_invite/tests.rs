use core::time::Duration;

use super::*;
use Delivery::{Reliable, Unreliable};

const START: Instant = Instant::from_nanos(7_000_000_000);

fn at(ms: u64) -> Instant {
    START + Duration::from_millis(ms)
}

/// All that happens without another message, with its time in ms after the start.
fn left_alone(machine: &mut ServerInvite) -> Vec<(u64, Fired)> {
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

#[test]
fn a_user_silent_for_200_ms_is_covered_by_100_trying() {
    let mut machine = ServerInvite::start(START, Unreliable);
    assert_eq!(left_alone(&mut machine), [(200, Fired::SendTrying)]);
    assert!(machine.is_proceeding(), "and may ring for as long as the caller lets it");
    let mut machine = ServerInvite::start(START, Unreliable);
    assert!(machine.respond(at(199), 180));
    assert_eq!(left_alone(&mut machine), []);
}

#[test]
fn timer_g_repeats_a_refusal_doubling_up_to_t2_until_timer_h_gives_up() {
    let mut machine = ServerInvite::start(START, Unreliable);
    assert!(machine.respond(START, 486));
    let sent = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    let mut expected: Vec<_> = sent.iter().map(|ms| (*ms, Fired::Resend)).collect();
    expected.push((32_000, Fired::TimedOut));
    assert_eq!(left_alone(&mut machine), expected);
    assert!(machine.is_terminated());
}

#[test]
fn over_a_stream_a_refusal_is_not_repeated_but_timer_h_waits_for_its_ack() {
    let mut machine = ServerInvite::start(START, Reliable);
    assert!(machine.respond(START, 486));
    assert_eq!(left_alone(&mut machine), [(32_000, Fired::TimedOut)]);
}

#[test]
fn timer_i_absorbs_repeated_acks_for_5_seconds() {
    let cases = [
        ("datagrams", Unreliable, vec![(5_300, Fired::Finished)]),
        ("a stream repeats nothing, so there is nothing to absorb", Reliable, vec![]),
    ];
    for (what, delivery, expected) in cases {
        let mut machine = ServerInvite::start(START, delivery);
        assert!(machine.respond(at(100), 603), "{what}");
        assert_eq!(machine.ack(at(300)), AckFor::Transaction, "{what}");
        assert_eq!(machine.ack(at(301)), AckFor::Transaction, "{what}");
        assert!(!machine.request_again(), "{what}: the caller has the answer");
        assert_eq!(left_alone(&mut machine), expected, "{what}");
        assert!(machine.is_terminated(), "{what}");
    }
}

#[test]
fn timer_l_absorbs_repeated_invites_for_32_seconds_after_a_2xx() {
    for delivery in [Unreliable, Reliable] {
        let mut machine = ServerInvite::start(START, delivery);
        assert!(machine.respond(at(1_000), 200));
        assert!(!machine.request_again(), "the user repeats the 2xx by its own clock");
        assert_eq!(machine.ack(at(1_100)), AckFor::User);
        assert!(machine.respond(at(1_200), 200), "the user may repeat it");
        assert!(!machine.respond(at(1_200), 486), "but not take it back");
        assert_eq!(left_alone(&mut machine), [(33_000, Fired::Finished)]);
    }
}

#[test]
fn a_repeated_invite_brings_the_last_response_again() {
    let mut machine = ServerInvite::start(START, Unreliable);
    assert!(!machine.request_again(), "there is none yet");
    assert!(machine.respond(at(1), 180));
    assert!(machine.request_again());
    assert!(machine.respond(at(2), 404));
    assert!(machine.request_again());
    assert!(!machine.respond(at(3), 180), "nothing provisional after a final response");
}
