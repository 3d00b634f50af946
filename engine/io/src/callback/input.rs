//! The audio input callback.

use rove_base::Instant;
use rove_core::mix::Level;

use super::gain::{Gain, wanted};
use crate::bridge::{InputEnds, Levels};

/// Everything the input callback owns.
#[derive(Debug)]
pub struct Input {
    ends: InputEnds,
    gain: Gain,
    level: Level,
    missed: u64,
}

impl Input {
    /// Sends what it is given, `rate` samples a second, into `ends`.
    #[must_use]
    pub fn new(mut ends: InputEnds, rate: u32) -> Self {
        let knobs = ends.knobs.get();
        Self { ends, gain: Gain::new(wanted(knobs.gain, knobs.muted)), level: Level::new(rate), missed: 0 }
    }

    /// Takes in `pcm`, mono at the stream's rate, whose first sample was captured at `now`. Called by the sound card
    /// every few milliseconds.
    ///
    /// # Realtime
    ///
    /// No allocation, lock, system call or log line may be reached from here: tests/realtime proves the first and the
    /// third over 100 000 calls.
    pub fn capture(&mut self, now: Instant, pcm: &[f32]) {
        let knobs = self.ends.knobs.get();
        let factor = wanted(knobs.gain, knobs.muted);
        if self.gain.is_neutral(factor) {
            self.push(now, pcm);
            return self.show();
        }
        let mut changed = [0.0; PIECE];
        for piece in pcm.chunks(PIECE) {
            let Some(changed) = changed.get_mut(..piece.len()) else { return };
            changed.copy_from_slice(piece);
            self.gain.apply(factor, changed);
            self.push(now, changed);
        }
        self.show();
    }

    /// Samples that found no room since the start: the media thread fell behind.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    fn show(&mut self) {
        self.ends.levels.set(Levels { peak: self.level.peak(), rms: self.level.rms() });
    }

    fn push(&mut self, now: Instant, pcm: &[f32]) {
        self.level.measure(pcm);
        if !self.ends.pcm.push(now, pcm) {
            self.missed += pcm.len() as u64;
        }
    }
}

/// Samples multiplied at a time, on the stack.
const PIECE: usize = 512;
