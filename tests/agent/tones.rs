//! Voices that are told apart: each is one tone.

use std::path::{Path, PathBuf};

use rove_io::device::{WavRecorder, read_mono};

/// A file of five seconds of a tone, as loud as speech.
pub(crate) fn tone(folder: &Path, hertz: u32) -> PathBuf {
    let path = folder.join(format!("{hertz}.wav"));
    let step = core::f64::consts::TAU * f64::from(hertz) / f64::from(RATE);
    let pcm: Vec<f32> = (0..5 * RATE).map(|i| (0.1 * (step * f64::from(i)).sin()) as f32).collect();
    let mut file = WavRecorder::create(&path, RATE).unwrap();
    file.write(&pcm).unwrap();
    file.finish().unwrap();
    path
}

/// In how many tenths of a second of a recording each of these tones is heard, of how many there are.
pub(crate) fn heard<const N: usize>(recording: &Path, hertz: [u32; N]) -> ([usize; N], usize) {
    let samples = read_mono(recording, RATE).unwrap();
    let pieces = samples.chunks_exact(RATE as usize / 10);
    let count = pieces.len();
    (hertz.map(|hertz| pieces.clone().filter(|piece| amplitude(piece, hertz) > 0.03).count()), count)
}

/// How strong one tone is in `pcm`.
fn amplitude(pcm: &[f32], hertz: u32) -> f64 {
    let step = core::f64::consts::TAU * f64::from(hertz) / f64::from(RATE);
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in pcm.iter().enumerate() {
        let (sin, cos) = (step * i as f64).sin_cos();
        re += f64::from(*sample) * cos;
        im += f64::from(*sample) * sin;
    }
    2.0 * f64::hypot(re, im) / pcm.len() as f64
}

const RATE: u32 = 8_000;
