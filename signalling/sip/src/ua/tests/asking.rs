//! Requests outside of calls, messages, and who is shown a proof of the password (RFC 3261 §8.1, §22; RFC 3428).

use rove_base::{Arrival, Flow, Machine as _, Scratch, Step};
use zeroize::Zeroizing;

use super::{peer::*, world::*};
use crate::{
    digest::Login,
    message::{HeaderName, Method},
    transport::Hop,
    ua::{Event, Failure, OutgoingInvite, OutgoingRequest, RequestId},
};

const CHALLENGE: &str = "Digest realm=\"example.com\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"";

fn message(hops: Vec<Hop>) -> OutgoingRequest {
    OutgoingRequest {
        hops,
        method: Method::Message,
        uri: "sip:carol@example.com".parse().unwrap(),
        from: "<sip:bob@example.com>".parse().unwrap(),
        to: "<sip:carol@example.com>".parse().unwrap(),
        headers: Vec::new(),
        content: Some(("text/plain".into(), b"Watson, come here.".to_vec())),
    }
}

fn login() -> Login {
    Login { user: "bob".into(), password: Zeroizing::new("zanzibar".into()), realm: None }
}

fn ask(world: &mut World, outgoing: OutgoingRequest) -> RequestId {
    world.with(0, |agent, now| agent.request(now, outgoing))
}

fn here(world: &World) -> Hop {
    Hop::udp(world.phones[0].address, peer())
}

fn status(event: &Event) -> Option<u16> {
    match event {
        Event::Responded { response, .. } => Some(response.status.code()),
        _ => None,
    }
}

