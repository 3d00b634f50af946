//! What is refused, and that refusals tell nothing to those who should not know.

use core::time::Duration;

use rove_base::Transport;

use super::world::{PROXY, World, addr, authorization, config, register, request};
use crate::{
    message::{HeaderName, Message},
    server::{Event, Limits, Mode},
};

const EVE: &str = "192.0.2.66:5060";
const BOB: &str = "192.0.2.12:5060";

/// A proxy with bob at [`BOB`], where nobody is, so that a test can read what comes there.
fn with_bob() -> World {
    let mut world = World::new(vec![config(PROXY, &[])]);
    world.register("bob", BOB, "");
    world
}

#[test]
fn requests_that_may_not_go_on_are_refused_by_the_status_for_it() {
    let cases: &[(&str, &str, &str, u16)] = &[
        ("no hops left", "OPTIONS sip:bob@home.example", "Max-Forwards: 0", 483),
        ("an extension of proxies", "OPTIONS sip:bob@home.example", "Proxy-Require: teleport", 420),
        ("another scheme", "OPTIONS isbn:2983792873", "", 416),
        ("nobody is there", "OPTIONS sip:carol@home.example", "", 480),
        ("no user", "MESSAGE sip:home.example", "", 404),
        ("a method nobody knows", "TELEPORT sip:home.example", "", 501),
        ("no breadth", "OPTIONS sip:bob@home.example", "Max-Breadth: 0", 440),
        ("breadth that is no number", "OPTIONS sip:bob@home.example", "Max-Breadth: wide", 400),
        ("a dialog nobody knows", "BYE sip:192.0.2.99", "Route: <sip:192.0.2.1;lr;d=0123456789abcdef>", 403),
        ("a forged flow", "OPTIONS sip:bob@home.example", "Route: <sip:AAAA@192.0.2.1;lr;ob>", 403),
        ("the server itself", "OPTIONS sip:home.example", "", 200),
        ("the server with an extension", "OPTIONS sip:home.example", "Require: teleport", 420),
        ("a CANCEL of nothing", "CANCEL sip:bob@home.example", "", 481),
        ("no hops left for the server itself", "OPTIONS sip:192.0.2.1", "Max-Forwards: 0", 200),
    ];
    for (what, line, more, status) in cases {
        let mut world = with_bob();
        let (method, uri) = line.split_once(' ').unwrap();
        let text = request(method, uri, EVE, "");
        let text = match more.split_once(": ") {
            Some(("Max-Forwards", hops)) => {
                text.replace("Max-Forwards: 70", &format!("Max-Forwards: {hops}"))
            }
            Some(_) => text.replace("Content-Length: 0\r\n", &format!("{more}\r\nContent-Length: 0\r\n")),
            None => text,
        };
        world.say(EVE, PROXY, &text);
        let response = world.hear_response(EVE, *status);
        if *status == 420 {
            assert_eq!(response.headers.get(&HeaderName::Unsupported), Some("teleport"), "{what}");
        }
        assert!(world.stray.is_empty(), "{what}: {:?}", world.stray);
        world.finish();
    }
}

#[test]
fn strangers_reach_users_and_nobody_else() {
    let mut world = with_bob();
    let stranger =
        |uri| request("MESSAGE", uri, EVE, "").replace("sip:alice@home.example", "sip:eve@evil.example");
    world.say(EVE, PROXY, &stranger("sip:bob@home.example"));
    assert!(world.hear_request(BOB, "MESSAGE").headers.via().is_ok());
    world.say(EVE, PROXY, &stranger("sip:carol@elsewhere.example"));
    world.hear_response(EVE, 403);
    world.say(EVE, PROXY, &stranger("sip:carol@198.51.100.1"));
    world.hear_response(EVE, 403);
    world.say(
        EVE,
        PROXY,
        &stranger("sip:bob@home.example")
            .replace("MESSAGE", "ACK")
            .replace("bob@home.example", "x@198.51.100.1"),
    );
    world.run_ms(100);
    assert!(!world.log.iter().any(|(_, to, _)| to.ip() == addr("198.51.100.1:1").ip()));
}

