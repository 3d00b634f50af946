//! Provisional responses that arrive for certain, and early dialogs (RFC 3262, RFC 3311 §5, RFC 3261 §13.2.2).

use core::time::Duration;

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method, Response, StatusCode},
    ua::{CallId, Event, Failure, SessionChange},
};

const SDP_TYPE: &str = "Content-Type: application/sdp\r\n";

/// A call of the peer with an offer; `lines` say what the peer understands.
fn called(world: &mut World, lines: &str) -> CallId {
    world.say(&(invite("z9hG4bKfirst", &format!("{SDP_TYPE}{lines}")) + "v=0 offer"));
    match world.event(0) {
        Event::Incoming { call, .. } => call,
        other => panic!("{other:?}"),
    }
}

/// PRACK of the peer.
fn prack(branch: &str, tag: &str, cseq: u32, rack: &str) -> String {
    let to = format!("<sip:bob@192.0.2.1>;tag={tag}");
    request("PRACK", "sip:bob@192.0.2.1:5060", branch, &to, cseq, &format!("RAck: {rack}\r\n"))
}

fn rseq(response: &Response) -> u32 {
    assert_eq!(response.headers.get(&HeaderName::Require), Some("100rel"));
    response.headers.get(&HeaderName::RSeq).unwrap().parse().unwrap()
}

#[test]
fn early_media_are_described_reliably_and_the_200_says_no_more() {
    for seed in 0..12 {
        let mut world = World::pair();
        if seed > 0 {
            world.lose = Box::new(move |number, _| chance(number, seed) < 0.3);
        }
        let ours = world.call(1);
        let theirs = world.incoming(1);
        let body = Some(ANSWER.to_vec());
        world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::SESSION_PROGRESS, body.clone()));
        loop {
            match world.event(0) {
                Event::Progress { callee: None, body: None, status: StatusCode::TRYING, .. } => {}
                Event::Progress { call, callee, status, body: described, .. } => {
                    assert_eq!((call, callee, status), (ours, Some(0), StatusCode::SESSION_PROGRESS));
                    assert_eq!(described, body);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        world.run_ms(30_000);
        assert_eq!(world.events(0), [], "told once");
        world.with(1, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
        assert_eq!(world.event(0), Event::Answered { call: ours, body: ANSWER.to_vec() });
        assert_eq!(world.event(1), Event::Confirmed { call: theirs, body: None });
        if seed == 0 {
            assert_eq!(world.words(), ["INVITE", "183", "PRACK", "200", "200", "ACK"]);
        }
        world.lose = Box::new(|_, _| false);
        world.with(0, |agent, now| agent.hang_up(now, ours));
        world.finish();
    }
}

#[test]
fn the_200_waits_until_the_description_on_its_way_is_acknowledged() {
    let mut world = World::pair();
    world.call(1);
    let theirs = world.incoming(1);
    world.phones[1].agent.ring(world.now, theirs, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_vec()));
    world.with(1, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
    world.run_ms(100);
    assert_eq!(world.words(), ["INVITE", "183", "PRACK", "200", "200", "ACK"]);
}

#[test]
fn without_the_extension_a_description_is_sent_as_it_is() {
    let mut world = World::alone();
    let call = called(&mut world, "");
    let body = Some(ANSWER.to_vec());
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::SESSION_PROGRESS, body));
    let progress = world.hear_response(183);
    assert_eq!((progress.headers.get(&HeaderName::RSeq), progress.body.as_slice()), (None, ANSWER));
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    assert_eq!(world.hear_response(200).body, ANSWER);
}

