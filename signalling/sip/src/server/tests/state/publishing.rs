//! PUBLISH, and what becomes of it.

use super::*;

#[test]
fn what_is_published_is_told_until_it_is_taken_back_and_then_what_is_registered() {
    let mut world = open_world();
    world.register("bob", BOB, "");
    let (_, response) = watch(&mut world, ALICE, "presence", 600);
    assert_eq!(response.headers.get(&HeaderName::Expires), Some("600"));
    assert_eq!(word(&told(&mut world, ALICE)), (Some(true), None), "registered, and nothing is published");
    let first = published(&mut world, BOB, None, &presence(true, "here"));
    assert_eq!(word(&told(&mut world, ALICE)), (Some(true), Some("here")));
    let second = published(&mut world, BOB, Some(&first), &presence(false, "busy"));
    assert_ne!(first, second);
    assert_eq!(word(&told(&mut world, ALICE)), (Some(false), Some("busy")));
    // Refreshed: nothing is told.
    world.say(BOB, PROXY, &publish_presence(BOB, &format!("SIP-If-Match: {second}\r\nExpires: 600\r\n"), ""));
    let third = tag_of(&world.hear_response(BOB, 200));
    assert!(third != second && third != first);
    world.say(BOB, PROXY, &publish_presence(BOB, &format!("SIP-If-Match: {third}\r\nExpires: 0\r\n"), ""));
    let removed = world.hear_response(BOB, 200);
    assert_eq!(removed.headers.get(&HeaderName::Expires), Some("0"));
    assert_eq!(word(&told(&mut world, ALICE)), (Some(true), None));
    let line = |(_, _, text): &(_, _, String)| text.starts_with("NOTIFY");
    assert_eq!(world.log.iter().filter(|entry| line(entry)).count(), 4);
    gone(&mut world);
}

/// A PUBLISH: what it shows, its headers, the kind of its body, the body, and how it is answered.
type Case = (&'static str, String, &'static str, String, u16);

/// `known` is an entity-tag of presence.
fn cases(known: &str) -> Vec<Case> {
    let (good, other) = (presence(true, "other"), dialogs(&[]));
    let large = presence(true, &"x".repeat(20_000));
    let (pidf, nothing, none) = (Presence::KIND, "<nothing/>".to_owned(), String::new());
    let cases: [(&'static str, String, &'static str, &String, u16); 19] = [
        ("no Event", String::new(), pidf, &good, 489),
        ("an unknown package", "Event: winfo\r\n".into(), pidf, &good, 489),
        ("a package in capitals is another", "Event: Presence\r\n".into(), pidf, &good, 489),
        ("a tag that is not kept", format!("{PRESENCE}SIP-If-Match: 0123456789abcdef\r\n"), pidf, &good, 412),
        ("a tag of another's making", format!("{PRESENCE}SIP-If-Match: abc\r\n"), pidf, &good, 412),
        (
            "the tag of another package",
            format!("Event: dialog\r\nSIP-If-Match: {known}\r\n"),
            DialogInfo::KIND,
            &other,
            412,
        ),
        ("two tags", format!("{PRESENCE}SIP-If-Match: {known}, {known}\r\n"), pidf, &good, 400),
        (
            "two tags in two lines",
            format!("{PRESENCE}SIP-If-Match: {known}\r\nSIP-If-Match: x\r\n"),
            pidf,
            &good,
            400,
        ),
        ("too short a time", format!("{PRESENCE}Expires: 5\r\n"), pidf, &good, 423),
        ("a time that is none", format!("{PRESENCE}Expires: soon\r\n"), pidf, &good, 400),
        ("another kind of document", PRESENCE.into(), "text/plain", &good, 415),
        ("a document of another package", PRESENCE.into(), DialogInfo::KIND, &other, 415),
        ("an encoded document", format!("{PRESENCE}Content-Encoding: gzip\r\n"), pidf, &good, 415),
        ("no document at all", PRESENCE.into(), pidf, &nothing, 400),
        ("no body the first time", PRESENCE.into(), pidf, &none, 400),
        ("too large a document", PRESENCE.into(), pidf, &large, 413),
        ("something that is required", format!("{PRESENCE}Require: magic\r\n"), pidf, &good, 420),
        ("nothing to take back", format!("{PRESENCE}Expires: 0\r\n"), pidf, &none, 200),
        ("no time: the usual one", PRESENCE.into(), pidf, &good, 200),
    ];
    let own =
        |(what, more, kind, body, status): (_, _, _, &String, _)| (what, more, kind, body.clone(), status);
    cases.into_iter().map(own).collect()
}

#[test]
fn each_publish_is_answered_as_the_steps_of_the_standard_demand() {
    let mut world = open_world();
    let known = published(&mut world, BOB, None, &presence(true, ""));
    for (what, more, kind, body, status) in cases(&known) {
        world.say(BOB, PROXY, &publish(BOB, &more, kind, &body));
        let response = match world.hear(BOB) {
            crate::message::Message::Response(response) => response,
            other => panic!("{other:?}"),
        };
        assert_eq!(response.status.code(), status, "{what}");
        let headers = &response.headers;
        match status {
            489 => assert_eq!(headers.get(&HeaderName::AllowEvents), Some("dialog, presence"), "{what}"),
            423 => assert_eq!(headers.get(&HeaderName::MinExpires), Some("30"), "{what}"),
            415 => assert!(headers.get(&HeaderName::Accept).is_some(), "{what}"),
            200 => assert!(headers.get(&HeaderName::SipEtag).is_some(), "{what}"),
            _ => {}
        }
        if status != 200 {
            assert!(headers.get(&HeaderName::SipEtag).is_none(), "{what}");
        }
        for name in [HeaderName::Contact, HeaderName::RecordRoute] {
            assert!(headers.get(&name).is_none(), "{what}");
        }
    }
    let server = &world.servers[&addr(PROXY)];
    assert_eq!(server.watched(), (2, 0), "what was refused changed nothing");
    world.say(
        BOB,
        PROXY,
        &publish(BOB, PRESENCE, Presence::KIND, &presence(true, "")).replacen(URI, "sip:home.example", 1),
    );
    world.hear_response(BOB, 404);
    gone(&mut world);
}

