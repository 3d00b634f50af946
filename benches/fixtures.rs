//! Inputs that several benches share.

/// A vowel around 230 Hz with overtones, for `samples` at `sample_rate`.
#[must_use]
pub fn voice(sample_rate: u32, samples: usize) -> Vec<f32> {
    let mut phase = 0.0_f32;
    (0..samples)
        .map(|i| {
            let seconds = i as f32 / sample_rate as f32;
            phase = (phase + (230.0 + 30.0 * (seconds * 9.0).sin()) / sample_rate as f32).fract();
            (1..=8).map(|n| 0.2 / n as f32 * (core::f32::consts::TAU * phase * n as f32).sin()).sum()
        })
        .collect()
}
