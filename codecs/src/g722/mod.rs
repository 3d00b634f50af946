//! G.722: wideband speech at 64 kb/s, one byte for two samples (ITU-T G.722, mode 1; payload RFC 3551 §4.5.2).

mod band;
mod qmf;
mod subbands;

#[cfg(test)]
mod tests;

use crate::{
    CodecError, Decoder, Encoder,
    conceal::Concealer,
    pcm::{FULL_SCALE, quantize},
};
use qmf::{Analysis, Synthesis, TAPS};
use subbands::Subbands;

/// Samples per second. The RTP clock counts half of it, 8 000 a second, by an old error (RFC 3551 §4.5.2).
pub const SAMPLE_RATE: u32 = 16_000;

/// Encodes frames of any even length.
#[derive(Debug)]
pub struct G722Encoder {
    analysis: Analysis,
    bands: Subbands,
}

impl G722Encoder {
    /// There is nothing to set up.
    #[must_use]
    pub const fn new() -> Self {
        Self { analysis: Analysis::new(), bands: Subbands::new() }
    }
}

impl Encoder for G722Encoder {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn lookahead(&self) -> usize {
        DELAY
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        let (pairs, rest) = pcm.as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() {
            return Err(CodecError::FrameLength { samples: pcm.len() });
        }
        let (need, have) = (pairs.len(), out.len());
        let Some(out) = out.get_mut(..need) else { return Err(CodecError::OutputTooSmall { need, have }) };
        for (code, &[earlier, later]) in out.iter_mut().zip(pairs) {
            let (low, high) = self.analysis.split(quantize(earlier).into(), quantize(later).into());
            *code = self.bands.encode(low, high);
        }
        Ok(need)
    }
}

/// Decodes payloads of any length, and conceals by repeating the pitch.
#[derive(Debug)]
pub struct G722Decoder {
    bands: Subbands,
    synthesis: Synthesis,
    concealer: Concealer,
}

impl G722Decoder {
    /// A decoder that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let (bands, synthesis) = (Subbands::new(), Synthesis::new());
        Self { bands, synthesis, concealer: Concealer::new(SAMPLE_RATE) }
    }

    /// Lets the adaptive state hear what is played in place of a lost payload, as the sender's state heard what was lost:
    /// else the first samples after it would be decoded with the step sizes and predictors of before.
    fn follow(&mut self, mut analysis: Analysis, concealed: &[f32]) {
        for &[earlier, later] in concealed.as_chunks().0 {
            let (low, high) = analysis.split(quantize(earlier).into(), quantize(later).into());
            let (low, high) = self.bands.decode(self.bands.quantize(low, high));
            self.synthesis.join(low, high);
        }
    }
}

impl Decoder for G722Decoder {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        match payload.len().checked_mul(2) {
            Some(samples) if samples > 0 => Ok(samples),
            _ => Err(CodecError::Payload { len: payload.len() }),
        }
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let need = self.duration(payload)?;
        let have = out.len();
        let Some(out) = out.get_mut(..need) else { return Err(CodecError::OutputTooSmall { need, have }) };
        for (pair, &code) in out.as_chunks_mut::<2>().0.iter_mut().zip(payload) {
            let (low, high) = self.bands.decode(code);
            *pair = self.synthesis.join(low, high).map(|sample| sample as f32 / FULL_SCALE);
        }
        self.concealer.heard(out);
        Ok(need)
    }

    fn conceal(&mut self, out: &mut [f32]) {
        let analysis = Analysis::after(self.concealer.last::<TAPS>().map(|sample| quantize(sample).into()));
        self.concealer.conceal(out);
        self.follow(analysis, out);
    }

    fn makes_noise(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        (self.bands, self.synthesis) = (Subbands::new(), Synthesis::new());
        self.concealer.reset();
    }
}

impl Default for G722Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for G722Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Samples by which both filters together lag.
const DELAY: usize = 22;
