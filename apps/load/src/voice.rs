//! What calls say: a WAV file, or a sound in the rhythm of speech that is made here.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rove_io::device::read_mono;

/// The sound that all calls share, at each rate that one of them has asked for.
#[derive(Debug)]
pub(crate) struct Voice {
    file: Option<PathBuf>,
    made: HashMap<u32, Arc<[f32]>>,
}

impl Voice {
    /// The sound of a file; without one, a buzz with the fundamental of a voice, in syllables.
    pub(crate) fn new(file: Option<&Path>) -> Self {
        Self { file: file.map(Path::to_owned), made: HashMap::new() }
    }

    /// The sound at `rate` samples a second.
    ///
    /// # Errors
    ///
    /// A sentence when the file cannot be read.
    pub(crate) fn at(&mut self, rate: u32) -> Result<Arc<[f32]>, String> {
        if let Some(made) = self.made.get(&rate) {
            return Ok(Arc::clone(made));
        }
        let made: Arc<[f32]> = match &self.file {
            Some(file) => read_mono(file, rate).map_err(|error| error.to_string())?.into(),
            None => buzz(rate).into(),
        };
        if made.is_empty() {
            return Err("there is no sound in the file to be played; give another one with --play".into());
        }
        self.made.insert(rate, Arc::clone(&made));
        Ok(made)
    }
}

/// Two seconds: harmonics of 120 Hz below 3 400 Hz, as loud as speech, four syllables a second.
#[expect(clippy::cast_precision_loss, reason = "two seconds have far fewer samples than an f32 has integers")]
fn buzz(rate: u32) -> Vec<f32> {
    let harmonics = 1..=28_u32;
    (0..rate * 2)
        .map(|n| {
            let seconds = n as f32 / rate as f32;
            let turn = core::f32::consts::TAU * seconds;
            let voice: f32 = harmonics.clone().map(|k| (turn * 120.0 * k as f32).sin() / k as f32).sum();
            0.08 * voice * (1.1 - (turn * 4.0).cos())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_shared_and_never_clips() {
        let mut voice = Voice::new(None);
        let (one, other) = (voice.at(8_000).unwrap(), voice.at(8_000).unwrap());
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(voice.at(48_000).unwrap().len(), 96_000);
        let most = one.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
        assert!((0.1..0.9).contains(&most), "{most}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Voice::new(Some(Path::new("no/such.wav"))).at(8_000).unwrap_err();
        assert!(error.contains("no/such.wav"), "{error}");
    }
}
