//! Settings, which are taken all at once.

use eframe::egui::{ComboBox, Slider, Ui};

use super::{Scene, parts};
use crate::model::{Account, Language, Look, Wish};

/// All of them.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    parts::title(ui, scene.say("settings-title"));
    who(ui, scene);
    ui.separator();
    quality(ui, scene);
    ui.separator();
    devices(ui, scene);
    ui.separator();
    appearance(ui, scene);
    ui.separator();
    if parts::go(ui, true, scene.say("settings-take")).clicked() {
        scene.wish(Wish::TakeSettings);
    }
}

/// Who one is, and by what account.
fn who(ui: &mut Ui, scene: &mut Scene<'_>) {
    let label = scene.say("settings-identity");
    optional(ui, label, &mut scene.model.drafts.settings.identity);
    let mut account = scene.model.drafts.settings.account.clone().unwrap_or_default();
    let label = scene.say("settings-account");
    parts::field(ui, label, &mut account.address, false);
    let label = scene.say("settings-password");
    parts::field(ui, label, &mut account.password, true);
    let typed = account != Account::default();
    scene.model.drafts.settings.account = typed.then_some(account);
}

/// How good calls shall be.
fn quality(ui: &mut Ui, scene: &mut Scene<'_>) {
    let wanted = scene.say("settings-mos-wanted");
    let label = scene.say("settings-mos-value");
    let drafted = &mut scene.model.drafts.settings.min_mos;
    let mut asked = drafted.is_some();
    ui.checkbox(&mut asked, wanted);
    let mut least = drafted.unwrap_or(USUAL_MOS);
    let shown = ui.label(label);
    let slider = Slider::new(&mut least, 1.0..=4.5).step_by(0.1).show_value(false);
    ui.add_enabled(asked, slider).labelled_by(shown.id);
    *drafted = asked.then_some(least);
    let value = drafted.map_or_else(|| super::tell::UNKNOWN.to_owned(), |least| format!("{least:.1}"));
    ui.label(scene.say_of("quality-mos", &[("value", &value)]));
    let label = scene.say("settings-echo");
    optional(ui, label, &mut scene.model.drafts.settings.echo);
}

/// The sound card.
fn devices(ui: &mut Ui, scene: &mut Scene<'_>) {
    let system = scene.say("device-system");
    let known = &scene.model.devices;
    let inputs: Vec<String> = known.iter().filter(|one| one.input).map(|one| one.name.clone()).collect();
    let outputs: Vec<String> = known.iter().filter(|one| one.output).map(|one| one.name.clone()).collect();
    if known.is_empty() {
        parts::quiet(ui, scene.say("no-devices"));
    }
    let (input, output) = (scene.say("settings-input"), scene.say("settings-output"));
    let audio = &mut scene.model.drafts.settings.audio;
    device(ui, input, &system, &inputs, &mut audio.input);
    device(ui, output, &system, &outputs, &mut audio.output);
    if ui.button(scene.say("devices-again")).clicked() {
        scene.wish(Wish::LookForDevices);
    }
}

fn device(ui: &mut Ui, label: String, system: &str, names: &[String], chosen: &mut Option<String>) {
    let shown = chosen.clone().unwrap_or_else(|| system.to_owned());
    ComboBox::from_label(label).selected_text(shown).width(220.0).show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, system);
        for name in names {
            ui.selectable_value(chosen, Some(name.clone()), name);
        }
    });
}

/// How the window looks and speaks.
fn appearance(ui: &mut Ui, scene: &mut Scene<'_>) {
    let looks = [Look::System, Look::Dark, Look::Light].map(|look| (look, scene.say(look_key(look))));
    let languages = [Language::System, Language::English, Language::German, Language::Pseudo]
        .map(|language| (language, scene.say(language_key(language))));
    let (look, language) = (scene.say("settings-look"), scene.say("settings-language"));
    let drafted = &mut scene.model.drafts.settings;
    choice(ui, look, &looks, &mut drafted.look);
    choice(ui, language, &languages, &mut drafted.language);
}

fn choice<T: Copy + PartialEq>(ui: &mut Ui, label: String, all: &[(T, String)], chosen: &mut T) {
    let shown = all.iter().find(|(one, _)| one == chosen).map(|(_, text)| text.clone());
    ComboBox::from_label(label).selected_text(shown.unwrap_or_default()).width(220.0).show_ui(ui, |ui| {
        for (one, text) in all {
            ui.selectable_value(chosen, *one, text);
        }
    });
}

/// A field that may be empty.
fn optional(ui: &mut Ui, label: String, value: &mut Option<String>) {
    let mut text = value.clone().unwrap_or_default();
    parts::field(ui, label, &mut text, false);
    *value = (!text.is_empty()).then_some(text);
}

const fn look_key(look: Look) -> &'static str {
    match look {
        Look::System => "look-system",
        Look::Dark => "look-dark",
        Look::Light => "look-light",
    }
}

const fn language_key(language: Language) -> &'static str {
    match language {
        Language::System => "language-system",
        Language::English => "language-en",
        Language::German => "language-de",
        Language::Pseudo => "language-pseudo",
    }
}

/// Where the threshold begins when it is first wanted.
const USUAL_MOS: f32 = 3.5;
