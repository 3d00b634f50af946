//! People.

use eframe::egui::Ui;

use super::{Scene, parts};
use crate::model::Wish;

/// Those that are kept, by name, and a way to keep another.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    parts::title(ui, scene.say("contacts-title"));
    let label = scene.say("search-label");
    parts::field(ui, label, &mut scene.model.drafts.search, false);
    let sought = scene.model.drafts.search.to_lowercase();
    let mut rows = Vec::new();
    for (place, contact) in scene.model.contacts.iter().enumerate() {
        let both = format!("{} {}", contact.name, contact.address).to_lowercase();
        if sought.split_whitespace().all(|word| both.contains(word)) {
            rows.push((place, contact.clone()));
        }
    }
    if scene.model.contacts.is_empty() {
        parts::quiet(ui, scene.say("no-contacts"));
    } else if rows.is_empty() {
        parts::quiet(ui, scene.say("nothing-found"));
    }
    for (place, contact) in rows {
        let call = scene.say_of("contact-call", &[("name", &contact.name)]);
        let remove = scene.say_of("contact-remove", &[("name", &contact.name)]);
        ui.horizontal_wrapped(|ui| {
            if parts::go(ui, true, call).clicked() {
                scene.wish(Wish::Call(contact.address.clone()));
            }
            if ui.button(remove).clicked() {
                scene.wish(Wish::RemoveContact(place));
            }
        });
        parts::quiet(ui, contact.address);
    }
    ui.separator();
    let label = scene.say("contact-name");
    parts::field(ui, label, &mut scene.model.drafts.name, false);
    let label = scene.say("contact-address");
    let (_, entered) = parts::field(ui, label, &mut scene.model.drafts.address, false);
    if ui.button(scene.say("contact-add")).clicked() || entered {
        scene.wish(Wish::AddContact);
    }
}
