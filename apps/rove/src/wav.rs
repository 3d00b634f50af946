//! Recordings written as they come: mono, 48 kHz, 16 bit.

use std::{
    fs::File,
    io::{BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// Writes a WAV file. Samples that were 16-bit integers before come out as they were.
pub(crate) struct Wav {
    file: BufWriter<File>,
    path: PathBuf,
    samples: u64,
    /// What went wrong first; nothing is written after it.
    failed: Option<std::io::Error>,
}

impl Wav {
    /// Begins the file at `path`, replacing what was there.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |error| unwritable(path, &error);
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        file.write_all(&header(0)).map_err(failed)?;
        Ok(Self { file, path: path.to_owned(), samples: 0, failed: None })
    }

    /// Adds `pcm`, clipped at full scale. What goes wrong is told by [`Wav::finish`].
    pub(crate) fn write(&mut self, pcm: &[f32]) {
        let bytes = pcm.iter().flat_map(|&sample| sixteen_bits(sample).to_le_bytes());
        let bytes: Vec<u8> = bytes.collect();
        self.samples += pcm.len() as u64;
        if self.failed.is_none() {
            self.failed = self.file.write_all(&bytes).err();
        }
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let header = header(self.samples);
        let written = self.failed.take().map_or(Ok(()), Err).and_then(|()| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header)?;
            self.file.flush()
        });
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(format!("{} cannot be written: {error}", path.display()))
}

fn sixteen_bits(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// The 44 bytes in front. A file of 4 GiB (12 hours) and more says that it is as long as can be said; most programs then
/// read to its end.
fn header(samples: u64) -> [u8; 44] {
    let size = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let bytes = samples.saturating_mul(2);
    let mut header =
        *b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data\0\0\0\0";
    header[4..8].copy_from_slice(&size(bytes.saturating_add(36)));
    header[40..].copy_from_slice(&size(bytes));
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_16_bits_before_is_read_back_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("all.wav");
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let pcm: Vec<f32> = all.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
        let mut wav = Wav::create(&path).unwrap();
        pcm.chunks(480).for_each(|chunk| wav.write(chunk));
        wav.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 44 + 2 * 65_536);
        let read: Vec<i16> =
            bytes[44..].chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert!(read == all);
        assert_eq!(rove_io::device::read_mono(&path, 48_000).unwrap().len(), 65_536);
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let error = Wav::create(Path::new("no/such/heard.wav")).err().unwrap().to_string();
        assert!(error.contains("no/such/heard.wav"), "{error}");
    }

    #[test]
    fn what_is_louder_than_full_scale_is_clipped() {
        assert_eq!([2.0, -2.0, f32::NAN, 0.0].map(sixteen_bits), [32_767, -32_768, 0, 0]);
    }
}
