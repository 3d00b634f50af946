//! Calls that are handed over: REFER, its subscription, Replaces (RFC 3515, 4488, 3891, 5589).

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method, NameAddr, StatusCode, Uri},
    transport::Hop,
    ua::{CallId, Event, Failure, OutgoingInvite, OutgoingRefer, Party},
};

fn refer(to: &str, subscribe: bool) -> OutgoingRefer {
    OutgoingRefer { to: to.parse().unwrap(), by: Some("<sip:alice@192.0.2.1>".parse().unwrap()), subscribe }
}

/// What a transferee dials when it is referred to `to`: the headers in the URI become headers of the INVITE.
fn dial_as_referred(world: &mut World, phone: usize, to: &NameAddr) -> CallId {
    let Uri::Sip(target) = &to.uri else { panic!("{to}") };
    let headers = target.headers().map(|(name, value)| {
        let value = String::from_utf8(crate::message::unescape(value)).unwrap();
        (name.parse().unwrap(), value)
    });
    let headers: Vec<(HeaderName, String)> = headers.collect();
    let mut uri = target.clone();
    uri.clear_headers();
    let remote = format!("{}:{}", uri.host, uri.port.unwrap_or(5060)).parse().unwrap();
    let outgoing = OutgoingInvite {
        hop: Hop::udp(world.phones[phone].address, remote),
        name: None,
        uri: uri.clone().into(),
        from: "<sip:bob@192.0.2.2>".parse().unwrap(),
        to: NameAddr::new(uri),
        body: OFFER.to_vec(),
        private: false,
        headers,
    };
    world.with(phone, |agent, now| agent.invite(now, outgoing))
}

fn trio() -> World {
    World::new(&["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"])
}

/// The transferor hears this.
fn hears(world: &mut World, phone: usize, call: CallId, status: u16, last: bool) {
    let status = StatusCode::new(status).unwrap();
    assert_eq!(world.event(phone), Event::Transfer { call, status, last });
}

#[test]
fn a_blind_transfer_tells_the_transferor_how_the_new_call_goes() {
    for seed in 0..8 {
        let mut world = trio();
        let (ours, theirs) = world.talking();
        if seed > 0 {
            world.lose = Box::new(move |number, _| chance(number, seed) < 0.25);
        }
        let to = refer("<sip:carol@192.0.2.3>", true);
        assert!(world.with(0, |agent, now| agent.refer(now, ours, to.clone())));
        assert!(!world.with(0, |agent, now| agent.refer(now, ours, to.clone())), "one at a time");
        let Event::Referred { call, to, by } = world.event(1) else { panic!("referred") };
        assert_eq!((call, by), (theirs, Some("<sip:alice@192.0.2.1>".parse().unwrap())));
        world.with(1, |agent, now| agent.answer_refer(now, theirs, StatusCode::ACCEPTED));
        hears(&mut world, 0, ours, 100, false);
        let second = dial_as_referred(&mut world, 1, &to);
        let carols = match world.event(2) {
            Event::Incoming { call, replaces: None, .. } => call,
            other => panic!("{other:?}"),
        };
        world.with(1, |agent, now| agent.tell_referrer(now, theirs, StatusCode::RINGING));
        hears(&mut world, 0, ours, 180, false);
        world.with(2, |agent, now| agent.accept(now, carols, ANSWER.to_vec()));
        while !matches!(world.event(1), Event::Answered { call, .. } if call == second) {}
        world.with(1, |agent, now| agent.tell_referrer(now, theirs, StatusCode::OK));
        hears(&mut world, 0, ours, 200, true);
        world.with(0, |agent, now| agent.hang_up(now, ours));
        assert_eq!(world.event(1), ended(theirs, Party::Peer));
        world.lose = Box::new(|_, _| false);
        world.with(1, |agent, now| agent.hang_up(now, second));
        world.finish();
    }
}

