//! Sides of calls for tests.

use std::sync::{Arc, Mutex};

use rove_base::Instant;

use super::{Capture, Ends, Render};

/// What a side has heard.
pub(super) type Heard = Arc<Mutex<Vec<f32>>>;

/// A side that says always the same, and keeps what it hears.
struct Side {
    says: f32,
    heard: Heard,
}

impl Capture for Side {
    fn capture(&mut self, _: Instant, pcm: &[f32]) {
        self.heard.lock().unwrap().extend_from_slice(pcm);
    }
}

impl Render for Side {
    fn render(&mut self, _: Instant, out: &mut [f32]) {
        out.fill(self.says);
    }
}

/// One who keeps nothing of what it hears.
pub(super) struct Nobody;

impl Capture for Nobody {
    fn capture(&mut self, _: Instant, _: &[f32]) {}
}

/// The ends of a call whose other side says `says`, and what it hears.
pub(super) fn side(says: f32, rate: u32) -> (Ends, Heard) {
    let heard = Heard::default();
    let side = || Box::new(Side { says, heard: Arc::clone(&heard) });
    (Ends { rate, capture: side(), render: side() }, heard)
}

/// The last sample it has heard.
pub(super) fn last(heard: &Heard) -> f32 {
    *heard.lock().unwrap().last().unwrap()
}
