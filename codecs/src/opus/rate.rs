//! Keeps the mean rate of a call at what was asked for.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::SAMPLE_RATE;

/// Learns by what factor libopus differs from what it is asked for, and asks for so much less or more.
///
/// libopus alone spends 9 % more than asked where it codes more than wideband, and a few percent less elsewhere. That is
/// all there is to make up for: within the factor its rate follows the voice, and is not held to a mean of seconds, which
/// would be heard as a quality that comes and goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    asked: u32,
    /// Bits that libopus was asked for and bits that it spent, in the last [`MEMORY`] seconds; both begin equal.
    wanted: f32,
    spent: f32,
}

impl Rate {
    pub(super) const fn new(asked: u32) -> Self {
        let beginning = asked as f32 * BELIEF;
        Self { asked, wanted: beginning, spent: beginning }
    }

    /// Asks for another rate; what was learned stays only for one near by.
    pub(super) fn ask(&mut self, asked: u32) {
        let near = self.asked.abs_diff(asked) <= self.asked / 5;
        *self = if near { Self { asked, ..*self } } else { Self::new(asked) };
    }

    pub(super) const fn asked(&self) -> u32 {
        self.asked
    }

    /// Bits per second to ask the codec for now.
    pub(super) fn target(&self) -> i32 {
        let factor = (self.wanted / self.spent.max(1.0)).clamp(1.0 - REACH, 1.0 + REACH);
        (self.asked as f32 * factor).max(LEAST) as i32
    }

    /// A frame of `samples`, for which libopus was told `told` bits per second, became `bytes`.
    pub(super) fn spent(&mut self, samples: usize, told: i32, bytes: usize) {
        // Silence that sends nothing does not pay for louder speech.
        if bytes == 0 {
            return;
        }
        let seconds = samples as f32 / SAMPLE_RATE as f32;
        let kept = 1.0 - seconds / MEMORY;
        self.wanted = self.wanted * kept + told as f32 * seconds;
        self.spent = self.spent * kept + bytes as f32 * 8.0;
    }
}

/// How many seconds it takes to believe in another factor.
const MEMORY: f32 = 15.0;
/// The factor of 1 that it begins with counts as if it had been seen for so many seconds.
const BELIEF: f32 = 0.5;
/// The part of the rate by which a target may differ from it.
const REACH: f32 = 0.12;
/// The lowest rate that libopus has a codec for.
const LEAST: f32 = 6_000.0;
