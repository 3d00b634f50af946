//! What a server holds of what peers send, and what it tells of that.

use core::time::Duration;

use super::world::{PROXY, World, config, register, request};
use crate::{
    message::{HeaderName, Response},
    server::Limits,
};

const EVE: &str = "192.0.2.66:5060";
const ALICE: &str = "192.0.2.11:5060";
const BOB: &str = "192.0.2.12:5060";

/// A proxy with this much memory for what peers make it hold, with bob at [`BOB`], where nobody is.
fn narrow(memory: usize) -> World {
    let mut config = config(PROXY, &[]);
    config.limits = Limits { memory, requests_per_second: 0, ..Limits::default() };
    let mut world = World::new(vec![config]);
    world.register("bob", BOB, "");
    world
}

fn held(world: &World) -> usize {
    world.servers.values().map(super::super::SipServer::held).sum()
}

#[test]
fn beyond_its_memory_a_server_begins_nothing_and_what_has_begun_goes_on() {
    const MEMORY: usize = 200_000;
    let mut world = narrow(MEMORY);
    // One call stands before.
    world.say(ALICE, PROXY, &request("INVITE", "sip:bob@home.example", ALICE, ""));
    let invite = world.hear_request(BOB, "INVITE");
    world.reply(BOB, &invite, 200, &[(HeaderName::Contact, "<sip:bob@192.0.2.12>")]);
    let answer = world.hear_response(ALICE, 200);
    let (mut passed, mut refused) = (0, 0);
    for n in 0..400 {
        let long = format!("Subject: {}\r\n", "x".repeat(n % 7 * 300));
        world.send_now(EVE, PROXY, &request("MESSAGE", "sip:bob@home.example", EVE, &long));
        world.run_ms(15);
        assert!(held(&world) < MEMORY, "{} bytes after {n}", held(&world));
        let heard: Vec<_> = world.stray.drain(..).collect();
        for (at, _, text) in heard {
            if at.to_string() == EVE {
                assert!(text.starts_with("SIP/2.0 503 ") && text.contains("\r\nRetry-After: "), "{text}");
                refused += 1;
            } else {
                passed += 1;
            }
        }
    }
    assert!(passed > 20 && refused > 100, "{passed} passed, {refused} refused");
    // The call ends as it should.
    let route = answer.headers.get(&HeaderName::RecordRoute).unwrap();
    let tag = answer.headers.to().unwrap().tag().unwrap().to_owned();
    let bye = request("BYE", "sip:bob@192.0.2.12", ALICE, &format!("Route: {route}\r\n"))
        .replace("To: <sip:bob@192.0.2.12>", &format!("To: <sip:bob@home.example>;tag={tag}"));
    let call_id = invite.headers.call_id().unwrap();
    let own = bye.lines().find_map(|line| line.strip_prefix("Call-ID: ")).unwrap().to_owned();
    world.say(ALICE, PROXY, &bye.replace(&own, call_id));
    let copy = loop {
        match world.hear(BOB) {
            crate::message::Message::Request(copy) if copy.method.as_str() == "BYE" => break copy,
            _ => {}
        }
    };
    world.reply(BOB, &copy, 200, &[]);
    world.hear_response(ALICE, 200);
    world.stray.clear();
    world.finish();
    assert_eq!(held(&world), 0, "all that was counted is gone");
}

#[test]
fn bindings_have_their_share_of_the_memory_and_those_that_shrink_find_room() {
    let mut config = config(PROXY, &[]);
    config.bindings.bytes = 40_000;
    let mut world = World::new(vec![config]);
    let mut full = None;
    for n in 0..50 {
        let (user, at) = (format!("user{n}"), format!("192.0.2.{}:5060", 100 + n));
        let params = format!(";x=\"{}\"", "y".repeat(500));
        world.say(&at, PROXY, &register(&user, &at, &params, ""));
        let crate::message::Message::Response(response) = world.hear(&at) else { panic!("a response") };
        let server = world.servers.values().next().unwrap();
        assert!(server.kept() <= 40_000, "{} bytes", server.kept());
        if response.status.code() != 200 {
            assert_eq!(response.status.code(), 503);
            assert!(response.headers.retry_after().unwrap().is_some());
            full = Some(n);
            break;
        }
    }
    let full = full.expect("a bound");
    assert!(full > 10, "{full}");
    let at = "192.0.2.100:5060";
    world.say(at, PROXY, &register("user0", at, ";expires=0", ""));
    world.hear_response(at, 200);
    let at = "192.0.2.200:5060";
    world.say(at, PROXY, &register("late", at, "", ""));
    world.hear_response(at, 200);
}