#[test]
fn a_publish_that_comes_again_hears_the_same_and_its_tag_is_good_once() {
    let mut world = open_world();
    let text = publish_presence(BOB, "Record-Route: <sip:192.0.2.9;lr>\r\n", &presence(true, ""));
    world.say(BOB, PROXY, &text);
    let first = world.hear_response(BOB, 200);
    world.say(BOB, PROXY, &text);
    assert_eq!(world.hear_response(BOB, 200), first);
    let tag = tag_of(&first);
    published(&mut world, BOB, Some(&tag), &presence(false, ""));
    let again = publish_presence(BOB, &format!("SIP-If-Match: {tag}\r\n"), &presence(true, ""));
    world.say(BOB, PROXY, &again);
    world.hear_response(BOB, 412);
    assert_eq!(world.servers[&addr(PROXY)].watched(), (1, 0));
    gone(&mut world);
}

#[test]
fn publications_and_registrations_that_end_by_themselves_are_told() {
    let mut world = open_world();
    world.register("bob", BOB, ";expires=1000");
    watch(&mut world, ALICE, "presence", 3_600);
    told(&mut world, ALICE);
    published(&mut world, BOB, None, &presence(true, "here"));
    told(&mut world, ALICE);
    world.run(Duration::from_secs(590));
    let (open, note, state) = told(&mut world, ALICE);
    assert_eq!((open, note), (Some(true), None), "ten minutes later the publication has ended");
    assert!(state.starts_with("active;expires=29"), "{state}");
    world.run(Duration::from_secs(390));
    assert_eq!(word(&told(&mut world, ALICE)), (Some(false), None), "and the registration after that");
    world.run(Duration::from_secs(2_590));
    let (open, _, state) = told(&mut world, ALICE);
    assert_eq!((open, state.as_str()), (Some(false), "terminated;reason=timeout"));
    gone(&mut world);
}

#[test]
fn each_user_publishes_for_itself_alone_and_proves_it() {
    let mut world = World::new(vec![config(PROXY, &[("alice", "wonder"), ("bob", "zanzibar")])]);
    let body = presence(true, "");
    for (user, password, status) in
        [("bob", "zanzibar", 200), ("alice", "wonder", 403), ("bob", "wrong", 401)]
    {
        world.say(BOB, PROXY, &publish_presence(BOB, "", &body));
        let asked = world.hear_response(BOB, 401);
        let answer = authorization(&asked, user, password, "PUBLISH", URI);
        world.say(BOB, PROXY, &publish_presence(BOB, &answer, &body));
        world.hear_response(BOB, status);
    }
    assert_eq!(world.servers[&addr(PROXY)].watched(), (1, 0));
    // Without passwords, at least not in another's name.
    let mut world = open_world();
    world.say(
        BOB,
        PROXY,
        &publish_presence(BOB, "", &body)
            .replace("<sip:bob@home.example>;tag=b", "<sip:eve@home.example>;tag=b"),
    );
    world.hear_response(BOB, 403);
}

#[test]
fn publications_and_watchers_are_bounded_for_each_and_for_all() {
    let mut config = config(PROXY, &[]);
    config.state.limits = StateLimits {
        publications_per_user: 2,
        publications: 3,
        watchers_per_user: 2,
        watchers_per_source: 3,
        watchers: 4,
        ..StateLimits::default()
    };
    let mut world = World::new(vec![config]);
    let say = |world: &mut World, at: &str, text: String| {
        world.say(at, PROXY, &text);
        loop {
            match world.hear(at) {
                crate::message::Message::Response(response) => return response.status.code(),
                crate::message::Message::Request(notify) => world.reply(at, &notify, 200, &[]),
            }
        }
    };
    let publish = |user: &str| {
        publish_presence(BOB, "", &presence(true, "")).replace("sip:bob@", &format!("sip:{user}@"))
    };
    let answers: Vec<u16> =
        ["bob", "bob", "bob", "ann", "zoe"].iter().map(|user| say(&mut world, BOB, publish(user))).collect();
    assert_eq!(answers, [200, 200, 503, 200, 503]);
    let watch =
        |at: &str, user: &str| request("SUBSCRIBE", &format!("sip:{user}@home.example"), at, PRESENCE);
    let cases = [
        (ALICE, "bob", 200),
        (ALICE, "bob", 200),
        (ALICE, "bob", 403),
        (ALICE, "ann", 200),
        (ALICE, "zoe", 403),
        (CAROL, "zoe", 200),
        (CAROL, "max", 503),
    ];
    for (number, (at, user, status)) in cases.into_iter().enumerate() {
        assert_eq!(say(&mut world, at, watch(at, user)), status, "{number}");
    }
    assert_eq!(world.servers[&addr(PROXY)].watched(), (3, 4));
    // Nobody answers what is told now: they are forgotten.
    world.run(Duration::from_secs(60));
    gone(&mut world);
}
