//! Events watched and told, and state that is published (RFC 6665, RFC 3903).

use core::time::Duration;

use super::{peer::*, world::*};
use crate::{
    event::{CONFERENCE, Conference, EventState, PRESENCE, Part, Presence, Reason, State, User},
    message::{HeaderName, Message, Method, Request},
    transport::Hop,
    ua::{Event, Failure, Publishing, Subscribing, SubscriptionId, UaConfig},
};

fn watching(hop: Hop, expires: u64) -> Subscribing {
    Subscribing {
        hops: vec![hop],
        uri: "sip:carol@example.com".parse().unwrap(),
        from: "<sip:bob@example.com>".parse().unwrap(),
        package: PRESENCE.into(),
        accept: Presence::KIND.into(),
        expires: Duration::from_secs(expires),
        headers: Vec::new(),
    }
}

fn alone(expires: u64) -> (World, SubscriptionId, Request) {
    let mut world = World::alone();
    let hop = Hop::udp(world.phones[0].address, peer());
    let id = world.with(0, |agent, now| agent.subscribe(now, watching(hop, expires)));
    let request = world.hear_request(&Method::Subscribe);
    (world, id, request)
}

/// NOTIFY of the peer in the dialog of `subscribe`.
fn notify(subscribe: &Request, number: u32, state: &str, tag: &str) -> String {
    let headers = &subscribe.headers;
    format!(
        "NOTIFY sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {PEER};branch=z9hG4bKn{tag}{number}\r\n\
         From: <sip:carol@example.com>;tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {number} NOTIFY\r\n\
         Contact: <sip:carol@{PEER}>\r\nEvent: presence\r\nSubscription-State: {state}\r\n\r\n",
        headers.get(&HeaderName::From).unwrap(),
        headers.call_id().unwrap()
    )
}

fn granted(world: &mut World, request: &Request, seconds: &str) {
    let contact = format!("<sip:carol@{PEER}>");
    world.reply(request, 200, "carol", &[(HeaderName::Expires, seconds), (HeaderName::Contact, &contact)]);
}

