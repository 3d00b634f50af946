//! Who watches, and what they are told.

use super::*;

#[test]
fn registering_and_leaving_changes_presence() {
    let mut world = open_world();
    watch(&mut world, ALICE, "presence", 600);
    assert_eq!(told(&mut world, ALICE).0, Some(false));
    world.register("bob", BOB, "");
    assert_eq!(told(&mut world, ALICE).0, Some(true));
    world.register("bob", BOB, ";expires=0");
    assert_eq!(told(&mut world, ALICE).0, Some(false));
    gone(&mut world);
}

#[test]
fn a_watcher_asks_once_or_refreshes_or_ends_inside_its_dialog() {
    let mut world = open_world();
    watch(&mut world, CAROL, "presence", 0);
    assert_eq!(told(&mut world, CAROL).2, "terminated;reason=timeout");
    assert_eq!(world.servers[&addr(PROXY)].watched(), (0, 0), "a question leaves nothing behind");
    let (text, response) = watch(&mut world, ALICE, "presence", 600);
    let first = notified(&mut world, ALICE);
    assert_eq!(first.headers.get(&HeaderName::Event), Some("presence;id=7"));
    let tagged = response.headers.get(&HeaderName::To).unwrap().to_owned();
    let target = response.headers.contact().unwrap().unwrap().uri.to_string();
    let inside = |number: u32, event: &str, expires: u32, to: &str| {
        let first_line = text.lines().next().unwrap();
        let own = text.lines().find(|line| line.starts_with("Via")).unwrap();
        let cseq = text.lines().find(|line| line.starts_with("CSeq")).unwrap();
        text.replace(first_line, &format!("SUBSCRIBE {target} SIP/2.0"))
            .replace(own, &format!("{own}n{number}"))
            .replace(cseq, &format!("CSeq: {number} SUBSCRIBE"))
            .replace(&format!("To: <{URI}>"), &format!("To: {to}"))
            .replace("presence;id=7", event)
            .replace("Expires: 600", &format!("Expires: {expires}"))
    };
    world.say(ALICE, PROXY, &inside(9_000, "presence;id=7", 1_200, &tagged));
    assert_eq!(world.hear_response(ALICE, 200).headers.get(&HeaderName::Expires), Some("1200"));
    assert_eq!(told(&mut world, ALICE).2, "active;expires=1200");
    world.say(ALICE, PROXY, &inside(9_001, "presence;id=8", 600, &tagged));
    world.hear_response(ALICE, 481);
    world.say(ALICE, PROXY, &inside(8_000, "presence;id=7", 600, &tagged));
    world.hear_response(ALICE, 500);
    world.say(ALICE, PROXY, &inside(9_002, "presence;id=7", 0, &tagged));
    world.hear_response(ALICE, 200);
    assert_eq!(told(&mut world, ALICE).2, "terminated;reason=timeout");
    world.say(ALICE, PROXY, &inside(9_003, "presence;id=7", 600, &tagged));
    assert!(matches!(world.hear(ALICE), crate::message::Message::Response(one) if one.status.code() >= 400));
    gone(&mut world);
}

#[test]
fn several_devices_are_told_together_and_dialogs_are_counted_for_each_watcher() {
    let mut world = open_world();
    published(&mut world, BOB, None, &presence(false, "desk"));
    published(&mut world, CAROL, None, &presence(true, "mobile"));
    watch(&mut world, ALICE, "presence", 600);
    let both = Presence::read(&notified(&mut world, ALICE).body).unwrap();
    let ids: Vec<&str> = both.tuples.iter().map(|tuple| tuple.id.as_str()).collect();
    assert_eq!((both.is_open(), ids.as_slice()), (Some(true), ["p1-t", "p2-t"].as_slice()));
    let dialog = |body: &str| publish(BOB, "Event: dialog\r\n", DialogInfo::KIND, body);
    world.say(BOB, PROXY, &dialog(&dialogs(&[DialogState::Confirmed])));
    let tag = tag_of(&world.hear_response(BOB, 200));
    watch(&mut world, ALICE, "dialog", 600);
    let first = DialogInfo::read(&notified(&mut world, ALICE).body).unwrap();
    assert_eq!((first.version, first.full, first.dialogs[0].state), (0, true, DialogState::Confirmed));
    let next = format!("Event: dialog\r\nSIP-If-Match: {tag}\r\n");
    world.say(BOB, PROXY, &publish(BOB, &next, DialogInfo::KIND, &dialogs(&[])));
    world.hear_response(BOB, 200);
    let second = DialogInfo::read(&notified(&mut world, ALICE).body).unwrap();
    assert_eq!((second.version, second.dialogs.len()), (1, 0));
    gone(&mut world);
}

