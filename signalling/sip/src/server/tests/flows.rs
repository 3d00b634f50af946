//! Whole calls through one proxy and two (after the flows of RFC 3665), also when packets get lost.

use core::time::Duration;

use super::world::{ANSWER, PROXY, World, addr, authorization, config, register};
use crate::{
    message::StatusCode,
    server::CallEnd,
    ua::{Event, Failure},
};

const ALICE: &str = "192.0.2.11:5060";
const BOB: &str = "192.0.2.12:5060";
const BOB2: &str = "192.0.2.13:5060";

/// RFC 3665 §2.1.
#[test]
fn a_new_registration_is_challenged_and_then_taken() {
    let mut world = World::new(vec![config(PROXY, &[("bob", "zanzibar")])]);
    world.say(BOB, PROXY, &register("bob", BOB, "", ""));
    let refused = world.hear_response(BOB, 401);
    let right = authorization(&refused, "bob", "zanzibar", "REGISTER", "sip:home.example");
    world.say(BOB, PROXY, &register("bob", BOB, "", &right));
    let taken = world.hear_response(BOB, 200);
    assert!(taken.headers.contact().unwrap().unwrap().params.has("expires"));
    assert_eq!(world.servers[&addr(PROXY)].bindings(), 1);
    world.finish();
}

/// RFC 3665 §3.2, §3.3: with the same number of messages on each side of the proxy.
#[test]
fn a_call_is_set_up_and_ended_through_a_proxy() {
    let mut world = World::open(&[ALICE, BOB]);
    world.register("bob", BOB, "");
    let call = world.call(ALICE, PROXY, "sip:bob@home.example");
    let theirs = world.incoming(BOB);
    world.with(BOB, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
    world.with(BOB, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
    assert!(matches!(world.outcome(ALICE), Event::Answered { body, .. } if body == ANSWER));
    assert!(matches!(world.event(BOB), Event::Confirmed { .. }));
    world.run(Duration::from_secs(10));
    world.with(BOB, |agent, now| agent.hang_up(now, theirs));
    assert!(matches!(world.event(ALICE), Event::Ended { call: ended, .. } if ended == call));
    world.run_ms(100);
    let words: Vec<_> = world
        .log
        .iter()
        .skip(2)
        .map(|(from, _, line)| (*from == addr(PROXY), line.split(' ').take(2).collect::<Vec<_>>().join(" ")))
        .collect();
    let count = |ours: bool, start: &str| {
        words.iter().filter(|(from, line)| *from == ours && line.starts_with(start)).count()
    };
    for (word, each) in [("INVITE", 1), ("SIP/2.0 180", 1), ("ACK", 1), ("BYE", 1), ("SIP/2.0 200", 2)] {
        assert_eq!((count(false, word), count(true, word)), (each, each), "{word}: {words:#?}");
    }
    let records = world.records();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.end, record.status), (CallEnd::Callee, StatusCode::OK));
    let lasted = record.ended.unwrap().as_nanos() - record.answered.unwrap().as_nanos();
    assert!((10_000_000_000..10_200_000_000).contains(&lasted), "{lasted}");
    world.finish();
    assert_eq!(world.records(), []);
}

