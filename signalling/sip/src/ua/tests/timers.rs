//! Sessions that are refreshed, and sessions that expire (RFC 4028).

use core::time::Duration;

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method},
    ua::{CallId, Event, Party},
};

/// A call to the peer, whose 200 has these headers.
fn answered(world: &mut World, more: &[(HeaderName, &str)]) -> CallId {
    let call = dial(world);
    let invite = world.hear_request(&Method::Invite);
    assert_eq!(invite.headers.get(&HeaderName::SessionExpires), Some("1800"));
    assert!(invite.headers.supported().unwrap().contains(&"timer"));
    let contact = [(HeaderName::Contact, "<sip:carol@192.0.2.77:5070>")];
    world.reply(&invite, 200, "carol", &[&contact, more].concat());
    world.hear_request(&Method::Ack);
    world.events(0);
    call
}

/// A call of the peer, whose INVITE has these headers; answers what our 200 says.
fn called(world: &mut World, lines: &str) -> (CallId, String, Option<String>) {
    world.say(&invite("z9hG4bKfirst", lines));
    let Event::Incoming { call, .. } = world.event(0) else { panic!("a call comes") };
    world.with(0, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
    let ok = world.hear_response(200);
    let tag = to_tag(&ok);
    let to = format!("<sip:bob@192.0.2.1>;tag={tag}");
    world.say(&request("ACK", "sip:bob@192.0.2.1", "z9hG4bKack", &to, 7, ""));
    world.events(0);
    let expires = ok.headers.get(&HeaderName::SessionExpires).map(str::to_owned);
    let required = ok.headers.require().unwrap().contains(&"timer");
    assert_eq!(required, expires.as_ref().is_some_and(|text| text.ends_with("uac")), "RFC 4028 §9");
    (call, tag, expires)
}

#[test]
fn a_long_call_is_refreshed_by_the_caller_every_quarter_of_an_hour_and_does_not_end() {
    let mut world = World::pair();
    let (ours, theirs) = world.talking();
    world.run(Duration::from_secs(7_200));
    assert_eq!((world.events(0), world.events(1)), (vec![], vec![]));
    let refreshes = world.timed("UPDATE");
    assert_eq!(refreshes.len(), 7, "{refreshes:?}");
    assert!((900_000..900_200).contains(&refreshes[0]), "{refreshes:?}");
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    assert_eq!(world.event(0), ended(ours, Party::Peer));
    world.finish();
}

#[test]
fn whoever_loses_the_other_ends_the_call_itself() {
    let mut world = World::pair();
    world.talking();
    world.lose = Box::new(|_, _| true);
    world.run(Duration::from_secs(1_900));
    // The caller learns it from its own refresh; the callee when the interval less 32 s has passed.
    let [caller, callee] = [0, 1].map(|phone| world.events(phone));
    assert!(
        matches!(&caller[..], [Event::Ended { by: Party::Us, reason: Some(why), .. }] if why == "no answer")
    );
    assert!(
        matches!(&callee[..], [Event::Ended { by: Party::Us, reason: Some(why), .. }] if why == "the session has expired")
    );
    let byes = world.timed("BYE");
    assert!(byes.iter().any(|at| (1_768_000..1_768_200).contains(at)), "{byes:?}");
    world.finish();
}

#[test]
fn who_refreshes_is_what_the_request_says_or_else_who_can() {
    let cases = [
        (
            "the caller says so",
            "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n",
            Some("600;refresher=uac"),
        ),
        (
            "the callee shall",
            "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n",
            Some("600;refresher=uas"),
        ),
        ("nobody is named", "Supported: timer\r\nx: 600\r\n", Some("600;refresher=uac")),
        ("a proxy wants it", "Session-Expires: 600\r\n", Some("600;refresher=uas")),
        ("a proxy wants less than we do", "Session-Expires: 30\r\n", Some("90;refresher=uas")),
        ("we want it", "Supported: timer\r\n", Some("1800;refresher=uas")),
        ("longer than we", "Supported: timer\r\nMin-SE: 3600\r\n", Some("3600;refresher=uas")),
        ("nobody can", "", None),
        ("nonsense", "Session-Expires: soon\r\n", None),
    ];
    for (what, lines, expected) in cases {
        let mut world = World::alone();
        let (_, _, expires) = called(&mut world, lines);
        assert_eq!(expires.as_deref(), expected, "{what}");
    }
}

#[test]
fn a_session_that_would_expire_too_soon_is_refused_and_the_caller_told_what_is_enough() {
    let mut world = World::alone();
    let refused = world.ask(&invite("z9hG4bKs", "Supported: timer\r\nSession-Expires: 60\r\n"), 422);
    assert_eq!(refused.headers.get(&HeaderName::MinSe), Some("90"));
    assert_eq!(world.events(0), []);
}

#[test]
fn a_caller_told_that_its_session_is_too_short_calls_again_with_a_longer_one() {
    let mut world = World::alone();
    let call = dial(&mut world);
    let first = world.hear_request(&Method::Invite);
    world.reply(&first, 422, "proxy", &[(HeaderName::MinSe, "4000")]);
    world.hear_request(&Method::Ack);
    let second = world.hear_request(&Method::Invite);
    assert_eq!(second.headers.get(&HeaderName::SessionExpires), Some("4000"));
    assert_eq!(second.headers.get(&HeaderName::MinSe), Some("4000"));
    assert_eq!(second.headers.cseq().unwrap().number, 2);
    assert_eq!(second.body, OFFER);
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::To] {
        assert_eq!(first.headers.get(&name), second.headers.get(&name));
    }
    assert_ne!(first.headers.get(&HeaderName::Via), second.headers.get(&HeaderName::Via));
    world.reply(&second, 422, "proxy", &[(HeaderName::MinSe, "4000")]);
    world.hear_request(&Method::Ack);
    assert_eq!(refused(&world.event(0)), Some(422), "no more than before: it is of no use");
    let _ = call;
    world.finish();
}