/// What `at` is answered to a SUBSCRIBE for `whom` that it has proved to send, but for what names the request.
fn answered(world: &mut World, at: &str, user: Option<(&str, &str)>, whom: &str) -> (u16, String) {
    let uri = format!("sip:{whom}@home.example");
    let ask = |more: &str| {
        let name = user.map_or("<sip:eve@elsewhere.example>".to_owned(), |(name, _)| {
            format!("<sip:{name}@home.example>")
        });
        let text = request("SUBSCRIBE", &uri, at, &format!("{PRESENCE}{more}"));
        text.replace("<sip:alice@home.example>;tag=a", &format!("{name};tag=a"))
    };
    world.say(at, PROXY, &ask(""));
    let mut response = match world.hear(at) {
        crate::message::Message::Response(response) => response,
        other => panic!("{other:?}"),
    };
    if let (407, Some((name, password))) = (response.status.code(), user) {
        let answer = authorization(&response, name, password, "SUBSCRIBE", &uri);
        world.say(at, PROXY, &ask(&answer));
        response = match world.hear(at) {
            crate::message::Message::Response(response) => response,
            other => panic!("{other:?}"),
        };
    }
    let code = response.status.code();
    for name in [HeaderName::Via, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        response.headers.remove(&name);
    }
    (code, format!("{response:?}"))
}

#[test]
fn who_may_not_watch_hears_the_same_of_users_that_do_not_exist() {
    let users = [("alice", "wonder"), ("bob", "zanzibar"), ("carol", "secret")];
    let mut config: SipServerConfig = config(PROXY, &users);
    config.state.shown_to.insert("bob".into(), ["carol".to_owned()].into());
    let mut world = World::new(vec![config]);
    let mut hear = |user, whom| answered(&mut world, ALICE, user, whom);
    let alice = Some(("alice", "wonder"));
    assert_eq!(hear(alice, "bob"), hear(alice, "nobody"));
    assert_eq!(hear(alice, "bob").0, 403);
    assert_eq!(hear(None, "bob"), hear(None, "nobody"));
    assert_eq!(hear(None, "carol").0, 403, "of another domain");
    assert_eq!(hear(Some(("alice", "wrong")), "carol").0, 407);
    assert_eq!(world.servers[&addr(PROXY)].watched(), (0, 0));
    let mut hear = |user, whom| answered(&mut world, CAROL, user, whom).0;
    assert_eq!(hear(Some(("carol", "secret")), "bob"), 200, "he is shown to her");
    notified(&mut world, CAROL);
    let mut hear = |user, whom| answered(&mut world, BOB, user, whom).0;
    assert_eq!(hear(Some(("bob", "zanzibar")), "bob"), 200, "to himself always");
    notified(&mut world, BOB);
    gone(&mut world);
}

#[test]
fn anybody_or_nobody_may_watch_where_the_configuration_says_so() {
    for (watching, expected) in [(Watching::Anybody, 200), (Watching::Nobody, 403)] {
        let mut config = config(PROXY, &[("bob", "zanzibar")]);
        config.state.watching = watching;
        let mut world = World::new(vec![config]);
        assert_eq!(answered(&mut world, ALICE, None, "bob").0, expected, "{watching:?}");
    }
}

#[test]
fn changes_are_told_once_a_second_at_most_and_the_last_one_is() {
    let mut world = open_world();
    watch(&mut world, ALICE, "presence", 600);
    told(&mut world, ALICE);
    world.run(Duration::from_secs(2));
    let mut tag = published(&mut world, BOB, None, &presence(true, "0"));
    let begun = world.now.mono;
    for number in 1..=10 {
        tag = published(&mut world, BOB, Some(&tag), &presence(true, &number.to_string()));
    }
    let heard: Vec<_> = (0..2).map(|_| told(&mut world, ALICE).1.unwrap()).collect();
    assert_eq!(heard, ["0", "10"]);
    assert!(world.now.mono.since(begun) >= Duration::from_millis(900));
    gone(&mut world);
}

#[test]
fn dialogs_that_nobody_has_published_are_asked_of_the_device() {
    let mut world = open_world();
    world.register("bob", BOB, "");
    world.say(ALICE, PROXY, &request("SUBSCRIBE", URI, ALICE, "Event: dialog\r\n"));
    let passed = world.hear_request(BOB, "SUBSCRIBE");
    assert_eq!(passed.headers.get(&HeaderName::Event), Some("dialog"));
}
