//! Keeps the mean rate of a call at what was asked for.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::SAMPLE_RATE;

/// Counts what was spent against what may be, and asks libopus for a little more or less.
///
/// libopus alone spends 9 % more than asked where it codes more than wideband, and a few percent less elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    asked: u32,
    /// Bits saved so far; below zero is overspent.
    credit: f32,
}

impl Rate {
    pub(super) const fn new(asked: u32) -> Self {
        Self { asked, credit: 0.0 }
    }

    /// Asks for another rate; what was saved or overspent stays.
    pub(super) const fn ask(&mut self, asked: u32) {
        self.asked = asked;
    }

    pub(super) const fn asked(&self) -> u32 {
        self.asked
    }

    /// Bits per second to ask the codec for now.
    pub(super) fn target(&self) -> i32 {
        let asked = self.asked as f32;
        let wanted = asked + self.credit / SETTLES_IN;
        wanted.clamp(asked * (1.0 - REACH), asked * (1.0 + REACH)).max(LEAST) as i32
    }

    /// A frame of `samples` became `bytes`.
    pub(super) fn spent(&mut self, samples: usize, bytes: usize) {
        let asked = self.asked as f32;
        let earned = asked * samples as f32 / SAMPLE_RATE as f32;
        // Silence that sends nothing does not pay for a louder burst later: a quarter of a second is kept.
        self.credit =
            (self.credit + earned - bytes as f32 * 8.0).clamp(-MOST_OWED * asked, MOST_SAVED * asked);
    }
}

/// Seconds in which what was overspent is saved again.
const SETTLES_IN: f32 = 1.5;
/// The part of the rate by which a target may differ from it.
const REACH: f32 = 0.25;
/// Seconds of the rate.
const MOST_OWED: f32 = 4.0;
const MOST_SAVED: f32 = 0.25;
/// The lowest rate that libopus has a codec for.
const LEAST: f32 = 6_000.0;
