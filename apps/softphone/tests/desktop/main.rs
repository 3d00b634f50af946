//! The program on a desktop without a screen: two of them call each other, one is found by a second start, a
//! screen reader goes through one, and the desktop shows who calls.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod display;
mod programs;
mod reader;

use programs::{Desktop, Softphone};

#[test]
fn two_windows_call_each_other_and_are_ordered_from_outside() {
    let Some([left, right]) = Desktop::two() else { return };
    let Some([mut alice, mut bob]) = Softphone::two([&left, &right]) else { return };
    let target = format!("sip:bob@{}", bob.address());
    assert_eq!(alice.started_again_with(&target), Ok(String::new()), "the first window takes the link");
    assert!(alice.status()["calls"].as_array().unwrap().is_empty(), "a link alone calls nobody");
    left.picture("link");
    alice.ctl(&["call", &target]).unwrap();
    alice.until("it rings", |status| status["calls"][0]["state"] == "ringing");
    bob.until("somebody calls", |status| status["calls"][0]["state"] == "incoming");
    right.picture("incoming");
    bob.ctl(&["answer"]).unwrap();
    for phone in [&mut alice, &mut bob] {
        phone.until("they talk", |status| status["calls"][0]["state"] == "up");
        phone.until("it is measured", |status| status["calls"][0]["mos"].is_number());
        phone.until("the other side is heard", |status| {
            status["calls"][0]["heard_dbov"].as_f64().is_some_and(|level| level > -50.0)
        });
    }
    bob.ctl(&["toggle-mute"]).unwrap();
    assert_eq!(bob.status()["calls"][0]["muted"], true);
    left.picture("talking");
    right.picture("muted");
    alice.ctl(&["hang-up"]).unwrap();
    bob.until("it is over", |status| status["calls"][0]["state"] == "over-peer-hung-up");
    assert!(bob.ctl(&["answer"]).unwrap_err().contains("nobody calls"));
    for phone in [alice, bob] {
        phone.quit();
    }
}

#[test]
fn a_screen_reader_goes_through_the_screens_and_finds_a_name_for_every_control() {
    let Some(desktop) = Desktop::one() else { return };
    let Some(reader) = reader::Reader::of(&desktop) else { return };
    let Some(mut phone) = Softphone::start(&desktop, "alice", "", reader.environment()) else { return };
    phone.until("it runs", |status| status["sip"].is_array());
    let controls = reader.controls();
    let unnamed: Vec<_> = controls.iter().filter(|(_, name)| name.is_empty()).collect();
    println!("{} controls by AT-SPI, {} unnamed", controls.len(), unnamed.len());
    assert!(unnamed.is_empty(), "{controls:?}");
    assert!(
        ["Call", "Add contact", "Apply"].iter().all(|name| controls.iter().any(|(_, is)| is == name)),
        "{controls:?}"
    );
    phone.quit();
}

#[test]
fn the_desktop_shows_that_somebody_calls_until_the_call_is_answered() {
    let Some([left, right]) = Desktop::two() else { return };
    let Some(reader) = reader::Reader::of(&right) else { return };
    let shown = reader.notifications();
    let Some(alice) = Softphone::start(&left, "alice", "", Vec::new()) else { return };
    let Some(mut bob) = Softphone::start(&right, "bob", "", reader.environment()) else { return };
    alice.ctl(&["call", &format!("sip:bob@{}", bob.address())]).unwrap();
    assert_eq!(shown.next(), r#"["Notify", "alice@alice.example calls"]"#);
    bob.ctl(&["answer"]).unwrap();
    assert_eq!(shown.next(), r#"["CloseNotification", 7]"#);
    for phone in [alice, bob] {
        phone.quit();
    }
}
