//! From a codec's rate to 48 kHz, sample by sample: what comes out depends on what came in so far and on nothing else.

use core::f32::consts::PI;

/// The rate of every recording, in hertz.
pub const RECORDING_RATE: u32 = 48_000;

/// Multiplies the sampling rate by a whole number, with a delay of [`HALF`] samples of the slower rate: 1 ms from 8 kHz,
/// 0.5 ms from 16 kHz, none when there is nothing to do.
#[derive(Debug)]
pub(crate) struct Upsampler {
    factor: usize,
    /// One filter for each sample that goes between two of the input, the newest input sample first.
    phases: Vec<[f32; TAPS]>,
    /// The last input samples, the newest first.
    past: [f32; TAPS],
}

impl Upsampler {
    /// From `rate` to [`RECORDING_RATE`]. `None` when that is no multiple of `rate`.
    pub(crate) fn new(rate: u32) -> Option<Self> {
        let factor = RECORDING_RATE.checked_div(rate).filter(|factor| factor * rate == RECORDING_RATE)?;
        let factor = usize::try_from(factor).ok()?;
        Some(Self {
            factor,
            phases: (0..factor).map(|phase| filter(phase, factor)).collect(),
            past: [0.0; TAPS],
        })
    }

    /// Adds what `pcm` becomes to `out`.
    pub(crate) fn push(&mut self, pcm: &[f32], out: &mut Vec<f32>) {
        if self.factor == 1 {
            return out.extend_from_slice(pcm);
        }
        for &sample in pcm {
            self.past.copy_within(..TAPS - 1, 1);
            self.past[0] = sample;
            let weighed =
                |taps: &[f32; TAPS]| taps.iter().zip(&self.past).map(|(tap, past)| tap * past).sum::<f32>();
            out.extend(self.phases.iter().map(weighed));
        }
    }
}

/// A sine cardinal under a raised cosine, whose taps add up to 1 so that silence and steady sound stay what they are.
fn filter(phase: usize, factor: usize) -> [f32; TAPS] {
    let mut taps = [0.0; TAPS];
    for (index, tap) in taps.iter_mut().enumerate() {
        let at = (index * factor + phase) as f32 / factor as f32 - HALF as f32;
        let sinc = if at.abs() < 1e-6 { 1.0 } else { (PI * at).sin() / (PI * at) };
        *tap = sinc * (0.5 + 0.5 * (PI * at / HALF as f32).cos());
    }
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// Samples of the slower rate from the middle of the filter to its end.
const HALF: usize = 8;
const TAPS: usize = 2 * HALF;

#[cfg(test)]
mod tests {
    use core::f64::consts::TAU;

    use super::*;

    fn upsampled(rate: u32, pcm: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        let mut upsampler = Upsampler::new(rate).unwrap();
        pcm.chunks(7).for_each(|chunk| upsampler.push(chunk, &mut out));
        out
    }

    #[test]
    fn a_tone_stays_what_it_is_a_millisecond_later() {
        for (rate, hertz) in [(8_000_u32, 440.0), (8_000, 3_000.0), (16_000, 6_000.0), (48_000, 10_000.0)] {
            let tone = |count: u32, rate: u32, lag: f64| -> Vec<f32> {
                (0..count)
                    .map(|n| (TAU * hertz * (f64::from(n) / f64::from(rate) - lag)).sin() as f32)
                    .collect()
            };
            let out = upsampled(rate, &tone(rate / 2, rate, 0.0));
            let lag = if rate == RECORDING_RATE { 0.0 } else { HALF as f64 / f64::from(rate) };
            let expected = tone(RECORDING_RATE / 2, RECORDING_RATE, lag);
            assert_eq!(out.len(), expected.len());
            let error = out.iter().zip(&expected).skip(1_000).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(error < 0.03, "{hertz} Hz at {rate}: {error}");
        }
    }

    #[test]
    fn what_comes_later_changes_nothing() {
        let pcm: Vec<f32> = (0..800_u32).map(|n| ((n * 7_919) % 200) as f32 / 100.0 - 1.0).collect();
        let whole = upsampled(8_000, &pcm);
        let (begun, _) = pcm.split_at(300);
        assert_eq!(upsampled(8_000, begun), whole.split_at(1_800).0);
    }

    #[test]
    fn only_whole_multiples_are_made() {
        assert_eq!(
            [8_000, 16_000, 24_000, 48_000].map(|rate| Upsampler::new(rate).unwrap().factor),
            [6, 3, 2, 1]
        );
        assert!(
            Upsampler::new(44_100).is_none()
                && Upsampler::new(96_000).is_none()
                && Upsampler::new(0).is_none()
        );
    }
}
