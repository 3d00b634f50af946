//! Calls that the operator ends.

use core::time::Duration;

use super::world::{ANSWER, PROXY, World, addr, config};
use crate::{
    message::StatusCode,
    server::{CallEnd, Limits, NotEnded},
    ua::{CallId, Event, Failure},
};

const ALICE: &str = "192.0.2.11:5060";
const BOB: &str = "192.0.2.12:5060";

/// A call from alice to bob that is up: each one's name for it.
fn call(world: &mut World) -> [CallId; 2] {
    let ours = world.call(ALICE, PROXY, "sip:bob@home.example");
    let theirs = world.incoming(BOB);
    world.with(BOB, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
    assert!(matches!(world.outcome(ALICE), Event::Answered { .. }));
    assert!(matches!(world.event(BOB), Event::Confirmed { .. }));
    [ours, theirs]
}

fn hang_up(world: &mut World, call_id: &str) -> Result<(), NotEnded> {
    let now = world.now;
    let ended = world.servers.get_mut(&addr(PROXY)).unwrap().hang_up(now, call_id);
    world.drain();
    ended
}

fn listed(world: &World) -> Vec<String> {
    world.servers[&addr(PROXY)].calls().map(|call| call.call_id.to_owned()).collect()
}

#[test]
fn b27_a_call_that_is_up_ends_by_bye_to_both_sides_and_is_told_once() {
    let mut world = World::open(&[ALICE, BOB]);
    world.register("bob", BOB, "");
    let [ours, theirs] = call(&mut world);
    let all = listed(&world);
    assert_eq!(all.len(), 1);
    assert_eq!(hang_up(&mut world, "another"), Err(NotEnded::Unknown));
    assert_eq!(hang_up(&mut world, &all[0]), Ok(()));
    for (at, id) in [(ALICE, ours), (BOB, theirs)] {
        assert!(matches!(world.event(at), Event::Ended { call, .. } if call == id), "{at}: {:#?}", world.log);
    }
    world.run_ms(100);
    let byes = world.log.iter().filter(|(_, _, line)| line.starts_with("BYE")).count();
    let refused = world.log.iter().filter(|(_, _, line)| line.starts_with("SIP/2.0 4")).count();
    assert_eq!((byes, refused, listed(&world).len()), (2, 0, 0), "{:#?}", world.log);
    let records = world.records();
    assert_eq!((records.len(), records[0].end), (1, CallEnd::Operator));
    world.finish();
}

#[test]
fn b27_a_bye_that_gets_lost_is_sent_again() {
    let mut world = World::open(&[ALICE, BOB]);
    world.register("bob", BOB, "");
    call(&mut world);
    let (id, sent) = (listed(&world).remove(0), world.log.len());
    world.lose = Box::new(move |number, _| number < sent + 2);
    assert_eq!(hang_up(&mut world, &id), Ok(()));
    for at in [ALICE, BOB] {
        assert!(matches!(world.event(at), Event::Ended { .. }), "{at}");
    }
    world.finish();
}

#[test]
fn b27_a_call_that_rings_is_cancelled() {
    let mut world = World::open(&[ALICE, BOB]);
    world.register("bob", BOB, "");
    world.call(ALICE, PROXY, "sip:bob@home.example");
    let theirs = world.incoming(BOB);
    world.with(BOB, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
    assert!(matches!(world.event(ALICE), Event::Progress { .. }));
    let id = listed(&world).remove(0);
    assert_eq!(hang_up(&mut world, &id), Ok(()));
    let refused = |event| match event {
        Event::Failed { failure: Failure::Status { code, .. }, .. } => code == StatusCode::REQUEST_TERMINATED,
        _ => false,
    };
    assert!(refused(world.outcome(ALICE)), "{:#?}", world.log);
    assert!(matches!(world.event(BOB), Event::Failed { .. } | Event::Ended { .. }));
    world.finish();
    assert_eq!(listed(&world), [""; 0]);
}

#[test]
fn b27_a_call_that_does_not_pass_here_is_not_ended_and_it_is_said_why() {
    let mut config = config(PROXY, &[]);
    config.record_route = false;
    let mut world = World::new(vec![config]);
    [ALICE, BOB].iter().for_each(|at| world.add_agent(at));
    world.register("bob", BOB, "");
    call(&mut world);
    assert_eq!(listed(&world), [""; 0], "nobody here knows whether it is up");
    world.finish();
}

#[test]
fn b28_beyond_the_calls_that_there_may_be_the_next_is_refused_until_one_ends() {
    let mut config = config(PROXY, &[]);
    config.limits = Limits { admitted: 1, ..Limits::default() };
    let mut world = World::new(vec![config]);
    [ALICE, BOB].iter().for_each(|at| world.add_agent(at));
    world.register("bob", BOB, "");
    let [_, theirs] = call(&mut world);
    world.call(ALICE, PROXY, "sip:bob@home.example");
    let full = |event: &Event| matches!(event, Event::Failed { failure: Failure::Status { code, .. }, .. } if code.code() == 503);
    let second = world.outcome(ALICE);
    assert!(full(&second), "{second:?}");
    world.with(BOB, |agent, now| agent.hang_up(now, theirs));
    for at in [ALICE, BOB] {
        assert!(matches!(world.event(at), Event::Ended { .. }));
    }
    world.run(Duration::from_secs(40));
    call(&mut world);
}

#[test]
fn limits_that_are_told_anew_hold_for_what_comes_and_leave_what_is_there() {
    let mut world = World::open(&[ALICE, BOB]);
    world.register("bob", BOB, "");
    call(&mut world);
    let limits = Limits { admitted: 1, calls: 1, transactions: 10, ..Limits::default() };
    world.servers.get_mut(&addr(PROXY)).unwrap().set_limits(limits);
    assert_eq!(listed(&world).len(), 1);
    world.call(ALICE, PROXY, "sip:bob@home.example");
    assert!(matches!(world.outcome(ALICE), Event::Failed { .. }));
}
