//! The keys of a telephone.

use eframe::egui::{Button, Grid, Ui, vec2};

use super::Scene;
use crate::model::{Call, Wish};

/// Three by four, each named by what it is.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, call: &Call) {
    Grid::new("keypad").spacing(vec2(6.0, 6.0)).show(ui, |ui| {
        for row in ["123", "456", "789", "*0#"] {
            for key in row.chars() {
                let name = scene.say_of("key", &[("key", &key.to_string())]);
                if ui.add(Button::new(name).min_size(vec2(72.0, 32.0))).clicked() {
                    scene.wish(Wish::Press(call.id, key));
                }
            }
            ui.end_row();
        }
    });
}
