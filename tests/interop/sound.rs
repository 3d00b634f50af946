//! Whether a recording is of what was said.

use std::path::Path;

use rove_io::device::read_mono;

/// The best correlation of the two waveforms below 1 kHz over shifts up to 2 s, and of their envelopes. Low
/// frequencies, because there a speech codec at 20 kb/s and more keeps the waveform.
pub(crate) fn likeness(said: &Path, heard: &Path) -> (f64, f64) {
    let read = |path: &Path| read_mono(path, RATE).unwrap_or_else(|error| panic!("{error}"));
    let (said, heard) = (read(said), read(heard));
    let waveform = best(&low(&said), &low(&heard), 2 * LOW_RATE);
    let envelope = best(&envelope(&said), &envelope(&heard), 200);
    (waveform, envelope)
}

/// Means of 8 samples: 2 kHz.
fn low(pcm: &[f32]) -> Vec<f64> {
    pcm.chunks_exact(8).map(|eight| eight.iter().map(|&s| f64::from(s)).sum::<f64>() / 8.0).collect()
}

fn envelope(pcm: &[f32]) -> Vec<f64> {
    pcm.chunks_exact(160)
        .map(|ten_ms| (ten_ms.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / 160.0).sqrt())
        .collect()
}

fn best(said: &[f64], heard: &[f64], most_shift: usize) -> f64 {
    (0..most_shift.min(heard.len())).map(|shift| correlation(said, &heard[shift..])).fold(0.0, f64::max)
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().min(b.len());
    let mean = |x: &[f64]| x[..count].iter().sum::<f64>() / count as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut cross, mut var_a, mut var_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        cross += (a - mean_a) * (b - mean_b);
        var_a += (a - mean_a).powi(2);
        var_b += (b - mean_b).powi(2);
    }
    if var_a == 0.0 || var_b == 0.0 { 0.0 } else { cross / (var_a * var_b).sqrt() }
}

const RATE: u32 = 16_000;
const LOW_RATE: usize = 2_000;
