//! Keys that work wherever the focus is.

use eframe::egui::{Key, KeyboardShortcut, Modifiers, Ui};

use super::Scene;
use crate::model::{Screen, Wish};

/// Ctrl with 1 to 4 shows a screen, M mutes all, Enter answers, Shift and H hangs up (on a Mac with Cmd).
pub(super) fn read(ui: &Ui, scene: &mut Scene<'_>) {
    let pressed_with = |modifiers, key| {
        let shortcut = KeyboardShortcut::new(modifiers, key);
        ui.input_mut(|input| input.consume_shortcut(&shortcut))
    };
    let pressed = |key| pressed_with(Modifiers::COMMAND, key);
    let screens = [
        (Key::Num1, Screen::Phone),
        (Key::Num2, Screen::Contacts),
        (Key::Num3, Screen::History),
        (Key::Num4, Screen::Settings),
    ];
    for (key, screen) in screens {
        if pressed(key) {
            scene.wish(Wish::Show(screen));
        }
    }
    if pressed(Key::M) {
        scene.wish(Wish::MuteAll(!scene.model.muted));
    }
    let first = scene.model.incoming().next().map(|call| call.id);
    if pressed(Key::Enter)
        && let Some(id) = first
    {
        scene.wish(Wish::Answer(id));
    }
    if pressed_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::H)
        && let Some(id) = scene.model.selected
    {
        scene.wish(Wish::HangUp(id));
    }
}
