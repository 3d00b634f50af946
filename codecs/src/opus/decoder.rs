//! Opus payloads to speech.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    LONGEST_PAYLOAD, SAMPLE_RATE, SAMPLE_RATE_I32, SHORTEST_FRAME, deep::Deep, ffi, library_error, packet,
};
use crate::{CodecError, Decoder};

/// How an [`OpusDecoder`] is set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpusDecoderConfig {
    /// Computation spent on quality, 0 to 10. From 5 on, losses are concealed by a neural network; from 6 on, speech of low
    /// rates is enhanced by one (LACE), from 7 on by a larger one (NoLACE). Without the feature `dnn` it has no effect.
    ///
    /// The default is 6. In PESQ-WB it is worth 0.33 at 10 kb/s, 0.18 at 12, 0.06 at 16, nothing from 20 on; 7 and more
    /// cost twice the time of 6 and sound no better.
    pub complexity: u32,
}

impl Default for OpusDecoderConfig {
    fn default() -> Self {
        Self { complexity: 6 }
    }
}

/// Decodes with libopus; stereo payloads are mixed down.
#[derive(Debug)]
pub struct OpusDecoder {
    raw: ffi::RawDecoder,
    /// `None` without the feature `dnn`.
    deep: Option<Deep>,
    /// The payload decoded last was of the transform alone, after which libopus cannot use in-band redundancy.
    after_transform: bool,
}

impl OpusDecoder {
    /// # Errors
    ///
    /// [`CodecError::Setting`] names a setting out of range; [`CodecError::Library`] when libopus lacks memory.
    pub fn new(config: OpusDecoderConfig) -> Result<Self, CodecError> {
        let complexity = config.complexity;
        if complexity > 10 {
            return Err(CodecError::Setting { setting: "complexity", value: complexity });
        }
        let mut raw = ffi::RawDecoder::new(SAMPLE_RATE_I32).map_err(library_error)?;
        raw.set_complexity(complexity.cast_signed()).map_err(library_error)?;
        let deep = if cfg!(feature = "dnn") { Deep::new() } else { None };
        Ok(Self { raw, deep, after_transform: false })
    }

    /// From the coarser copy in `from`, if it has one that libopus can put to the end of `out`.
    fn recover_in_band(&mut self, from: &[u8], out: &mut [f32]) -> bool {
        let copied = ffi::frame_samples(from, SAMPLE_RATE_I32);
        let usable = copied <= out.len() && !self.after_transform && ffi::has_redundancy(from);
        usable && self.raw.decode_fec(from, out).is_ok()
    }
}

impl Decoder for OpusDecoder {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        match ffi::payload_samples(payload, SAMPLE_RATE_I32) {
            Ok(samples) if samples > 0 => Ok(samples),
            _ => Err(CodecError::Payload { len: payload.len() }),
        }
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let need = self.duration(payload)?;
        let have = out.len();
        let Some(out) = out.get_mut(..need) else { return Err(CodecError::OutputTooSmall { need, have }) };
        let len = self.raw.decode(payload, out).map_err(|_| CodecError::Payload { len: payload.len() })?;
        self.after_transform = packet::is_transform_only(payload);
        Ok(len)
    }

    fn conceal(&mut self, out: &mut [f32]) {
        let (frames, rest) = out.as_chunks_mut::<SHORTEST_FRAME>();
        for run in frames.chunks_mut(LONGEST_PAYLOAD / SHORTEST_FRAME) {
            let run = run.as_flattened_mut();
            if self.raw.conceal(run).is_err() {
                run.fill(0.0);
            }
        }
        if !rest.is_empty() {
            let mut frame = [0.0; SHORTEST_FRAME];
            if self.raw.conceal(&mut frame).is_err() {
                frame.fill(0.0);
            }
            rest.iter_mut().zip(frame).for_each(|(to, from)| *to = from);
        }
    }

    /// In-band redundancy reaches one *frame* back, of which a payload may hold several (40 and 60 ms of more than wideband
    /// are made of frames of 20 ms).
    fn reach(&mut self, payload: &[u8]) -> usize {
        let deep = self.deep.as_mut().map_or(0, |deep| deep.reach(payload));
        let in_band =
            if ffi::has_redundancy(payload) { ffi::frame_samples(payload, SAMPLE_RATE_I32) } else { 0 };
        deep.max(in_band)
    }

    /// A loss that lies right before `from` may be longer than its in-band redundancy reaches: then the end of `out` is
    /// recovered, and what comes before is concealed.
    fn recover(&mut self, from: &[u8], back: usize, out: &mut [f32]) -> bool {
        let whole = out.len().is_multiple_of(SHORTEST_FRAME) && (1..=LONGEST_PAYLOAD).contains(&out.len());
        let mut found = whole && back == out.len() && self.recover_in_band(from, out);
        if let (false, true, Some(deep)) = (found, whole, &mut self.deep) {
            found = deep.decode(&mut self.raw, from, back, out);
        }
        if !found {
            self.conceal(out);
        }
        found
    }

    fn reset(&mut self) {
        self.raw.reset();
        self.after_transform = false;
        if let Some(deep) = &mut self.deep {
            deep.forget();
        }
    }
}
