//! Whole calls (after RFC 3665 §3).

use super::world::*;
use crate::{
    message::StatusCode,
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
        world.with(1, |agent, now| agent.reject(now, theirs, status, Some("as I \"said\"".into())));
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