#[test]
fn a_peer_without_update_is_refreshed_by_the_same_description_in_an_invite() {
    let mut world = World::alone();
    answered(
        &mut world,
        &[(HeaderName::SessionExpires, "100;refresher=uac"), (HeaderName::Allow, "INVITE, BYE")],
    );
    world.run_ms(50_000);
    let refresh = world.hear_request(&Method::Invite);
    assert_eq!(refresh.headers.get(&HeaderName::SessionExpires), Some("100;refresher=uac"));
    assert_eq!(refresh.body, OFFER);
    world.reply(&refresh, 200, "carol", &[(HeaderName::SessionExpires, "100;refresher=uac")]);
    world.hear_request(&Method::Ack);
    assert_eq!(world.events(0), [], "the owner need not know");
    world.run_ms(49_000);
    world.silence();
    world.run_ms(1_000);
    let again = world.hear_request(&Method::Invite);
    world.reply(&again, 422, "carol", &[(HeaderName::MinSe, "300")]);
    world.hear_request(&Method::Ack);
    let longer = world.hear_request(&Method::Invite);
    assert_eq!(longer.headers.get(&HeaderName::SessionExpires), Some("300;refresher=uac"));
    assert_eq!(longer.headers.get(&HeaderName::MinSe), Some("300"));
    world.reply(&longer, 488, "carol", &[]);
    world.hear_request(&Method::Ack);
    world.run_ms(10_000);
    world.hear_request(&Method::Invite);
    assert_eq!(world.events(0), [], "a refresh that was refused is tried again");
}

#[test]
fn the_peers_refresh_keeps_the_call_and_its_silence_ends_it() {
    let mut world = World::alone();
    let more = [(HeaderName::SessionExpires, "90;refresher=uas"), (HeaderName::Allow, "UPDATE")];
    let call = dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    let contact = [(HeaderName::Contact, "<sip:carol@192.0.2.77:5070>")];
    world.reply(&invite, 200, "carol", &[&contact[..], &more[..]].concat());
    world.hear_request(&Method::Ack);
    world.events(0);
    for number in 1..4 {
        world.run_ms(55_000);
        let mut update = backwards(&invite, "UPDATE", "carol", number);
        update.headers.push(HeaderName::Supported, "timer");
        update.headers.push(HeaderName::SessionExpires, "90;refresher=uac");
        let ok = world.ask(&text(&update), 200);
        assert_eq!(ok.headers.get(&HeaderName::SessionExpires), Some("90;refresher=uac"));
    }
    let since = world.now.mono;
    world.run_ms(30_000);
    world.hear_request(&Method::Bye);
    let waited = world.now.mono.since(since).as_millis();
    assert!((59_900..60_100).contains(&waited), "{waited} ms: the interval less a third");
    world.run_ms(40_000);
    let reason = Some("the session has expired".into());
    assert_eq!(world.events(0), [Event::Ended { call, by: Party::Us, reason }]);
}

#[test]
fn without_a_word_of_timers_a_call_lasts() {
    let mut world = World::alone();
    answered(&mut world, &[]);
    world.run(Duration::from_secs(86_400));
    world.silence();
    assert_eq!(world.events(0), []);
}
