//! All calls, and those that are one conversation.

use eframe::egui::Ui;

use super::{Scene, parts, tell};
use crate::model::{State, Wish};

/// One row for each call, and the conference.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let rows: Vec<_> = scene
        .model
        .calls
        .iter()
        .filter(|call| call.state != State::Incoming)
        .map(|call| {
            let name = scene.model.name_of(&call.peer);
            (call.id, name, tell::state(scene.words, call, scene.model.now()))
        })
        .collect();
    if scene.model.calls.is_empty() {
        ui.separator();
        parts::title(ui, scene.say("no-calls"));
        parts::quiet(ui, scene.say("no-calls-hint"));
        return;
    }
    ui.separator();
    if rows.len() > 1 {
        parts::title(ui, scene.say("calls-title"));
        for (id, name, state) in rows {
            let text = scene.say_of("call-with", &[("name", &name)]);
            let chosen = scene.model.selected == Some(id);
            ui.horizontal_wrapped(|ui| {
                if ui.selectable_label(chosen, text).clicked() {
                    scene.wish(Wish::Select(id));
                }
                parts::quiet(ui, state);
            });
        }
    }
    conference(ui, scene);
}

fn conference(ui: &mut Ui, scene: &mut Scene<'_>) {
    let members = scene.model.conference.len();
    if members > 1 {
        let text = scene.say_of("conference-of", &[("count", &members.to_string())]);
        ui.label(text);
        let speaker = scene.model.speaker.and_then(|id| scene.model.call(id)).map(|call| call.peer.clone());
        if let Some(speaker) = speaker {
            let name = scene.model.name_of(&speaker);
            parts::quiet(ui, scene.say_of("speaks", &[("name", &name)]));
        }
        if ui.button(scene.say("part")).clicked() {
            scene.wish(Wish::Part);
        }
    } else if scene.model.standing_calls().count() > 1 && ui.button(scene.say("confer")).clicked() {
        scene.wish(Wish::Confer);
    }
}
