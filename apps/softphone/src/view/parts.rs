//! Controls that look and are named alike everywhere.

use eframe::egui::{self, Button, Frame, Margin, Response, RichText, TextEdit, Ui};

use crate::theme::Palette;

/// What begins something with somebody.
pub(super) fn go(ui: &mut Ui, enabled: bool, text: String) -> Response {
    let Palette { go, on_go, .. } = *Palette::of(ui);
    ui.add_enabled(enabled, Button::new(RichText::new(text).color(on_go)).fill(go))
}

/// What ends something with somebody.
pub(super) fn stop(ui: &mut Ui, enabled: bool, text: String) -> Response {
    let Palette { stop, on_stop, .. } = *Palette::of(ui);
    ui.add_enabled(enabled, Button::new(RichText::new(text).color(on_stop)).fill(stop))
}

/// Text that matters less.
pub(super) fn quiet(ui: &mut Ui, text: String) -> Response {
    let colour = Palette::of(ui).quiet;
    ui.label(RichText::new(text).color(colour))
}

/// Text that warns.
pub(super) fn bad(ui: &mut Ui, text: String) -> Response {
    let colour = Palette::of(ui).bad;
    ui.label(RichText::new(text).color(colour))
}

/// The name of a part.
pub(super) fn title(ui: &mut Ui, text: String) -> Response {
    ui.label(RichText::new(text).strong().size(17.0))
}

/// What belongs together.
pub(super) fn group<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let Palette { panel, line, .. } = *Palette::of(ui);
    let frame = Frame::new()
        .fill(panel)
        .stroke(egui::Stroke::new(1.0, line))
        .corner_radius(6)
        .inner_margin(Margin::same(8));
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        contents(ui)
    });
    shown.inner
}

/// A field to type in under its name, and whether Enter was pressed in it.
pub(super) fn field(ui: &mut Ui, label: String, text: &mut String, secret: bool) -> (Response, bool) {
    let name = ui.label(label);
    let edit = TextEdit::singleline(text)
        .password(secret)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(8, 6));
    let field = ui.add(edit).labelled_by(name.id);
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    (field, entered)
}
