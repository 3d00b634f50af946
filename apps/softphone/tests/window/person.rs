//! What a person does in the window, and what the phone is asked for then.

use eframe::egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::Queryable as _;
use rove_phone::Progress;
use rove_softphone::model::{Ask, Language, Look, Screen, State};

use crate::{
    checks::focused,
    screens::{ONE, Window, screen, talking, tell},
};

fn english(arrange: impl FnOnce(&mut rove_softphone::app::App<crate::world::Script>)) -> Window {
    let mut window = screen(Language::English, Look::Dark, arrange);
    window.state_mut().line.asked.clear();
    window
}

fn press(window: &mut Window, name: &str) {
    window.get_by_role_and_label(Role::Button, name).click();
    window.run_steps(2);
}

fn type_into(window: &mut Window, field: &str, text: &str) {
    window.get_by_role_and_label(Role::TextInput, field).focus();
    window.run_steps(1);
    window.get_by_role_and_label(Role::TextInput, field).type_text(text);
    window.run_steps(2);
}

fn asked(window: &mut Window) -> Vec<Ask> {
    core::mem::take(&mut window.state_mut().line.asked)
}

/// Goes on with Tab until something of this name has the focus.
fn tab_to(window: &mut Window, name: &str) {
    for _ in 0..60 {
        if focused(window).is_some_and(|label| label == name) {
            return;
        }
        window.key_press(Key::Tab);
        window.run_steps(1);
    }
    panic!("no Tab leads to {name}");
}

#[test]
fn the_first_call_needs_a_name_and_enter() {
    let mut window = english(|_| {});
    let field = window.get_by_role_and_label(Role::TextInput, "Name, number or address");
    assert!(field.is_focused(), "one can type at once");
    field.type_text("erik.example");
    window.run_steps(1);
    window.key_press(Key::Enter);
    window.run_steps(2);
    assert_eq!(asked(&mut window), [Ask::Dial("erik.example".into())]);
}

#[test]
fn who_is_sought_is_found_under_the_field() {
    let mut window = english(|_| {});
    type_into(&mut window, "Name, number or address", "bo");
    press(&mut window, "Call Bob");
    assert_eq!(asked(&mut window), [Ask::Dial("bob@b.example".into())]);
}

#[test]
fn a_call_is_answered_and_declined_on_any_screen_by_keys_alone() {
    for (button, expected) in [("Answer Bob", Ask::Answer(ONE)), ("Decline Bob", Ask::Decline(ONE))] {
        let mut window = english(|app| {
            app.model.screen = Screen::Settings;
            tell(app, ONE, Progress::Incoming { from: "sip:bob@b.example".into() });
        });
        tab_to(&mut window, button);
        window.key_press(Key::Enter);
        window.run_steps(2);
        assert_eq!(asked(&mut window)[0], expected);
    }
}

#[test]
fn shortcuts_answer_mute_hang_up_and_show_screens() {
    let mut window = english(|app| tell(app, ONE, Progress::Incoming { from: "sip:bob@b.example".into() }));
    let mut command = |key, expected: &[Ask]| {
        let shift = if key == Key::H { Modifiers::SHIFT } else { Modifiers::NONE };
        window.key_press_modifiers(Modifiers::COMMAND | shift, key);
        window.run_steps(2);
        assert_eq!(asked(&mut window), expected, "{key:?}");
    };
    command(Key::Enter, &[Ask::Answer(ONE)]);
    command(Key::M, &[Ask::Mute(ONE, true)]);
    command(Key::Num3, &[]);
    command(Key::H, &[Ask::HangUp(ONE)]);
    assert_eq!(window.state().model.screen, Screen::History);
}

