//! Changes of a running session, by INVITE and by UPDATE (RFC 3261 §14, RFC 3311).

use core::time::Duration;

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method, StatusCode},
    transport::Hop,
    ua::{CallId, Event, Failure, Party, SessionChange},
};

const HOLD: &[u8] = b"v=0 hold";
const HELD: &[u8] = b"v=0 held";

fn hold(by_update: bool) -> SessionChange {
    SessionChange { by_update, ..SessionChange::offer(HOLD.to_vec()) }
}

/// Phone `at` accepts the change that it is asked for.
fn accept(world: &mut World, at: usize, call: CallId) {
    assert_eq!(world.event(at), Event::Reoffered { call, body: HOLD.to_vec() });
    world.with(at, |agent, now| agent.accept_change(now, call, HELD.to_vec()));
}

#[test]
fn either_side_changes_the_session_by_invite_or_by_update() {
    for by_update in [false, true] {
        for side in [0, 1] {
            let mut world = World::pair();
            let (ours, theirs) = world.talking();
            let calls = [ours, theirs];
            let before = world.log.len();
            world.with(side, |agent, now| agent.change(now, calls[side], hold(by_update)));
            accept(&mut world, 1 - side, calls[1 - side]);
            assert_eq!(world.event(side), Event::Changed { call: calls[side], body: HELD.to_vec() });
            world.run_ms(50);
            let words = world.words().split_off(before);
            if by_update {
                assert_eq!(words, ["UPDATE", "200"]);
                assert_eq!(world.events(1 - side), []);
            } else {
                assert_eq!(words, ["INVITE", "200", "ACK"]);
                assert_eq!(world.events(1 - side), [Event::Confirmed { call: calls[1 - side], body: None }]);
            }
            world.with(0, |agent, now| agent.hang_up(now, ours));
            world.finish();
        }
    }
}

#[test]
fn a_change_is_made_although_a_third_of_all_datagrams_is_lost() {
    for (by_update, seed) in (0..10).flat_map(|seed| [(false, seed), (true, seed)]) {
        let mut world = World::pair();
        let (ours, theirs) = world.talking();
        world.lose = Box::new(move |number, _| chance(number, seed) < 1.0 / 3.0);
        world.with(0, |agent, now| agent.change(now, ours, hold(by_update)));
        accept(&mut world, 1, theirs);
        assert_eq!(world.event(0), Event::Changed { call: ours, body: HELD.to_vec() });
        world.run_ms(40_000);
        assert_eq!(world.events(0), [], "told once");
        world.lose = Box::new(|_, _| false);
        world.with(0, |agent, now| agent.hang_up(now, ours));
        world.finish();
    }
}

#[test]
fn a_refused_change_leaves_the_call_as_it_was() {
    for by_update in [false, true] {
        let mut world = World::pair();
        let (ours, theirs) = world.talking();
        world.with(0, |agent, now| agent.change(now, ours, hold(by_update)));
        assert!(matches!(world.event(1), Event::Reoffered { .. }));
        let (status, why) = (StatusCode::NOT_ACCEPTABLE_HERE, Some("no"));
        world.with(1, |agent, now| agent.reject_change(now, theirs, status, why));
        let Event::ChangeFailed { call, failure: Failure::Status { code, warning, .. } } = world.event(0)
        else {
            panic!("refused")
        };
        assert_eq!((call, code.code(), warning.as_deref()), (ours, 488, Some("no")));
        world.run_ms(40_000);
        assert_eq!((world.events(0), world.events(1)), (vec![], vec![]), "the call goes on");
        world.with(1, |agent, now| agent.hang_up(now, theirs));
        assert_eq!(world.event(0), ended(ours, Party::Peer));
        world.finish();
    }
}

