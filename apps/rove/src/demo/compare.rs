//! Whether what was heard is what was said.

use std::path::Path;

/// The likeness of two recordings: the best correlation of their envelopes over all shifts up to [`MOST_SHIFT`].
/// 1 is the same, 0 unrelated. Envelopes, because a codec keeps what is heard and not the waveform.
pub(super) fn files(said: &Path, heard: &Path) -> Result<f64, String> {
    let read = |path: &Path| rove_io::device::read_mono(path, RATE).map_err(|error| error.to_string());
    Ok(best_correlation(&envelope(&read(said)?), &envelope(&read(heard)?)))
}

/// The same where two speak at once, who may have begun up to half a second one after the other.
pub(super) fn mixed(said: [&Path; 2], heard: &Path) -> Result<f64, String> {
    let read = |path: &Path| {
        let samples = rove_io::device::read_mono(path, RATE).map_err(|error| error.to_string());
        samples.map(|samples| envelope(&samples))
    };
    let ([one, other], heard) = ([read(said[0])?, read(said[1])?], read(heard)?);
    let apart = (0..=MOST_APART).step_by(2);
    let both = apart.flat_map(|late| [together(&one, &other, late), together(&other, &one, late)]);
    Ok(both.map(|both| best_correlation(&both, &heard)).fold(0.0, f64::max))
}

/// Two envelopes, the second of which begins so many windows later.
fn together(one: &[f64], other: &[f64], late: usize) -> Vec<f64> {
    let other = core::iter::repeat_n(&0.0, late).chain(other).chain(core::iter::repeat(&0.0));
    one.iter().zip(other).map(|(one, other)| one.hypot(*other)).collect()
}

/// Energy of each 10 ms, as an amplitude.
fn envelope(pcm: &[f32]) -> Vec<f64> {
    pcm.chunks_exact(WINDOW)
        .map(|window| (window.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / WINDOW as f64).sqrt())
        .collect()
}

/// The correlation when each piece of what was said is laid where it fits best: a jitter buffer moves the delay a little
/// while a call runs, in pauses mostly.
fn best_correlation(said: &[f64], heard: &[f64]) -> f64 {
    let at = |shift: usize| correlation(said, heard.get(shift..).unwrap_or_default());
    let shifts = 0..=MOST_SHIFT.min(heard.len());
    let Some(whole) = shifts.max_by(|a, b| at(*a).total_cmp(&at(*b))) else { return 0.0 };
    let mut aligned = Vec::with_capacity(said.len());
    for (n, piece) in said.chunks(PIECE).enumerate() {
        let from = whole + n * PIECE;
        let near = from.saturating_sub(MOST_MOVED)..=from + MOST_MOVED;
        let laid = near.filter_map(|at| heard.get(at..at + piece.len()));
        let Some(best) = laid.max_by(|a, b| product(piece, a).total_cmp(&product(piece, b))) else { break };
        aligned.extend_from_slice(best);
    }
    correlation(said, &aligned)
}

/// How much two pieces have in common, by their form alone.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let energy = b.iter().map(|b| b * b).sum::<f64>().sqrt();
    if energy > 0.0 { a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / energy } else { 0.0 }
}

/// Pearson's coefficient over the common length; 0 for less than a second.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().min(b.len());
    if count < 100 {
        return 0.0;
    }
    let pairs = || a.iter().zip(b).take(count);
    let (sum_a, sum_b) = pairs().fold((0.0, 0.0), |(x, y), (a, b)| (x + a, y + b));
    let (mean_a, mean_b) = (sum_a / count as f64, sum_b / count as f64);
    let (mut cross, mut var_a, mut var_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        cross += (a - mean_a) * (b - mean_b);
        var_a += (a - mean_a).powi(2);
        var_b += (b - mean_b).powi(2);
    }
    if var_a == 0.0 || var_b == 0.0 { 0.0 } else { cross / (var_a * var_b).sqrt() }
}

const RATE: u32 = 16_000;
/// 10 ms.
const WINDOW: usize = 160;
/// A quarter of a second.
const PIECE: usize = 25;
/// By how many windows a piece may lie elsewhere than the whole.
const MOST_MOVED: usize = 10;
/// Half a second.
const MOST_APART: usize = 50;
/// 2 s of set-up and buffering at most.
const MOST_SHIFT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of noise-like sound at irregular times.
    fn speech(seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut loud = 0.0;
        (0..80_000)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if n % 1_600 == 0 {
                    loud = f32::from((state >> 20) as u8) / 255.0;
                }
                loud * if n % 2 == 0 { 0.5 } else { -0.5 }
            })
            .collect()
    }

    #[test]
    fn a_shifted_and_quieter_copy_is_the_same_and_another_speech_is_not() {
        let said = speech(1);
        let mut heard = vec![0.0; 4_800];
        heard.extend(said.iter().map(|s| s * 0.3));
        assert!(best_correlation(&envelope(&said), &envelope(&heard)) > 0.99);
        assert!(best_correlation(&envelope(&said), &envelope(&speech(99))) < 0.7);
        assert_eq!(best_correlation(&envelope(&said), &envelope(&vec![0.0; 80_000])), 0.0);
    }

    #[test]
    fn two_who_speak_at_once_are_the_same_together_and_neither_alone_is() {
        let (one, other) = (envelope(&speech(1)), envelope(&speech(99)));
        let heard = together(&one, &other, 20);
        assert!(best_correlation(&together(&one, &other, 20), &heard) > 0.99);
        assert!(best_correlation(&one, &heard) < 0.9 && best_correlation(&other, &heard) < 0.9);
    }
}
