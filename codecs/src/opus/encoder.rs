//! Speech to Opus payloads.

use super::{SAMPLE_RATE, SAMPLE_RATE_I32, ffi, library_error};
use crate::{CodecError, Encoder};

/// How an [`OpusEncoder`] is set up. The default is 20 ms packets of speech at [`DEFAULT_BITRATE`], no redundancy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpusEncoderConfig {
    /// Milliseconds of sound in one payload: 10, 20, 40 or 60 (the frame sizes that RFC 6716 §2.1.4 has for speech).
    pub packet_time_ms: u32,
    /// Bits per second of payload, 6 000 to 510 000; `None` is [`DEFAULT_BITRATE`].
    pub bitrate: Option<u32>,
    /// Puts a coarse copy of each frame into the next payload (RFC 6716 §2.1.7). Costs bits only when
    /// `expected_loss_percent` is above zero.
    pub inband_fec: bool,
    /// Packets expected to be lost, in percent, 0 to 100: how much robustness to pay for.
    pub expected_loss_percent: u32,
    /// Sends nothing during silence except a refresh every 400 ms (RFC 6716 §2.1.9).
    pub dtx: bool,
    /// Computation spent on quality, 0 to 10.
    pub complexity: u32,
}

/// Bits per second unless told: what RFC 7587 §3.1.1 recommends for fullband speech in 20 ms frames is 28 to 40 kb/s.
pub const DEFAULT_BITRATE: u32 = 32_000;

impl Default for OpusEncoderConfig {
    fn default() -> Self {
        Self {
            packet_time_ms: 20,
            bitrate: None,
            inband_fec: false,
            expected_loss_percent: 0,
            dtx: false,
            complexity: 9,
        }
    }
}

/// Encodes speech with libopus.
#[derive(Debug)]
pub struct OpusEncoder {
    raw: ffi::RawEncoder,
    lookahead: usize,
    frame: usize,
    dtx: bool,
}

impl OpusEncoder {
    /// # Errors
    ///
    /// [`CodecError::Setting`] names the first setting out of range; [`CodecError::Library`] when libopus lacks memory.
    pub fn new(config: OpusEncoderConfig) -> Result<Self, CodecError> {
        let bitrate = config.bitrate.unwrap_or(DEFAULT_BITRATE);
        let packet_time = config.packet_time_ms;
        check("packet time in ms", packet_time, matches!(packet_time, 10 | 20 | 40 | 60))?;
        check("bitrate", bitrate, (6_000..=510_000).contains(&bitrate))?;
        check("expected loss in %", config.expected_loss_percent, config.expected_loss_percent <= 100)?;
        check("complexity", config.complexity, config.complexity <= 10)?;
        let mut raw = ffi::RawEncoder::new(SAMPLE_RATE_I32).map_err(library_error)?;
        for (setting, value) in [
            (ffi::Setting::Signal, ffi::SIGNAL_VOICE),
            (ffi::Setting::Bitrate, bitrate.cast_signed()),
            (ffi::Setting::Complexity, config.complexity.cast_signed()),
            (ffi::Setting::InbandFec, config.inband_fec.into()),
            (ffi::Setting::PacketLossPercent, config.expected_loss_percent.cast_signed()),
            (ffi::Setting::Dtx, config.dtx.into()),
        ] {
            raw.set(setting, value).map_err(library_error)?;
        }
        let lookahead = raw.lookahead().map_err(library_error)?;
        let frame = (SAMPLE_RATE / 1_000 * packet_time) as usize;
        Ok(Self { raw, lookahead, frame, dtx: config.dtx })
    }

    /// Samples that each call of [`Encoder::encode`] takes.
    #[must_use]
    pub const fn frame_samples(&self) -> usize {
        self.frame
    }
}

impl Encoder for OpusEncoder {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn lookahead(&self) -> usize {
        self.lookahead
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        if pcm.len() != self.frame {
            return Err(CodecError::FrameLength { samples: pcm.len() });
        }
        if out.len() < SHORTEST_USEFUL_OUTPUT {
            return Err(CodecError::OutputTooSmall { need: SHORTEST_USEFUL_OUTPUT, have: out.len() });
        }
        let len = self.raw.encode(pcm, out).map_err(|failure| match failure {
            ffi::Failure::BUFFER_TOO_SMALL => {
                CodecError::OutputTooSmall { need: out.len().saturating_add(1), have: out.len() }
            }
            other => library_error(other),
        })?;
        Ok(if self.dtx && len <= DTX_PAYLOAD { 0 } else { len })
    }
}

/// libopus fits its payload into what room there is; below this it would not be speech any more.
const SHORTEST_USEFUL_OUTPUT: usize = 16;

/// With discontinuous transmission on, payloads up to this length say "nothing to send".
const DTX_PAYLOAD: usize = 2;

fn check(setting: &'static str, value: u32, fits: bool) -> Result<(), CodecError> {
    if fits { Ok(()) } else { Err(CodecError::Setting { setting, value }) }
}
