//! Calls from peers that do what our own agent never would.

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method, StatusCode},
    ua::{CallId, Event, Failure, Party},
};

/// A call from the peer that stands; the tag that our end has in it.
fn talking(world: &mut World, lines: &str) -> (CallId, String) {
    world.say(&invite("z9hG4bKfirst", lines));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.accept(now, call, OFFER.to_vec()));
    let tag = to_tag(&world.hear_response(200));
    world.say(&inside("ACK", "z9hG4bKack", &tag, 7, ""));
    assert_eq!(world.event(0), Event::Confirmed { call, body: None });
    (call, tag)
}

/// A request of the peer inside the call.
fn inside(method: &str, branch: &str, tag: &str, cseq: u32, lines: &str) -> String {
    let contact = format!("Contact: <sip:carol@{PEER}>\r\n{lines}");
    request(
        method,
        "sip:bob@192.0.2.1:5060",
        branch,
        &format!("<sip:bob@192.0.2.1>;tag={tag}"),
        cseq,
        &contact,
    )
}

#[test]
fn a_caller_without_an_offer_answers_ours_in_the_ack() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKlate", "Expires: 120\r\nUser-Agent: by hand\r\n"));
    let Event::Incoming { call, uri, from, body, user_agent, hop, .. } = world.event(0) else {
        panic!("a call")
    };
    assert_eq!((uri.to_string().as_str(), from.display.as_deref()), ("sip:bob@192.0.2.1", Some("Carol")));
    assert_eq!((body.len(), user_agent.as_deref(), hop.remote), (0, Some("by hand"), peer()));
    world.with(0, |agent, now| agent.accept(now, call, OFFER.to_vec()));
    let ok = world.hear_response(200);
    assert_eq!(
        (ok.body.as_slice(), ok.headers.get(&HeaderName::ContentType)),
        (OFFER, Some("application/sdp"))
    );
    assert_eq!(ok.headers.get(&HeaderName::Contact), Some("<sip:bob@192.0.2.1:5060>"));
    let ack =
        inside("ACK", "z9hG4bKack", &to_tag(&ok), 7, "Content-Type: application/sdp\r\n") + "v=0 answer";
    world.say(&ack);
    assert_eq!(world.event(0), Event::Confirmed { call, body: Some(ANSWER.to_vec()) });
    world.say(&ack);
    assert_eq!(world.events(0), [], "an ACK that comes again says nothing new");
}

#[test]
fn all_responses_of_a_call_have_one_tag_and_the_record_routes_of_the_invite() {
    let mut world = World::alone();
    let routes = "Record-Route: <sip:near@192.0.2.90;lr>\r\nRecord-Route: <sip:far@192.0.2.91;lr>\r\n";
    world.say(&invite("z9hG4bKrr", routes));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::RINGING, None));
    let ringing = world.hear_response(180);
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    let ok = world.hear_response(200);
    for response in [&ringing, &ok] {
        let routes: Vec<_> = response.headers.all(&HeaderName::RecordRoute).collect();
        assert_eq!(routes, ["<sip:near@192.0.2.90;lr>", "<sip:far@192.0.2.91;lr>"]);
    }
    assert_eq!(to_tag(&ringing), to_tag(&ok));
    world.say(&inside("ACK", "z9hG4bKack", &to_tag(&ok), 7, ""));
    world.with(0, |agent, now| agent.hang_up(now, call));
    world.run_ms(10);
    assert_eq!(world.stray[0].0.remote, "192.0.2.90:5060".parse().unwrap(), "the nearest router is first");
    let bye = world.hear_request(&Method::Bye);
    let routes: Vec<_> = bye.headers.all(&HeaderName::Route).collect();
    assert_eq!(routes, ["<sip:near@192.0.2.90;lr>", "<sip:far@192.0.2.91;lr>"]);
    assert_eq!(bye.uri.to_string(), format!("sip:carol@{PEER}"));
    assert_eq!(bye.headers.to().unwrap().tag(), Some("carol"));
}

#[test]
fn an_invite_that_forked_and_meets_again_here_is_refused_once() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKone", ""));
    world.say(&invite("z9hG4bKtwo", ""));
    let refused = world.hear_response(482);
    assert_eq!(refused.headers.via().unwrap().branch(), Some("z9hG4bKtwo"));
    assert_eq!(world.events(0).len(), 1, "one call is enough");
    world.say(&invite("z9hG4bKone", ""));
    assert_eq!(world.events(0), [], "the first, repeated, is no second call");
}

#[test]
fn a_peer_after_rfc_2543_without_unique_branches_is_understood() {
    let mut world = World::alone();
    world.say(&invite("1", ""));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.say(&invite("1", ""));
    assert_eq!(world.events(0), [], "repeated");
    world.with(0, |agent, now| agent.reject(now, call, StatusCode::BUSY_HERE, None));
    let busy = world.hear_response(486);
    let to = busy.headers.get(&HeaderName::To).unwrap().to_owned();
    world.say(&request("ACK", "sip:bob@192.0.2.1", "1", &to, 7, ""));
    world.run(core::time::Duration::from_secs(6));
    assert_eq!(world.timed("486").len(), 1, "the ACK was recognized");
    assert_eq!(world.phones[0].agent.transactions(), 0);
}

#[test]
fn cancel_of_something_unknown_or_already_answered_changes_nothing() {
    let mut world = World::alone();
    let cancel = |branch: &str| request("CANCEL", "sip:bob@192.0.2.1", branch, "<sip:bob@192.0.2.1>", 7, "");
    world.ask(&cancel("z9hG4bKnever"), 481);
    world.say(&invite("z9hG4bKfirst", ""));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    let ok = world.hear_response(200);
    let cancelled = world.ask(&cancel("z9hG4bKfirst"), 200);
    assert_eq!(cancelled.headers.cseq().unwrap().method, Method::Cancel);
    assert_eq!(to_tag(&cancelled), to_tag(&ok), "RFC 3261 §9.2");
    assert_eq!(world.events(0), []);
    world.say(&inside("ACK", "z9hG4bKack", &to_tag(&ok), 7, ""));
    assert_eq!(world.event(0), Event::Confirmed { call, body: None });
}

