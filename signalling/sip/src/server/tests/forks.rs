//! Several branches, their races, and time (RFC 3261 §16.7 to §16.10).

use core::time::Duration;

use super::world::{PROXY, World, addr, config, request};
use crate::message::{HeaderName, Message, Request};

const ALICE: &str = "192.0.2.11:5060";
const ONE: &str = "192.0.2.21:5060";
const TWO: &str = "192.0.2.22:5060";
const THREE: &str = "192.0.2.23:5060";

/// Alice has called bob, who is at these places; what came there.
fn forked(places: &[&str], more: &str) -> (World, String, Vec<Request>) {
    let mut world = World::new(vec![config(PROXY, &[])]);
    places.iter().for_each(|at| world.register("bob", at, ""));
    let invite = request("INVITE", "sip:bob@home.example", ALICE, more);
    world.say(ALICE, PROXY, &invite);
    let copies = places.iter().map(|at| world.hear_request(at, "INVITE")).collect();
    (world, invite, copies)
}

/// The final response Alice hears, past provisional ones.
fn final_response(world: &mut World) -> crate::message::Response {
    loop {
        match world.hear(ALICE) {
            Message::Response(response) if response.status.is_provisional() => {}
            Message::Response(response) => return response,
            other => panic!("{other:?}"),
        }
    }
}

/// The same request with another method, as CANCEL and the ACK of a refusal are.
fn follow(invite: &str, method: &str) -> String {
    invite.replace("INVITE sip:", &format!("{method} sip:")).replace(" INVITE\r\n", &format!(" {method}\r\n"))
}

#[test]
fn of_several_refusals_the_one_that_says_most_goes_back() {
    let cases: &[(&str, [u16; 3], u16)] = &[
        ("the lowest class", [500, 404, 503], 404),
        ("elsewhere is better than not here", [404, 302, 486], 302),
        ("what the caller can mend", [486, 407, 404], 407),
        ("busy says more than gone", [480, 486, 408], 486),
        ("one of many is not all", [503, 503, 503], 500),
        ("everywhere", [404, 600, 486], 600),
    ];
    for (what, statuses, expected) in cases {
        let (mut world, invite, copies) = forked(&[ONE, TWO, THREE], "");
        for ((at, copy), status) in [ONE, TWO, THREE].iter().zip(&copies).zip(statuses) {
            world.reply(at, copy, *status, &[]);
        }
        // Those that still ring when one declines for all are cancelled.
        let response = final_response(&mut world);
        assert_eq!(response.status.code(), *expected, "{what}");
        assert_eq!(response.headers.vias().unwrap().len(), 1, "{what}");
        world.say(ALICE, PROXY, &follow(&invite, "ACK"));
        world.finish();
    }
}

#[test]
fn challenges_of_all_branches_go_back_together() {
    let (mut world, _, copies) = forked(&[ONE, TWO], "");
    let ask = [(HeaderName::WwwAuthenticate, "Digest realm=\"one\", nonce=\"1\"")];
    world.reply(ONE, &copies[0], 401, &ask);
    let ask = [(HeaderName::ProxyAuthenticate, "Digest realm=\"two\", nonce=\"2\"")];
    world.reply(TWO, &copies[1], 407, &ask);
    let response = final_response(&mut world);
    assert_eq!(response.headers.all(&HeaderName::WwwAuthenticate).count(), 1);
    assert_eq!(response.headers.all(&HeaderName::ProxyAuthenticate).count(), 1);
}

#[test]
fn the_refusal_of_a_branch_is_acknowledged_by_the_proxy_itself() {
    let (mut world, _, copies) = forked(&[ONE, TWO], "");
    world.reply(ONE, &copies[0], 486, &[]);
    let ack = world.hear_request(ONE, "ACK");
    assert_eq!(ack.headers.via(), copies[0].headers.via());
    assert_eq!(
        (ack.headers.cseq().unwrap().number, &ack.uri),
        (copies[0].headers.cseq().unwrap().number, &copies[0].uri)
    );
    assert!(
        !world.log.iter().any(|(_, to, line)| *to == addr(ALICE) && line.contains("486")),
        "another still rings"
    );
}