#[test]
fn changes_that_cross_are_both_made_within_four_seconds_the_callees_first() {
    for (by_update, seed) in [(false, 1), (true, 1), (false, 2), (true, 2), (false, 3)] {
        let mut world = World::pair();
        let (ours, theirs) = world.talking();
        world.run_ms(seed * 7);
        world.phones[0].agent.change(world.now, ours, hold(by_update));
        world.phones[1].agent.change(world.now, theirs, hold(by_update));
        let began = world.now.mono;
        accept(&mut world, 0, ours);
        assert_eq!(world.event(1), Event::Changed { call: theirs, body: HELD.to_vec() });
        let second = world.now.mono.since(began);
        assert!(second <= Duration::from_millis(2_100), "{second:?}: the callee waits 2 s at most");
        accept(&mut world, 1, theirs);
        while !matches!(world.event(0), Event::Changed { .. }) {}
        let first = world.now.mono.since(began);
        assert!(first >= Duration::from_millis(2_100) && first <= Duration::from_millis(4_100), "{first:?}");
        assert_eq!(world.words().iter().filter(|word| *word == "491").count(), 2);
        world.with(0, |agent, now| agent.hang_up(now, ours));
        world.finish();
    }
}

#[test]
fn a_change_waits_until_the_one_of_the_other_side_is_done_and_a_newer_wish_replaces_it() {
    let mut world = World::pair();
    let (ours, theirs) = world.talking();
    world.with(0, |agent, now| agent.change(now, ours, SessionChange::offer(OFFER.to_vec())));
    assert!(matches!(world.event(1), Event::Reoffered { .. }));
    let early = SessionChange::offer(b"v=0 never sent".to_vec());
    world.with(1, |agent, now| agent.change(now, theirs, early));
    world.with(1, |agent, now| agent.change(now, theirs, hold(false)));
    world.run_ms(100);
    assert_eq!(world.words().iter().filter(|word| *word == "INVITE").count(), 2);
    world.with(1, |agent, now| agent.accept_change(now, theirs, ANSWER.to_vec()));
    assert_eq!(world.event(0), Event::Changed { call: ours, body: ANSWER.to_vec() });
    accept(&mut world, 0, ours);
    assert_eq!(world.event(1), Event::Confirmed { call: theirs, body: None });
    assert_eq!(world.event(1), Event::Changed { call: theirs, body: HELD.to_vec() });
}

#[test]
fn a_peer_that_does_not_know_update_gets_an_invite_instead() {
    let mut world = World::alone();
    let (call, _) = answered(&mut world, "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE");
    world.with(0, |agent, now| agent.change(now, call, hold(true)));
    let update = world.hear_request(&Method::Update);
    assert_eq!((update.body.as_slice(), update.headers.get(&HeaderName::Contact).is_some()), (HOLD, true));
    world.reply(&update, 501, "carol", &[]);
    let invite = world.hear_request(&Method::Invite);
    assert_eq!(invite.headers.cseq().unwrap().number, 3);
    world.reply(&invite, 200, "carol", &[(HeaderName::Contact, "<sip:carol@192.0.2.78>")]);
    let ack = world.hear_request(&Method::Ack);
    assert_eq!((ack.headers.cseq().unwrap().number, ack.uri.to_string()), (3, "sip:carol@192.0.2.78".into()));
    world.reply(&invite, 200, "carol", &[(HeaderName::Contact, "<sip:carol@192.0.2.78>")]);
    assert_eq!(world.hear_request(&Method::Ack), ack, "each 2xx gets its ACK");
    assert!(matches!(world.event(0), Event::Changed { .. }));
    let (call, _) = answered(&mut world, "INVITE, ACK, BYE");
    world.with(0, |agent, now| agent.change(now, call, hold(true)));
    world.hear_request(&Method::Invite);
}

/// A call to the peer, who has accepted and says that it allows this.
fn answered(world: &mut World, allow: &str) -> (CallId, Hop) {
    let hop = Hop::udp(world.phones[0].address, peer());
    let call = dial(world);
    let invite = world.hear_request(&Method::Invite);
    let more = [(HeaderName::Contact, "<sip:carol@192.0.2.77:5070>"), (HeaderName::Allow, allow)];
    world.reply(&invite, 200, "carol", &more);
    world.hear_request(&Method::Ack);
    assert!(matches!(world.event(0), Event::Answered { .. }));
    (call, hop)
}

