//! Candidates that follow by INFO (RFC 8840).

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method},
    ua::Event,
};

const BODY: &[u8] = b"a=ice-ufrag:abcd\r\n";

#[test]
fn candidates_follow_by_info_both_ways_between_two_of_us() {
    let mut world = World::pair();
    let (ours, theirs) = world.talking();
    assert!(world.with(0, |agent, now| agent.trickle(now, ours, BODY.to_vec())));
    assert_eq!(world.event(1), Event::Trickled { call: theirs, body: BODY.to_vec() });
    assert!(world.with(1, |agent, now| agent.trickle(now, theirs, BODY.to_vec())));
    assert_eq!(world.event(0), Event::Trickled { call: ours, body: BODY.to_vec() });
    world.run_ms(100);
    assert_eq!((world.events(0), world.events(1)), (vec![], vec![]));
    world.with(0, |agent, now| agent.hang_up(now, ours));
    world.finish();
}

#[test]
fn whoever_does_not_take_candidates_later_is_told_of_none_and_another_package_is_refused() {
    let mut world = World::alone();
    let call = dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    assert_eq!(invite.headers.get(&HeaderName::RecvInfo), Some("trickle-ice"));
    assert!(invite.headers.get(&HeaderName::Supported).unwrap().contains("trickle-ice"));
    let contact = format!("<sip:carol@{PEER}>");
    let more = [(HeaderName::Contact, contact.as_str()), (HeaderName::Supported, "timer")];
    world.reply_with(&invite, 200, "carol", &more, ANSWER);
    world.hear_request(&Method::Ack);
    assert!(matches!(world.event(0), Event::Answered { .. }));
    assert!(!world.with(0, |agent, now| agent.trickle(now, call, BODY.to_vec())));
    world.silence();
    let cases = [
        ("foo", "application/trickle-ice-sdpfrag", 469),
        ("trickle-ice", "text/plain", 415),
        ("trickle-ice;x=1", "application/trickle-ice-sdpfrag", 200),
    ];
    for (number, (package, kind, status)) in (1..).zip(cases) {
        let mut info = backwards(&invite, "INFO", "carol", number);
        info.headers.push(HeaderName::InfoPackage, package);
        info.headers.push(HeaderName::ContentType, kind);
        info.body = BODY.to_vec();
        world.say(&text(&info));
        let response = world.hear_response(status);
        if status == 469 {
            assert_eq!(response.headers.get(&HeaderName::RecvInfo), Some("trickle-ice"));
        }
    }
    assert_eq!(world.events(0), [Event::Trickled { call, body: BODY.to_vec() }]);
}
