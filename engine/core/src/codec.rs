//! From the codec a plan names to the one that encodes and decodes.

use rove_base::{CodecId, MediaPlan};
#[cfg(feature = "opus")]
use rove_codecs::opus::{OpusDecoder, OpusEncoder, OpusEncoderConfig};
use rove_codecs::{
    CodecError, Decoder, Encoder,
    g711::{PcmaDecoder, PcmaEncoder, PcmuDecoder, PcmuEncoder},
};

/// The decoder for what `plan` receives.
///
/// # Errors
///
/// [`CodecError`] when the codec's library refuses, as for lack of memory.
pub fn decoder_for(plan: &MediaPlan) -> Result<Box<dyn Decoder>, CodecError> {
    Ok(match plan.codec().id {
        #[cfg(feature = "opus")]
        CodecId::Opus => Box::new(OpusDecoder::new()?),
        CodecId::Pcmu => Box::new(PcmuDecoder::new()),
        CodecId::Pcma => Box::new(PcmaDecoder::new()),
        other => return Err(unknown(other)),
    })
}

/// The encoder for what `plan` sends.
///
/// # Errors
///
/// [`CodecError`] when the codec has no packets of the plan's packet time or cannot reach its bit rate.
pub fn encoder_for(plan: &MediaPlan) -> Result<Box<dyn Encoder>, CodecError> {
    let codec = plan.codec();
    Ok(match codec.id {
        #[cfg(feature = "opus")]
        CodecId::Opus => Box::new(OpusEncoder::new(OpusEncoderConfig {
            packet_time_ms: u32::try_from(codec.packet_time.as_millis()).unwrap_or(u32::MAX),
            bitrate: codec.bitrate,
            inband_fec: codec.inband_fec,
            dtx: codec.dtx,
            ..OpusEncoderConfig::default()
        })?),
        CodecId::Pcmu => Box::new(PcmuEncoder::new()),
        CodecId::Pcma => Box::new(PcmaEncoder::new()),
        other => return Err(unknown(other)),
    })
}

/// A codec that can be named but was not built in.
fn unknown(id: CodecId) -> CodecError {
    CodecError::Setting { setting: id.encoding_name(), value: 0 }
}