#[test]
fn whoever_moves_to_another_network_says_so_by_its_contact_and_calls_on_from_there() {
    let mut world = World::pair();
    let (ours, theirs) = world.talking();
    let moved: std::net::SocketAddr = "192.0.2.9:5060".parse().unwrap();
    let hop = Hop::udp(moved, world.phones[1].address);
    world.phones[0].address = moved;
    let change = SessionChange { hop: Some(hop), ..hold(false) };
    world.with(0, |agent, now| agent.change(now, ours, change));
    accept(&mut world, 1, theirs);
    assert_eq!(world.event(0), Event::Changed { call: ours, body: HELD.to_vec() });
    world.run_ms(30);
    world.events(1);
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert_eq!(world.event(0), ended(ours, Party::Peer), "the BYE goes to the new address");
    world.finish();
}

#[test]
fn a_change_nobody_knows_the_call_of_or_nobody_answers_ends_it_by_bye() {
    for answer in [Some(481), Some(408), None] {
        let mut world = World::alone();
        let (call, _) = answered(&mut world, "UPDATE");
        world.with(0, |agent, now| agent.change(now, call, hold(true)));
        let update = world.hear_request(&Method::Update);
        match answer {
            Some(status) => world.reply(&update, status, "carol", &[]),
            None => {
                world.lose = Box::new(|_, line| line.starts_with("UPDATE"));
                world.run(Duration::from_secs(33));
            }
        }
        while world.hear_request_of_any().method != Method::Bye {}
        assert!(matches!(world.event(0), Event::ChangeFailed { .. }), "{answer:?}");
    }
}

#[test]
fn an_offer_in_update_nobody_decides_about_is_refused_before_its_sender_gives_up() {
    let mut world = World::pair();
    let (ours, _) = world.talking();
    world.with(0, |agent, now| agent.change(now, ours, hold(true)));
    assert!(matches!(world.event(1), Event::Reoffered { .. }));
    let Event::ChangeFailed { failure: Failure::Status { code, .. }, .. } = world.event(0) else {
        panic!("refused")
    };
    assert_eq!(code, StatusCode::SERVER_TIMEOUT);
    assert!(world.now.mono.as_nanos() < 32_000_000_000);
}

#[test]
fn update_before_the_answer_is_refused_while_the_first_offer_waits() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKfirst", "Content-Type: application/sdp\r\n"));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::RINGING, None));
    let ringing = world.hear_response(180);
    let update = |branch: &str, cseq, lines: &str| {
        let to = format!("<sip:bob@192.0.2.1>;tag={}", to_tag(&ringing));
        request("UPDATE", "sip:bob@192.0.2.1", branch, &to, cseq, lines)
    };
    let later = world.ask(&(update("z9hG4bKu1", 8, "Content-Type: application/sdp\r\n") + "v=0"), 500);
    assert!(later.headers.retry_after().unwrap().is_some_and(|seconds| seconds <= 10));
    let moved = "Contact: <sip:carol@192.0.2.78>\r\n";
    world.ask(&update("z9hG4bKu2", 9, moved), 200);
    assert_eq!(world.events(0), []);
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    world.hear_response(200);
    world.say(&request(
        "ACK",
        "sip:bob@192.0.2.1",
        "z9hG4bKa",
        &format!("<sip:b@h>;tag={}", to_tag(&ringing)),
        7,
        "",
    ));
    assert_eq!(world.event(0), Event::Confirmed { call, body: None });
    world.with(0, |agent, now| agent.hang_up(now, call));
    assert_eq!(world.hear_request(&Method::Bye).uri.to_string(), "sip:carol@192.0.2.78");
}

#[test]
fn an_update_of_a_callee_before_the_answer_meets_our_offer_and_hears_491() {
    let mut world = World::alone();
    dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    world.reply(&invite, 180, "carol", &[(HeaderName::Contact, "<sip:carol@192.0.2.77:5070>")]);
    let mut update = backwards(&invite, "UPDATE", "carol", 1);
    update.headers.push(HeaderName::ContentType, "application/sdp");
    update.body = b"v=0".to_vec();
    world.ask(&text(&update), 491);
    world.ask(&text(&backwards(&invite, "UPDATE", "stranger", 2)), 481);
}
