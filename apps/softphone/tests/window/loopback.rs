//! Two windows with real phones call each other.

use eframe::egui::Key;

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