#[test]
fn a_call_whose_expires_has_passed_is_over() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKexp", "Expires: 3\r\n"));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.hear_response(100);
    world.hear_response(487);
    assert_eq!(world.events(0), [Event::Failed { call, failure: Failure::Cancelled }]);
    assert_eq!(world.timed("487"), [3_010]);
}

#[test]
fn bye_ends_a_call_that_still_rings() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKfirst", ""));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::RINGING, None));
    let tag = to_tag(&world.hear_response(180));
    world.ask(&inside("BYE", "z9hG4bKbye", &tag, 8, ""), 200);
    world.hear_response(487);
    assert_eq!(world.events(0), [Event::Failed { call, failure: Failure::Cancelled }]);
}

#[test]
fn bye_tells_its_reason_and_is_answered_as_often_as_it_comes() {
    let mut world = World::alone();
    let (call, tag) = talking(&mut world, "");
    let bye = inside("BYE", "z9hG4bKbye", &tag, 8, "Reason: Q.850;cause=16;text=\"Terminated\"\r\n");
    let first = world.ask(&bye, 200);
    let reason = Some("Q.850;cause=16;text=\"Terminated\"".to_owned());
    assert_eq!(world.events(0), [Event::Ended { call, by: Party::Peer, reason }]);
    assert_eq!(world.ask(&bye, 200), first);
    world.ask(&inside("BYE", "z9hG4bKother", &tag, 9, ""), 481);
    assert_eq!(world.events(0), []);
    world.finish();
}

#[test]
fn a_change_of_the_session_is_the_owners_to_accept_or_refuse() {
    let mut world = World::alone();
    let (call, tag) = talking(&mut world, "");
    let sdp = "Content-Type: application/sdp\r\n";
    let reinvite = |branch: &str, cseq| inside("INVITE", branch, &tag, cseq, sdp) + "v=0 offer";
    world.say(&reinvite("z9hG4bKre1", 8));
    assert_eq!(world.events(0), [Event::Reoffered { call, body: OFFER.to_vec() }]);
    let later = world.ask(&reinvite("z9hG4bKre2", 9), 500);
    assert!(later.headers.retry_after().unwrap().is_some_and(|seconds| seconds <= 10), "one at a time");
    world.with(0, |agent, now| agent.reject_change(now, call, StatusCode::NOT_ACCEPTABLE_HERE, None));
    world.hear_response(488);
    world.say(&inside("ACK", "z9hG4bKre1", &tag, 8, ""));
    assert_eq!(world.events(0), [], "the call goes on as it was");

    let moved = reinvite("z9hG4bKre3", 10)
        .replace("<sip:carol@192.0.2.77:5070>\r\nContent", "<sip:carol@192.0.2.78>\r\nContent");
    world.say(&moved);
    world.event(0);
    world.with(0, |agent, now| agent.accept_change(now, call, ANSWER.to_vec()));
    assert_eq!(to_tag(&world.hear_response(200)), tag);
    world.say(&inside("ACK", "z9hG4bKack3", &tag, 10, ""));
    assert_eq!(world.events(0), [Event::Confirmed { call, body: None }]);

    world.say(&reinvite("z9hG4bKre4", 11));
    world.event(0);
    world.ask(
        &request("CANCEL", "sip:bob@192.0.2.1:5060", "z9hG4bKre4", &format!("<sip:b@h>;tag={tag}"), 11, ""),
        200,
    );
    world.hear_response(487);
    world.with(0, |agent, now| agent.hang_up(now, call));
    let bye = world.hear_request(&Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:carol@192.0.2.78", "the change has moved the target");
}

#[test]
fn requests_inside_a_call_are_held_against_its_dialog() {
    let mut world = World::alone();
    let (call, tag) = talking(&mut world, "");
    let stranger = inside("BYE", "z9hG4bKs", &tag, 8, "").replace("tag=carol", "tag=mallory");
    let cases = [
        ("a later number has been seen", inside("BYE", "z9hG4bKa", &tag, 6, ""), 500),
        ("no such dialog", inside("BYE", "z9hG4bKb", "0123456789abcdef", 8, ""), 481),
        ("not a tag of ours", inside("BYE", "z9hG4bKc", "nonsense", 8, ""), 481),
        ("no tag at all", request("BYE", "sip:bob@192.0.2.1", "z9hG4bKd", "<sip:bob@192.0.2.1>", 8, ""), 481),
        ("another peer", stranger, 481),
        ("an extension inside", inside("BYE", "z9hG4bKe", &tag, 8, "Require: gruu\r\n"), 420),
        ("OPTIONS inside", inside("OPTIONS", "z9hG4bKf", &tag, 8, ""), 200),
        ("UPDATE that changes nothing", inside("UPDATE", "z9hG4bKg", &tag, 9, ""), 200),
        ("what only makes sense outside", inside("REGISTER", "z9hG4bKi", &tag, 10, ""), 405),
        ("an INVITE to a dialog of long ago", inside("INVITE", "z9hG4bKh", "fedcba9876543210", 1, ""), 481),
    ];
    for (what, text, status) in cases {
        world.say(&text);
        assert_eq!(world.hear_response(status).status.code(), status, "{what}");
        assert_eq!(world.events(0), [], "{what}");
    }
    world.with(0, |agent, now| agent.hang_up(now, call));
    world.hear_request(&Method::Bye);
}
