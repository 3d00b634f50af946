//! The audio input callback.

use rove_base::Instant;

use super::gain::{Gain, wanted};
use crate::bridge::InputEnds;

/// Everything the input callback owns.
#[derive(Debug)]
pub struct Input {
    ends: InputEnds,
    gain: Gain,
    missed: u64,
}

impl Input {
    /// Sends what it is given into `ends`.
    #[must_use]
    pub fn new(mut ends: InputEnds) -> Self {
        let knobs = ends.knobs.get();
        Self { ends, gain: Gain::new(wanted(knobs.gain, knobs.muted)), missed: 0 }
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
            return self.push(now, pcm);
        }
        let mut changed = [0.0; PIECE];
        for piece in pcm.chunks(PIECE) {
            let Some(changed) = changed.get_mut(..piece.len()) else { return };
            changed.copy_from_slice(piece);
            self.gain.apply(factor, changed);
            self.push(now, changed);
        }
    }

    /// Samples that found no room since the start: the media thread fell behind.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    fn push(&mut self, now: Instant, pcm: &[f32]) {
        if !self.ends.pcm.push(now, pcm) {
            self.missed += pcm.len() as u64;
        }
    }
}

/// Samples multiplied at a time, on the stack.
const PIECE: usize = 512;
