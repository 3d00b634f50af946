//! L16: uncoded 16-bit samples in network byte order, mono at 48 kHz (RFC 3551 §4.5.11).

#[cfg(test)]
mod tests;

use crate::{
    CodecError, Decoder, Encoder,
    conceal::Concealer,
    pcm::{FULL_SCALE, quantize},
};

/// Samples per second; also the RTP clock rate.
pub const SAMPLE_RATE: u32 = 48_000;

/// Writes frames of any length.
#[derive(Clone, Copy, Debug, Default)]
pub struct L16Encoder;

impl L16Encoder {
    /// There is nothing to set up.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Encoder for L16Encoder {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn lookahead(&self) -> usize {
        0
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        let Some(need) = pcm.len().checked_mul(2).filter(|&bytes| bytes > 0) else {
            return Err(CodecError::FrameLength { samples: pcm.len() });
        };
        let have = out.len();
        let Some(out) = out.get_mut(..need) else { return Err(CodecError::OutputTooSmall { need, have }) };
        for (bytes, &sample) in out.as_chunks_mut::<2>().0.iter_mut().zip(pcm) {
            *bytes = quantize(sample).to_be_bytes();
        }
        Ok(need)
    }
}

/// Reads payloads of any length, and conceals by repeating the pitch.
#[derive(Debug)]
pub struct L16Decoder(Concealer);

impl L16Decoder {
    /// A decoder that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Concealer::new(SAMPLE_RATE))
    }
}

impl Decoder for L16Decoder {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        match payload.as_chunks::<2>() {
            ([], _) | (_, [_]) => Err(CodecError::Payload { len: payload.len() }),
            (samples, _) => Ok(samples.len()),
        }
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let need = self.duration(payload)?;
        let have = out.len();
        let Some(out) = out.get_mut(..need) else { return Err(CodecError::OutputTooSmall { need, have }) };
        for (sample, &bytes) in out.iter_mut().zip(payload.as_chunks().0) {
            *sample = f32::from(i16::from_be_bytes(bytes)) / FULL_SCALE;
        }
        self.0.heard(out);
        Ok(need)
    }

    fn conceal(&mut self, out: &mut [f32]) {
        self.0.conceal(out);
    }

    fn makes_noise(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

impl Default for L16Decoder {
    fn default() -> Self {
        Self::new()
    }
}
