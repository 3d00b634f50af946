//! Opus payloads to speech.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{LONGEST_PAYLOAD, SAMPLE_RATE, SAMPLE_RATE_I32, SHORTEST_FRAME, ffi, library_error};
use crate::{CodecError, Decoder};

/// Decodes with libopus; stereo payloads are mixed down.
#[derive(Debug)]
pub struct OpusDecoder {
    raw: ffi::RawDecoder,
}

impl OpusDecoder {
    /// # Errors
    ///
    /// [`CodecError::Library`] when libopus lacks memory.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self { raw: ffi::RawDecoder::new(SAMPLE_RATE_I32).map_err(library_error)? })
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
        self.raw.decode(payload, out).map_err(|_| CodecError::Payload { len: payload.len() })
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

    fn reach(&mut self, payload: &[u8]) -> usize {
        if ffi::has_redundancy(payload) { self.duration(payload).unwrap_or(0) } else { 0 }
    }

    fn recover(&mut self, from: &[u8], back: usize, out: &mut [f32]) -> bool {
        let whole = out.len().is_multiple_of(SHORTEST_FRAME) && out.len() <= LONGEST_PAYLOAD;
        let near = back == out.len();
        let found = whole && near && ffi::has_redundancy(from) && self.raw.decode_fec(from, out).is_ok();
        if !found {
            self.conceal(out);
        }
        found
    }

    fn reset(&mut self) {
        self.raw.reset();
    }
}
