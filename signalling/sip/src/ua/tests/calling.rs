//! Calls to peers that do what our own agent never would: forks, routers, redirection.

use super::{peer::*, world::*};
use crate::{
    message::{HeaderName, Method},
    ua::{Event, Failure, Party},
};

#[test]
fn the_invite_says_all_that_rfc_3261_8_1_1_demands() {
    let mut world = World::alone();
    dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    let via = invite.headers.via().unwrap();
    assert!(via.unique_branch().is_some() && via.wants_rport());
    assert_eq!((via.host.to_string(), via.port), ("192.0.2.1".to_owned(), Some(5060)));
    assert!(
        invite.headers.from().unwrap().tag().is_some_and(|tag| tag.len() >= 8),
        "32 random bits at least"
    );
    assert_eq!(invite.headers.to().unwrap().tag(), None);
    assert_eq!(invite.headers.max_forwards(), Ok(Some(70)));
    assert_eq!(invite.headers.get(&HeaderName::Contact), Some("<sip:bob@192.0.2.1:5060>"));
    assert_eq!(invite.headers.get(&HeaderName::Subject), Some("lunch"));
    assert_eq!(invite.uri.to_string(), "sip:carol@example.com");
    assert_eq!(invite.body, OFFER);
}

#[test]
fn two_branches_of_a_fork_accept_the_first_has_the_call_the_other_gets_bye() {
    let mut world = World::alone();
    let call = dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    let contact = |host: &'static str| [(HeaderName::Contact, host)];
    world.reply(&invite, 180, "kitchen", &contact("<sip:k@192.0.2.80>"));
    world.reply(&invite, 180, "garden", &contact("<sip:g@192.0.2.81>"));
    world.reply(&invite, 200, "garden", &contact("<sip:g@192.0.2.81>"));
    let ack = world.hear_request(&Method::Ack);
    assert_eq!(
        (ack.uri.to_string().as_str(), ack.headers.to().unwrap().tag()),
        ("sip:g@192.0.2.81", Some("garden"))
    );

    world.reply(&invite, 200, "kitchen", &contact("<sip:k@192.0.2.80>"));
    let ack = world.hear_request(&Method::Ack);
    let bye = world.hear_request(&Method::Bye);
    for request in [&ack, &bye] {
        assert_eq!(request.uri.to_string(), "sip:k@192.0.2.80");
        assert_eq!(request.headers.to().unwrap().tag(), Some("kitchen"));
    }
    assert_eq!((ack.headers.cseq().unwrap().number, bye.headers.cseq().unwrap().number), (1, 2));
    assert_ne!(ack.headers.via(), invite.headers.via(), "ACK for a 2xx is a transaction of its own");
    world.reply(&bye, 200, "", &[]);

    world.reply(&invite, 200, "garden", &contact("<sip:g@192.0.2.81>"));
    let again = world.hear_request(&Method::Ack);
    assert_eq!(again.headers.to().unwrap().tag(), Some("garden"), "each 2xx gets its ACK");
    world.reply(&invite, 486, "cellar", &[]);
    world.silence();
    let events = world.events(0);
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(matches!(events[2], Event::Answered { call: answered, .. } if answered == call));
    world.with(0, |agent, now| agent.hang_up(now, call));
    let bye = world.hear_request(&Method::Bye);
    assert_eq!(bye.headers.to().unwrap().tag(), Some("garden"));
    world.reply(&bye, 200, "", &[]);
    assert_eq!(world.event(0), ended(call, Party::Us));
    world.finish();
}

#[test]
fn a_fork_without_end_is_not_followed_for_ever() {
    let mut world = World::alone();
    dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    for branch in 0..50 {
        world.reply(&invite, 200, &format!("b{branch}"), &[(HeaderName::Contact, "<sip:b@192.0.2.77:5070>")]);
    }
    assert!(world.phones[0].agent.transactions() <= 17);
}

#[test]
fn requests_inside_a_call_pass_the_loose_routers_in_reverse_order_of_the_response() {
    let mut world = World::alone();
    let call = dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    let routes = "<sip:near@192.0.2.90;lr>, <sip:far@192.0.2.91:5099;lr>";
    let more = [(HeaderName::RecordRoute, routes), (HeaderName::Contact, "<sip:carol@10.0.0.1>")];
    world.reply(&invite, 200, "carol", &more);
    assert_eq!(world.stray[0].0.remote, "192.0.2.91:5099".parse().unwrap());
    let ack = world.hear_request(&Method::Ack);
    world.with(0, |agent, now| agent.hang_up(now, call));
    world.run_ms(10);
    assert_eq!(world.stray[0].0.remote, "192.0.2.91:5099".parse().unwrap());
    let bye = world.hear_request(&Method::Bye);
    for request in [ack, bye] {
        assert_eq!(request.uri.to_string(), "sip:carol@10.0.0.1");
        let routes: Vec<_> = request.headers.all(&HeaderName::Route).collect();
        assert_eq!(routes, ["<sip:far@192.0.2.91:5099;lr>", "<sip:near@192.0.2.90;lr>"]);
    }
}

