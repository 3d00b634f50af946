//! What services do to calls: forwarding, who calls, and refusals with their causes.

use core::time::Duration;
use std::{cell::RefCell, rc::Rc};

use super::world::{PROXY, World, addr, config, request};
use crate::{
    message::{HeaderName, Message, Reason, Request, Response, StatusCode, Uri},
    server::{Consultation, Grant, Treatment},
};

const ALICE: &str = "192.0.2.11:5060";
const BOB: &str = "192.0.2.21:5060";
const CAROL: &str = "192.0.2.31:5060";

/// A server that asks, and what it asked.
fn world(treat: impl Fn(&Consultation) -> Treatment + 'static) -> (World, Rc<RefCell<Vec<Consultation>>>) {
    let mut config = config(PROXY, &[]);
    config.services = true;
    config.trusted = vec!["192.0.2.31".parse().unwrap()];
    let mut world = World::new(vec![config]);
    let asked = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&asked);
    world.treat = Box::new(move |consultation| {
        told.borrow_mut().push(consultation.clone());
        treat(consultation)
    });
    world.register("bob", BOB, "");
    (world, asked)
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

/// Of calls to bob this, of all others nothing.
fn of_bob(grant: Grant) -> impl Fn(&Consultation) -> Treatment {
    move |consultation| {
        let bob = consultation.callee.to_string().starts_with("sip:bob@");
        Treatment::Granted(Box::new(if bob { grant.clone() } else { Grant::default() }))
    }
}

fn call(world: &mut World, to: &str, more: &str) -> String {
    let invite = request("INVITE", to, ALICE, more);
    world.say(ALICE, PROXY, &invite);
    invite
}

fn final_response(world: &mut World) -> Response {
    loop {
        match world.hear(ALICE) {
            Message::Response(response) if response.status.is_provisional() => {}
            Message::Response(response) => return response,
            other => panic!("{other:?}"),
        }
    }
}

fn history(request: &Request) -> Vec<&str> {
    request.headers.all(&HeaderName::HistoryInfo).collect()
}

#[test]
fn a_call_is_forwarded_always_or_when_busy_or_when_nobody_answers() {
    let carol = || uri(&format!("sip:carol@{CAROL}"));
    let always = Grant { always: Some(carol()), ..Grant::default() };
    let busy = Grant { busy: Some(carol()), ..Grant::default() };
    let no_answer = Grant { no_answer: Some((carol(), Duration::from_secs(5))), ..Grant::default() };
    for (grant, cause, says) in
        [(always, 302, 0), (busy.clone(), 486, 486), (busy, 486, 600), (no_answer, 408, 180)]
    {
        let (mut world, asked) = world(of_bob(grant));
        call(&mut world, "sip:bob@home.example", "");
        if says > 0 {
            let copy = world.hear_request(BOB, "INVITE");
            world.reply(BOB, &copy, says, &[]);
            match says {
                180 => {
                    let begun = world.now.mono;
                    let cancel = world.hear_request(BOB, "CANCEL");
                    assert_eq!(
                        world.now.mono.since(begun).as_secs(),
                        4,
                        "five seconds after the INVITE, less what passed"
                    );
                    world.reply(BOB, &cancel, 200, &[]);
                    world.reply(BOB, &copy, 487, &[]);
                }
                _ => {
                    assert_eq!(world.hear_request(BOB, "ACK").uri, copy.uri);
                }
            }
        }
        let copy = world.hear_request(CAROL, "INVITE");
        assert_eq!(copy.uri.to_string(), format!("sip:carol@{CAROL}"));
        let expected = [
            "<sip:bob@home.example>;index=1".to_owned(),
            format!("<sip:carol@{CAROL};cause={cause}>;index=1.1;mp=1"),
        ];
        assert_eq!(history(&copy), expected);
        world.reply(CAROL, &copy, 200, &[]);
        assert_eq!(final_response(&mut world).status, StatusCode::OK);
        assert_eq!(asked.borrow().iter().map(|asked| asked.forwarded).collect::<Vec<_>>(), [0, 1]);
        let records = world.records();
        assert!(records.is_empty(), "the call goes on: {records:?}");
    }
}

#[test]
fn forwardings_in_a_circle_end_after_five_and_the_caller_hears_why() {
    let (mut world, asked) = world(|consultation| {
        let bob = consultation.callee.to_string().contains("bob");
        let to = uri(if bob { "sip:carol@home.example" } else { "sip:bob@home.example" });
        Treatment::Granted(Box::new(Grant { always: Some(to), ..Grant::default() }))
    });
    let invite = call(&mut world, "sip:bob@home.example", "");
    let response = final_response(&mut world);
    assert_eq!(response.status, StatusCode::TEMPORARILY_UNAVAILABLE);
    assert_eq!(response.headers.get(&HeaderName::Reason), Some("SIP;cause=482"));
    assert_eq!(asked.borrow().len(), 6);
    world.say(ALICE, PROXY, &invite.replace("INVITE", "ACK"));
    world.finish();
}