#[test]
fn a_transfer_that_is_refused_or_fails_leaves_the_first_call_as_it_was() {
    let mut world = trio();
    let (ours, theirs) = world.talking();
    world.with(0, |agent, now| agent.refer(now, ours, refer("<sip:carol@192.0.2.3>", true)));
    assert!(matches!(world.event(1), Event::Referred { .. }));
    world.with(1, |agent, now| agent.answer_refer(now, theirs, StatusCode::DECLINE));
    let Event::TransferFailed { call, failure: Failure::Status { code, .. } } = world.event(0) else {
        panic!("refused")
    };
    assert_eq!((call, code), (ours, StatusCode::DECLINE));
    world.with(0, |agent, now| agent.refer(now, ours, refer("<sip:carol@192.0.2.3>", true)));
    assert!(matches!(world.event(1), Event::Referred { .. }));
    world.with(1, |agent, now| agent.answer_refer(now, theirs, StatusCode::OK));
    hears(&mut world, 0, ours, 100, false);
    world.with(1, |agent, now| agent.tell_referrer(now, theirs, StatusCode::BUSY_HERE));
    hears(&mut world, 0, ours, 486, true);
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert_eq!(world.event(0), ended(ours, Party::Peer));
    world.finish();
}

#[test]
fn without_a_subscription_nothing_is_told() {
    let mut world = trio();
    let (ours, theirs) = world.talking();
    let before = world.log.len();
    world.with(0, |agent, now| agent.refer(now, ours, refer("<sip:carol@192.0.2.3>", false)));
    assert!(matches!(world.event(1), Event::Referred { .. }));
    world.with(1, |agent, now| agent.answer_refer(now, theirs, StatusCode::OK));
    hears(&mut world, 0, ours, 202, true);
    world.with(1, |agent, now| agent.tell_referrer(now, theirs, StatusCode::OK));
    world.run_ms(100);
    assert_eq!(world.words().split_off(before), ["REFER", "202"]);
}

/// Alice talks with Bob and, in a second call, with Carol: the calls as Alice, Bob, Alice and Carol name them.
fn consulting(world: &mut World) -> [CallId; 4] {
    let (with_bob, bobs) = world.talking();
    let with_carol = world.call(2);
    let carols = world.incoming(2);
    world.with(2, |agent, now| agent.accept(now, carols, ANSWER.to_vec()));
    while !matches!(world.event(0), Event::Answered { .. }) {}
    assert!(matches!(world.event(2), Event::Confirmed { .. }));
    [with_bob, bobs, with_carol, carols]
}

