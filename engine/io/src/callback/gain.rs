//! A factor on samples that never jumps, so that turning it makes no click.

/// Moves to each new factor over one block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gain {
    factor: f32,
}

impl Gain {
    pub(super) const fn new(factor: f32) -> Self {
        Self { factor }
    }

    /// Whether going on to `factor` changes nothing about the samples.
    pub(super) fn is_neutral(self, factor: f32) -> bool {
        self.factor.to_bits() == factor.to_bits() && factor.to_bits() == 1.0_f32.to_bits()
    }

    /// Multiplies `pcm`, arriving at `factor` with its last sample.
    pub(super) fn apply(&mut self, factor: f32, pcm: &mut [f32]) {
        if self.is_neutral(factor) {
            return;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a block has far fewer samples than an f32 has integers"
        )]
        let step = (factor - self.factor) / pcm.len().max(1) as f32;
        for sample in pcm {
            self.factor += step;
            *sample *= self.factor;
        }
        self.factor = factor;
    }
}

/// The factor that `gain` and `muted` ask for; a gain that is no number is silence.
pub(super) fn wanted(gain: f32, muted: bool) -> f32 {
    if muted || !gain.is_finite() { 0.0 } else { gain.clamp(0.0, MAX_GAIN) }
}

/// +24 dB: what more would do is clip.
const MAX_GAIN: f32 = 16.0;
