//! Calls that wait to be answered: shown on every screen, and only when signalling has said that there is one.

use eframe::egui::{self, Ui};

use super::{Scene, parts};
use crate::model::Wish;

/// One after the other.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let calls: Vec<_> = scene.model.incoming().map(|call| (call.id, call.peer.clone())).collect();
    for (id, peer) in calls {
        let name = scene.model.name_of(&peer);
        parts::group(ui, |ui| {
            let title = scene.say_of("incoming-title", &[("name", &name)]);
            let told = parts::title(ui, title);
            ui.ctx().accesskit_node_builder(told.id, |node| node.set_live(egui::accesskit::Live::Assertive));
            let from = scene.say_of("incoming-address", &[("address", &peer.address)]);
            parts::quiet(ui, from);
            ui.horizontal_wrapped(|ui| {
                let answer = scene.say_of("answer-call", &[("name", &name)]);
                if parts::go(ui, true, answer).clicked() {
                    scene.wish(Wish::Answer(id));
                }
                let decline = scene.say_of("decline-call", &[("name", &name)]);
                if parts::stop(ui, true, decline).clicked() {
                    scene.wish(Wish::Decline(id));
                }
            });
        });
    }
}
