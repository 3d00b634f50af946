//! The call that is shown at large.

use eframe::egui::Ui;

use super::{Scene, keypad, parts, quality, tell};
use crate::{
    line::protection,
    model::{Call, State, Wish},
};

/// Who it is with, how far it has come, and what can be done.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(call) = scene.model.shown().cloned() else { return };
    if call.state == State::Incoming {
        return;
    }
    let name = scene.model.name_of(&call.peer);
    parts::title(ui, name.clone());
    if call.peer.address != name {
        parts::quiet(ui, call.peer.address.clone());
    }
    let state = tell::state(scene.words, &call, scene.model.now());
    ui.label(state);
    actions(ui, scene, &call);
    if call.state != State::Up {
        return;
    }
    conditions(ui, scene, &call);
    if scene.model.keypad {
        keypad::show(ui, scene, &call);
    }
    quality::show(ui, scene, &call);
    elsewhere(ui, scene, &call);
    text(ui, scene, &call, &name);
}

fn actions(ui: &mut Ui, scene: &mut Scene<'_>, call: &Call) {
    ui.horizontal_wrapped(|ui| {
        if call.state.is_over() {
            if ui.button(scene.say("put-away")).clicked() {
                scene.wish(Wish::PutAway(call.id));
            }
            return;
        }
        if parts::stop(ui, call.state != State::Ending, scene.say("hang-up")).clicked() {
            scene.wish(Wish::HangUp(call.id));
        }
        if call.state != State::Up {
            return;
        }
        let toggles = [
            (call.muted, "unmute", "mute", Wish::Mute(call.id, !call.muted)),
            (call.held, "resume", "hold", Wish::Hold(call.id, !call.held)),
            (scene.model.keypad, "keypad-hide", "keypad", Wish::Keypad(!scene.model.keypad)),
        ];
        for (on, off_again, on_now, wish) in toggles {
            let text = scene.say(if on { off_again } else { on_now });
            if ui.button(text).clicked() {
                scene.wish(wish);
            }
        }
    });
}

/// What holds for it: who hears whom, who may listen, and which keys came.
fn conditions(ui: &mut Ui, scene: &Scene<'_>, call: &Call) {
    let conditions = [
        (call.muted || scene.model.muted, "muted-here"),
        (call.held, "held-by-us"),
        (call.held_by_peer, "held-by-peer"),
    ];
    for (holds, key) in conditions {
        if holds {
            parts::bad(ui, scene.say(key));
        }
    }
    parts::quiet(ui, scene.say(protection(call.security)));
    if !call.keys.is_empty() {
        ui.label(scene.say_of("keys-heard", &[("keys", &call.keys)]));
    }
}

/// Handing the other side over.
fn elsewhere(ui: &mut Ui, scene: &mut Scene<'_>, call: &Call) {
    ui.separator();
    let label = scene.say("transfer-label");
    let (_, entered) = parts::field(ui, label, &mut scene.model.drafts.transfer, false);
    ui.horizontal_wrapped(|ui| {
        let typed = !scene.model.drafts.transfer.trim().is_empty();
        let text = scene.say("transfer");
        if ui.add_enabled(typed, eframe::egui::Button::new(text)).clicked() || (entered && typed) {
            scene.wish(Wish::Transfer(call.id));
        }
        let others: Vec<_> = scene
            .model
            .standing_calls()
            .filter(|other| other.id != call.id)
            .map(|other| (other.id, scene.model.name_of(&other.peer)))
            .collect();
        for (other, name) in others {
            let text = scene.say_of("transfer-to", &[("name", &name)]);
            if ui.button(text).clicked() {
                scene.wish(Wish::TransferTo(call.id, other));
            }
        }
    });
}

/// Words beside the sound.
fn text(ui: &mut Ui, scene: &mut Scene<'_>, call: &Call, name: &str) {
    ui.separator();
    for said in &call.said {
        let text = if said.ours {
            scene.say_of("said-us", &[("text", &said.text)])
        } else {
            scene.say_of("said-peer", &[("name", name), ("text", &said.text)])
        };
        ui.label(text);
    }
    let label = scene.say_of("text-label", &[("name", name)]);
    let (field, entered) = parts::field(ui, label, &mut scene.model.drafts.text, false);
    let typed = !scene.model.drafts.text.trim().is_empty();
    let sent = ui.add_enabled(typed, eframe::egui::Button::new(scene.say("text-send"))).clicked();
    if sent || (entered && typed) {
        scene.wish(Wish::Write(call.id));
        field.request_focus();
    }
}
