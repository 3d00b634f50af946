//! Two windows with real phones call each other.

use eframe::egui::Key;
use rove_phone::Audio;
use rove_softphone::model::{Account, Settings};

use crate::world::{Desk, until};

#[test]
fn a_name_is_typed_and_called_and_the_other_window_answers_and_hangs_up() {
    let (mut alice, mut bob) = (Desk::new("alice.example"), Desk::new("bob.example"));
    let target = bob.target();
    alice.type_into("Name, number or address", &target);
    assert!(!bob.shows("alice.example"), "nobody has called yet");
    alice.window.key_press(Key::Enter);
    until("it rings", [&mut alice, &mut bob], |[alice, bob]| {
        bob.shows("alice.example calls") && alice.shows("ringing there")
    });
    bob.press("Answer alice.example");
    until("they talk", [&mut alice, &mut bob], |[alice, bob]| {
        alice.shows("talking for") && bob.shows("talking for")
    });
    until("it is measured", [&mut alice, &mut bob], |[alice, _]| !alice.shows("Lost –"));
    bob.press("Hang up");
    until("it is over", [&mut alice, &mut bob], |[alice, bob]| {
        alice.shows("over: the other side ended it") && bob.shows("over: you ended it")
    });
}

#[test]
fn a_call_is_held_keyed_and_written_in() {
    let (mut alice, mut bob) = (Desk::new("alice.example"), Desk::new("bob.example"));
    connect(&mut alice, &mut bob);
    alice.press("Hold");
    until("it is held", [&mut alice, &mut bob], |[alice, bob]| {
        alice.shows("You hold this call.") && bob.shows("The other side holds this call.")
    });
    alice.press("Go on");
    until("it goes on", [&mut alice, &mut bob], |[alice, bob]| {
        !alice.shows("You hold") && !bob.shows("The other side holds")
    });
    alice.press("Keys");
    alice.press("Key 7");
    until("the key is heard", [&mut alice, &mut bob], |[_, bob]| bob.shows("Keys pressed there: 7"));
    let (to_bob, to_alice) = (format!("Write to {}", bob.target()), "Write to alice.example");
    alice.type_into(&to_bob, "good morning");
    alice.window.key_press(Key::Enter);
    until("it is read", [&mut alice, &mut bob], |[_, bob]| bob.shows("alice.example: good morning"));
    bob.type_into(to_alice, "and to you");
    bob.press("Send");
    until("it is answered", [&mut alice, &mut bob], |[alice, _]| alice.shows("and to you"));
    alice.press("Hang up");
    until("it is over", [&mut alice, &mut bob], |[alice, bob]| {
        alice.shows("over: you") && bob.shows("over: the")
    });
    bob.press("Close");
    assert!(bob.shows("No calls"));
}

#[test]
fn who_speaks_is_seen_by_both_and_who_is_silent_has_no_figure() {
    let (mut alice, mut bob) = (Desk::speaking("alice.example"), Desk::new("bob.example"));
    connect(&mut alice, &mut bob);
    until("she is loud", [&mut alice, &mut bob], |[alice, bob]| {
        alice.shows("You: -") && bob.shows("The other side: -") && bob.shows("You: –")
    });
}

#[test]
fn three_windows_are_a_conference_and_one_is_handed_over() {
    let mut desks = ["alice.example", "bob.example", "carl.example"].map(Desk::new);
    let [alice, bob, carl] = &mut desks;
    connect(alice, bob);
    connect(alice, carl);
    until("whom one talks with first waits", [alice, bob, carl], |[alice, bob, _]| {
        bob.shows("The other side holds this call.") && alice.shows("Conference")
    });
    alice.press("Conference");
    until("three talk", [alice, bob, carl], |[alice, bob, _]| {
        alice.shows("Conference of 2") && !bob.shows("The other side holds")
    });
    alice.press("End the conference");
    until("it is taken apart", [alice, bob, carl], |[alice, ..]| !alice.shows("Conference of"));
    // Carl is at large: he is handed over to Bob.
    let to_bob = format!("Hand over to {}", bob.target());
    alice.press(&to_bob);
    until("the two others talk", [alice, bob, carl], |[alice, bob, carl]| {
        !alice.shows("talking for") && bob.shows("talking for") && carl.shows("talking for")
    });
}

#[test]
fn who_declines_is_not_heard_to_ring_on() {
    let (mut alice, mut bob) = (Desk::new("alice.example"), Desk::new("bob.example"));
    let target = bob.target();
    alice.type_into("Name, number or address", &target);
    alice.press("Call");
    until("it rings", [&mut alice, &mut bob], |[_, bob]| bob.shows("alice.example calls"));
    bob.press("Decline alice.example");
    until("it is over", [&mut alice, &mut bob], |[alice, bob]| {
        alice.shows("over: declined") && !bob.shows("alice.example calls")
    });
}

#[test]
fn what_cannot_be_called_is_told_in_words() {
    let mut alice = Desk::new("alice.example");
    for (target, told) in [("h323:bob", "h323:bob cannot be called"), ("tel:12", "is no number with")] {
        alice.type_into("Name, number or address", target);
        alice.window.key_press(Key::Enter);
        until("it is told", [&mut alice], |[alice]| alice.shows(told));
        alice.window.state_mut().model.drafts.target.clear();
    }
}

#[test]
fn an_account_that_cannot_be_understood_is_told_and_not_waited_for() {
    let account = Account { address: "h323:me".into(), password: String::new() };
    let settings = Settings { account: Some(account), ..Settings::default() };
    let mut alice = Desk::with("alice.example", Audio::Null, settings);
    until("it is told", [&mut alice], |[alice]| alice.shows("Not reached: h323: cannot be called"));
}

/// Has one call the other, and talk.
fn connect(from: &mut Desk, to: &mut Desk) {
    let target = to.target();
    from.type_into("Name, number or address", &target);
    from.press("Call");
    until("it rings", [from, to], |[_, to]| to.shows("alice.example calls"));
    to.press("Answer alice.example");
    until("they talk", [from, to], |[from, to]| from.shows("talking for") && to.shows("talking for"));
}
