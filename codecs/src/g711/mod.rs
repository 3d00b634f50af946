//! G.711: 8 kHz telephone speech, one byte a sample (ITU-T G.711, payload RFC 3551 §4.5.14).

mod law;

#[cfg(test)]
mod tests;

use core::{fmt, marker::PhantomData};

pub use law::{ALaw, Law, MuLaw};

use crate::{CodecError, Decoder, Encoder, conceal::Concealer, pcm::quantize};

/// Samples per second; also the RTP clock rate.
pub const SAMPLE_RATE: u32 = 8_000;

/// Encodes µ-law (PCMU).
pub type PcmuEncoder = G711Encoder<MuLaw>;
/// Decodes µ-law (PCMU).
pub type PcmuDecoder = G711Decoder<MuLaw>;
/// Encodes A-law (PCMA).
pub type PcmaEncoder = G711Encoder<ALaw>;
/// Decodes A-law (PCMA).
pub type PcmaDecoder = G711Decoder<ALaw>;

/// Encodes frames of any length by the companding law `L`.
pub struct G711Encoder<L>(PhantomData<fn() -> L>);

impl<L: Law> G711Encoder<L> {
    /// There is nothing to set up.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<L: Law> Encoder for G711Encoder<L> {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn lookahead(&self) -> usize {
        0
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        if pcm.is_empty() {
            return Err(CodecError::FrameLength { samples: 0 });
        }
        let have = out.len();
        let Some(out) = out.get_mut(..pcm.len()) else {
            return Err(CodecError::OutputTooSmall { need: pcm.len(), have });
        };
        for (code, &sample) in out.iter_mut().zip(pcm) {
            *code = L::compress(quantize(sample));
        }
        Ok(pcm.len())
    }
}

/// Decodes payloads of any length by the companding law `L`, and conceals by repeating the pitch.
pub struct G711Decoder<L> {
    concealer: Concealer,
    law: PhantomData<fn() -> L>,
}

impl<L: Law> G711Decoder<L> {
    /// A decoder that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { concealer: Concealer::new(SAMPLE_RATE), law: PhantomData }
    }
}

impl<L: Law> Decoder for G711Decoder<L> {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        if payload.is_empty() { Err(CodecError::Payload { len: 0 }) } else { Ok(payload.len()) }
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let need = self.duration(payload)?;
        let have = out.len();
        let Some(out) = out.get_mut(..need) else { return Err(CodecError::OutputTooSmall { need, have }) };
        for (sample, &code) in out.iter_mut().zip(payload) {
            *sample = L::SAMPLES[usize::from(code)];
        }
        self.concealer.heard(out);
        Ok(need)
    }

    fn conceal(&mut self, out: &mut [f32]) {
        self.concealer.conceal(out);
    }

    fn makes_noise(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        self.concealer.reset();
    }
}

impl<L: Law> Default for G711Encoder<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Law> Default for G711Decoder<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Law> fmt::Debug for G711Encoder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "G711Encoder({})", L::NAME)
    }
}

impl<L: Law> fmt::Debug for G711Decoder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "G711Decoder({})", L::NAME)
    }
}