#[test]
fn a_caller_who_has_given_up_is_not_forwarded() {
    let grant = Grant { busy: Some(uri(&format!("sip:carol@{CAROL}"))), ..Grant::default() };
    let (mut world, _) = world(of_bob(grant));
    let invite = call(&mut world, "sip:bob@home.example", "");
    let copy = world.hear_request(BOB, "INVITE");
    world.reply(BOB, &copy, 180, &[]);
    world.say(
        ALICE,
        PROXY,
        &invite.replace("INVITE sip:", "CANCEL sip:").replace(" INVITE\r\n", " CANCEL\r\n"),
    );
    let cancel = world.hear_request(BOB, "CANCEL");
    world.reply(BOB, &cancel, 200, &[]);
    world.reply(BOB, &copy, 486, &[]);
    world.run(Duration::from_secs(1));
    assert!(!world.stray.iter().any(|(to, ..)| *to == addr(CAROL)), "{:?}", world.log);
}

#[test]
fn who_is_not_to_be_shown_is_nobody_to_the_called_one_for_the_whole_call_and_itself_to_itself() {
    let grant = Grant { hidden: true, identity: Some(uri("sip:alice@home.example")), ..Grant::default() };
    let (mut world, _) = world(of_bob(grant));
    let says = "P-Asserted-Identity: <sip:mallory@home.example>\r\nP-Preferred-Identity: <sip:alice@home.example>\r\n\
                Organization: Alice's\r\nReply-To: <sip:alice@home.example>\r\nSubject: alice calls\r\n";
    let invite = call(&mut world, "sip:bob@home.example", says);
    let copy = world.hear_request(BOB, "INVITE");
    let from = copy.headers.from().unwrap();
    assert_eq!(from.uri.to_string(), "sip:anonymous@anonymous.invalid");
    assert_eq!(copy.headers.get(&HeaderName::Privacy), Some("id"));
    let mut bytes = Vec::new();
    copy.write(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.to_lowercase().contains("alice"), "{text}");
    assert_eq!(copy.headers.get(&HeaderName::Contact), Some(&*format!("<sip:anonymous@{ALICE}>")));
    for name in [HeaderName::PAssertedIdentity, HeaderName::PPreferredIdentity] {
        assert_eq!(copy.headers.get(&name), None);
    }
    let original = Message::parse(invite.as_bytes()).unwrap();
    let Message::Request(original) = original else { unreachable!() };
    assert_eq!(from.tag(), original.headers.from().unwrap().tag());
    world.reply(BOB, &copy, 200, &[]);
    let answer = final_response(&mut world);
    assert_eq!(answer.headers.get(&HeaderName::From), original.headers.get(&HeaderName::From));
    // What the caller sends inside the call hides it too, ACK included.
    let to = answer.headers.get(&HeaderName::To).unwrap();
    let route = answer.headers.get(&HeaderName::RecordRoute).unwrap();
    for method in ["ACK", "INFO"] {
        let inside = request(method, &format!("sip:bob@{BOB}"), ALICE, &format!("Route: {route}\r\n"));
        let inside = inside
            .lines()
            .map(|line| match line.split_once(':') {
                Some(("To", _)) => format!("To: {to}\r\n"),
                Some(("From", _)) => {
                    format!("From: {}\r\n", original.headers.get(&HeaderName::From).unwrap())
                }
                Some(("Call-ID", _)) => format!("Call-ID: {}\r\n", original.headers.call_id().unwrap()),
                _ => format!("{line}\r\n"),
            })
            .collect::<String>();
        world.say(ALICE, PROXY, &inside);
        let heard = world.hear_request(BOB, method);
        assert_eq!(
            heard.headers.from().unwrap().uri.to_string(),
            "sip:anonymous@anonymous.invalid",
            "{method}"
        );
    }
}