#[test]
fn a_watcher_is_told_at_once_then_with_each_change_and_at_the_end() {
    let mut world = World::pair();
    let hop = Hop::udp(world.phones[0].address, world.phones[1].address);
    let state = |text: &str| Some((Presence::KIND.to_owned(), text.as_bytes().to_vec()).into());
    world.with(1, |agent, now| agent.set_state(now, PRESENCE, state("open")));
    let id = world.with(0, |agent, now| agent.subscribe(now, watching(hop, 600)));
    let told = |event: Event| match event {
        Event::Notified { subscription, state, body, .. } => {
            assert_eq!(subscription, id);
            (matches!(state, State::Active(_)), String::from_utf8(body).unwrap())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(world.event(0)), (true, "open".into()));
    assert!(matches!(world.event(1), Event::Watched { .. }));
    world.with(1, |agent, now| agent.set_state(now, PRESENCE, state("closed")));
    assert_eq!(told(world.event(0)), (true, "closed".into()));
    world.run(Duration::from_secs(1_500));
    assert_eq!(world.timed("SUBSCRIBE").len(), 3, "refreshed before it expires: {:?}", world.log);
    world.events(0);
    world.with(0, |agent, now| agent.unsubscribe(now, id));
    assert_eq!(told(world.event(0)), (false, "closed".into()));
    let over = Event::SubscriptionEnded {
        subscription: id,
        reason: Some(Reason::Timeout),
        retry_after: None,
        failure: None,
    };
    assert_eq!(world.event(0), over);
    world.run(Duration::from_secs(60));
    assert_eq!(world.phones[1].agent.watchers(), 0);
    world.finish();
}

#[test]
fn a_notify_that_overtakes_the_answer_makes_the_dialog_and_a_fork_of_it_is_refused() {
    let (mut world, id, subscribe) = alone(600);
    world.ask(&notify(&subscribe, 1, "active;expires=600", "carol"), 200);
    assert!(matches!(world.event(0), Event::Notified { subscription, .. } if subscription == id));
    world.ask(&notify(&subscribe, 1, "active", "other"), 481);
    granted(&mut world, &subscribe, "600");
    world.ask(&notify(&subscribe, 3, "active", "carol"), 200);
    world.ask(&notify(&subscribe, 2, "active", "carol"), 500);
    let again = world.await_request(&Method::Subscribe, 520);
    assert_eq!(again.headers.to().unwrap().tag(), Some("carol"));
    assert_eq!(again.headers.cseq().unwrap().number, 2);
}

#[test]
fn a_notify_of_no_subscription_or_of_another_event_is_refused() {
    let (mut world, _, subscribe) = alone(600);
    granted(&mut world, &subscribe, "600");
    let fine = notify(&subscribe, 1, "active", "carol");
    world.ask(&fine.replace("Event: presence", "Event: dialog"), 489);
    world.ask(&fine.replace("Call-ID: ", "Call-ID: x").replace("bKncarol1", "bKa"), 481);
    world.ask(&fine.replace(";tag=", ";tag=f").replace("bKncarol1", "bKb"), 481);
    world.ask(&fine.replace("Subscription-State: active\r\n", "").replace("bKncarol1", "bKc"), 400);
    assert_eq!(world.events(0), []);
}

#[test]
fn a_subscription_that_is_never_notified_of_ends_when_it_expires() {
    let (mut world, id, subscribe) = alone(0);
    granted(&mut world, &subscribe, "0");
    match world.event(0) {
        Event::SubscriptionEnded { subscription, reason: Some(Reason::Timeout), .. } => {
            assert_eq!(subscription, id);
        }
        other => panic!("{other:?}"),
    }
    world.finish();
}

#[test]
fn a_refusal_ends_it_and_is_told() {
    let (mut world, id, subscribe) = alone(600);
    world.reply(&subscribe, 489, "x", &[]);
    match world.event(0) {
        Event::SubscriptionEnded { subscription, failure: Some(Failure::Status { code, .. }), .. } => {
            assert_eq!((subscription, code.code()), (id, 489));
        }
        other => panic!("{other:?}"),
    }
    world.finish();
}

#[test]
fn what_nobody_has_given_a_state_for_cannot_be_watched() {
    let mut world = World::alone();
    let text = |event: &str, more: &str| {
        let lines = format!("Contact: <sip:carol@{PEER}>\r\n{event}{more}");
        request("SUBSCRIBE", "sip:bob@192.0.2.1", "z9hG4bKs", "<sip:bob@192.0.2.1>", 1, &lines)
    };
    world.ask(&text("Event: dialog\r\n", ""), 489);
    world.ask(&text("", ""), 489);
    world
        .with(0, |agent, now| agent.set_state(now, PRESENCE, Some(("a/b".to_owned(), b"x".to_vec()).into())));
    let refused = world.ask(&text("Event: dialog\r\n", ""), 489);
    assert_eq!(refused.headers.get(&HeaderName::AllowEvents), Some("presence"));
    let brief = world.ask(&text("Event: presence\r\n", "Expires: 5\r\n"), 423);
    assert_eq!(brief.headers.get(&HeaderName::MinExpires), Some("30"));
}

#[test]
fn published_state_is_refreshed_without_its_body_and_begun_anew_when_its_name_is_lost() {
    let mut world = World::alone();
    let wanted = Publishing {
        hops: vec![Hop::udp(world.phones[0].address, peer())],
        entity: "<sip:bob@example.com>".parse().unwrap(),
        package: PRESENCE.into(),
        kind: Presence::KIND.into(),
        body: b"open".to_vec(),
        expires: Duration::from_secs(600),
        headers: Vec::new(),
    };
    let id = world.with(0, |agent, now| agent.publish(now, wanted));
    let (tag, name): (HeaderName, HeaderName) =
        ("SIP-ETag".parse().unwrap(), "SIP-If-Match".parse().unwrap());
    let first = world.hear_request(&Method::Publish);
    assert_eq!((first.headers.get(&name), first.body.as_slice()), (None, &b"open"[..]));
    world.reply(&first, 200, "x", &[(tag.clone(), "e1"), (HeaderName::Expires, "600")]);
    assert!(matches!(world.event(0), Event::Published { publication, .. } if publication == id));
    let second = world.await_request(&Method::Publish, 520);
    assert_eq!((second.headers.get(&name), second.body.as_slice()), (Some("e1"), &b""[..]));
    world.reply(&second, 412, "x", &[]);
    let third = world.hear_request(&Method::Publish);
    assert_eq!((third.headers.get(&name), third.body.as_slice()), (None, &b"open"[..]));
    world.reply(&third, 200, "x", &[(tag, "e2"), (HeaderName::Expires, "600")]);
    world.event(0);
    world.with(0, |agent, now| agent.unpublish(now, id));
    let last = world.hear_request(&Method::Publish);
    assert_eq!((last.headers.get(&name), last.headers.expires()), (Some("e2"), Ok(Some(0))));
    world.reply(&last, 200, "x", &[]);
    assert_eq!(world.event(0), Event::Unpublished { publication: id });
    world.finish();
}

#[test]
fn a_conference_is_told_whole_then_by_what_changed_and_whole_again_when_it_is_asked_for_again() {
    let mut world = World::pair();
    let hop = Hop::udp(world.phones[0].address, world.phones[1].address);
    let with = |names: &[&str]| {
        let user = |name: &&str| User { entity: format!("sip:{name}@example.com"), ..User::default() };
        let users: Vec<User> = names.iter().map(user).collect();
        Some(EventState::Conference(Conference { users, ..Conference::default() }))
    };
    world.with(1, |agent, now| agent.set_state(now, CONFERENCE, with(&["a", "b"])));
    let wanted =
        Subscribing { package: CONFERENCE.into(), accept: Conference::KIND.into(), ..watching(hop, 600) };
    world.with(0, |agent, now| agent.subscribe(now, wanted));
    let told = |world: &mut World| match world.event(0) {
        Event::Notified { body, .. } => {
            let read = Conference::read(&body).unwrap();
            let users = read.users.iter().map(|user| user.part).collect::<Vec<_>>();
            (read.version, read.part, users)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&mut world), (0, Part::Full, vec![Part::Full, Part::Full]));
    world.with(1, |agent, now| agent.set_state(now, CONFERENCE, with(&["b", "c"])));
    assert_eq!(told(&mut world), (1, Part::Partial, vec![Part::Full, Part::Deleted]));
    world.run(Duration::from_secs(520));
    assert_eq!(told(&mut world), (2, Part::Full, vec![Part::Full, Part::Full]));
}

#[test]
fn an_owner_that_hears_who_watches_may_bring_its_state_up_to_date_before_that_is_told() {
    let mut world = World::alone();
    let state = |text: &str| Some((Presence::KIND.to_owned(), text.as_bytes().to_vec()).into());
    world.with(0, |agent, now| agent.set_state(now, PRESENCE, state("old")));
    let lines = format!("Contact: <sip:carol@{PEER}>\r\nEvent: presence\r\n");
    let subscribe = request("SUBSCRIBE", "sip:bob@192.0.2.1", "z9hG4bKs", "<sip:bob@192.0.2.1>", 1, &lines);
    world.say(&subscribe);
    world.hear_response(200);
    assert_eq!(world.hear_request(&Method::Notify).body, b"old", "an owner that does nothing");
}

#[test]
fn subscriptions_are_bounded_for_each_source() {
    let mut world = World::alone();
    world
        .with(0, |agent, now| agent.set_state(now, PRESENCE, Some(("a/b".to_owned(), b"x".to_vec()).into())));
    let most = UaConfig::default().max_watchers_per_source;
    let subscribe = |number: usize| {
        let lines = format!("Contact: <sip:carol@{PEER}>\r\nEvent: presence\r\n");
        request(
            "SUBSCRIBE",
            "sip:bob@192.0.2.1",
            &format!("z9hG4bKs{number}"),
            "<sip:bob@192.0.2.1>",
            1,
            &lines,
        )
    };
    let mut refused = 0;
    for number in 0..most + 3 {
        world.say(&subscribe(number));
        loop {
            match world.hear() {
                Message::Request(notify) => world.reply(&notify, 200, "", &[]),
                Message::Response(response)
                    if response.headers.cseq().unwrap().method == Method::Subscribe =>
                {
                    refused += usize::from(response.status.code() == 403);
                    break;
                }
                Message::Response(_) => {}
            }
        }
    }
    assert_eq!((refused, world.phones[0].agent.watchers()), (3, most));
}