#[test]
fn a_message_is_told_once_however_often_it_comes_and_confirmed_each_time() {
    let mut world = World::pair();
    let hop = Hop::udp(world.phones[0].address, world.phones[1].address);
    world.lose = Box::new(|_, text| {
        text.starts_with("SIP/2.0 200") && text.contains("CSeq: 1 MESSAGE") && {
            static LOST: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
            LOST.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2
        }
    });
    let id = ask(&mut world, message(vec![hop]));
    match world.event(0) {
        Event::Responded { request, response } => assert_eq!((request, response.status.code()), (id, 200)),
        other => panic!("{other:?}"),
    }
    match &world.events(1)[..] {
        [Event::Message { from, kind, body, .. }] => {
            assert_eq!(from.uri.to_string(), "sip:bob@example.com");
            assert_eq!(
                (kind.to_string().as_str(), body.as_slice()),
                ("text/plain", &b"Watson, come here."[..])
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.timed("MESSAGE").len(), 3);
    world.finish();
}

#[test]
fn a_message_of_a_kind_that_nobody_can_read_is_refused_with_the_kinds_that_can_be() {
    let mut world = World::alone();
    let text = request(
        "MESSAGE",
        "sip:bob@192.0.2.1",
        "z9hG4bKm",
        "<sip:bob@192.0.2.1>",
        1,
        "Content-Type: video/mp4\r\n",
    );
    let refused = world.ask(&(text + "x"), 415);
    assert!(refused.headers.get(&HeaderName::Accept).unwrap().contains("text/*"));
    assert_eq!(world.events(0), []);
}

#[test]
fn without_a_password_no_challenge_is_answered() {
    let mut world = World::alone();
    let hop = here(&world);
    ask(&mut world, message(vec![hop]));
    let first = world.hear_request(&Method::Message);
    world.reply(&first, 407, "x", &[(HeaderName::ProxyAuthenticate, CHALLENGE)]);
    assert_eq!(status(&world.event(0)), Some(407));
}

#[test]
fn a_password_is_shown_to_the_server_it_is_for_and_to_nobody_else() {
    for (trusted, answered) in [(true, true), (false, false)] {
        let mut world = World::alone();
        let hop = here(&world);
        let server = if trusted { hop } else { Hop::udp(hop.local, "192.0.2.99:5060".parse().unwrap()) };
        let aor = "<sip:bob@example.com>".parse().unwrap();
        world.with(0, |agent, _| agent.set_login(&aor, login(), &[server]));
        ask(&mut world, message(vec![hop]));
        let first = world.hear_request(&Method::Message);
        world.reply(&first, 407, "x", &[(HeaderName::ProxyAuthenticate, CHALLENGE)]);
        if answered {
            let second = world.hear_request(&Method::Message);
            assert!(second.headers.get(&HeaderName::ProxyAuthorization).is_some());
            assert_eq!(second.body, first.body);
            world.reply(&second, 200, "x", &[]);
            assert_eq!(status(&world.event(0)), Some(200));
        } else {
            assert_eq!(status(&world.event(0)), Some(407));
        }
    }
}

#[test]
fn whoever_we_called_cannot_ask_for_a_proof_of_the_password_by_challenging_our_bye() {
    let mut world = World::alone();
    let aor = "<sip:bob@example.com>".parse().unwrap();
    let server = Hop::udp(world.phones[0].address, "192.0.2.99:5060".parse().unwrap());
    world.with(0, |agent, _| agent.set_login(&aor, login(), &[server]));
    world.say(&invite("z9hG4bKi", ""));
    let call = match world.event(0) {
        Event::Incoming { call, .. } => call,
        other => panic!("{other:?}"),
    };
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    let ok = world.hear_response(200);
    let to = format!("<sip:bob@192.0.2.1>;tag={}", to_tag(&ok));
    world.say(&request("ACK", "sip:bob@192.0.2.1", "z9hG4bKa", &to, 7, ""));
    world.event(0);
    world.with(0, |agent, now| agent.hang_up(now, call));
    let bye = world.hear_request(&Method::Bye);
    world.reply(&bye, 407, "x", &[(HeaderName::ProxyAuthenticate, CHALLENGE)]);
    assert!(matches!(world.event(0), Event::Ended { .. }));
    world.silence();
}

#[test]
fn an_invite_that_is_challenged_goes_out_again_with_the_answer_and_stands() {
    let mut world = World::alone();
    let hop = here(&world);
    let aor = "<sip:bob@example.com>".parse().unwrap();
    world.with(0, |agent, _| agent.set_login(&aor, login(), &[hop]));
    let outgoing = OutgoingInvite {
        private: false,
        hop,
        name: None,
        uri: "sip:carol@example.com".parse().unwrap(),
        from: aor,
        to: "<sip:carol@example.com>".parse().unwrap(),
        body: OFFER.to_vec(),
        headers: Vec::new(),
    };
    let call = world.with(0, |agent, now| agent.invite(now, outgoing));
    let first = world.hear_request(&Method::Invite);
    world.reply(&first, 401, "proxy", &[(HeaderName::WwwAuthenticate, CHALLENGE)]);
    let ack = world.hear_request(&Method::Ack);
    assert_eq!(ack.headers.via().unwrap().branch(), first.headers.via().unwrap().branch());
    let second = world.hear_request(&Method::Invite);
    assert_eq!(second.headers.cseq().unwrap().number, 2);
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(second.body, OFFER);
    assert!(second.headers.get(&HeaderName::Authorization).unwrap().contains("nc=00000001"));
    let contact = format!("<sip:carol@{PEER}>");
    world.reply(&second, 200, "carol", &[(HeaderName::Contact, &contact)]);
    let ack = world.hear_request(&Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().number, 2);
    assert!(matches!(world.event(0), Event::Answered { call: answered, .. } if answered == call));
    world.with(0, |agent, now| agent.hang_up(now, call));
    let bye = world.hear_request(&Method::Bye);
    assert_eq!(bye.headers.cseq().unwrap().number, 3);
    let answer = bye.headers.get(&HeaderName::Authorization).unwrap();
    assert!(answer.contains("nc=00000002"), "answered ahead: {answer}");
    world.reply(&bye, 200, "carol", &[]);
    assert!(matches!(world.event(0), Event::Ended { .. }));
}

#[test]
fn an_overloaded_server_is_left_for_the_next_and_the_last_refusal_is_told() {
    let mut world = World::alone();
    let (first, second) =
        (here(&world), Hop::udp(world.phones[0].address, "192.0.2.78:5060".parse().unwrap()));
    ask(&mut world, message(vec![first, second]));
    let request = world.hear_request(&Method::Message);
    world.reply(&request, 503, "x", &[(HeaderName::RetryAfter, "60")]);
    let (flow, _) = world.stray.remove(0);
    assert_eq!(flow.remote, second.remote);
}

#[test]
fn a_redirection_to_an_address_is_followed_and_a_circle_is_left() {
    let mut world = World::alone();
    let hop = here(&world);
    ask(&mut world, message(vec![hop]));
    let first = world.hear_request(&Method::Message);
    let (there, back) = (format!("<sip:carol@{PEER};x=1>"), "<sip:carol@example.com>");
    world.reply(&first, 302, "x", &[(HeaderName::Contact, &there)]);
    let second = world.hear_request(&Method::Message);
    assert_eq!(second.uri.to_string(), format!("sip:carol@{PEER};x=1"));
    assert_eq!(second.headers.cseq().unwrap().number, 2);
    world.reply(&second, 302, "x", &[(HeaderName::Contact, &there), (HeaderName::Contact, back)]);
    assert_eq!(status(&world.event(0)), Some(302));
}

#[test]
fn nobody_there_is_told_after_32_seconds_and_no_way_at_once() {
    let mut world = World::alone();
    let hop = here(&world);
    let id = ask(&mut world, message(vec![hop]));
    assert_eq!(world.event(0), Event::RequestFailed { request: id, failure: Failure::Timeout });
    let id = ask(&mut world, message(Vec::new()));
    assert_eq!(world.event(0), Event::RequestFailed { request: id, failure: Failure::Transport });
}

#[test]
fn an_invite_whose_sender_cannot_read_a_description_gets_406() {
    let mut world = World::alone();
    let refused = world.ask(&invite("z9hG4bKa", "Accept: text/nobodyKnowsThis\r\n"), 406);
    assert_eq!(refused.headers.get(&HeaderName::Accept), Some("application/sdp"));
    assert_eq!(world.events(0), []);
}

#[test]
fn a_caller_of_old_without_tag_and_contact_is_served_at_the_address_it_calls_from() {
    let mut world = World::alone();
    let text = format!(
        "INVITE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {PEER}\r\nFrom: <sip:old@{PEER}>\r\n\
         To: <sip:bob@192.0.2.1>\r\nCall-ID: old@{PEER}\r\nCSeq: 1 INVITE\r\n\r\n"
    );
    world.say(&text);
    assert!(matches!(world.event(0), Event::Incoming { .. }));
}

#[test]
fn a_request_whose_via_cannot_be_read_is_refused_where_it_came_from() {
    let mut world = World::alone();
    let text = invite("z9hG4bKv", "")
        .replace(&format!("Via: SIP/2.0/UDP {PEER};branch=z9hG4bKv"), "Via: SIP/2.0/UDP 192.0.2.15;;,;,,");
    let phone = &mut world.phones[0];
    let flow = Flow::udp(phone.address, peer());
    phone.agent.handle(world.now, Arrival::Datagram { flow, bytes: text.as_bytes() });
    let mut scratch = Scratch::default();
    let Step::Send(transmit) = phone.agent.poll(&mut scratch) else { panic!("no answer") };
    assert_eq!(transmit.flow, flow);
    assert!(scratch.get(transmit.range).starts_with(b"SIP/2.0 400 "));
}