#[test]
fn an_identity_is_told_to_users_and_the_trust_domain_and_to_nobody_else() {
    let grant = Grant { identity: Some(uri("sip:alice@home.example")), ..Grant::default() };
    let (mut world, _) = world(move |_| Treatment::Granted(Box::new(grant.clone())));
    let asserted = |request: &Request| request.headers.get(&HeaderName::PAssertedIdentity).map(str::to_owned);
    let forged = "P-Asserted-Identity: <sip:mallory@home.example>\r\n";
    call(&mut world, "sip:bob@home.example", forged);
    assert_eq!(asserted(&world.hear_request(BOB, "INVITE")).as_deref(), Some("<sip:alice@home.example>"));
    call(&mut world, "sip:bob@home.example", "Privacy: id\r\n");
    assert_eq!(asserted(&world.hear_request(BOB, "INVITE")), None, "who asks for privacy has it");
    for (to, expected) in [(CAROL, Some("<sip:alice@home.example>")), ("192.0.2.41:5060", None)] {
        call(&mut world, &format!("sip:x@{to}"), forged);
        assert_eq!(asserted(&world.hear_request(to, "INVITE")).as_deref(), expected, "{to}");
    }
}

#[test]
fn a_refused_call_carries_its_causes() {
    let (mut world, _) = world(|_| Treatment::Refused {
        status: StatusCode::FORBIDDEN,
        causes: vec!["Q.850;cause=57".parse::<Reason>().unwrap(), "SIP;cause=403".parse().unwrap()],
    });
    let invite = call(&mut world, "sip:bob@home.example", "");
    let response = final_response(&mut world);
    assert_eq!(response.status, StatusCode::FORBIDDEN);
    let causes: Vec<_> = response.headers.all(&HeaderName::Reason).collect();
    assert_eq!(causes, ["Q.850;cause=57", "SIP;cause=403"]);
    world.say(ALICE, PROXY, &invite.replace("INVITE", "ACK"));
    world.finish();
}

#[test]
fn strangers_call_out_only_when_the_network_vouches_for_them() {
    for vouched in [false, true] {
        let (mut world, _) =
            world(move |_| Treatment::Granted(Box::new(Grant { vouched, ..Grant::default() })));
        let invite = request("INVITE", &format!("sip:x@{CAROL}"), ALICE, "");
        let invite = invite.replace("@home.example>;tag", "@elsewhere.example>;tag");
        world.say(ALICE, PROXY, &invite);
        if vouched {
            world.hear_request(CAROL, "INVITE");
        } else {
            assert_eq!(final_response(&mut world).status, StatusCode::FORBIDDEN);
        }
    }
}

#[test]
fn a_number_is_called_at_what_it_stands_for_and_the_place_where_the_network_has_put_its_owner() {
    let place = format!("sip:bob@{CAROL}");
    let (mut world, _) = world(move |consultation| {
        let known = consultation.callee.to_string() == "tel:+46700000001";
        let instead = known.then(|| uri("sip:nobody@home.example"));
        Treatment::Granted(Box::new(Grant { instead, places: vec![uri(&place)], ..Grant::default() }))
    });
    call(&mut world, "tel:+46700000001", "");
    assert_eq!(world.hear_request(CAROL, "INVITE").uri.to_string(), format!("sip:bob@{CAROL}"));
    call(&mut world, "tel:+46700000002", "");
    let response = loop {
        let response = final_response(&mut world);
        if response.status == StatusCode::NOT_FOUND {
            break response;
        }
    };
    assert_eq!(response.headers.get(&HeaderName::Reason), Some("Q.850;cause=1"));
}

#[test]
fn the_calls_a_caller_is_in_are_counted() {
    let (mut world, asked) = world(|_| Treatment::Granted(Box::default()));
    for others in 0..3 {
        call(&mut world, "sip:bob@home.example", "");
        let copy = world.hear_request(BOB, "INVITE");
        world.reply(BOB, &copy, 200, &[]);
        assert_eq!(asked.borrow().last().unwrap().others, others);
    }
}

#[test]
fn a_question_that_nobody_answers_ends_the_call() {
    let mut config = config(PROXY, &[]);
    config.services = true;
    let mut server = crate::server::SipServer::new(config, rove_base::Entropy::from_number(1));
    use rove_base::{Arrival, Flow, Machine as _, Now, Scratch, Step};
    let invite = request("INVITE", "sip:bob@home.example", ALICE, "");
    let mut now = Now::default();
    server.handle(
        now,
        Arrival::Datagram { flow: Flow::udp(addr(PROXY), addr(ALICE)), bytes: invite.as_bytes() },
    );
    let mut said = Vec::new();
    for _ in 0..2 {
        let mut scratch = Scratch::default();
        loop {
            match server.poll(&mut scratch) {
                Step::Send(transmit) => {
                    said.push(String::from_utf8_lossy(scratch.get(transmit.range)).into_owned());
                }
                Step::Wait(_) => break,
                _ => {}
            }
        }
        now = now.later(Duration::from_secs(11));
        server.tick(now);
    }
    assert!(said.iter().any(|text| text.starts_with("SIP/2.0 503")), "{said:?}");
}
