//! The noise floor: the quietest 10 ms of the last seconds, and how loud speech was beside it.

/// Tracks the least and the greatest energy of what was heard.
#[derive(Debug)]
pub(super) struct Floor {
    /// Samples of a block of 10 ms.
    block: usize,
    /// Sum of squares of the block that is coming in, and its samples.
    sum: f32,
    count: usize,
    /// The least mean square of each of the last spells, the current one first.
    least: [f32; SPELLS],
    /// Blocks of the current spell.
    blocks: usize,
    /// Mean square of the loudest block, slowly forgotten.
    loudest: f32,
}

impl Floor {
    pub(super) fn new(ms: usize) -> Self {
        Self {
            block: ms.saturating_mul(10).max(1),
            sum: 0.0,
            count: 0,
            least: [f32::INFINITY; SPELLS],
            blocks: 0,
            loudest: 0.0,
        }
    }

    pub(super) fn heard(&mut self, mut pcm: &[f32]) {
        while !pcm.is_empty() {
            let room = self.block.saturating_sub(self.count).max(1).min(pcm.len());
            let (now, later) = pcm.split_at_checked(room).unwrap_or((pcm, &[]));
            self.sum += super::search::dot(now, now);
            self.count = self.count.saturating_add(now.len());
            pcm = later;
            if self.count >= self.block {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let power = self.sum / super::search::float(self.block);
        (self.sum, self.count) = (0.0, 0);
        self.loudest = power.max(self.loudest * FORGET);
        if let Some(now) = self.least.first_mut() {
            *now = now.min(power);
        }
        self.blocks = self.blocks.saturating_add(1);
        if self.blocks >= SPELL {
            self.blocks = 0;
            self.least.rotate_right(1);
            if let Some(now) = self.least.first_mut() {
                *now = f32::INFINITY;
            }
        }
    }

    /// The mean square up to which a stretch is a pause in speech, whatever noise there is in it.
    pub(super) fn pause(&self) -> f32 {
        self.quiet().max(self.loudest * PAUSE)
    }

    /// The mean square up to which a place is quiet.
    pub(super) fn quiet(&self) -> f32 {
        let least = self.least.iter().copied().fold(f32::INFINITY, f32::min);
        let above = if least.is_finite() { least * ABOVE } else { 0.0 };
        above.min(self.loudest * BELOW_SPEECH).max(DIGITAL_SILENCE)
    }
}

/// Spells remembered, of which the first is the current one: 2.5 s in all.
const SPELLS: usize = 5;
/// Blocks of a spell: 0.5 s.
const SPELL: usize = 50;
/// Noise is up to 6 dB above its quietest block.
const ABOVE: f32 = 4.0;
/// What is less than 20 dB below speech is no background.
const BELOW_SPEECH: f32 = 0.01;
/// 36 dB below the loudest, nothing is said.
const PAUSE: f32 = 2.5e-4;
/// Half of it is gone after 7 s.
const FORGET: f32 = 0.999;
/// −70 dB of full scale.
const DIGITAL_SILENCE: f32 = 1e-7;
