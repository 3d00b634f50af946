//! The registrations of RFC 3665 §2, with passwords and over lossy paths.

use super::world::{PROXY, World, addr, authorization, config, register};
use crate::message::{HeaderName, Response};

const BOB: &str = "192.0.2.12:5060";

fn world() -> World {
    World::new(vec![config(PROXY, &[("bob", "zanzibar")])])
}

/// Sends a REGISTER, answers the challenge, and hears what comes then.
fn registered(world: &mut World, contact: &str, password: &str, status: u16) -> Response {
    let line = |text: String| {
        let own = text.lines().find(|line| line.starts_with("Contact")).unwrap().to_owned();
        text.replace(&format!("{own}\r\n"), contact).replace("Call-ID: reg-", "Call-ID: all-")
    };
    world.say(BOB, PROXY, &line(register("bob", BOB, "", "")));
    let asked = world.hear_response(BOB, 401);
    let answer = authorization(&asked, "bob", password, "REGISTER", "sip:home.example");
    world.say(BOB, PROXY, &line(register("bob", BOB, "", &answer)));
    world.hear_response(BOB, status)
}

fn contacts(response: &Response) -> Vec<String> {
    response.headers.all(&HeaderName::Contact).map(str::to_owned).collect()
}

/// §2.1 successful new registration, §2.2 update of contact list, §2.3 request for current contact list, §2.4
/// cancellation.
#[test]
fn a_user_registers_adds_asks_and_cancels() {
    let mut world = world();
    let one = "Contact: <sip:bob@192.0.2.12>\r\n";
    let two = "Contact: <mailto:bob@home.example>\r\n";
    assert_eq!(
        contacts(&registered(&mut world, one, "zanzibar", 200)),
        ["<sip:bob@192.0.2.12>;expires=3600"]
    );
    assert_eq!(contacts(&registered(&mut world, two, "zanzibar", 200)).len(), 2);
    let listed = registered(&mut world, "", "zanzibar", 200);
    assert_eq!(contacts(&listed).len(), 2);
    assert!(contacts(&listed)[1].starts_with("<mailto:bob@home.example>;expires="));
    let gone = registered(&mut world, "Contact: *\r\nExpires: 0\r\n", "zanzibar", 200);
    assert_eq!(contacts(&gone), [""; 0]);
    assert_eq!(world.servers[&addr(PROXY)].bindings(), 0);
    world.finish();
}

/// §2.5 unsuccessful registration.
#[test]
fn a_wrong_password_is_asked_again_and_binds_nothing() {
    let mut world = world();
    let refused = registered(&mut world, "Contact: <sip:bob@192.0.2.12>\r\n", "destroyer", 401);
    assert!(refused.headers.get(&HeaderName::WwwAuthenticate).unwrap().contains("SHA-512-256"));
    assert!(!refused.headers.get(&HeaderName::WwwAuthenticate).unwrap().contains("stale"));
    assert_eq!(world.servers[&addr(PROXY)].bindings(), 0);
}

/// An answer that was seen on its way is of no use to anybody else, nor a second time.
#[test]
fn an_answer_is_good_once_and_for_its_sender_alone() {
    let mut world = world();
    world.say(BOB, PROXY, &register("bob", BOB, "", ""));
    let asked = world.hear_response(BOB, 401);
    let answer = authorization(&asked, "bob", "zanzibar", "REGISTER", "sip:home.example");
    world.say(BOB, PROXY, &register("bob", BOB, "", &answer));
    world.hear_response(BOB, 200);
    for thief in [BOB, "192.0.2.66:5060"] {
        world.say(thief, PROXY, &register("bob", thief, "", &answer));
        let refused = world.hear_response(thief, 401);
        assert!(refused.headers.get(&HeaderName::WwwAuthenticate).unwrap().contains("stale=true"));
    }
    assert_eq!(world.servers[&addr(PROXY)].bindings(), 1);
}
