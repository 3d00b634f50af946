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
    one: Decay,
    many: Decay,
    begun: bool,
}

/// What is left of the peak and of the power after some samples.
#[derive(Clone, Copy, Debug)]
struct Decay {
    peak: f32,
    power: f32,
}

impl Level {
    /// For `rate` samples a second.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^24")]
        let rate = rate.max(1_000) as f32;
        let decay = |samples: f32| Decay {
            peak: 10.0_f32.powf(-FALL_DB_PER_SEC / 20.0 * samples / rate),
            power: (-samples / (rate * AVERAGE_SECS)).exp(),
        };
        Self { peak: 0.0, power: 0.0, one: decay(1.0), many: decay(f32::from(MANY)), begun: false }
    }

    /// Takes samples in. What is no number counts as silence.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the length.
    pub fn measure(&mut self, pcm: &[f32]) {
        let (chunks, rest) = pcm.as_chunks::<{ MANY as usize }>();
        for chunk in chunks {
            // Peaks and powers of a third of a millisecond, side by side, so that the compiler may use vectors.
            let mut peak = 0.0_f32;
            let mut power = 0.0;
            for sample in chunk {
                let sample = sane(*sample);
                peak = peak.max(sample.abs());
                power += sample * sample;
            }
            self.take(self.many, peak, power / f32::from(MANY));
        }
        for sample in rest {
            let sample = sane(*sample);
            self.take(self.one, sample.abs(), sample * sample);
        }
        self.begun |= !pcm.is_empty();
    }

    fn take(&mut self, decay: Decay, peak: f32, power: f32) {
        self.peak = (self.peak * decay.peak).max(peak);
        self.power = power + (self.power - power) * decay.power;
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

fn sane(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-FULL, FULL) } else { 0.0 }
}

fn decibels(power: f32) -> f32 {
    (10.0 * power.max(f32::MIN_POSITIVE).log10()).clamp(-f32::from(LOWEST), 0.0)
}

/// Samples taken at once.
const MANY: u8 = 16;
/// Full scale.
const FULL: f32 = 1.0;
const LOWEST: u8 = 127;
const FALL_DB_PER_SEC: f32 = 20.0 / 1.7;
const AVERAGE_SECS: f32 = 0.3;