/// What the topmost Via of an answer says of the load.
fn told(response: &Response) -> [Option<String>; 4] {
    let via = response.headers.via().unwrap();
    ["oc", "oc-algo", "oc-validity", "oc-seq"].map(|name| via.params.get(name).map(str::to_owned))
}

fn with_oc(text: &str, params: &str) -> String {
    text.replacen("\r\nMax-Forwards", &format!("{params}\r\nMax-Forwards"), 1)
}

#[test]
fn clients_that_want_to_know_are_told_how_much_less_to_send() {
    let mut world = narrow(200_000);
    let ask = |params: &str| with_oc(&request("OPTIONS", "sip:home.example", ALICE, ""), params);
    for (what, params, expected) in [
        ("does not ask", "", None),
        ("asks", ";oc;oc-algo=\"loss,rate\"", Some(("0", "0"))),
        ("asks without a list", ";oc", Some(("0", "0"))),
        ("knows another way alone", ";oc;oc-algo=\"rate\"", None),
    ] {
        world.say(ALICE, PROXY, &ask(params));
        let [oc, algo, validity, seq] = told(&world.hear_response(ALICE, 200));
        match expected {
            None => assert!(validity.is_none() && seq.is_none() && oc.is_none(), "{what}: {oc:?} {algo:?}"),
            Some((excess, valid)) => {
                assert_eq!((oc.as_deref(), validity.as_deref()), (Some(excess), Some(valid)), "{what}");
                assert_eq!(algo.as_deref(), Some("\"loss\""), "{what}");
                assert!(seq.unwrap().starts_with("1700000000."), "{what}");
            }
        }
    }
    // As it fills, more and more is too much, and what was said last has the highest number.
    let (mut before, mut last) = (0, String::new());
    for _ in 0..400 {
        world.send_now(EVE, PROXY, &request("MESSAGE", "sip:bob@home.example", EVE, ""));
        world.run_ms(15);
        world.stray.clear();
        world.send_now(ALICE, PROXY, &ask(";oc"));
        world.run_ms(15);
        let [oc, _, _, seq] = told(&world.hear_response(ALICE, 200));
        let (excess, seq): (u32, _) = (oc.unwrap().parse().unwrap(), seq.unwrap());
        assert!(excess >= before && seq > last, "{excess} after {before}, {seq} after {last}");
        (before, last) = (excess, seq);
        world.stray.clear();
    }
    assert_eq!(before, 100, "where all are refused");
}

#[test]
fn a_source_that_sends_too_much_is_told_its_own_share() {
    let mut config = config(PROXY, &[]);
    config.limits = Limits { requests_per_second: 10, burst: 10, ..Limits::default() };
    let mut world = World::new(vec![config]);
    for n in 0..40 {
        world.send_now(EVE, PROXY, &with_oc(&request("OPTIONS", "sip:home.example", EVE, ""), ";oc"));
        if n == 10 {
            world.run_ms(30);
        }
    }
    world.run_ms(30);
    let shares: Vec<u32> = std::mem::take(&mut world.stray)
        .into_iter()
        .filter(|(_, _, text)| text.starts_with("SIP/2.0 503 "))
        .filter_map(|(_, _, text)| text.split("oc=").nth(1)?.split([';', '\r']).next()?.parse().ok())
        .collect();
    assert!(shares.iter().all(|share| (1..=100).contains(share)) && !shares.is_empty(), "{shares:?}");
    world.run(Duration::from_secs(2));
    world.say(ALICE, PROXY, &with_oc(&request("OPTIONS", "sip:home.example", ALICE, ""), ";oc"));
    assert_eq!(told(&world.hear_response(ALICE, 200))[0].as_deref(), Some("0"), "others are told of no load");
}
