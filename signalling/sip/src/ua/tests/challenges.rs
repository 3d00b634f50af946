//! Challenges to requests inside a call (RFC 3261 §12.2.1.1, §22).

use core::time::Duration;

use zeroize::Zeroizing;

use super::{peer::*, world::*};
use crate::{
    digest::Login,
    message::{HeaderName, Method, Request, StatusCode},
    transport::Hop,
    ua::{CallId, Event, Failure, Key, OutgoingInvite, OutgoingRefer, Party, SessionChange},
};

const REALM: &str = "Digest realm=\"example.com\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"";

/// Phone 0 knows the password of the peer's domain, where its server is, too.
fn signed_in(realm: Option<&str>) -> World {
    let mut world = World::alone();
    let hop = Hop::udp(world.phones[0].address, peer());
    let login = Login {
        user: "bob".into(),
        password: Zeroizing::new("zanzibar".into()),
        realm: realm.map(str::to_owned),
    };
    let aor = "<sip:bob@example.com>".parse().unwrap();
    world.with(0, |agent, _| agent.set_login(&aor, login, &[hop]));
    world
}

fn outgoing(world: &World) -> OutgoingInvite {
    OutgoingInvite {
        private: false,
        hop: Hop::udp(world.phones[0].address, peer()),
        name: None,
        uri: "sip:carol@example.com".parse().unwrap(),
        from: "<sip:bob@example.com>".parse().unwrap(),
        to: "<sip:carol@example.com>".parse().unwrap(),
        body: OFFER.to_vec(),
        headers: Vec::new(),
    }
}

/// A call to the peer that stands, and its INVITE.
fn talking(world: &mut World) -> (CallId, Request) {
    let outgoing = outgoing(world);
    let call = world.with(0, |agent, now| agent.invite(now, outgoing));
    let invite = world.hear_request(&Method::Invite);
    let contact = format!("<sip:carol@{PEER}>");
    let more = [(HeaderName::Contact, contact.as_str()), (HeaderName::Allow, "INVITE, ACK, BYE, UPDATE")];
    world.reply_with(&invite, 200, "carol", &more, ANSWER);
    world.hear_request(&Method::Ack);
    assert!(matches!(world.event(0), Event::Answered { .. }));
    (call, invite)
}

/// The peer challenges `first`; answers what comes then.
fn challenge(world: &mut World, first: &Request, nonce: &str) -> Request {
    let challenge = REALM.replace("n1", nonce);
    world.reply(first, 401, "carol", &[(HeaderName::WwwAuthenticate, &challenge)]);
    if first.method == Method::Invite {
        let ack = world.hear_request(&Method::Ack);
        assert_eq!(ack.headers.cseq_number(), first.headers.cseq_number(), "the ACK of what was refused");
        assert_eq!(ack.headers.via().unwrap().branch(), first.headers.via().unwrap().branch());
    }
    let again = world.hear_request(&first.method);
    let (before, after) = (first.headers.cseq().unwrap(), again.headers.cseq().unwrap());
    assert_eq!(after.number, before.number + 1, "the next of the dialog");
    let same = [HeaderName::CallId, HeaderName::From, HeaderName::To, HeaderName::Contact, HeaderName::RAck];
    for name in same {
        assert_eq!(again.headers.get(&name), first.headers.get(&name), "{name}");
    }
    assert_eq!((&again.body, &again.uri), (&first.body, &first.uri));
    assert_ne!(again.headers.via().unwrap().branch(), first.headers.via().unwrap().branch());
    let answer = again.headers.get(&HeaderName::Authorization).unwrap();
    assert!(answer.contains(&format!("nonce=\"{nonce}\"")), "{answer}");
    again
}

#[test]
fn a_change_that_is_challenged_goes_out_again_and_is_made() {
    for by_update in [false, true] {
        let mut world = signed_in(Some("example.com"));
        let (call, _) = talking(&mut world);
        let change = SessionChange { by_update, ..SessionChange::offer(b"v=0 hold".to_vec()) };
        world.with(0, |agent, now| agent.change(now, call, change));
        let method = if by_update { Method::Update } else { Method::Invite };
        let first = world.hear_request(&method);
        let again = challenge(&mut world, &first, "n1");
        world.reply_with(&again, 200, "carol", &[], b"v=0 held");
        if !by_update {
            let ack = world.hear_request(&Method::Ack);
            assert_eq!(ack.headers.cseq_number(), again.headers.cseq_number());
            let proof = HeaderName::Authorization;
            assert_eq!(
                ack.headers.get(&proof),
                again.headers.get(&proof),
                "an ACK proves what its INVITE has"
            );
        }
        assert_eq!(world.event(0), Event::Changed { call, body: b"v=0 held".to_vec() });
        world.silence();
    }
}

