//! Keys by INFO, identities and their domain, reasons, forwarding (RFC 6086, 3323, 3325, 3326).

use core::time::Duration;

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method, NameAddr},
    ua::{Event, Failure, Key, Party},
};

#[test]
fn a_key_is_told_by_info_both_ways_once_although_datagrams_are_lost() {
    for seed in 0..8 {
        let mut world = World::pair();
        let calls: [_; 2] = world.talking().into();
        world.lose = Box::new(move |number, _| chance(number, seed) < 0.3);
        for side in [0, 1] {
            let key = Key { key: '#', duration: Duration::from_millis(250) };
            world.with(side, |agent, now| agent.press(now, calls[side], key));
            assert_eq!(world.event(1 - side), Event::KeyPressed { call: calls[1 - side], key });
        }
        world.run_ms(33_000);
        assert_eq!((world.events(0), world.events(1)), (vec![], vec![]));
    }
}

#[test]
fn bodies_of_info_name_a_key_or_are_refused() {
    let key = |key, millis| Some(Key { key, duration: Duration::from_millis(millis) });
    let cases: &[(&str, &[u8], Option<Key>)] = &[
        ("relay", b"Signal=5\r\nDuration=160\r\n", key('5', 160)),
        ("spaces and case", b"signal= *\r\nDURATION =80", key('*', 80)),
        ("by number", b"Signal=11\nDuration=100\n", key('#', 100)),
        ("no duration", b"Signal=d\r\n", key('D', 160)),
        ("the key alone", b"9", key('9', 160)),
        ("too long to be true", b"Signal=1\r\nDuration=99999999\r\n", key('1', 10_000)),
        ("no key", b"Duration=160\r\n", None),
        ("not a key", b"Signal=x\r\n", None),
        ("two keys", b"Signal=12\r\n", None),
        ("a duration that is none", b"Signal=1\r\nDuration=long\r\n", None),
        ("not text", b"Signal=\xff\r\n", None),
        ("nothing", b"", None),
    ];
    for (what, body, expected) in cases {
        assert_eq!(Key::read(body), *expected, "{what}");
    }
    let pressed = Key { key: 'A', duration: Duration::from_millis(90) };
    assert_eq!(Key::read(pressed.relay().as_bytes()), Some(pressed));
}

#[test]
fn info_that_is_not_understood_is_refused_and_the_call_goes_on() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKfirst", ""));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    let to = format!("<sip:b@h>;tag={}", to_tag(&world.hear_response(200)));
    world.say(&request("ACK", "sip:bob@192.0.2.1", "z9hG4bKa", &to, 7, ""));
    world.events(0);
    let cases = [
        ("a package", "Info-Package: foo\r\n", "", 469),
        ("an unknown body", "Content-Type: text/plain\r\n", "hello", 415),
        ("no key", "Content-Type: application/dtmf-relay\r\n", "Signal=x\r\n", 400),
        ("nothing at all", "", "", 200),
        ("a key", "Content-Type: Application/DTMF-Relay\r\n", "Signal=1\r\n", 200),
    ];
    for (number, (what, lines, body, status)) in (8..).zip(cases) {
        let text =
            request("INFO", "sip:bob@192.0.2.1", &format!("z9hG4bK{number}"), &to, number, lines) + body;
        let response = world.ask(&text, status);
        assert_eq!(response.headers.get(&HeaderName::Accept).is_some(), status == 415, "{what}");
        assert_eq!(world.events(0).len(), usize::from(what == "a key"), "{what}");
    }
    world.with(0, |agent, now| {
        agent.press(now, call, Key { key: '1', duration: Duration::from_millis(100) });
    });
    let info = world.hear_request(&Method::Info);
    world.reply(&info, 415, "carol", &[]);
    assert!(matches!(world.event(0), Event::InfoFailed { failure: Failure::Status { .. }, .. }));
}

#[test]
fn an_asserted_identity_counts_only_from_the_trust_domain() {
    for (trusted, expected) in [("192.0.2.77", true), ("192.0.2.78", false)] {
        let mut world = World::alone();
        world.phones[0].agent.cx.config.trusted = vec![trusted.parse().unwrap()];
        let lines =
            "P-Asserted-Identity: \"Boss\" <sip:boss@example.com>, <tel:+15551234>\r\nPrivacy: id\r\n";
        world.say(&invite("z9hG4bKfirst", lines));
        let Event::Incoming { asserted, private, from, .. } = world.event(0) else { panic!("a call comes") };
        let boss: NameAddr = "\"Boss\" <sip:boss@example.com>".parse().unwrap();
        assert_eq!((asserted, private), (expected.then_some(boss), true));
        assert_eq!(from.display.as_deref(), Some("Carol"));
    }
}

#[test]
fn who_hides_is_anonymous_to_all_but_the_trust_domain() {
    for trusted in [false, true] {
        let mut world = World::alone();
        if trusted {
            world.phones[0].agent.cx.config.trusted = vec![peer().ip()];
        }
        dial_privately(&mut world);
        let invite = world.hear_request(&Method::Invite);
        let headers = &invite.headers;
        assert_eq!(headers.from().unwrap().uri.to_string(), "sip:anonymous@anonymous.invalid");
        assert_eq!(headers.get(&HeaderName::Privacy), Some("id;header"));
        let told = headers.get(&HeaderName::PAssertedIdentity);
        assert_eq!(told, trusted.then_some("<sip:bob@192.0.2.1>"));
        let rest = text(&invite).replace("P-Asserted-Identity: <sip:bob@192.0.2.1>", "");
        assert!(!rest.contains("bob"), "{rest}");
    }
}

#[test]
fn a_call_that_another_phone_has_taken_was_not_missed() {
    for (reason, failure) in [
        ("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", Failure::AnsweredElsewhere),
        ("Reason: Q.850;cause=16, SIP ;cause= 200\r\n", Failure::AnsweredElsewhere),
        ("Reason: SIP;cause=487\r\n", Failure::Cancelled),
        ("Reason: Q.850;cause=200\r\n", Failure::Cancelled),
        ("", Failure::Cancelled),
    ] {
        let mut world = World::alone();
        world.say(&invite("z9hG4bKfirst", ""));
        let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
        world.say(&request("CANCEL", "sip:bob@192.0.2.1", "z9hG4bKfirst", "<sip:bob@192.0.2.1>", 7, reason));
        assert_eq!(world.event(0), Event::Failed { call, failure }, "{reason}");
    }
}

#[test]
fn a_call_that_ends_for_a_fault_says_why_in_its_bye() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKfirst", ""));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    world.run_ms(32_100);
    while world.stray.len() > 1 {
        world.stray.remove(0);
    }
    let bye = world.hear_request(&Method::Bye);
    assert_eq!(bye.headers.get(&HeaderName::Reason), Some("SIP;cause=408;text=\"no ACK\""));
}

#[test]
fn a_call_is_forwarded_by_302_with_the_places_to_call_in_order() {
    let mut world = World::pair();
    let ours = world.call(1);
    let theirs = world.incoming(1);
    let places: Vec<NameAddr> =
        ["<sip:desk@192.0.2.8>", "<sip:home@192.0.2.9>"].map(|p| p.parse().unwrap()).into();
    world.with(1, |agent, now| agent.redirect(now, theirs, &places));
    assert_eq!(world.event(1), ended(theirs, Party::Us));
    let Event::Failed { call, failure: Failure::Status { code, contacts, .. } } = world.event(0) else {
        panic!("redirected")
    };
    assert_eq!((call, code.code(), contacts), (ours, 302, places));
    world.finish();
}