#[test]
fn a_strict_router_finds_itself_in_the_request_uri() {
    let mut world = World::alone();
    dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    let routes = "<sip:loose@192.0.2.90;lr>, <sip:strict@192.0.2.91>";
    let more = [(HeaderName::RecordRoute, routes), (HeaderName::Contact, "<sip:carol@10.0.0.1>")];
    world.reply(&invite, 200, "carol", &more);
    let ack = world.hear_request(&Method::Ack);
    assert_eq!(ack.uri.to_string(), "sip:strict@192.0.2.91");
    let routes: Vec<_> = ack.headers.all(&HeaderName::Route).collect();
    assert_eq!(routes, ["<sip:loose@192.0.2.90;lr>", "<sip:carol@10.0.0.1>"]);
}

#[test]
fn ack_and_cancel_go_the_way_of_their_invite_and_name_the_same_branch() {
    let mut world = World::alone();
    let call = dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    world.reply(&invite, 100, "", &[]);
    world.with(0, |agent, now| agent.hang_up(now, call));
    let cancel = world.hear_request(&Method::Cancel);
    world.reply(&cancel, 200, "x", &[]);
    world.reply(&invite, 487, "carol", &[(HeaderName::Contact, "<sip:carol@10.0.0.1>")]);
    let ack = world.hear_request(&Method::Ack);
    for request in [&cancel, &ack] {
        assert_eq!(request.uri, invite.uri);
        for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId] {
            assert_eq!(request.headers.get(&name), invite.headers.get(&name));
        }
        assert_eq!(request.headers.cseq().unwrap().number, 1);
        assert!(request.body.is_empty());
    }
    assert_eq!((cancel.headers.to().unwrap().tag(), ack.headers.to().unwrap().tag()), (None, Some("carol")));
    assert_eq!(world.events(0).last(), Some(&Event::Failed { call, failure: Failure::Cancelled }));
    world.reply(&invite, 487, "carol", &[]);
    world.hear_request(&Method::Ack);
    world.finish();
}

#[test]
fn cancel_keeps_the_route_of_its_invite_and_demands_nothing() {
    let mut world = World::alone();
    let call = dial_with(
        &mut world,
        vec![(HeaderName::Route, "<sip:192.0.2.77:5070;lr>".into()), (HeaderName::Require, "100rel".into())],
    );
    let invite = world.hear_request(&Method::Invite);
    world.reply(&invite, 100, "", &[]);
    world.with(0, |agent, now| agent.hang_up(now, call));
    world.run_ms(10);
    assert_eq!(world.stray[0].0.remote, peer());
    let cancel = world.hear_request(&Method::Cancel);
    assert_eq!(cancel.headers.get(&HeaderName::Route), Some("<sip:192.0.2.77:5070;lr>"));
    assert_eq!(
        (cancel.headers.get(&HeaderName::Require), cancel.headers.cseq().unwrap().method),
        (None, Method::Cancel)
    );
}

#[test]
fn a_redirection_tells_where_to_try_instead() {
    let mut world = World::alone();
    dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    let more = [
        (HeaderName::Contact, "<sip:carol@192.0.2.88>, <sip:desk@192.0.2.89>"),
        (HeaderName::RetryAfter, "9"),
    ];
    world.reply(&invite, 302, "carol", &more);
    world.hear_request(&Method::Ack);
    let Some(Event::Failed { failure: Failure::Status { contacts, retry_after, .. }, .. }) =
        world.events(0).pop()
    else {
        panic!("redirected")
    };
    let contacts: Vec<_> = contacts.iter().map(|contact| contact.uri.to_string()).collect();
    assert_eq!(contacts, ["sip:carol@192.0.2.88", "sip:desk@192.0.2.89"]);
    assert_eq!(retry_after, Some(9));
}

#[test]
fn responses_that_cannot_be_ours_are_dropped() {
    let mut world = World::alone();
    dial(&mut world);
    let mut invite = world.hear_request(&Method::Invite);
    let via = invite.headers.get(&HeaderName::Via).unwrap().to_owned();
    for (what, wrong) in [
        ("another branch", via.replace("z9hG4bK", "z9hG4bKa")),
        ("another sender", via.replace("192.0.2.1:5060", "192.0.2.1:5061")),
        ("a second Via", format!("{via}, {via}")),
        ("no cookie", via.replace("z9hG4bK", "")),
    ] {
        invite.headers.set(HeaderName::Via, wrong);
        world.reply(&invite, 486, "carol", &[]);
        assert_eq!(world.events(0), [], "{what}");
    }
    invite.headers.set(HeaderName::Via, via);
    invite.headers.set(HeaderName::CSeq, "1 BYE");
    world.reply(&invite, 486, "carol", &[]);
    assert_eq!(world.events(0), [], "another method");
    invite.headers.set(HeaderName::CSeq, "1 INVITE");
    world.reply(&invite, 486, "carol", &[]);
    assert_eq!(refused(&world.event(0)), Some(486), "and this is the one");
}

#[test]
fn a_peer_after_rfc_2543_may_accept_without_a_tag() {
    let mut world = World::alone();
    let call = dial(&mut world);
    let invite = world.hear_request(&Method::Invite);
    let mut response = invite.response(crate::message::StatusCode::OK);
    response.headers.push(HeaderName::Contact, "<sip:carol@192.0.2.77:5070>");
    let mut bytes = Vec::new();
    response.write(&mut bytes);
    world.say(std::str::from_utf8(&bytes).unwrap());
    world.hear_request(&Method::Ack);
    assert!(matches!(world.event(0), Event::Answered { .. }));
    world.with(0, |agent, now| agent.hang_up(now, call));
    world.hear_request(&Method::Bye);
}
