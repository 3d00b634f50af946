//! A limiter that adds no delay: loud mixtures become softer instead of being clipped.

/// Keeps samples under −1 dBFS.
///
/// Without look-ahead the gain has to follow a peak at once: the attack takes no time, and no step, because the gain
/// is a smooth function of the peak: 1 up to −6 dBFS, and above it so that a peak comes near −1 dBFS and never reaches
/// it. After a peak the gain holds for 10 ms, longer than half a period of any voice, then comes back with a time
/// constant of 100 ms. While no peak of the last moments exceeds −6 dBFS, samples pass unchanged, bit for bit.
#[derive(Clone, Debug)]
pub struct Limiter {
    peak: f32,
    /// Samples for which the peak still holds.
    hold: u32,
    hold_for: u32,
    /// What is left of the peak after one sample of release.
    release: f32,
}

impl Limiter {
    /// For `rate` samples a second.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let rate = rate.max(1_000);
        #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^24")]
        let release = (-1.0 / (rate as f32 * RELEASE_SECS)).exp();
        Self { peak: 0.0, hold: 0, hold_for: rate / HOLD_PER_SEC, release }
    }

    /// Forgets what was loud.
    pub const fn reset(&mut self) {
        (self.peak, self.hold) = (0.0, 0);
    }

    /// Limits in place. Samples that are no numbers become silence.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the length.
    pub fn limit(&mut self, pcm: &mut [f32]) {
        for sample in pcm {
            if !sample.is_finite() {
                *sample = 0.0;
            }
            let size = sample.abs();
            if size >= self.peak {
                (self.peak, self.hold) = (size, self.hold_for);
            } else if self.hold > 0 {
                self.hold = self.hold.saturating_sub(1);
            } else {
                self.peak = (self.peak * self.release).max(size);
            }
            if self.peak > KNEE {
                *sample *= limited(self.peak) / self.peak;
            }
        }
    }
}

/// Where a peak above the knee comes to lie: tangent to the identity there, and below the ceiling everywhere.
fn limited(peak: f32) -> f32 {
    let room = CEILING - KNEE;
    CEILING - room * room / (room + (peak - KNEE))
}

/// −6 dBFS.
const KNEE: f32 = 0.501_187_2;
/// A hair below −1 dBFS (0.891 250 9), so that rounding does not exceed it.
const CEILING: f32 = 0.891_250;
const RELEASE_SECS: f32 = 0.1;
/// 10 ms.
const HOLD_PER_SEC: u32 = 100;