#[test]
fn a_challenged_prack_goes_out_again_in_its_early_dialog() {
    let mut world = signed_in(Some("example.com"));
    let outgoing = outgoing(&world);
    let call = world.with(0, |agent, now| agent.invite(now, outgoing));
    let invite = world.hear_request(&Method::Invite);
    let contact = format!("<sip:carol@{PEER}>");
    let more =
        [(HeaderName::Contact, contact.as_str()), (HeaderName::Require, "100rel"), (HeaderName::RSeq, "1")];
    world.reply(&invite, 180, "carol", &more);
    let first = world.hear_request(&Method::Prack);
    let again = challenge(&mut world, &first, "n1");
    world.reply(&again, 200, "carol", &[]);
    world.reply_with(&invite, 200, "carol", &more[..1], ANSWER);
    let ack = world.hear_request(&Method::Ack);
    assert_eq!(ack.headers.cseq_number(), invite.headers.cseq_number());
    assert!(matches!(world.event(0), Event::Progress { .. }));
    assert_eq!(world.event(0), Event::Answered { call, body: ANSWER.to_vec() });
    world.silence();
}

#[test]
fn a_challenged_info_goes_out_again_and_a_proof_that_is_refused_is_not_repeated() {
    let mut world = signed_in(Some("example.com"));
    let (call, _) = talking(&mut world);
    let key = Key { key: '5', duration: Duration::from_millis(100) };
    world.with(0, |agent, now| agent.press(now, call, key));
    let first = world.hear_request(&Method::Info);
    let again = challenge(&mut world, &first, "n1");
    world.reply(&again, 200, "carol", &[]);
    world.silence();
    assert_eq!(world.events(0), []);
    world.with(0, |agent, now| agent.press(now, call, key));
    let ahead = world.hear_request(&Method::Info);
    let answer = ahead.headers.get(&HeaderName::Authorization).unwrap();
    assert!(answer.contains("nc=00000002"), "answered ahead: {answer}");
    world.reply(&ahead, 401, "carol", &[(HeaderName::WwwAuthenticate, REALM)]);
    let Event::InfoFailed { failure: Failure::Status { code, .. }, .. } = world.event(0) else { panic!() };
    assert_eq!(code.code(), 401);
    world.silence();
}

#[test]
fn a_peer_whose_nonces_serve_once_is_answered_each_time_and_a_wrong_proof_is_given_once() {
    let mut world = signed_in(Some("example.com"));
    let (call, _) = talking(&mut world);
    for nonce in ["n1", "n2", "n3"] {
        let key = Key { key: '5', duration: Duration::from_millis(100) };
        world.with(0, |agent, now| agent.press(now, call, key));
        let first = world.hear_request(&Method::Info);
        let again = challenge(&mut world, &first, nonce);
        world.reply(&again, 200, "carol", &[]);
    }
    let key = Key { key: '6', duration: Duration::from_millis(100) };
    world.with(0, |agent, now| agent.press(now, call, key));
    let first = world.hear_request(&Method::Info);
    let again = challenge(&mut world, &first, "n4");
    let other = REALM.replace("n1", "n5");
    world.reply(&again, 401, "carol", &[(HeaderName::WwwAuthenticate, &other)]);
    assert!(matches!(world.event(0), Event::InfoFailed { .. }));
    world.silence();
}

