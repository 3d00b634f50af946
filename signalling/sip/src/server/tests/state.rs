//! State that users publish, and what is told of them: RFC 3903, RFC 3856, RFC 4235.

use core::time::Duration;

use super::world::{PROXY, World, addr, authorization, config, request};
use crate::{
    event::{DialogEntry, DialogInfo, DialogState, Presence, Tuple},
    message::{HeaderName, Request, Response},
    server::{SipServerConfig, StateLimits, Watching},
};

const ALICE: &str = "192.0.2.11:5060";
const BOB: &str = "192.0.2.12:5060";
const CAROL: &str = "192.0.2.13:5060";
const URI: &str = "sip:bob@home.example";

fn open_world() -> World {
    World::new(vec![config(PROXY, &[])])
}

fn presence(open: bool, note: &str) -> String {
    let tuple = Tuple { id: "t".into(), open: Some(open), note: Some(note.into()), ..Tuple::default() };
    Presence { entity: URI.into(), tuples: vec![tuple], note: None }.write()
}

fn dialogs(states: &[DialogState]) -> String {
    let one = |state: &DialogState| DialogEntry {
        id: "d".into(),
        call_id: None,
        local_tag: None,
        remote_tag: None,
        initiator: None,
        state: *state,
        remote: None,
    };
    DialogInfo { version: 3, full: true, entity: URI.into(), dialogs: states.iter().map(one).collect() }
        .write()
}

/// PUBLISH of bob for himself, from `at`.
fn publish(at: &str, more: &str, kind: &str, body: &str) -> String {
    let content = match body {
        "" => String::new(),
        _ => format!("Content-Type: {kind}\r\n"),
    };
    let text = request("PUBLISH", URI, at, &format!("{more}{content}"));
    let text = text.replace("<sip:alice@home.example>;tag=a", "<sip:bob@home.example>;tag=b");
    text.replace("Content-Length: 0", &format!("Content-Length: {}", body.len())) + body
}

const PRESENCE: &str = "Event: presence\r\n";

fn publish_presence(at: &str, more: &str, body: &str) -> String {
    publish(at, &format!("{PRESENCE}{more}"), Presence::KIND, body)
}

fn tag_of(response: &Response) -> String {
    response.headers.get(&HeaderName::SipEtag).unwrap().to_owned()
}

/// Publishes presence from `at`; answers the entity-tag.
fn published(world: &mut World, at: &str, known: Option<&str>, body: &str) -> String {
    let known = known.map(|tag| format!("SIP-If-Match: {tag}\r\n")).unwrap_or_default();
    world.say(at, PROXY, &publish_presence(at, &format!("Expires: 600\r\n{known}"), body));
    tag_of(&world.hear_response(at, 200))
}

/// Watches bob from `at`; answers the SUBSCRIBE and what it was answered.
fn watch(world: &mut World, at: &str, package: &str, expires: u32) -> (String, Response) {
    let text = request("SUBSCRIBE", URI, at, &format!("Event: {package};id=7\r\nExpires: {expires}\r\n"));
    world.say(at, PROXY, &text);
    let response = world.hear_response(at, 200);
    (text, response)
}

/// The next NOTIFY at `at`, answered.
fn notified(world: &mut World, at: &str) -> Request {
    let notify = world.hear_request(at, "NOTIFY");
    world.reply(at, &notify, 200, &[]);
    notify
}

/// What the next NOTIFY says: whether bob is open, the note, and how the subscription stands.
fn told(world: &mut World, at: &str) -> (Option<bool>, Option<String>, String) {
    let notify = notified(world, at);
    let read = Presence::read(&notify.body).unwrap();
    let state = notify.headers.get(&HeaderName::SubscriptionState).unwrap().to_owned();
    (read.is_open(), read.tuples.first().and_then(|tuple| tuple.note.clone()), state)
}

fn word(told: &(Option<bool>, Option<String>, String)) -> (Option<bool>, Option<&str>) {
    (told.0, told.1.as_deref())
}

fn gone(world: &mut World) {
    world.run(Duration::from_secs(4_000));
    assert_eq!(world.servers[&addr(PROXY)].watched(), (0, 0), "everything ends by itself");
    assert_eq!(world.servers[&addr(PROXY)].kept(), 0);
    world.finish();
}

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

#[test]
fn each_publish_is_answered_as_the_steps_of_the_standard_demand() {
    let mut world = open_world();
    let known = published(&mut world, BOB, None, &presence(true, ""));
    let (good, other) = (presence(true, "other"), dialogs(&[]));
    let large = presence(true, &"x".repeat(20_000));
    let pidf = Presence::KIND;
    let cases: &[(&str, String, &str, &str, u16)] = &[
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
        ("no document at all", PRESENCE.into(), pidf, "<nothing/>", 400),
        ("no body the first time", PRESENCE.into(), pidf, "", 400),
        ("too large a document", PRESENCE.into(), pidf, &large, 413),
        ("something that is required", format!("{PRESENCE}Require: magic\r\n"), pidf, &good, 420),
        ("nothing to take back", format!("{PRESENCE}Expires: 0\r\n"), pidf, "", 200),
        ("no time: the usual one", PRESENCE.into(), pidf, &good, 200),
    ];
    for (what, more, kind, body, status) in cases {
        world.say(BOB, PROXY, &publish(BOB, more, kind, body));
        let response = match world.hear(BOB) {
            crate::message::Message::Response(response) => response,
            other => panic!("{other:?}"),
        };
        assert_eq!(response.status.code(), *status, "{what}");
        let headers = &response.headers;
        match status {
            489 => assert_eq!(headers.get(&HeaderName::AllowEvents), Some("dialog, presence"), "{what}"),
            423 => assert_eq!(headers.get(&HeaderName::MinExpires), Some("30"), "{what}"),
            415 => assert!(headers.get(&HeaderName::Accept).is_some(), "{what}"),
            200 => assert!(headers.get(&HeaderName::SipEtag).is_some(), "{what}"),
            _ => {}
        }
        if *status != 200 {
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
        &publish(BOB, PRESENCE, Presence::KIND, &good).replacen(URI, "sip:home.example", 1),
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

/// The table in `musts-state.md` names tests that exist.
#[test]
fn every_must_of_published_state_names_a_test_that_exists() {
    let (table, tests) = (include_str!("../../../musts-state.md"), include_str!("state.rs"));
    let header = |line: &str| line.starts_with("| § ");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ") && !header(line)).collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        let how = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<_> = how.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() || how.contains("excepted: "), "neither test nor reason: {row}");
        for name in named {
            assert!(tests.contains(&format!("fn {name}(")), "{name} is no test: {row}");
        }
    }
}
