//! The program on a desktop without a screen: two of them call each other, and one is found by a second start.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod display;
mod programs;

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
