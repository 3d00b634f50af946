//! Conferences: each party hears the sum of the others.
//!
//! The sum without one's own voice is not had by subtracting it, which leaves rounding behind: what comes before a
//! party and what comes after it are summed apart, from both ends. Work and memory stay linear in the parties. Each
//! mixture goes through a [`Limiter`] of its own.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod conference;
mod level;
mod limiter;
mod speaker;

#[cfg(test)]
mod tests;

pub use conference::Conference;
pub use level::Level;
pub use limiter::Limiter;
pub use speaker::{EMPTY_MS, MARGIN_DB, SILENCE_DBOV, Speaker, TAKE_OVER_MS};

/// Mixes the voices of parties at one sample rate, block by block.
#[derive(Debug)]
pub struct Mixer {
    parties: Box<[Party]>,
    /// What all parties before the current one say.
    before: Box<[f32]>,
}

/// One party: what it says, and then what it hears.
#[derive(Debug)]
struct Party {
    /// What it said in this block, after its gain.
    said: Box<[f32]>,
    spoke: bool,
    /// What all parties after it say; then what it hears.
    hears: Box<[f32]>,
    gain: f32,
    /// The gain at the end of the block before.
    was: f32,
    limiter: Limiter,
}

impl Mixer {
    /// For up to `parties` and blocks of up to `longest` samples, of which there are `rate` a second. Allocates all it
    /// will ever need.
    #[must_use]
    pub fn new(parties: usize, longest: usize, rate: u32) -> Self {
        let room = || core::iter::repeat_n(0.0, longest).collect::<Box<[f32]>>();
        let party = |_| Party {
            said: room(),
            spoke: false,
            hears: room(),
            gain: 1.0,
            was: 1.0,
            limiter: Limiter::new(rate),
        };
        Self { parties: (0..parties).map(party).collect(), before: room() }
    }

    /// How loud the others hear `party`, a factor of 1 unless said; a negative or unordered one silences it. A change
    /// takes one block, without a step.
    pub fn set_gain(&mut self, party: usize, gain: f32) {
        if let Some(party) = self.parties.get_mut(party) {
            party.gain = if gain.is_finite() { gain.max(0.0) } else { 0.0 };
        }
    }

    /// Another takes the seat of `party`: nothing of the old one's loudness lives on.
    pub fn reset(&mut self, party: usize) {
        if let Some(party) = self.parties.get_mut(party) {
            (party.spoke, party.gain, party.was) = (false, 1.0, 1.0);
            party.limiter.reset();
        }
    }

    /// Another takes the seat of `party`, in mid-conversation: is faded in within one block, and hears from the beginning as
    /// loudly as `like` does.
    pub fn enter(&mut self, party: usize, like: usize) {
        let Some(limiter) = self.parties.get(like).map(|like| like.limiter.clone()) else { return };
        if let Some(party) = self.parties.get_mut(party) {
            (party.spoke, party.gain, party.was, party.limiter) = (false, 1.0, 0.0, limiter);
        }
    }

    /// Takes what `party` says in this block. Who says nothing is silent; who speaks twice is heard as at last. What
    /// exceeds the longest block is left out.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the length of `pcm`.
    pub fn say(&mut self, party: usize, pcm: &[f32]) {
        let Some(party) = self.parties.get_mut(party) else { return };
        let (mut gain, to) = (party.was, party.gain);
        let count = f32::from(u16::try_from(pcm.len()).unwrap_or(u16::MAX)).max(1.0);
        let step = (to - gain) / count;
        for (said, sample) in party.said.iter_mut().zip(pcm) {
            gain += step;
            *said = sample * gain;
        }
        if let Some(silent) = party.said.get_mut(pcm.len()..) {
            silent.fill(0.0);
        }
        (party.was, party.spoke) = (to, true);
    }

    /// Ends the block, of `len` samples: from now on it can be heard, and the next one begins. A party that is heard
    /// alone, at a gain of 1 and below −6 dBFS, is heard bit for bit.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in parties times `len`.
    pub fn mix(&mut self, len: usize) {
        let Self { parties, before } = self;
        let len = len.min(before.len());
        let Some(sum) = before.get_mut(..len) else { return };
        // Negative zero is the one number that adding changes nothing, not even the sign of a zero.
        sum.fill(-0.0);
        for party in parties.iter_mut().rev() {
            if let Some(hears) = party.hears.get_mut(..len) {
                hears.copy_from_slice(sum);
            }
            party.add_to(sum);
        }
        sum.fill(-0.0);
        for party in parties.iter_mut() {
            for (hears, before) in party.hears.iter_mut().zip(sum.iter()) {
                *hears += before;
            }
            party.add_to(sum);
            if let Some(hears) = party.hears.get_mut(..len) {
                party.limiter.limit(hears);
            }
            party.spoke = false;
        }
    }

    /// What `party` hears in the block mixed last: its beginning as far as `out` reaches, and silence after it.
    ///
    /// # Realtime
    ///
    /// A copy.
    pub fn hear(&self, party: usize, out: &mut [f32]) {
        let hears = self.parties.get(party).map_or(&[][..], |party| &party.hears);
        for (i, out) in out.iter_mut().enumerate() {
            *out = hears.get(i).copied().unwrap_or(0.0);
        }
    }
}

impl Party {
    fn add_to(&self, sum: &mut [f32]) {
        if self.spoke {
            for (sum, said) in sum.iter_mut().zip(self.said.iter()) {
                *sum += said;
            }
        }
    }
}
