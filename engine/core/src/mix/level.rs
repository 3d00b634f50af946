//! How loud something is, as a meter shows it and as a mixer tells its parties.

/// Measures peak and loudness of a signal, in decibels below full scale.
///
/// - The peak rises at once and falls by 20 dB in 1.7 s (the return of IEC 60268-10, type I).
/// - The RMS level is averaged with a time constant of 300 ms. A full-scale square wave is at 0 dB, a full-scale sine
///   at −3.01 dB: decibels below overload, the dBov of RFC 6464 §3 and RFC 6465 §3.
///
/// Both lie between −127 and 0 dB, as there; −127 is digital silence or near it.
#[derive(Clone, Debug)]
pub struct Level {
    peak: f32,
    power: f32,
    /// What is left of the peak after one sample.
    fall: f32,
    /// What is left of the power after one sample.
    forget: f32,
    begun: bool,
}

impl Level {
    /// For `rate` samples a second.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^24")]
        let rate = rate.max(1_000) as f32;
        Self {
            peak: 0.0,
            power: 0.0,
            fall: 10.0_f32.powf(-FALL_DB_PER_SEC / 20.0 / rate),
            forget: (-1.0 / (rate * AVERAGE_SECS)).exp(),
            begun: false,
        }
    }

    /// Takes samples in. What is no number counts as silence.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the length.
    pub fn measure(&mut self, pcm: &[f32]) {
        for sample in pcm {
            let sample = if sample.is_finite() { sample.clamp(-FULL, FULL) } else { 0.0 };
            self.peak = (self.peak * self.fall).max(sample.abs());
            self.power = sample * sample + (self.power - sample * sample) * self.forget;
        }
        self.begun |= !pcm.is_empty();
    }

    /// The peak in dBFS, from −127 to 0; `None` when nothing was measured yet.
    #[must_use]
    pub fn peak(&self) -> Option<f32> {
        self.begun.then(|| decibels(self.peak * self.peak))
    }

    /// The RMS level in dBov, from −127 to 0; `None` when nothing was measured yet.
    #[must_use]
    pub fn rms(&self) -> Option<f32> {
        self.begun.then(|| decibels(self.power))
    }

    /// The RMS level as RFC 6464 §3 and RFC 6465 §3 write it: 0 for full scale to 127 for silence, in −dBov.
    #[must_use]
    pub fn wire(&self) -> Option<u8> {
        let quiet = -self.rms()?;
        (0..=LOWEST).min_by(|a, b| {
            let off = |level: u8| (f32::from(level) - quiet).abs();
            off(*a).total_cmp(&off(*b))
        })
    }
}

fn decibels(power: f32) -> f32 {
    (10.0 * power.max(f32::MIN_POSITIVE).log10()).clamp(-f32::from(LOWEST), 0.0)
}

/// Full scale.
const FULL: f32 = 1.0;
const LOWEST: u8 = 127;
const FALL_DB_PER_SEC: f32 = 20.0 / 1.7;
const AVERAGE_SECS: f32 = 0.3;