#[test]
fn a_request_that_comes_back_unchanged_is_a_loop_and_one_that_changed_is_a_spiral() {
    let mut world = World::new(vec![config(PROXY, &[])]);
    // Each is registered as the other: what comes for bob goes to carol, and again.
    world.say(
        BOB,
        PROXY,
        &register("bob", BOB, "", "").replace(&format!("<sip:bob@{BOB}>"), "<sip:carol@192.0.2.2>"),
    );
    world.stray.clear();
    world.say(EVE, PROXY, &request("MESSAGE", "sip:bob@home.example", EVE, ""));
    let forwarded = world.hear("192.0.2.2:5060");
    let mut bytes = Vec::new();
    forwarded.write(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    // It comes back from there with one more Via.
    let back = |text: &str, uri: &str| {
        text.replacen("Via:", "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKother\r\nVia:", 1)
            .replace("sip:carol@192.0.2.2 SIP", &format!("{uri} SIP"))
    };
    world.say("192.0.2.2:5060", PROXY, &back(&text, "sip:bob@home.example"));
    world.hear_response("192.0.2.2:5060", 482);
    world.say("192.0.2.2:5060", PROXY, &back(&text, "sip:dave@home.example").replace("bKother", "bKanother"));
    world.hear_response("192.0.2.2:5060", 480);
}

/// Enumeration: users that exist and users that do not look alike, whatever the password.
#[test]
fn guesses_at_names_and_passwords_get_the_same_bytes() {
    let mut seen = Vec::new();
    for (user, password) in [("bob", "wrong"), ("bo6", "wrong"), ("bo6", "zanzibar")] {
        let mut world = World::new(vec![config(PROXY, &[("bob", "zanzibar")])]);
        world.say(EVE, PROXY, &register(user, EVE, "", ""));
        let refused = world.hear_response(EVE, 401);
        let guess = authorization(&refused, user, password, "REGISTER", "sip:home.example");
        world.say(EVE, PROXY, &register(user, EVE, "", &guess));
        let Message::Response(response) = world.hear(EVE) else { panic!() };
        let shape: Vec<_> = response
            .headers
            .iter()
            .filter(|(name, _)| {
                !matches!(name, HeaderName::Via | HeaderName::To | HeaderName::From | HeaderName::CSeq)
            })
            .map(|(name, value)| {
                let nonce = value.split("nonce=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
                (name.clone(), nonce.map_or(value.to_owned(), |nonce| value.replace(nonce, "NONCE")))
            })
            .collect();
        seen.push((response.status, response.reason.clone(), shape));
        assert!(world.events.iter().any(|event| matches!(event, Event::Refused { .. })));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    // Nor does calling tell who is registered from who does not exist.
    let mut world = with_bob();
    world.say(EVE, PROXY, &request("MESSAGE", "sip:nobody@home.example", EVE, ""));
    world.hear_response(EVE, 480);
}

#[test]
fn users_call_with_their_own_password_alone() {
    let users = [("alice", "wonder"), ("bob", "zanzibar")];
    for (user, password, status) in
        [("alice", "wonder", 480), ("bob", "zanzibar", 403), ("alice", "zanzibar", 407)]
    {
        let mut world = World::new(vec![config(PROXY, &users)]);
        world.say(EVE, PROXY, &request("INVITE", "sip:bob@home.example", EVE, ""));
        let asked = world.hear_response(EVE, 407);
        let answer = authorization(&asked, user, password, "INVITE", "sip:bob@home.example");
        world.say(EVE, PROXY, &request("INVITE", "sip:bob@home.example", EVE, &answer));
        world.hear_response(EVE, status);
    }
    let mut world = World::new(vec![config(PROXY, &users)]);
    let invite = request("INVITE", "sip:bob@home.example", EVE, "");
    world.say(EVE, PROXY, &invite);
    let to = world.hear_response(EVE, 407).headers.get(&HeaderName::To).unwrap().to_owned();
    let before = world.log.len();
    world.say(
        EVE,
        PROXY,
        &invite.replace("INVITE", "ACK").replace("To: <sip:bob@home.example>", &format!("To: {to}")),
    );
    assert_eq!(world.log.len(), before + 1, "the ACK of a refusal ends here");
    world.say(EVE, PROXY, &register("bob", EVE, "", ""));
    let asked = world.hear_response(EVE, 401);
    let answer = authorization(&asked, "alice", "wonder", "REGISTER", "sip:home.example");
    world.say(EVE, PROXY, &register("bob", EVE, "", &answer));
    world.hear_response(EVE, 403);
}

#[test]
fn a_registration_said_again_hears_the_same() {
    let mut world = World::new(vec![config(PROXY, &[])]);
    let text = register("bob", BOB, "", "");
    world.say(BOB, PROXY, &text);
    let first = world.hear_response(BOB, 200);
    world.say(BOB, PROXY, &text);
    assert_eq!(world.hear_response(BOB, 200), first);
}

#[test]
fn a_source_that_sends_too_much_is_told_once_and_others_are_heard() {
    let mut flooded = config(PROXY, &[]);
    flooded.limits = Limits { requests_per_second: 10, burst: 20, sources: 50, ..Limits::default() };
    let mut world = World::new(vec![flooded]);
    for _ in 0..100 {
        let text = request("OPTIONS", "sip:home.example", EVE, "");
        world.servers.get_mut(&addr(PROXY)).unwrap();
        world.send_now(EVE, PROXY, &text);
    }
    world.run_ms(30);
    let count =
        |world: &World, status: &str| world.log.iter().filter(|(_, _, line)| line.contains(status)).count();
    assert_eq!((count(&world, "SIP/2.0 200"), count(&world, "SIP/2.0 503")), (20, 1));
    assert_eq!(world.events.iter().filter(|event| matches!(event, Event::Flooding { .. })).count(), 1);
    world.say(BOB, PROXY, &request("OPTIONS", "sip:home.example", BOB, ""));
    world.hear_response(BOB, 200);
    world.run(Duration::from_secs(1));
    world.stray.clear();
    world.say(EVE, PROXY, &request("OPTIONS", "sip:home.example", EVE, ""));
    world.hear_response(EVE, 200);
    for number in 0..200 {
        let many = format!("198.51.100.{number}:5060");
        world.send_now(&many, PROXY, &request("OPTIONS", "sip:home.example", &many, ""));
    }
    world.run_ms(30);
    assert!(world.servers[&addr(PROXY)].core.sources.len() <= 50);
}

#[test]
fn a_server_with_too_many_transactions_says_when_to_come_back() {
    let mut small = config(PROXY, &[]);
    small.limits = Limits { transactions: 2, ..Limits::default() };
    let mut world = World::new(vec![small]);
    for user in ["a", "b"] {
        world.say(BOB, PROXY, &register(user, BOB, "", ""));
        world.hear_response(BOB, 200);
    }
    world.say(BOB, PROXY, &register("c", BOB, "", ""));
    let refused = world.hear_response(BOB, 503);
    assert!((1..=8).contains(&refused.headers.retry_after().unwrap().unwrap()));
    world.run(Duration::from_secs(33));
    world.say(BOB, PROXY, &register("c", BOB, "", ""));
    world.hear_response(BOB, 200);
}

#[test]
fn a_redirect_server_says_where_and_sends_nothing_on() {
    let mut redirect = config(PROXY, &[]);
    redirect.mode = Mode::Redirect;
    let mut world = World::new(vec![redirect]);
    world.register("bob", BOB, ";q=0.5");
    world.say(EVE, PROXY, &request("INVITE", "sip:bob@home.example", EVE, ""));
    let told = world.hear_response(EVE, 302);
    assert_eq!(told.headers.get(&HeaderName::Contact), Some("<sip:bob@192.0.2.12:5060>;q=0.500"));
    assert!(world.stray.iter().all(|(to, _, _)| *to == addr(EVE)));
}

#[test]
fn hosts_with_names_are_asked_for_and_each_of_their_addresses_is_tried() {
    let mut world = World::new(vec![config(PROXY, &[])]);
    let text = request("INVITE", "sip:carol@elsewhere.example", EVE, "");
    world.say(EVE, PROXY, &text);
    let (_, id) = world.resolves.pop().unwrap();
    let ways = ["192.0.2.71:5060", "192.0.2.72:5060"].map(|at| (Transport::Udp, addr(at)));
    let now = world.now;
    world.servers.get_mut(&addr(PROXY)).unwrap().resolved(now, id, &ways);
    world.hear_request("192.0.2.71:5060", "INVITE");
    let request = world.hear_request("192.0.2.72:5060", "INVITE");
    world.reply("192.0.2.72:5060", &request, 486, &[]);
    loop {
        match world.hear(EVE) {
            Message::Response(response) if response.status.is_provisional() => {}
            Message::Response(response) => break assert_eq!(response.status.code(), 486),
            other => panic!("{other:?}"),
        }
    }
    world.say(EVE, PROXY, &text.replace("z9hG4bKx", "z9hG4bKy"));
    world.run(Duration::from_secs(11));
    assert!(
        world.log.iter().any(|(_, to, line)| *to == addr(EVE) && line.starts_with("SIP/2.0 500")),
        "nobody answered for the name"
    );
}

#[test]
fn a_stateless_proxy_passes_both_ways_and_remembers_nothing() {
    let mut stateless = config(PROXY, &[]);
    stateless.mode = Mode::Stateless;
    let mut world = World::new(vec![stateless]);
    world.register("bob", BOB, "");
    world.run(Duration::from_secs(40));
    let invite = request("INVITE", "sip:bob@home.example", EVE, "");
    world.say(EVE, PROXY, &invite);
    world.say(EVE, PROXY, &invite);
    let (first, second) = (world.hear_request(BOB, "INVITE"), world.hear_request(BOB, "INVITE"));
    assert_eq!(first, second, "a repetition is one there too");
    world.reply(BOB, &first, 486, &[]);
    assert_eq!(world.hear_response(EVE, 486).headers.vias().unwrap().len(), 1);
    world.say(EVE, PROXY, &invite.replace("INVITE", "ACK"));
    assert_eq!(
        world.hear_request(BOB, "ACK").headers.via().unwrap().branch(),
        first.headers.via().unwrap().branch()
    );
    let server = &world.servers[&addr(PROXY)];
    assert_eq!((server.relays(), server.transactions()), (0, 0));
    world.say(EVE, PROXY, &request("INVITE", "sip:carol@home.example", EVE, ""));
    world.hear_response(EVE, 480);
}

#[test]
fn neither_ack_nor_cancel_is_asked_for_a_password() {
    let mut world = World::new(vec![config(PROXY, &[("alice", "wonder")])]);
    let invite = request("INVITE", "sip:bob@home.example", EVE, "");
    world.say(EVE, PROXY, &invite);
    world.hear_response(EVE, 407);
    for (method, expected) in [("ACK", None), ("CANCEL", Some(481))] {
        let follow = invite
            .replace("INVITE sip:", &format!("{method} sip:"))
            .replace(" INVITE\r\n", &format!(" {method}\r\n"));
        world.say(EVE, PROXY, &follow);
        match expected {
            Some(status) => {
                let response = world.hear_response(EVE, status);
                assert_eq!(response.headers.get(&HeaderName::ProxyAuthenticate), None, "{method}");
            }
            None => assert!(world.stray.is_empty(), "{method}: {:?}", world.stray),
        }
    }
}