#[test]
fn a_branch_is_cancelled_as_soon_as_it_has_said_something() {
    let (mut world, invite, copies) = forked(&[ONE], "");
    world.say(ALICE, PROXY, &follow(&invite, "CANCEL"));
    world.hear_response(ALICE, 200);
    assert!(
        !world.log.iter().any(|(_, to, line)| *to == addr(ONE) && line.starts_with("CANCEL")),
        "not yet allowed"
    );
    world.reply(ONE, &copies[0], 180, &[]);
    let cancel = loop {
        match world.hear(ONE) {
            Message::Request(request) if request.method.as_str() == "CANCEL" => break request,
            Message::Request(request) if request.method.as_str() == "INVITE" => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(cancel.headers.via(), copies[0].headers.via());
    world.reply(ONE, &copies[0], 487, &[]);
    assert_eq!(final_response(&mut world).status.code(), 487);
    world.say(ALICE, PROXY, &follow(&invite, "ACK"));
    world.finish();
}

#[test]
fn an_answer_that_crosses_a_cancel_wins() {
    let (mut world, invite, copies) = forked(&[ONE], "");
    world.reply(ONE, &copies[0], 180, &[]);
    world.say(ALICE, PROXY, &follow(&invite, "CANCEL"));
    world.reply(ONE, &copies[0], 200, &[]);
    assert!(world.log.iter().any(|(_, to, line)| *to == addr(ALICE) && line.starts_with("SIP/2.0 200")));
    let both: Vec<_> = world
        .stray
        .iter()
        .filter(|(to, _, text)| *to == addr(ALICE) && text.contains("CSeq") && text.contains("INVITE"))
        .collect();
    assert!(both.iter().any(|(_, _, text)| text.starts_with("SIP/2.0 200")), "{both:#?}");
    assert_eq!(world.records().len(), 0, "the call stands");
}

#[test]
fn a_cancelled_branch_that_stays_silent_is_given_up() {
    let (mut world, invite, copies) = forked(&[ONE], "");
    world.reply(ONE, &copies[0], 180, &[]);
    world.say(ALICE, PROXY, &follow(&invite, "CANCEL"));
    world.run(Duration::from_secs(33));
    assert_eq!(world.servers[&addr(PROXY)].relays(), 0);
    assert!(world.stray.iter().any(|(to, _, text)| *to == addr(ALICE) && text.starts_with("SIP/2.0 487")));
    world.finish();
}

/// Both answer at once: the caller hears both, and each further copy of either (RFC 6026).
#[test]
fn every_2xx_goes_back_also_when_all_else_is_over() {
    let (mut world, _, copies) = forked(&[ONE, TWO], "");
    world.reply(ONE, &copies[0], 200, &[]);
    world.reply(TWO, &copies[1], 200, &[]);
    world.run(Duration::from_secs(2));
    world.reply(ONE, &copies[0], 200, &[]);
    let answers =
        world.stray.iter().filter(|(to, _, text)| *to == addr(ALICE) && text.starts_with("SIP/2.0 200"));
    assert_eq!(answers.count(), 3);
    assert_eq!(world.servers[&addr(PROXY)].relays(), 0);
}

#[test]
fn nobody_there_is_408_for_a_call_and_silence_for_anything_else() {
    let (mut world, _, _) = forked(&[ONE], "");
    world.run(Duration::from_secs(33));
    assert!(world.stray.iter().any(|(to, _, text)| *to == addr(ALICE) && text.starts_with("SIP/2.0 408")));
    world.stray.clear();
    world.say(ALICE, PROXY, &request("MESSAGE", "sip:bob@home.example", ALICE, ""));
    world.run(Duration::from_secs(40));
    assert!(
        !world.stray.iter().any(|(to, _, text)| *to == addr(ALICE) && text.contains("MESSAGE")),
        "RFC 4320"
    );
    world.finish();
}

/// Timer C.
#[test]
fn a_phone_that_rings_for_three_minutes_without_news_is_cancelled() {
    let (mut world, _, copies) = forked(&[ONE], "");
    world.reply(ONE, &copies[0], 180, &[]);
    world.run(Duration::from_secs(100));
    world.reply(ONE, &copies[0], 180, &[]);
    world.run(Duration::from_secs(100));
    let cancelled =
        |world: &World| world.log.iter().any(|(_, to, line)| *to == addr(ONE) && line.starts_with("CANCEL"));
    assert!(!cancelled(&world), "news begin the time anew");
    world.run(Duration::from_secs(90));
    assert!(cancelled(&world));
    world.finish();
}

#[test]
fn breadth_is_shared_and_what_is_beyond_waits_its_turn() {
    let mut world = World::new(vec![config(PROXY, &[])]);
    [ONE, TWO, THREE].iter().for_each(|at| world.register("bob", at, ""));
    world.say(ALICE, PROXY, &request("INVITE", "sip:bob@home.example", ALICE, "Max-Breadth: 2\r\n"));
    // The newest first.
    let copies = [THREE, TWO].map(|at| world.hear_request(at, "INVITE"));
    for copy in &copies {
        assert_eq!(copy.headers.get(&"Max-Breadth".parse().unwrap()), Some("1"));
    }
    assert!(!world.log.iter().any(|(_, to, line)| *to == addr(ONE) && line.starts_with("INVITE")));
    world.reply(THREE, &copies[0], 486, &[]);
    world.reply(TWO, &copies[1], 486, &[]);
    world.hear_request(ONE, "INVITE");
}

#[test]
fn paths_become_routes_and_the_headers_of_a_contact_become_nothing() {
    let mut world = World::new(vec![config(PROXY, &[])]);
    let text = super::world::register("bob", ONE, "", "Path: <sip:192.0.2.50;lr>\r\nSupported: path\r\n");
    let text =
        text.replace(&format!("<sip:bob@{ONE}>"), &format!("<sip:bob@{ONE}?Subject=evil&Route=%3Csip:x%3E>"));
    world.say(ONE, PROXY, &text);
    world.stray.clear();
    world.say(ALICE, PROXY, &request("INVITE", "sip:bob@home.example", ALICE, ""));
    let copy = world.hear_request("192.0.2.50:5060", "INVITE");
    assert_eq!(copy.headers.get(&HeaderName::Route), Some("<sip:192.0.2.50;lr>"));
    assert_eq!(copy.uri.to_string(), format!("sip:bob@{ONE}"));
    assert_eq!(copy.headers.get(&HeaderName::Subject), None);
}
