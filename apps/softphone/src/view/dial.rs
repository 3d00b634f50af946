//! Whom to call.

use eframe::egui::{Id, Ui};

use super::{Scene, parts};
use crate::model::{Wish, search};

/// The field for it, with people who are found by what is typed.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let label = scene.say("dial-label");
    let (field, entered) = parts::field(ui, label, &mut scene.model.drafts.target, false);
    let (shown, first) = (field.id, Id::new("dial was focused once"));
    if !ui.data(|data| data.get_temp::<bool>(first).unwrap_or_default()) {
        ui.data_mut(|data| data.insert_temp(first, true));
        ui.memory_mut(|memory| memory.request_focus(shown));
    }
    if entered {
        scene.wish(Wish::Dial);
    }
    ui.horizontal_wrapped(|ui| {
        let text = scene.say("dial-call");
        let typed = !scene.model.drafts.target.trim().is_empty();
        if parts::go(ui, typed, text).clicked() {
            scene.wish(Wish::Dial);
        }
        let echo = scene.model.settings.echo.clone().filter(|echo| !echo.trim().is_empty());
        if let Some(echo) = echo
            && ui.button(scene.say("dial-echo")).clicked()
        {
            scene.wish(Wish::Call(echo));
        }
    });
    let model = &scene.model;
    let found = search(&model.contacts, &model.history, &model.drafts.target, MOST_FOUND);
    for one in found {
        let text = scene.say_of("dial-found", &[("name", &one.name)]);
        if ui.button(text).clicked() {
            scene.wish(Wish::Call(one.address));
        }
    }
}

/// People that are shown under the field.
const MOST_FOUND: usize = 5;