#[test]
fn a_call_that_stands_is_held_muted_keyed_written_to_and_handed_over() {
    let mut window = english(talking);
    for (button, expected) in [
        ("Hold", Ask::Hold(ONE)),
        ("Unmute", Ask::Mute(ONE, false)),
        ("Key 7", Ask::Press(ONE, '7')),
        ("Key #", Ask::Press(ONE, '#')),
        ("Hang up", Ask::HangUp(ONE)),
    ] {
        if button == "Hang up" {
            type_into(&mut window, "Hand over to", "carl.example");
            press(&mut window, "Hand over");
            assert_eq!(asked(&mut window), [Ask::Transfer(ONE, "carl.example".into())]);
            type_into(&mut window, "Write to Bob", "hello");
            press(&mut window, "Send");
            assert_eq!(asked(&mut window), [Ask::Write(ONE, "hello".into())]);
            assert!(window.query_by_label("You: hello").is_some());
        }
        press(&mut window, button);
        assert_eq!(asked(&mut window), [expected]);
    }
    assert_eq!(window.state().model.call(ONE).unwrap().state, State::Ending);
}

#[test]
fn why_the_way_changed_is_told_in_plain_words_and_a_figure_that_is_not_known_is_a_dash() {
    let window = english(talking);
    for part in [
        "direct was left for by a relay: packets were lost; longest pause 40 ms; packets lost: 3",
        "Way: by a relay",
        "packets came late, and no better way is known",
        "Delay –",
        "Score 4.3",
    ] {
        assert!(window.query_by_label(part).is_some(), "{part}: {window:?}");
    }
}

#[test]
fn no_call_is_called_secure_when_nobody_has_verified_who_is_there() {
    let window = english(talking);
    assert!(window.query_by_label("Encrypted between both ends, not verified").is_some());
    assert!(window.query_all_by_label_contains("ecure").next().is_none());
}

#[test]
fn people_are_added_called_and_removed() {
    let mut window = english(|app| app.model.screen = Screen::Contacts);
    for (field, text) in [("Name", "Eva"), ("Address", "eva.example")] {
        type_into(&mut window, field, text);
    }
    press(&mut window, "Add contact");
    assert!(window.query_by_label("eva.example").is_some());
    press(&mut window, "Remove Bob");
    assert!(window.query_by_label("Call Bob").is_none());
    press(&mut window, "Call Eva");
    assert_eq!(asked(&mut window), [Ask::Dial("eva.example".into())]);
}

#[test]
fn past_calls_are_sought_called_back_and_remembered() {
    let mut window = english(|app| app.model.screen = Screen::History);
    assert!(window.query_by_label("missed: carl@c.example").is_some());
    assert!(window.query_by_label("called dora.example: busy").is_some());
    type_into(&mut window, "Search", "dora");
    assert!(window.query_by_label("missed: carl@c.example").is_none());
    press(&mut window, "Add dora.example to the contacts");
    press(&mut window, "Call dora.example");
    assert_eq!(asked(&mut window), [Ask::Dial("dora.example".into())]);
}

#[test]
fn the_threshold_is_a_slider_that_is_taken_with_the_other_settings() {
    let mut window = english(|app| app.model.screen = Screen::Settings);
    window.get_by_role_and_label(Role::CheckBox, "Leave bad ways by score").click();
    window.run_steps(2);
    let slider = window.get_by_role_and_label(Role::Slider, "Lowest score");
    slider.focus();
    window.run_steps(1);
    for _ in 0..3 {
        window.key_press(Key::ArrowRight);
        window.run_steps(1);
    }
    press(&mut window, "Apply");
    let least = window.state().model.settings.min_mos.unwrap();
    assert!((least - 3.8).abs() < 0.05, "{least}");
    assert_eq!(asked(&mut window).last(), Some(&Ask::Tolerate), "it holds from the next call on");
}

#[test]
fn another_language_is_spoken_at_once() {
    let mut window = english(|app| app.model.settings.language = Language::German);
    window.run_steps(2);
    assert!(window.query_by_role_and_label(Role::Button, "Anrufen").is_some());
}
