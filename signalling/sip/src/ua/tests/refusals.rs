//! What is refused, how, and where the answer goes (RFC 3261 §8.2, §18.2; RFC 3581).

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Message},
    ua::{Event, UaConfig, UserAgent, context::ALLOW},
};
use rove_base::Entropy;

#[test]
fn requests_that_cannot_be_worked_on_are_refused_with_what_would_help() {
    let bob = "<sip:bob@192.0.2.1>";
    let to = |method: &str, uri: &str, lines: &str| request(method, uri, "z9hG4bKx", bob, 1, lines);
    let sdp = invite("z9hG4bKx", "Content-Type: text/plain\r\n") + "hello";
    let packed = invite("z9hG4bKx", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n") + "hello";
    let cases = [
        ("a known method", to("REGISTER", "sip:192.0.2.1", ""), 405, Some((HeaderName::Allow, ALLOW))),
        ("an unknown method", to("DANCE", "sip:bob@192.0.2.1", ""), 501, Some((HeaderName::Allow, ALLOW))),
        ("an unknown scheme", to("OPTIONS", "name:bob", ""), 416, None),
        ("a scheme that asks for TLS", to("OPTIONS", "sips:bob@192.0.2.1", ""), 416, None),
        (
            "extensions",
            invite("z9hG4bKx", "Require: 100rel, gruu\r\n"),
            420,
            Some((HeaderName::Unsupported, "gruu")),
        ),
        ("a body we cannot read", sdp, 415, Some((HeaderName::Accept, "application/sdp"))),
        ("a body that is packed", packed, 415, Some((HeaderName::AcceptEncoding, "identity"))),
        ("an INVITE without Contact", to("INVITE", "sip:bob@192.0.2.1", ""), 400, None),
        (
            "another version",
            to("OPTIONS", "sip:bob@192.0.2.1", "").replacen("SIP/2.0", "SIP/7.0", 1),
            505,
            None,
        ),
        (
            "a header broken",
            to("OPTIONS", "sip:bob@192.0.2.1", "Contact: \"Joe <sip:joe@example.org>\r\n"),
            400,
            None,
        ),
        ("a body cut short", to("OPTIONS", "sip:bob@192.0.2.1", "Content-Length: 99\r\n"), 400, None),
    ];
    for (what, text, status, help) in cases {
        let mut world = World::alone();
        let refused = world.ask(&text, status);
        if let Some((name, value)) = help {
            assert_eq!(refused.headers.get(&name), Some(value), "{what}");
        }
        assert!(refused.headers.to().unwrap().tag().is_some(), "{what}: every final response has a tag");
        assert_eq!(world.ask(&text, status), refused, "{what}: the same again, without memory");
        assert_eq!((world.phones[0].agent.transactions(), world.events(0)), (0, vec![]), "{what}");
    }
}

#[test]
fn a_response_is_never_answered_nor_an_ack_nor_noise() {
    let mut world = World::alone();
    let bob = "<sip:bob@192.0.2.1>;tag=nobody";
    for text in [
        "SIP/2.0 200 OK\r\nVia: broken\r\n\r\n",
        "SIP/2.0 999 What\r\n\r\n",
        "\r\n\r\n",
        "",
        "hello",
        &request("ACK", "sip:bob@192.0.2.1", "z9hG4bKx", bob, 1, "Require: everything\r\n"),
        &request("ACK", "sip:bob@192.0.2.1", "z9hG4bKx", bob, 1, "Contact: \"\r\n"),
    ] {
        world.say(text);
        world.silence();
    }
    assert!(world.phones[0].agent.is_idle());
}

#[test]
fn responses_go_where_via_and_rport_say() {
    let source = "198.51.100.9:31337";
    let cases = [
        ("sent-by is another address", "192.0.2.77:5070", "198.51.100.9:5070", ";received=198.51.100.9"),
        ("rport", "192.0.2.77:5070;rport", "198.51.100.9:31337", ";rport=31337;received=198.51.100.9"),
        ("a name, without a port", "carol.example", "198.51.100.9:5060", ";received=198.51.100.9"),
        ("the very source", "198.51.100.9:31337", "198.51.100.9:31337", ""),
        (
            "a forged received is replaced",
            "10.0.0.1;received=203.0.113.5",
            "198.51.100.9:5060",
            ";received=198.51.100.9",
        ),
        (
            "maddr does not aim our answers",
            "10.0.0.1;maddr=203.0.113.5",
            "198.51.100.9:5060",
            ";maddr=203.0.113.5",
        ),
    ];
    for (what, sent_by, goes_to, noted) in cases {
        let mut world = World::alone();
        let (host, params) =
            sent_by.split_once(';').map_or((sent_by, String::new()), |(h, p)| (h, format!(";{p}")));
        let via = format!(
            "Via: SIP/2.0/UDP {host};branch=z9hG4bKv{params}\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKw"
        );
        let text = request("OPTIONS", "sip:192.0.2.1", "z9hG4bKx", "<sip:192.0.2.1>", 1, "");
        let text = text.replacen(&format!("Via: SIP/2.0/UDP {PEER};branch=z9hG4bKx"), &via, 1);
        let to = world.phones[0].address;
        world.inject(source.parse().unwrap(), to, text.as_bytes());
        world.run_ms(30);
        let (flow, text) = world.stray.remove(0);
        assert_eq!((flow.local, flow.remote), (to, goes_to.parse().unwrap()), "{what}");
        let Ok(Message::Response(response)) = Message::parse(text.as_bytes()) else { panic!("{text}") };
        let vias: Vec<_> = response.headers.vias().unwrap().iter().map(ToString::to_string).collect();
        assert!(vias[0].contains(noted), "{what}: {vias:?}");
        assert_eq!(vias[1], "SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKw", "{what}");
    }
}

#[test]
fn a_request_to_us_need_not_have_hops_left() {
    let mut world = World::alone();
    let text = request("OPTIONS", "sip:192.0.2.1", "z9hG4bKx", "<sip:192.0.2.1>", 1, "").replace("70", "0");
    let answer = world.ask(&text, 200);
    assert_eq!(answer.headers.get(&HeaderName::Accept), Some("application/sdp"));
    assert_eq!(answer.headers.get(&HeaderName::Allow), Some(ALLOW));
}

#[test]
fn calls_and_transactions_beyond_the_limits_are_refused_and_leave_nothing() {
    let mut world = World::alone();
    let config = UaConfig { max_calls: 3, max_transactions: 4, ..UaConfig::default() };
    world.phones[0].agent = UserAgent::new(config, Entropy::from_number(1));
    let call = |n: usize| invite(&format!("z9hG4bK{n}"), "").replace("handmade", &format!("call{n}"));
    for n in 0..3 {
        world.say(&call(n));
    }
    assert_eq!(world.ask(&call(3), 486).status.code(), 486);
    for event in world.events(0) {
        let Event::Incoming { call, .. } = event else { panic!("{event:?}") };
        world.with(0, |agent, now| agent.hang_up(now, call));
        world.hear_response(480);
    }
    world.events(0);
    world.say(&call(4));
    assert_eq!(world.events(0).len(), 1);
    let full = world.ask(&call(5), 503);
    assert_eq!(full.headers.retry_after(), Ok(Some(32)));
    assert_eq!((world.phones[0].agent.calls(), world.phones[0].agent.transactions()), (1, 4));
}
