//! What need not be sent: background without speech, for codecs that have no silence of their own.
//!
//! Speech is what [`Activity`] takes for it. So is, for caution, whatever stands out of the background or is a tone: music
//! on hold and signals are not to be cut. After speech the gate stays open for [`HANGOVER`], so that its ends are not clipped.

use core::time::Duration;

use super::Activity;

/// Tells speech from background.
#[derive(Debug)]
pub struct Silence {
    activity: Activity,
    /// Mean square of the background.
    floor: f32,
    /// For how long the gate stays open.
    open: Duration,
    sample_rate: u32,
}

impl Silence {
    /// For sound of `sample_rate`.
    #[must_use]
    pub fn new(sample_rate: u32) -> Self {
        // The gate is open at first: what the background is like is not known yet.
        Self { activity: Activity::new(sample_rate), floor: FIRST_FLOOR, open: HANGOVER, sample_rate }
    }

    /// Takes in a frame; answers whether it is background alone.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    pub fn hear(&mut self, frame: &[f32]) -> bool {
        let seconds = frame.len() as f32 / self.sample_rate as f32;
        let level = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len().max(1) as f32;
        let speech = self.activity.hear(frame) > SPEECH;
        let active = level > NOTHING && (speech || level > self.floor * STANDS_OUT || is_tone(frame, level));
        if active {
            self.open = HANGOVER;
        } else {
            self.open = self.open.saturating_sub(Duration::from_secs_f32(seconds));
        }
        let rise = self.floor * RISE_PER_SECOND.powf(seconds);
        self.floor = if level < self.floor { (self.floor + level) / 2.0 } else { rise.min(level) };
        self.floor = self.floor.clamp(NOTHING, HIGHEST_FLOOR);
        self.open.is_zero()
    }
}

/// Whether [`ORDER`] samples foretell the next one so well that the frame is a tone, or two at once.
fn is_tone(frame: &[f32], level: f32) -> bool {
    if level < LEAST_TONE || frame.len() < 4 * ORDER {
        return false;
    }
    // Least squares over the frame: what the samples at lags 1 to ORDER leave of the sample at lag 0. Eliminated as it is
    // built, lag 0 last, its remainder is what is left.
    let mut sums = [[0.0_f64; ORDER + 1]; ORDER + 1];
    for window in frame.windows(ORDER + 1) {
        for (row, a) in sums.iter_mut().zip(window) {
            for (sum, b) in row.iter_mut().zip(window) {
                *sum += f64::from(*a) * f64::from(*b);
            }
        }
    }
    let whole = sums[ORDER][ORDER];
    for pivot in 0..ORDER {
        let along = sums[pivot];
        // Nothing new in this lag: the ones before it tell it already.
        if along[pivot] <= whole * 1e-9 {
            continue;
        }
        for row in sums.iter_mut().skip(pivot + 1) {
            let factor = row[pivot] / along[pivot];
            row.iter_mut().zip(along).for_each(|(value, above)| *value -= factor * above);
        }
    }
    sums[ORDER][ORDER] < whole * TONE_ERROR
}

/// Score from which on sound is taken for speech.
const SPEECH: f32 = 0.5;
/// The gate stays open so long after speech.
pub const HANGOVER: Duration = Duration::from_millis(240);
/// Mean squares: −70 dBov is nothing to anybody,
const NOTHING: f32 = 1e-7;
/// −50 dBov is the first guess of the background,
const FIRST_FLOOR: f32 = 1e-5;
/// −26 dBov the loudest that is believed to be background.
const HIGHEST_FLOOR: f32 = 2.5e-3;
/// 9 dB above the background stand out.
const STANDS_OUT: f32 = 8.0;
/// The background is believed to grow by 1.5 dB a second.
const RISE_PER_SECOND: f32 = 1.41;
/// Tones below −50 dBov are hum.
const LEAST_TONE: f32 = 1e-5;
/// Samples that foretell the next one: two for each tone.
const ORDER: usize = 4;
/// What they may leave unforetold of a tone, as a share: 30 dB below.
const TONE_ERROR: f64 = 0.001;