#[test]
fn an_attended_transfer_puts_the_new_call_in_the_place_of_the_one_consulted_in() {
    for seed in 0..8 {
        let mut world = trio();
        let [with_bob, bobs, with_carol, carols] = consulting(&mut world);
        if seed > 0 {
            world.lose = Box::new(move |number, _| chance(number, seed) < 0.25);
        }
        let to = world.phones[0].agent.replacement(with_carol).unwrap();
        let refer = OutgoingRefer { to, by: None, subscribe: true };
        assert!(world.with(0, |agent, now| agent.refer(now, with_bob, refer)));
        let Event::Referred { to, .. } = world.event(1) else { panic!("referred") };
        world.with(1, |agent, now| agent.answer_refer(now, bobs, StatusCode::OK));
        let second = dial_as_referred(&mut world, 1, &to);
        let Event::Incoming { call, replaces, .. } = world.event(2) else { panic!("Bob calls Carol") };
        assert_eq!(replaces, Some(carols));
        world.with(2, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
        while !matches!(world.event(1), Event::Answered { call, .. } if call == second) {}
        world.with(1, |agent, now| agent.tell_referrer(now, bobs, StatusCode::OK));
        let mut heard = Vec::new();
        while heard.len() < 2 {
            match world.event(0) {
                Event::Ended { call, by, .. } => heard.push((call, by == Party::Peer)),
                Event::Transfer { call, last: true, status: StatusCode::OK } => heard.push((call, true)),
                Event::Transfer { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        heard.sort();
        assert_eq!(heard, [(with_bob, true), (with_carol, true)], "Carol has ended the call with Alice");
        world.lose = Box::new(|_, _| false);
        world.with(0, |agent, now| agent.hang_up(now, with_bob));
        world.with(1, |agent, now| agent.hang_up(now, second));
        world.finish();
    }
}

#[test]
fn replaces_names_a_dialog_exactly_or_the_call_does_not_come_about() {
    let mut world = World::alone();
    world.say(&invite("z9hG4bKfirst", ""));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.ring(now, call, StatusCode::RINGING, None));
    let tag = to_tag(&world.hear_response(180));
    let attempt = |world: &mut World, number: usize, replaces: &str| {
        let text =
            invite(&format!("z9hG4bKr{number}"), &format!("Replaces: {replaces}\r\nRequire: replaces\r\n"));
        world.say(&text.replace("Call-ID: handmade", &format!("Call-ID: another{number}")));
        world.stray.drain(..).map(|(_, text)| word(&text)).next()
    };
    let ours = format!("handmade@{PEER};to-tag={tag};from-tag=carol");
    assert_eq!(
        attempt(&mut world, 0, &ours).as_deref(),
        Some("481"),
        "an early dialog that is not ours to replace"
    );
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    world.hear_response(200);
    let to = format!("<sip:bob@h>;tag={tag}");
    world.say(&request("ACK", "sip:bob@192.0.2.1", "z9hG4bKa", &to, 7, ""));
    world.events(0);
    let cases = [
        ("another call", ours.replace("handmade", "strange"), Some("481")),
        ("another peer", ours.replace("carol", "mallory"), Some("481")),
        ("another tag of ours", ours.replace(&tag, "0123456789abcdef"), Some("481")),
        ("early only, but it stands", format!("{ours};early-only"), Some("486")),
        ("no tag", format!("handmade@{PEER};to-tag={tag}"), Some("400")),
        ("a tag twice", format!("{ours};to-tag=x"), Some("400")),
        ("two", format!("{ours}\r\nReplaces: {ours}"), Some("400")),
        ("the right one", ours.clone(), None),
    ];
    for (number, (what, replaces, status)) in cases.into_iter().enumerate() {
        assert_eq!(attempt(&mut world, number + 1, &replaces).as_deref(), status, "{what}");
    }
    assert!(matches!(world.event(0), Event::Incoming { replaces: Some(first), .. } if first == call));
}

#[test]
fn a_refer_that_is_not_well_formed_or_one_too_many_is_refused() {
    let mut world = World::alone();
    let (_, tag) = talked(&mut world);
    let inside = |branch: &str, cseq, method: &str, lines: &str| {
        request(method, "sip:bob@192.0.2.1", branch, &format!("<sip:b@h>;tag={tag}"), cseq, lines)
    };
    let two = "Refer-To: <sip:a@b.example>\r\nRefer-To: <sip:c@d.example>\r\n";
    world.ask(&inside("z9hG4bK1", 8, "REFER", ""), 400);
    world.ask(&inside("z9hG4bK2", 9, "REFER", two), 400);
    world.ask(&inside("z9hG4bK3", 10, "NOTIFY", "Event: refer\r\nSubscription-State: active\r\n"), 481);
    let one = inside("z9hG4bK4", 11, "REFER", "r: <sip:a@b.example>\r\nb: \"Dave\" <sip:dave@h.example>\r\n");
    world.say(&one);
    world.say(&one);
    assert_eq!(world.events(0).len(), 1, "repeated");
    world.ask(&inside("z9hG4bK5", 12, "REFER", "Refer-To: <sip:e@f.example>\r\n"), 491);
}

/// The peer has called and we have accepted: the call, and our tag.
fn talked(world: &mut World) -> (CallId, String) {
    world.say(&invite("z9hG4bKfirst", ""));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    let tag = to_tag(&world.hear_response(200));
    world.say(&request("ACK", "sip:bob@192.0.2.1", "z9hG4bKack", &format!("<sip:b@h>;tag={tag}"), 7, ""));
    world.events(0);
    (call, tag)
}

#[test]
fn the_notify_that_ends_a_subscription_names_the_refer_and_says_so() {
    let mut world = World::alone();
    let (call, tag) = talked(&mut world);
    let to = format!("<sip:b@h>;tag={tag}");
    world.say(&request("REFER", "sip:bob@192.0.2.1", "z9hG4bKr", &to, 8, "Refer-To: <sip:a@b.example>\r\n"));
    world.with(0, |agent, now| agent.answer_refer(now, call, StatusCode::OK));
    world.hear_response(202);
    for (status, state) in
        [(100, "active;expires=180"), (180, "active;expires=180"), (486, "terminated;reason=noresource")]
    {
        if status > 100 {
            world.with(0, |agent, now| agent.tell_referrer(now, call, StatusCode::new(status).unwrap()));
        }
        let notify = world.hear_request(&Method::Notify);
        assert_eq!(notify.headers.get(&HeaderName::Event), Some("refer;id=8"));
        assert_eq!(notify.headers.get(&HeaderName::SubscriptionState), Some(state));
        assert_eq!(notify.headers.get(&HeaderName::ContentType), Some("message/sipfrag;version=2.0"));
        assert!(notify.body.starts_with(format!("SIP/2.0 {status} ").as_bytes()));
        world.reply(&notify, 200, "carol", &[]);
    }
    world.with(0, |agent, now| agent.tell_referrer(now, call, StatusCode::OK));
    world.silence();
}
