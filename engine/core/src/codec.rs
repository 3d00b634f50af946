//! From the codec a plan names to the one that encodes and decodes.

mod rate;

use rove_base::{CodecId, MediaPlan};
#[cfg(feature = "opus")]
use rove_codecs::opus::{OpusDecoder, OpusDecoderConfig, OpusEncoder, OpusEncoderConfig};
use rove_codecs::{
    CodecError, Decoder, Encoder,
    g711::{PcmaDecoder, PcmaEncoder, PcmuDecoder, PcmuEncoder},
    g722::{G722Decoder, G722Encoder},
    l16::{L16Decoder, L16Encoder},
};

/// The decoder for what `plan` receives.
///
/// # Errors
///
/// [`CodecError`] when the codec's library refuses, as for lack of memory.
pub fn decoder_for(plan: &MediaPlan) -> Result<Box<dyn Decoder>, CodecError> {
    Ok(match plan.codec().id {
        #[cfg(feature = "opus")]
        CodecId::Opus => Box::new(OpusDecoder::new(OpusDecoderConfig::default())?),
        CodecId::Pcmu => Box::new(PcmuDecoder::new()),
        CodecId::Pcma => Box::new(PcmaDecoder::new()),
        CodecId::G722 => Box::new(G722Decoder::new()),
        CodecId::L16 => Box::new(L16Decoder::new()),
        other => return Err(unknown(other)),
    })
}

/// The encoder for what `plan` sends: without redundancy, which whoever knows the losses asks for by [`Encoder::tune`]; in one
/// channel, which a peer that would like two plays on both.
///
/// # Errors
///
/// [`CodecError`] when the codec cannot reach the plan's bit rate.
pub fn encoder_for(plan: &MediaPlan) -> Result<Box<dyn Encoder>, CodecError> {
    let codec = plan.codec();
    Ok(match codec.id {
        #[cfg(feature = "opus")]
        CodecId::Opus => Box::new(OpusEncoder::new(OpusEncoderConfig {
            bitrate: codec.bitrate,
            max_playback_rate: codec.max_playback_rate,
            dtx: codec.dtx,
            ..OpusEncoderConfig::default()
        })?),
        CodecId::Pcmu => Box::new(PcmuEncoder::new()),
        CodecId::Pcma => Box::new(PcmaEncoder::new()),
        CodecId::G722 => Box::new(G722Encoder::new()),
        CodecId::L16 => Box::new(L16Encoder::new()),
        other => return Err(unknown(other)),
    })
}

/// The decoder for what `plan` receives, giving `rate` samples per second.
///
/// # Errors
///
/// [`CodecError`] as [`decoder_for`], and when the stream's clock is faster than `rate`, or the codec's rate and `rate`
/// are not multiples of each other.
pub fn decoder_at(plan: &MediaPlan, rate: u32) -> Result<Box<dyn Decoder>, CodecError> {
    let decoder = decoder_for(plan)?;
    if decoder.sample_rate() == rate {
        return Ok(decoder);
    }
    fits(plan, rate)?;
    Ok(Box::new(rate::RatedDecoder::new(decoder, rate).ok_or(unfit(rate))?))
}

/// The encoder for what `plan` sends, taking `rate` samples per second.
///
/// # Errors
///
/// As [`decoder_at`].
pub fn encoder_at(plan: &MediaPlan, rate: u32) -> Result<Box<dyn Encoder>, CodecError> {
    let encoder = encoder_for(plan)?;
    if encoder.sample_rate() == rate {
        return Ok(encoder);
    }
    fits(plan, rate)?;
    Ok(Box::new(rate::RatedEncoder::new(encoder, rate).ok_or(unfit(rate))?))
}

/// Timestamps count whole samples.
fn fits(plan: &MediaPlan, rate: u32) -> Result<(), CodecError> {
    let whole = rate.checked_rem(plan.codec().id.clock_rate().hertz()) == Some(0);
    if whole { Ok(()) } else { Err(unfit(rate)) }
}

const fn unfit(rate: u32) -> CodecError {
    CodecError::Setting { setting: "sample rate", value: rate }
}

/// A codec that can be named but was not built in.
fn unknown(id: CodecId) -> CodecError {
    CodecError::Setting { setting: id.encoding_name(), value: 0 }
}

#[cfg(test)]
#[cfg(feature = "opus")]
mod tests;