#[test]
fn a_challenged_refer_goes_out_again_and_so_does_a_notify() {
    let mut world = signed_in(Some("example.com"));
    let (call, invite) = talking(&mut world);
    let refer = OutgoingRefer { to: "<sip:dave@example.com>".parse().unwrap(), by: None, subscribe: true };
    assert!(world.with(0, |agent, now| agent.refer(now, call, refer)));
    let first = world.hear_request(&Method::Refer);
    let again = challenge(&mut world, &first, "n1");
    world.reply(&again, 202, "carol", &[]);
    let mut notify = backwards(&invite, "NOTIFY", "carol", 1);
    notify.headers.push(HeaderName::Event, "refer");
    notify.headers.push(HeaderName::SubscriptionState, "terminated;reason=noresource");
    notify.body = b"SIP/2.0 200 OK\r\n".to_vec();
    world.say(&text(&notify));
    world.hear_response(200);
    assert_eq!(world.event(0), Event::Transfer { call, status: StatusCode::OK, last: true });

    let mut refer = backwards(&invite, "REFER", "carol", 2);
    refer.headers.push(HeaderName::ReferTo, "<sip:erin@example.com>");
    world.say(&text(&refer));
    assert!(matches!(world.event(0), Event::Referred { .. }));
    world.with(0, |agent, now| agent.answer_refer(now, call, StatusCode::ACCEPTED));
    world.hear_response(202);
    let first = world.hear_request(&Method::Notify);
    let again = challenge(&mut world, &first, "n2");
    world.reply(&again, 200, "carol", &[]);
    world.silence();
}

#[test]
fn a_challenged_bye_goes_out_again_and_the_call_ends_by_us() {
    let mut world = signed_in(Some("example.com"));
    let (call, _) = talking(&mut world);
    world.with(0, |agent, now| agent.hang_up(now, call));
    let first = world.hear_request(&Method::Bye);
    let again = challenge(&mut world, &first, "n1");
    world.reply(&again, 200, "carol", &[]);
    assert_eq!(world.event(0), ended(call, Party::Us));
    world.finish();
}

#[test]
fn a_change_in_another_realm_or_without_end_fails_and_the_call_goes_on() {
    let mut world = signed_in(Some("elsewhere.example"));
    let (call, _) = talking(&mut world);
    let change = || SessionChange::offer(b"v=0 hold".to_vec());
    world.with(0, |agent, now| agent.change(now, call, change()));
    let first = world.hear_request(&Method::Invite);
    world.reply(&first, 401, "carol", &[(HeaderName::WwwAuthenticate, REALM)]);
    world.hear_request(&Method::Ack);
    assert!(matches!(world.event(0), Event::ChangeFailed { .. }));
    world.silence();

    let mut world = signed_in(Some("example.com"));
    let (call, _) = talking(&mut world);
    world.with(0, |agent, now| agent.change(now, call, change()));
    let mut newest = world.hear_request(&Method::Invite);
    for round in 0..4 {
        let stale = REALM.replace("n1", &format!("n{round}")) + ", stale=true";
        world.reply(&newest, 401, "carol", &[(HeaderName::WwwAuthenticate, &stale)]);
        world.hear_request(&Method::Ack);
        newest = world.hear_request(&Method::Invite);
    }
    world.reply(
        &newest,
        401,
        "carol",
        &[(HeaderName::WwwAuthenticate, &(REALM.to_owned() + ", stale=true"))],
    );
    world.hear_request(&Method::Ack);
    assert!(matches!(world.event(0), Event::ChangeFailed { .. }), "four answers, as outside of calls");
    world.with(0, |agent, now| agent.hang_up(now, call));
    let bye = world.hear_request(&Method::Bye);
    assert_eq!(bye.headers.cseq().unwrap().number, newest.headers.cseq().unwrap().number + 1);
}

#[test]
fn what_is_challenged_when_the_call_is_about_to_end_is_not_sent_again() {
    let mut world = signed_in(Some("example.com"));
    let (call, _) = talking(&mut world);
    world.with(0, |agent, now| agent.change(now, call, SessionChange::offer(b"v=0 hold".to_vec())));
    let invite = world.hear_request(&Method::Invite);
    world.with(0, |agent, now| agent.hang_up(now, call));
    let bye = world.hear_request(&Method::Bye);
    world.reply(&invite, 401, "carol", &[(HeaderName::WwwAuthenticate, REALM)]);
    world.hear_request(&Method::Ack);
    world.silence();
    world.reply(&bye, 200, "carol", &[]);
    assert_eq!(world.event(0), ended(call, Party::Us));
}
