use core::time::Duration;

use super::*;
use Delivery::{Reliable, Unreliable};

const START: Instant = Instant::from_nanos(7_000_000_000);

fn at(ms: u64) -> Instant {
    START + Duration::from_millis(ms)
}

/// All that happens without another message, with its time in ms after the start.
fn left_alone(machine: &mut ClientInvite) -> Vec<(u64, Fired)> {
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
fn timer_a_repeats_the_invite_at_doubling_intervals_until_timer_b_gives_up() {
    let mut machine = ClientInvite::start(START, Unreliable);
    let sent = [500, 1_500, 3_500, 7_500, 15_500, 31_500].map(|ms| (ms, Fired::Resend));
    assert_eq!(left_alone(&mut machine), [&sent[..], &[(32_000, Fired::TimedOut)]].concat());
    assert!(machine.is_terminated());
}

#[test]
fn over_a_stream_only_timer_b_runs() {
    let mut machine = ClientInvite::start(START, Reliable);
    assert_eq!(left_alone(&mut machine), [(32_000, Fired::TimedOut)]);
}

#[test]
fn a_provisional_response_stops_timers_a_and_b() {
    let mut machine = ClientInvite::start(START, Unreliable);
    assert_eq!(machine.response(at(100), 180), InviteReply::PassUp);
    assert!(machine.is_proceeding());
    assert_eq!(left_alone(&mut machine), []);
    assert_eq!(machine.response(at(99_000), 183), InviteReply::PassUp);
}

#[test]
fn timer_d_absorbs_repeated_final_responses_for_32_seconds() {
    let cases = [
        ("datagrams", Unreliable, vec![(33_000, Fired::Finished)]),
        ("a stream repeats nothing, so there is nothing to absorb", Reliable, vec![]),
    ];
    for (what, delivery, expected) in cases {
        let mut machine = ClientInvite::start(START, delivery);
        assert_eq!(machine.response(at(1_000), 486), InviteReply::PassUpAndAck, "{what}");
        if delivery == Unreliable {
            assert_eq!(machine.response(at(1_500), 486), InviteReply::AckAgain, "{what}");
        }
        assert_eq!(left_alone(&mut machine), expected, "{what}");
        assert!(machine.is_terminated(), "{what}");
    }
}

#[test]
fn timer_m_passes_on_every_2xx_for_32_seconds_after_the_first() {
    for delivery in [Unreliable, Reliable] {
        let mut machine = ClientInvite::start(START, delivery);
        assert_eq!(machine.response(at(2_000), 200), InviteReply::PassUp);
        assert_eq!(
            machine.response(at(2_500), 200),
            InviteReply::PassUp,
            "a repetition or another branch of a fork"
        );
        assert_eq!(machine.response(at(2_600), 486), InviteReply::Ignore, "the losing branch of a fork");
        assert_eq!(left_alone(&mut machine), [(34_000, Fired::Finished)]);
        assert_eq!(machine.response(at(34_001), 200), InviteReply::Ignore);
    }
}

#[test]
fn a_transport_failure_matters_only_before_anything_was_heard() {
    let mut machine = ClientInvite::start(START, Unreliable);
    assert!(machine.transport_failed());
    assert!(machine.is_terminated());
    let mut machine = ClientInvite::start(START, Unreliable);
    assert_eq!(machine.response(at(1), 100), InviteReply::PassUp);
    assert!(!machine.transport_failed());
}

#[test]
fn statuses_outside_the_standard_change_nothing() {
    let mut machine = ClientInvite::start(START, Unreliable);
    let before = machine;
    for status in [0, 99, 700, u16::MAX] {
        assert_eq!(machine.response(at(1), status), InviteReply::Ignore);
    }
    assert_eq!(machine, before);
}

#[test]
fn a_late_tick_sends_once_and_not_all_that_was_missed() {
    let mut machine = ClientInvite::start(START, Unreliable);
    assert_eq!(machine.tick(at(5_000)), Fired::Resend);
    assert_eq!(machine.tick(at(5_000)), Fired::Nothing);
    assert_eq!(machine.deadline(), Some(at(6_000)));
}
