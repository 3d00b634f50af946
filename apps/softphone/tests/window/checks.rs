//! What holds for every screen: it is translated, fits, can be read, is named, and is reached by keys.

use std::collections::BTreeSet;

use eframe::egui::{Key, accesskit::Role};
use egui_kittest::kittest::NodeT as _;
use rove_softphone::{
    model::{Language, Look},
    theme,
};

use crate::{
    screens::{GIVEN, Window, all},
    shapes::texts,
};

/// What can be operated.
const CONTROLS: &[Role] = &[
    Role::Button,
    Role::CheckBox,
    Role::ComboBox,
    Role::Link,
    Role::MenuItem,
    Role::PasswordInput,
    Role::RadioButton,
    Role::Slider,
    Role::SpinButton,
    Role::Tab,
    Role::TextInput,
    Role::MultilineTextInput,
];

/// Name, role and whether it can be operated, of everything that a screen reader sees.
fn seen(window: &Window) -> Vec<(String, Role, bool)> {
    let nodes = window.root().children_recursive().map(|node| node.accesskit_node());
    // The lines of a text are no text of their own.
    nodes
        .filter(|node| node.role() != Role::TextRun)
        .map(|node| {
            let name = node.label().or_else(|| node.value()).unwrap_or_default();
            (name, node.role(), CONTROLS.contains(&node.role()) && !node.is_disabled())
        })
        .collect()
}

fn is_translated(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || GIVEN.contains(&text) || (text.starts_with('[') && text.ends_with(']'))
}

#[test]
fn nothing_is_untranslated_in_the_pseudo_locale() {
    let mut said = 0;
    for (name, window) in all(Language::Pseudo, Look::Dark) {
        for painted in texts(&window) {
            assert!(is_translated(&painted.text), "{name}: painted {:?}", painted.text);
            said += 1;
        }
        for (label, role, _) in seen(&window) {
            assert!(is_translated(&label), "{name}: {role:?} named {label:?}");
        }
    }
    assert!(said > 100, "{said} texts");
}

#[test]
fn nothing_is_clipped_in_the_pseudo_locale() {
    for (name, window) in all(Language::Pseudo, Look::Light) {
        for painted in texts(&window) {
            assert!(!painted.cut, "{name}: {:?} is cut", painted.text);
            let fits = painted.clip.expand(1.0).contains_rect(painted.rect) || painted.text.is_empty();
            assert!(fits, "{name}: {:?} at {:?} in {:?}", painted.text, painted.rect, painted.clip);
        }
    }
}

#[test]
fn every_text_has_a_contrast_of_four_and_a_half_and_more() {
    for look in [Look::Dark, Look::Light] {
        let (mut read, mut least) = (0, f32::INFINITY);
        for (name, window) in all(Language::English, look) {
            // What cannot be operated now is faded, and does not count (WCAG 2.2 §1.4.3, "incidental").
            for painted in texts(&window) {
                for colour in painted.colours.iter().filter(|colour| colour.a() == 255) {
                    let contrast = theme::contrast(*colour, painted.ground);
                    assert!(contrast >= 4.5, "{look:?} {name}: {:?} has {contrast:.2}", painted.text);
                    (read, least) = (read + 1, least.min(contrast));
                }
            }
        }
        println!("{look:?}: {read} texts, least contrast {least:.2}");
        assert!(read > 100, "{read}");
    }
}

#[test]
fn every_control_has_a_name_of_its_own() {
    let mut controls = 0;
    for (name, window) in all(Language::English, Look::Dark) {
        let mut names = BTreeSet::new();
        for (label, role, _) in seen(&window).into_iter().filter(|(_, role, _)| CONTROLS.contains(role)) {
            assert!(!label.trim().is_empty(), "{name}: a {role:?} has no name: {window:?}");
            assert!(names.insert((label.clone(), format!("{role:?}"))), "{name}: two are named {label:?}");
            controls += 1;
        }
    }
    println!("{controls} controls, none unnamed");
    assert!(controls > 60, "{controls}");
}

#[test]
fn every_control_is_reached_by_tab() {
    for (name, mut window) in all(Language::English, Look::Dark) {
        let operable = seen(&window).into_iter().filter(|(.., operable)| *operable);
        let mut unreached: BTreeSet<String> = operable.map(|(label, ..)| label).collect();
        for _ in 0..2 * unreached.len() + 4 {
            window.key_press(Key::Tab);
            window.run_steps(1);
            if let Some(label) = focused(&window) {
                unreached.remove(&label);
            }
        }
        assert!(unreached.is_empty(), "{name}: no Tab leads to {unreached:?}");
    }
}

/// The name of what has the focus.
pub(crate) fn focused(window: &Window) -> Option<String> {
    let mut nodes = window.root().children_recursive();
    nodes.find(|node| node.accesskit_node().is_focused()).and_then(|node| node.accesskit_node().label())
}