#[test]
fn a_reliable_response_is_repeated_until_prack_and_then_the_next_one_follows() {
    let mut world = World::alone();
    let call = called(&mut world, "Require: 100rel\r\n");
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::RINGING, None));
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::QUEUED, None));
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_vec())));
    let first = world.hear_response(180);
    let (tag, number) = (to_tag(&first), rseq(&first));
    world.run_ms(3_600);
    assert_eq!(world.timed("180"), [20, 520, 1_520, 3_520], "T1, doubling");
    assert!(world.timed("182").is_empty() && world.timed("183").is_empty(), "one at a time");
    world.stray.clear();
    for (what, rack) in [
        ("another response", format!("{} 7 INVITE", number + 1)),
        ("another INVITE", format!("{number} 8 INVITE")),
        ("another method", format!("{number} 7 UPDATE")),
        ("nothing", String::new()),
        ("no numbers", "one 7 INVITE".into()),
    ] {
        let branch = format!("z9hG4bK{}", what.len());
        assert_eq!(world.ask(&prack(&branch, &tag, 8, &rack), 481).body, b"", "{what}");
    }
    let right = prack("z9hG4bKp", &tag, 9, &format!("{number} 7 INVITE"));
    world.say(&right);
    let mut heard = [world.hear(), world.hear()].map(|message| match message {
        crate::message::Message::Response(response) => response,
        other => panic!("{other:?}"),
    });
    heard.sort_by_key(|response| response.status.code());
    let [next, ok] = heard;
    assert_eq!((next.status.code(), ok.status.code()), (183, 200));
    assert_eq!((rseq(&next), next.body.as_slice()), (number + 1, ANSWER), "numbers follow each other");
    assert_eq!(world.ask(&right, 200), ok, "the same PRACK is answered again");
    world.ask(&prack("z9hG4bKq", &tag, 10, &format!("{number} 7 INVITE")), 481);
}

#[test]
fn a_caller_that_never_acknowledges_is_refused_after_32_seconds() {
    let mut world = World::alone();
    let call = called(&mut world, "Supported: timer, 100rel\r\n");
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_vec())));
    world.run_ms(32_100);
    assert_eq!(world.timed("504")[0], 32_020);
    assert_eq!(world.events(0), [Event::Failed { call, failure: Failure::Timeout }]);
    world.finish();
}

#[test]
fn a_caller_without_an_offer_is_not_asked_for_an_answer_before_the_200() {
    let mut world = World::alone();
    for (lines, rings) in [("Supported: 100rel\r\n", true), ("Require: 100rel\r\n", false)] {
        world.say(
            &invite(if rings { "z9hG4bKa" } else { "z9hG4bKb" }, lines)
                .replace("handmade", if rings { "a" } else { "b" }),
        );
        let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
        world.with(0, |agent, now| agent.ring(now, call, StatusCode::RINGING, Some(ANSWER.to_vec())));
        if rings {
            let ringing = world.hear_response(180);
            assert_eq!((ringing.body.is_empty(), ringing.headers.get(&HeaderName::RSeq)), (true, None));
        }
        world.with(0, |agent, now| agent.accept(now, call, OFFER.to_vec()));
        while world.hear_response_of_any().status != StatusCode::OK {}
    }
}

#[test]
fn an_offer_in_prack_is_answered_in_its_200_before_the_call_is() {
    let mut world = World::alone();
    let call = called(&mut world, "Supported: 100rel\r\n");
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_vec())));
    let progress = world.hear_response(183);
    let (tag, rack) = (to_tag(&progress), format!("{} 7 INVITE\r\n{}", rseq(&progress), SDP_TYPE.trim()));
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    world.say(&(prack("z9hG4bKp", &tag, 8, &rack) + "v=0 second"));
    assert_eq!(world.events(0), [Event::Reoffered { call, body: b"v=0 second".to_vec() }]);
    world.silence();
    world.with(0, |agent, now| agent.accept_change(now, call, b"v=0 answer 2".to_vec()));
    let ok = world.hear_response(200);
    assert_eq!(
        (ok.headers.cseq().unwrap().method, ok.body.as_slice()),
        (Method::Prack, &b"v=0 answer 2"[..])
    );
    assert_eq!(world.hear_response(200).headers.cseq().unwrap().method, Method::Invite);
}

#[test]
fn reliable_responses_out_of_turn_or_repeated_are_ignored() {
    let mut world = World::alone();
    dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    assert!(invite.headers.supported().unwrap().contains(&"100rel"));
    let ring = |world: &mut World, number: &'static str| {
        let contact = (HeaderName::Contact, "<sip:carol@192.0.2.77:5070>");
        let more = [contact, (HeaderName::Require, "100rel"), (HeaderName::RSeq, number)];
        world.reply(&invite, 180, "carol", &more);
    };
    ring(&mut world, "41");
    let prack = world.hear_request(&Method::Prack);
    assert_eq!(prack.headers.get(&HeaderName::RAck), Some("41 1 INVITE"));
    assert_eq!(
        (prack.headers.cseq().unwrap().number, prack.uri.to_string()),
        (2, "sip:carol@192.0.2.77:5070".into())
    );
    world.reply(&prack, 200, "carol", &[]);
    assert_eq!(world.events(0).len(), 1);
    for number in ["41", "43", "40", "0", "x"] {
        ring(&mut world, number);
        world.stray.retain(|(_, text)| text.starts_with("PRACK"));
        assert!(world.stray.is_empty(), "{number}");
    }
    world.events(0);
    ring(&mut world, "42");
    let prack = world.hear_request(&Method::Prack);
    assert_eq!(prack.headers.get(&HeaderName::RAck), Some("42 1 INVITE"));
    assert_eq!(world.events(0).len(), 1);
}

