//! Whole calls (after RFC 3665 §3).

use super::world::*;
use crate::{
    message::StatusCode,
    transport::Hop,
    ua::{Event, Failure, Party},
};

#[test]
fn a_call_is_made_answered_and_ended_by_the_caller() {
    let mut world = World::pair();
    let (ours, theirs) = world.talking();
    world.with(0, |agent, now| agent.hang_up(now, ours));
    assert_eq!(world.event(1), ended(theirs, Party::Peer));
    assert_eq!(world.event(0), ended(ours, Party::Us));
    assert_eq!(world.words(), ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    world.finish();
}

#[test]
fn the_callee_may_end_it_too() {
    let mut world = World::pair();
    let (ours, theirs) = world.talking();
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert_eq!(world.event(0), ended(ours, Party::Peer));
    assert_eq!(world.event(1), ended(theirs, Party::Us));
    assert_eq!(world.words(), ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    world.finish();
}

#[test]
fn the_callee_refuses() {
    for status in [StatusCode::BUSY_HERE, StatusCode::DECLINE, StatusCode::NOT_ACCEPTABLE_HERE] {
        let mut world = World::pair();
        let ours = world.call(1);
        let theirs = world.incoming(1);
        world.with(1, |agent, now| agent.reject(now, theirs, status, Some("as I \"said\"")));
        assert_eq!(world.event(1), ended(theirs, Party::Us));
        let Event::Failed { call, failure: Failure::Status { code, reason, warning, .. } } = world.event(0)
        else {
            panic!("refused")
        };
        assert_eq!((call, code, reason.as_str()), (ours, status, status.default_reason()));
        assert_eq!(warning.as_deref(), Some("as I \"said\""));
        world.run_ms(50);
        assert_eq!(world.words(), ["INVITE", status.to_string().as_str(), "ACK"]);
        world.finish();
    }
}

#[test]
fn a_caller_who_gives_up_while_it_rings_cancels() {
    let mut world = World::pair();
    let ours = world.call(1);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
    assert!(matches!(world.event(0), Event::Progress { status: StatusCode::RINGING, .. }));
    world.run_ms(20_000);
    world.with(0, |agent, now| agent.hang_up(now, ours));
    world.with(0, |agent, now| agent.hang_up(now, ours));
    assert_eq!(world.event(1), Event::Failed { call: theirs, failure: Failure::Cancelled });
    assert_eq!(world.event(0), Event::Failed { call: ours, failure: Failure::Cancelled });
    world.run_ms(50);
    assert_eq!(world.words(), ["INVITE", "180", "CANCEL", "200", "487", "ACK"]);
    world.finish();
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut world = World::pair();
    let ours = world.call(1);
    world.with(0, |agent, now| agent.hang_up(now, ours));
    let theirs = world.incoming(1);
    assert_eq!(world.event(1), Event::Failed { call: theirs, failure: Failure::Cancelled });
    world.run_ms(50);
    assert_eq!(world.words(), ["INVITE", "100", "CANCEL", "200", "487", "ACK"]);
    assert_eq!(world.timed("100"), [210], "the callee's owner was silent for 200 ms");
    assert_eq!(world.timed("CANCEL"), [220]);
    world.finish();
}

#[test]
fn a_callee_who_accepts_while_the_cancel_is_under_way_is_hung_up() {
    let mut world = World::pair();
    let ours = world.call(1);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
    world.event(0);
    world.with(0, |agent, now| agent.hang_up(now, ours));
    world.with(1, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
    assert_eq!(world.event(0), Event::Failed { call: ours, failure: Failure::Cancelled });
    assert_eq!(world.event(1), Event::Confirmed { call: theirs, body: None });
    assert_eq!(world.event(1), ended(theirs, Party::Peer));
    world.run_ms(50);
    let mut words = world.words();
    words.sort();
    assert_eq!(words, ["180", "200", "200", "200", "ACK", "BYE", "CANCEL", "INVITE"]);
    world.finish();
}

#[test]
fn a_refusal_that_crosses_the_cancel_ends_it_too() {
    let mut world = World::pair();
    let ours = world.call(1);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
    world.event(0);
    world.with(0, |agent, now| agent.hang_up(now, ours));
    world.with(1, |agent, now| agent.reject(now, theirs, StatusCode::BUSY_HERE, None));
    assert_eq!(world.event(0), Event::Failed { call: ours, failure: Failure::Cancelled });
    assert_eq!(world.event(1), ended(theirs, Party::Us));
    world.finish();
}

#[test]
fn nobody_there_is_a_timeout_after_32_seconds() {
    let mut world = World::new(&["192.0.2.1:5060"]);
    world.phones.push(World::new(&["192.0.2.9:5060"]).phones.remove(0));
    world.lose = Box::new(|_, _| true);
    let ours = world.call(1);
    assert_eq!(world.event(0), Event::Failed { call: ours, failure: Failure::Timeout });
    assert_eq!(world.timed("INVITE"), [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(world.now.mono.as_nanos() / 1_000_000, 32_000);
    world.finish();
}

#[test]
fn both_sides_hang_up_at_once() {
    let mut world = World::pair();
    let (ours, theirs) = world.talking();
    world.with(0, |agent, now| agent.hang_up(now, ours));
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert_eq!(world.event(0), ended(ours, Party::Us));
    assert_eq!(world.event(1), ended(theirs, Party::Us));
    world.finish();
    assert_eq!((world.events(0), world.events(1)), (vec![], vec![]), "each side hears of it once");
}

#[test]
fn a_callee_may_not_send_bye_before_the_ack() {
    let mut world = World::pair();
    let ours = world.call(1);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert!(matches!(world.event(0), Event::Answered { .. }));
    assert_eq!(world.event(0), ended(ours, Party::Peer));
    assert_eq!(world.words(), ["INVITE", "200", "ACK", "BYE", "200"]);
    world.finish();
}

#[test]
fn hanging_up_on_a_caller_who_waits_says_480() {
    let mut world = World::pair();
    world.call(1);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert_eq!(world.event(1), ended(theirs, Party::Us));
    assert_eq!(refused(&world.event(0)), Some(480));
    world.finish();
}

#[test]
fn early_media_comes_with_183() {
    let mut world = World::pair();
    let ours = world.call(1);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_vec())));
    let (status, reason, body) =
        (StatusCode::SESSION_PROGRESS, "Session Progress".into(), Some(ANSWER.to_vec()));
    assert_eq!(world.event(0), Event::Progress { call: ours, callee: Some(0), status, reason, body });
}

#[test]
fn calls_work_over_ipv6() {
    let mut world = World::new(&["[2001:db8::1]:5060", "[2001:db8::2]:5070"]);
    let (ours, theirs) = world.talking();
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert_eq!(world.event(0), ended(ours, Party::Peer));
    assert_eq!(world.words(), ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    world.finish();
}

#[test]
fn options_tells_what_the_other_side_can_do() {
    let mut world = World::pair();
    world.with(1, |agent, _| agent.set_capabilities(Some(OFFER.to_vec())));
    let flow = world.flow(0, 1);
    let options =
        world.with(0, |agent, now| agent.options(now, flow.into(), "sip:192.0.2.2".parse().unwrap()));
    let answered = Event::OptionsAnswered { options, status: StatusCode::OK, body: OFFER.to_vec() };
    assert_eq!(world.event(0), answered);
    assert_eq!(world.phones[1].agent.transactions(), 0, "answering leaves nothing behind");
    world.lose = Box::new(|_, _| true);
    let options =
        world.with(0, |agent, now| agent.options(now, flow.into(), "sip:192.0.2.2".parse().unwrap()));
    assert_eq!(world.event(0), Event::OptionsFailed { options, failure: Failure::Timeout });
    world.finish();
}

#[test]
fn an_unreachable_network_is_told_at_once() {
    let mut world = World::pair();
    world.lose = Box::new(|_, _| true);
    let ours = world.call(1);
    let flow = world.flow(0, 1);
    world.with(0, |agent, now| agent.transport_failed(now, Hop::udp(flow.local, flow.local)));
    assert_eq!(world.events(0), []);
    world.with(0, |agent, now| agent.transport_failed(now, flow.into()));
    assert_eq!(world.events(0), [Event::Failed { call: ours, failure: Failure::Transport }]);
    world.finish();
}
