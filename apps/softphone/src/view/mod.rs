//! What is drawn: one file for each part of the window. Nothing is decided here; what the person does becomes a
//! [`Wish`].

mod call;
mod contacts;
mod dial;
mod history;
mod incoming;
mod keypad;
mod parts;
mod quality;
mod settings;
mod shortcuts;
mod tell;
mod together;

use eframe::egui::{self, CentralPanel, Id, Panel, ScrollArea, Ui};

use crate::{
    model::{Model, Notice, Screen, Wish},
    words::Words,
};

/// What is drawn from, and what the person wanted while it was drawn.
pub struct Scene<'a> {
    pub(crate) model: &'a mut Model,
    pub(crate) words: &'a Words,
    wishes: Vec<Wish>,
}

impl Scene<'_> {
    pub(crate) fn say(&self, key: &str) -> String {
        self.words.say(key)
    }

    pub(crate) fn say_of(&self, key: &str, of: &[(&str, &str)]) -> String {
        self.words.say_of(key, of)
    }

    pub(crate) fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }
}

/// Draws everything, and tells the model what the person wants.
pub fn show(ui: &mut Ui, model: &mut Model, words: &Words) {
    let mut scene = Scene { model, words, wishes: Vec::new() };
    shortcuts::read(ui, &mut scene);
    settle(ui, &scene);
    Panel::top("screens").show(ui, |ui| {
        ui.add_space(4.0);
        screens(ui, &mut scene);
        notice(ui, &mut scene);
        incoming::show(ui, &mut scene);
        ui.add_space(4.0);
    });
    Panel::bottom("everywhere").show(ui, |ui| {
        ui.add_space(4.0);
        everywhere(ui, &mut scene);
        ui.add_space(4.0);
    });
    CentralPanel::default().show(ui, |ui| {
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| match scene.model.screen {
            Screen::Phone => {
                dial::show(ui, &mut scene);
                together::show(ui, &mut scene);
                call::show(ui, &mut scene);
            }
            Screen::Contacts => contacts::show(ui, &mut scene),
            Screen::History => history::show(ui, &mut scene),
            Screen::Settings => settings::show(ui, &mut scene),
        });
    });
    let wishes = core::mem::take(&mut scene.wishes);
    for wish in wishes {
        model.wish(wish);
    }
}

/// A panel takes the height of what it held the last time: where that is other things now, the frame is laid out once more before
/// it is seen.
fn settle(ui: &Ui, scene: &Scene<'_>) {
    let (place, held) =
        (Id::new("what the panels held"), (scene.model.incoming().count(), scene.model.notice.clone()));
    if ui.data(|data| data.get_temp::<(usize, Option<Notice>)>(place)).as_ref() != Some(&held) {
        ui.data_mut(|data| data.insert_temp(place, held));
        ui.ctx().request_discard("the panels hold other things");
    }
}

/// Which screen is shown.
fn screens(ui: &mut Ui, scene: &mut Scene<'_>) {
    let screens = [
        (Screen::Phone, "screen-phone"),
        (Screen::Contacts, "screen-contacts"),
        (Screen::History, "screen-history"),
        (Screen::Settings, "screen-settings"),
    ];
    ui.horizontal_wrapped(|ui| {
        for (screen, key) in screens {
            let text = scene.say(key);
            if ui.selectable_label(scene.model.screen == screen, text).clicked() {
                scene.wish(Wish::Show(screen));
            }
        }
    });
}

/// What was last to be told.
fn notice(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(notice) = scene.model.notice.clone() else { return };
    let text = scene.say_of(&notice.key, &[("about", &notice.about)]);
    parts::group(ui, |ui| {
        let told = ui.label(text);
        // Read out at once by who reads the screen.
        ui.ctx().accesskit_node_builder(told.id, |node| node.set_live(egui::accesskit::Live::Polite));
        let close = scene.say("dismiss");
        if ui.button(close).clicked() {
            scene.wish(Wish::Dismiss);
        }
    });
}

/// What is wanted whatever is shown: where one is reached, mute and hang up.
fn everywhere(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal_wrapped(|ui| {
        let (key, mute) = if scene.model.muted { ("unmute-all", false) } else { ("mute-all", true) };
        let text = scene.say(key);
        if ui.button(text).clicked() {
            scene.wish(Wish::MuteAll(mute));
        }
        let text = scene.say("hang-up-all");
        if parts::stop(ui, scene.model.running().next().is_some(), text).clicked() {
            scene.wish(Wish::HangUpAll);
        }
    });
    let standing = tell::standing(scene.words, &scene.model.standing);
    parts::quiet(ui, standing);
}
