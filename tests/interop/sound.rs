//! Whether a recording is of what was said.

use std::{ops::Range, path::Path, time::Duration};

use rove_io::device::read_mono;

/// How alike the two waveforms are, and their envelopes, as correlations. The shift, up to `most`, is found roughly below
/// 1 kHz, then to the sample for each piece of [`PIECE`]: the playout cuts and adds pitch periods as the delay changes. A
/// piece counts by its energy.
pub(crate) fn likeness_within(said: &Path, heard: &Path, most: Duration) -> (f64, f64) {
    let read = |path: &Path| -> Vec<f64> {
        let pcm = read_mono(path, RATE).unwrap_or_else(|error| panic!("{error}"));
        pcm.into_iter().map(f64::from).collect()
    };
    let (said, heard) = (read(said), read(heard));
    let most = most.as_millis() as usize * RATE as usize / 1_000 / EIGHT;
    let (rough, _) = best(&means(&said), &means(&heard), 0..most);
    let waveform = pieces(&said, &heard, rough * EIGHT);
    (waveform, levels(&envelope(&said), &envelope(&heard), rough * EIGHT / 160))
}

/// The mean over pieces of what was said, near the given shift.
fn pieces(said: &[f64], heard: &[f64], rough: usize) -> f64 {
    let (mut sum, mut energies) = (0.0, 0.0);
    for (n, piece) in said.chunks_exact(PIECE).enumerate() {
        let begin = n * PIECE + rough.saturating_sub(SLACK);
        let Some(near) = heard.get(begin..(begin + PIECE + 2 * SLACK).min(heard.len())) else { break };
        if near.len() < PIECE + SLACK {
            break;
        }
        let (_, likeness) = best(piece, near, 0..near.len() - PIECE);
        let energy = piece.iter().map(|sample| sample.powi(2)).sum::<f64>();
        sum += energy * likeness;
        energies += energy;
    }
    sum / energies
}

/// The correlation of two envelopes, each quarter of a second of the second one laid where it fits best.
fn levels(said: &[f64], heard: &[f64], rough: usize) -> f64 {
    let common = |a: &[f64], b: &[f64]| {
        let energy = b.iter().map(|b| b * b).sum::<f64>().sqrt().max(1e-9);
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / energy
    };
    let mut laid = Vec::new();
    for (n, piece) in said.chunks(25).enumerate() {
        let from = rough + n * 25;
        let near = (from.saturating_sub(8)..=from + 8).filter_map(|at| heard.get(at..at + piece.len()));
        let Some(best) = near.max_by(|a, b| common(piece, a).total_cmp(&common(piece, b))) else { break };
        laid.extend_from_slice(best);
    }
    correlation(said, &laid)
}

/// 2 kHz.
fn means(pcm: &[f64]) -> Vec<f64> {
    pcm.chunks_exact(EIGHT).map(|eight| eight.iter().sum::<f64>() / EIGHT as f64).collect()
}

/// Energy of each 10 ms, as an amplitude.
fn envelope(pcm: &[f64]) -> Vec<f64> {
    pcm.chunks_exact(160)
        .map(|ten_ms| (ten_ms.iter().map(|s| s.powi(2)).sum::<f64>() / 160.0).sqrt())
        .collect()
}

/// The shift with the best correlation, and that correlation.
fn best(said: &[f64], heard: &[f64], shifts: Range<usize>) -> (usize, f64) {
    shifts
        .filter(|&shift| shift < heard.len())
        .map(|shift| (shift, correlation(said, &heard[shift..])))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .expect("a recording that is not empty")
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
const EIGHT: usize = 8;
/// 250 ms.
const PIECE: usize = 4_000;
/// 60 ms.
const SLACK: usize = 960;