#[test]
fn each_callee_of_a_fork_has_its_own_early_dialog_and_the_first_that_accepts_keeps_it() {
    let mut world = World::alone();
    let call = dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    for (place, tag, contact) in [(0, "kitchen", "<sip:k@192.0.2.80>"), (1, "garden", "<sip:g@192.0.2.81>")] {
        let more = [
            (HeaderName::Contact, contact),
            (HeaderName::Require, "100rel"),
            (HeaderName::RSeq, "7"),
            (HeaderName::Allow, "INVITE, ACK, BYE, UPDATE, PRACK"),
            (HeaderName::ContentType, "application/sdp"),
        ];
        world.reply_with(&invite, 183, tag, &more, format!("v=0 {tag}").as_bytes());
        let prack = world.hear_request(&Method::Prack);
        assert_eq!(format!("<{}>", prack.uri), contact);
        assert_eq!(prack.headers.to().unwrap().tag(), Some(tag));
        world.reply(&prack, 200, tag, &[]);
        let Event::Progress { callee, body, .. } = world.event(0) else { panic!("{tag}") };
        assert_eq!((callee, body), (Some(place), Some(format!("v=0 {tag}").into_bytes())));
    }
    world.with(0, |agent, now| agent.change(now, call, SessionChange::offer(OFFER.to_vec())));
    world.silence();
    let mut update = backwards(&invite, "UPDATE", "kitchen", 1);
    update.headers.push(HeaderName::ContentType, "application/sdp");
    update.body = b"v=0 louder".to_vec();
    world.say(&text(&update));
    assert_eq!(world.event(0), Event::Reoffered { call, body: b"v=0 louder".to_vec() });
    world.with(0, |agent, now| agent.accept_change(now, call, b"v=0 yes".to_vec()));
    assert_eq!(world.hear_response(200).body, b"v=0 yes");

    world.reply(&invite, 200, "garden", &[(HeaderName::Contact, "<sip:g@192.0.2.85>")]);
    let ack = world.hear_request(&Method::Ack);
    assert_eq!((ack.headers.cseq().unwrap().number, ack.uri.to_string()), (1, "sip:g@192.0.2.85".into()));
    assert_eq!(world.event(0), Event::Answered { call, body: b"v=0 garden".to_vec() });
    let change = world.hear_request(&Method::Invite);
    assert_eq!(change.headers.cseq().unwrap().number, 3, "after PRACK; what waited goes out now");
    world.reply(&invite, 200, "kitchen", &[(HeaderName::Contact, "<sip:k@192.0.2.80>")]);
    world.hear_request(&Method::Ack);
    let bye = world.hear_request(&Method::Bye);
    assert_eq!(bye.headers.to().unwrap().tag(), Some("kitchen"));
}

#[test]
fn a_session_is_changed_by_update_before_the_call_is_answered_from_both_sides() {
    for side in [0, 1] {
        let mut world = World::pair();
        let calls = [world.call(1), world.incoming(1)];
        let body = Some(ANSWER.to_vec());
        world.with(1, |agent, now| agent.ring(now, calls[1], StatusCode::SESSION_PROGRESS, body));
        world.run_ms(100);
        world.events(0);
        let change = SessionChange::offer(b"v=0 hold".to_vec());
        world.with(side, |agent, now| agent.change(now, calls[side], change));
        let call = calls[1 - side];
        assert_eq!(world.event(1 - side), Event::Reoffered { call, body: b"v=0 hold".to_vec() });
        world.with(1 - side, |agent, now| agent.accept_change(now, call, b"v=0 held".to_vec()));
        assert_eq!(world.event(side), Event::Changed { call: calls[side], body: b"v=0 held".to_vec() });
        world.run(Duration::from_secs(1));
        world.with(1, |agent, now| agent.accept(now, calls[1], ANSWER.to_vec()));
        assert!(matches!(world.event(0), Event::Answered { .. }));
        world.run_ms(50);
        let words = world.words();
        assert_eq!(words[4..], ["UPDATE", "200", "200", "ACK"], "{words:?}");
    }
}
