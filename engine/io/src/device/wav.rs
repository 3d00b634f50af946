//! WAV files in and out.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::resample::resample;

/// Reads the file at `path` as mono samples at `rate`: any channel count (mixed with equal weights), integers of 8 to
/// 32 bits or 32-bit floats, any rate.
///
/// # Errors
///
/// [`WavError`] with the path and what is wrong.
pub fn read_mono(path: &Path, rate: u32) -> Result<Vec<f32>, WavError> {
    let failed = |what| move |error: hound::Error| WavError::new(path, what, error);
    let mut reader = WavReader::open(path).map_err(failed("read"))?;
    let spec = reader.spec();
    if spec.sample_rate == 0 || spec.channels == 0 {
        return Err(WavError::Nothing { path: path.into() });
    }
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let full_scale = 2_f32.powi(i32::from(spec.bits_per_sample) - 1);
            reader.samples::<i32>().map(|sample| sample.map(|s| s as f32 / full_scale)).collect()
        }
    };
    let samples = samples.map_err(failed("read"))?;
    let channels = usize::from(spec.channels);
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| finite(frame.iter().sum::<f32>() / channels as f32))
        .collect();
    if mono.is_empty() {
        return Err(WavError::Nothing { path: path.into() });
    }
    resample(&mono, spec.sample_rate, rate).ok_or(WavError::Rate {
        path: path.into(),
        from: spec.sample_rate,
        to: rate,
    })
}

/// A sample in -1 to 1, silence for what is no number.
fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

/// Writes mono samples as a 16-bit WAV file. What has been written stays readable if the program is killed: the header
/// is brought up to date twice a second.
pub struct WavRecorder {
    writer: WavWriter<BufWriter<File>>,
    path: PathBuf,
    rate: u32,
    unflushed: u32,
}

impl WavRecorder {
    /// Begins the file at `path`, replacing what was there.
    ///
    /// # Errors
    ///
    /// [`WavError`] when the file cannot be made.
    pub fn create(path: &Path, rate: u32) -> Result<Self, WavError> {
        let spec =
            WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let failed = |error| WavError::new(path, "write", error);
        let mut writer = WavWriter::create(path, spec).map_err(failed)?;
        writer.flush().map_err(failed)?;
        Ok(Self { writer, path: path.into(), rate, unflushed: 0 })
    }

    /// Adds `pcm`, clipped at full scale.
    ///
    /// # Errors
    ///
    /// [`WavError`], such as a full disk.
    pub fn write(&mut self, pcm: &[f32]) -> Result<(), WavError> {
        self.try_write(pcm).map_err(|error| WavError::new(&self.path, "write", error))
    }

    fn try_write(&mut self, pcm: &[f32]) -> Result<(), hound::Error> {
        for &sample in pcm {
            self.writer.write_sample((finite(sample) * f32::from(i16::MAX)).round() as i16)?;
        }
        self.unflushed = self.unflushed.saturating_add(u32::try_from(pcm.len()).unwrap_or(u32::MAX));
        if self.unflushed >= self.rate / 2 {
            self.unflushed = 0;
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    ///
    /// [`WavError`], such as a full disk.
    pub fn finish(self) -> Result<(), WavError> {
        let Self { writer, path, .. } = self;
        writer.finalize().map_err(|error| WavError::new(&path, "write", error))
    }
}

/// What is wrong with a WAV file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavError {
    /// It cannot be opened, read or written, or is not a WAV file.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// "read" or "write".
        what: &'static str,
        /// What is wrong.
        source: hound::Error,
    },
    /// It holds no sound.
    #[error("cannot play {}: it holds no samples", path.display())]
    Nothing {
        /// Which file.
        path: PathBuf,
    },
    /// Its rate cannot be converted.
    #[error("cannot play {}: no way from {from} to {to} samples per second", path.display())]
    Rate {
        /// Which file.
        path: PathBuf,
        /// Its rate.
        from: u32,
        /// The rate needed.
        to: u32,
    },
}

impl WavError {
    fn new(path: &Path, what: &'static str, source: hound::Error) -> Self {
        Self::File { path: path.into(), what, source }
    }
}
