//! Calls of the past.

use eframe::egui::Ui;

use super::{Scene, parts, tell};
use crate::model::Wish;

/// The latest first, each with a way to call back.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    parts::title(ui, scene.say("history-title"));
    let label = scene.say("search-label");
    parts::field(ui, label, &mut scene.model.drafts.search, false);
    let sought = scene.model.drafts.search.to_lowercase();
    let now = scene.model.now();
    let mut rows = Vec::new();
    for (place, past) in scene.model.history.iter().enumerate() {
        let name = scene.model.name_of(&past.peer());
        let both = format!("{name} {} {}", past.name, past.address).to_lowercase();
        if sought.split_whitespace().all(|word| both.contains(word)) && rows.len() < MOST_SHOWN {
            let told = tell::past(scene.words, scene.model, past);
            let known = scene.model.contacts.iter().any(|contact| past.peer().is_at(&contact.address));
            let when = tell::ago(scene.words, now, past.at);
            rows.push((place, name, past.address.clone(), told, when, known));
        }
    }
    if scene.model.history.is_empty() {
        parts::quiet(ui, scene.say("no-history"));
    } else if rows.is_empty() {
        parts::quiet(ui, scene.say("nothing-found"));
    }
    for (place, name, address, told, when, known) in rows {
        ui.label(told);
        parts::quiet(ui, when);
        ui.horizontal_wrapped(|ui| {
            let call = scene.say_of("contact-call", &[("name", &name)]);
            if parts::go(ui, !address.is_empty(), call).clicked() {
                scene.wish(Wish::Call(address));
            }
            let remember = scene.say_of("history-remember", &[("name", &name)]);
            if !known && ui.button(remember).clicked() {
                scene.wish(Wish::Remember(place));
            }
        });
        ui.separator();
    }
    if !scene.model.history.is_empty() && ui.button(scene.say("history-clear")).clicked() {
        scene.wish(Wish::ClearHistory);
    }
}

/// Calls that are shown at once.
const MOST_SHOWN: usize = 100;
