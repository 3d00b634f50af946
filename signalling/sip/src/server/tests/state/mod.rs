//! State that users publish, and what is told of them: RFC 3903, RFC 3856, RFC 4235.

mod publishing;
mod watching;

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

/// The table in `musts-state.md` names tests that exist.
#[test]
fn every_must_of_published_state_names_a_test_that_exists() {
    let (table, tests) = (
        include_str!("../../../../musts-state.md"),
        [include_str!("publishing.rs"), include_str!("watching.rs")].concat(),
    );
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