/// Any packet may get lost, also each in turn: the call stands and ends, and is told once.
#[test]
fn a_call_survives_the_loss_of_any_one_packet() {
    for lost in 2..16 {
        let mut world = World::open(&[ALICE, BOB]);
        world.register("bob", BOB, "");
        world.lose = Box::new(move |number, _| number == lost);
        world.call(ALICE, PROXY, "sip:bob@home.example");
        let theirs = world.incoming(BOB);
        world.with(BOB, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
        world.with(BOB, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
        assert!(matches!(world.outcome(ALICE), Event::Answered { .. }), "packet {lost}");
        assert!(matches!(world.event(BOB), Event::Confirmed { .. }), "packet {lost}");
        world.with(BOB, |agent, now| agent.hang_up(now, theirs));
        assert!(matches!(world.event(ALICE), Event::Ended { .. }), "packet {lost}");
        assert_eq!(world.records().len(), 1, "packet {lost}");
        world.finish();
    }
}

/// RFC 3665 §3.8, §3.9 in short: what the callee refuses with, the caller hears.
#[test]
fn refusals_come_back_as_they_are_and_are_told_once() {
    for status in [404, 486, 488, 603] {
        let mut world = World::open(&[ALICE, BOB]);
        world.register("bob", BOB, "");
        world.call(ALICE, PROXY, "sip:bob@home.example");
        let theirs = world.incoming(BOB);
        let status = StatusCode::new(status).unwrap();
        world.with(BOB, |agent, now| agent.reject(now, theirs, status, None));
        match world.outcome(ALICE) {
            Event::Failed { failure: Failure::Status { code, .. }, .. } => assert_eq!(code, status),
            other => panic!("{other:?}"),
        }
        world.finish();
        let records = world.records();
        assert_eq!((records.len(), records[0].status, records[0].end), (1, status, CallEnd::Unanswered));
    }
}

/// RFC 3665 §3.8 (unsuccessful: no answer), by a caller who gives up.
#[test]
fn a_caller_that_gives_up_stops_the_ringing() {
    let mut world = World::open(&[ALICE, BOB]);
    world.register("bob", BOB, "");
    let call = world.call(ALICE, PROXY, "sip:bob@home.example");
    let theirs = world.incoming(BOB);
    world.with(BOB, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
    assert!(matches!(world.event(ALICE), Event::Progress { .. }));
    world.with(ALICE, |agent, now| agent.hang_up(now, call));
    assert!(matches!(world.outcome(ALICE), Event::Failed { .. }));
    assert!(
        matches!(world.event(BOB), Event::Failed { call, .. } | Event::Ended { call, .. } if call == theirs)
    );
    world.finish();
    assert_eq!(world.records()[0].status, StatusCode::REQUEST_TERMINATED);
}

#[test]
fn all_phones_of_a_user_ring_and_the_first_that_answers_has_the_call() {
    let mut world = World::open(&[ALICE, BOB, BOB2]);
    world.register("bob", BOB, "");
    world.register("bob", BOB2, "");
    world.call(ALICE, PROXY, "sip:bob@home.example");
    let (first, second) = (world.incoming(BOB), world.incoming(BOB2));
    world.with(BOB, |agent, now| agent.ring(now, first, StatusCode::RINGING, None));
    world.with(BOB2, |agent, now| agent.ring(now, second, StatusCode::RINGING, None));
    world.run_ms(50);
    world.with(BOB2, |agent, now| agent.accept(now, second, ANSWER.to_vec()));
    assert!(matches!(world.outcome(ALICE), Event::Answered { .. }));
    assert!(
        matches!(world.event(BOB), Event::Failed { call, .. } | Event::Ended { call, .. } if call == first),
        "it stops ringing"
    );
    assert!(matches!(world.event(BOB2), Event::Confirmed { .. }));
    world.with(BOB2, |agent, now| agent.hang_up(now, second));
    assert!(matches!(world.outcome(ALICE), Event::Ended { .. }));
    world.finish();
    assert_eq!(world.records().len(), 1);
}

#[test]
fn less_preferred_contacts_ring_when_the_preferred_do_not_answer() {
    let mut world = World::open(&[ALICE, BOB, BOB2]);
    world.register("bob", BOB, ";q=0.9");
    world.register("bob", BOB2, ";q=0.1");
    world.call(ALICE, PROXY, "sip:bob@home.example");
    let first = world.incoming(BOB);
    world.with(BOB, |agent, now| agent.ring(now, first, StatusCode::RINGING, None));
    world.run(Duration::from_secs(19));
    assert!(!world.told.iter().any(|(at, _)| *at == addr(BOB2)), "not yet");
    let second = world.incoming(BOB2);
    assert!(matches!(world.event(BOB), Event::Failed { .. } | Event::Ended { .. }));
    world.with(BOB2, |agent, now| agent.accept(now, second, ANSWER.to_vec()));
    assert!(matches!(world.outcome(ALICE), Event::Answered { .. }));
    assert!(matches!(world.event(BOB2), Event::Confirmed { .. }));
    world.with(BOB2, |agent, now| agent.hang_up(now, second));
    world.finish();
}

/// RFC 3665 §3.2 has two; here the first one's only route is the second.
#[test]
fn a_call_passes_two_proxies_both_ways() {
    const SECOND: &str = "192.0.2.2:5060";
    let first = {
        let mut first = config(PROXY, &[]);
        first.registrar.domains = vec!["first.example".parse().unwrap()];
        first
    };
    let mut world = World::new(vec![first, config(SECOND, &[])]);
    world.add_agent(ALICE);
    world.add_agent(BOB);
    world.say(BOB, SECOND, &register("bob", BOB, "", ""));
    // The caller is of the first domain, so that the first proxy carries its calls anywhere.
    let outgoing = crate::ua::OutgoingInvite {
        hop: crate::transport::Hop::udp(addr(ALICE), addr(PROXY)),
        name: None,
        private: false,
        uri: "sip:bob@home.example".parse().unwrap(),
        from: "<sip:alice@first.example>".parse().unwrap(),
        to: "<sip:bob@home.example>".parse().unwrap(),
        body: super::world::OFFER.to_vec(),
        headers: vec![(crate::message::HeaderName::Route, format!("<sip:{PROXY};lr>, <sip:{SECOND};lr>"))],
    };
    world.with(ALICE, |agent, now| agent.invite(now, outgoing));
    let theirs = world.incoming(BOB);
    world.with(BOB, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
    assert!(matches!(world.outcome(ALICE), Event::Answered { .. }));
    assert!(matches!(world.event(BOB), Event::Confirmed { .. }));
    world.with(BOB, |agent, now| agent.hang_up(now, theirs));
    assert!(matches!(world.event(ALICE), Event::Ended { .. }));
    let hops = |word: &str| world.log.iter().filter(|(_, _, line)| line.starts_with(word)).count();
    assert_eq!((hops("INVITE"), hops("ACK"), hops("BYE")), (3, 3, 3), "{:#?}", world.log);
    world.finish();
    assert_eq!(world.records().len(), 2, "one at each proxy");
}
