//! Speech to Opus payloads.

use super::{
    Carried, SAMPLE_RATE, SAMPLE_RATE_I32,
    bandwidth::{self, Content},
    ffi, library_error,
    rate::Rate,
};
use crate::{CodecError, Encoder, Redundancy, Tuning};

/// How an [`OpusEncoder`] is set up. The default is speech at [`DEFAULT_BITRATE`] for a peer that plays everything, no
/// redundancy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpusEncoderConfig {
    /// What will be said.
    pub purpose: Purpose,
    /// Bits per second of payload, all redundancy included, 6 000 to 510 000, on average over many seconds; `None` is
    /// [`DEFAULT_BITRATE`].
    pub bitrate: Option<u32>,
    /// What is said twice.
    pub redundancy: Redundancy,
    /// The highest sampling rate the peer can play, in hertz (RFC 7587 §6.1 `maxplaybackrate`): 8 000 is narrowband. `None`
    /// is 48 000.
    pub max_playback_rate: Option<u32>,
    /// Sends nothing during silence except a refresh every 400 ms (RFC 6716 §2.1.9).
    pub dtx: bool,
    /// Computation spent on quality, 0 to 10.
    pub complexity: u32,
}

/// What an [`OpusEncoder`] is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Purpose {
    /// Speech: made to be understood. No more bandwidth than its rate can pay for.
    #[default]
    Speech,
    /// Music and anything else: made to be true to the original.
    Sound,
}

/// Bits per second unless told: what RFC 7587 §3.1.1 recommends for fullband speech in 20 ms frames is 28 to 40 kb/s.
pub const DEFAULT_BITRATE: u32 = 32_000;

impl Default for OpusEncoderConfig {
    fn default() -> Self {
        Self {
            purpose: Purpose::Speech,
            bitrate: None,
            redundancy: Redundancy::None,
            max_playback_rate: None,
            dtx: false,
            complexity: 9,
        }
    }
}

/// Encodes mono sound with libopus, in frames of 10, 20, 40 or 60 ms (those that RFC 6716 §2.1.4 has for speech), which may
/// change from call to call.
#[derive(Debug)]
pub struct OpusEncoder {
    raw: ffi::RawEncoder,
    rate: Rate,
    /// The rate and bandwidth that libopus was told last.
    told: (i32, i32),
    content: Content,
    redundancy: Redundancy,
    carried: Carried,
    lookahead: usize,
    purpose: Purpose,
    playable: i32,
    dtx: bool,
}

impl OpusEncoder {
    /// # Errors
    ///
    /// [`CodecError::Setting`] names the first setting out of range; [`CodecError::Library`] when libopus lacks memory.
    pub fn new(config: OpusEncoderConfig) -> Result<Self, CodecError> {
        let bitrate = config.bitrate.unwrap_or(DEFAULT_BITRATE);
        check_tuning(Tuning { bitrate: Some(bitrate), redundancy: config.redundancy })?;
        check("complexity", config.complexity, config.complexity <= 10)?;
        let (application, signal) = match config.purpose {
            Purpose::Speech => (ffi::FOR_SPEECH, ffi::SIGNAL_VOICE),
            Purpose::Sound => (ffi::FOR_SOUND, ffi::SIGNAL_MUSIC),
        };
        let mut raw = ffi::RawEncoder::new(SAMPLE_RATE_I32, application).map_err(library_error)?;
        let playable = bandwidth::playable(config.max_playback_rate);
        for (setting, value) in [
            (ffi::Setting::Signal, signal),
            (ffi::Setting::Complexity, config.complexity.cast_signed()),
            (ffi::Setting::Dtx, config.dtx.into()),
            // Sound cards and files give 16 bits; without this libopus takes their rounding for sound.
            (ffi::Setting::LsbDepth, 16),
            // Constrained: a packet may be larger than the mean, but not than a buffer of one packet bears.
            (ffi::Setting::Vbr, 1),
            (ffi::Setting::VbrConstraint, 1),
            (ffi::Setting::Bitrate, bitrate.cast_signed()),
            (ffi::Setting::MaxBandwidth, playable),
        ] {
            raw.set(setting, value).map_err(library_error)?;
        }
        let lookahead = raw.lookahead().map_err(library_error)?;
        let mut encoder = Self {
            raw,
            rate: Rate::new(bitrate),
            told: (bitrate.cast_signed(), playable),
            content: Content::default(),
            redundancy: Redundancy::None,
            carried: Carried::default(),
            lookahead,
            purpose: config.purpose,
            playable,
            dtx: config.dtx,
        };
        encoder.protect(config.redundancy)?;
        Ok(encoder)
    }

    /// The redundancy that the last payload really carries. What was asked for is left out where the rate cannot pay for
    /// it, where there is nothing worth saying again, and in-band redundancy also where the transform codes alone.
    #[must_use]
    pub const fn carried(&self) -> Carried {
        self.carried
    }

    fn protect(&mut self, redundancy: Redundancy) -> Result<(), CodecError> {
        let (in_band, loss_percent, reach) = match redundancy {
            Redundancy::None => (0, 0, 0),
            Redundancy::InBand { loss_percent } => (1, loss_percent, 0),
            Redundancy::Deep { loss_percent, reach } => (0, loss_percent, reach),
        };
        if cfg!(feature = "dnn") {
            self.raw.set(ffi::Setting::DredDuration, reach.into()).map_err(library_error)?;
        }
        self.raw.set(ffi::Setting::InbandFec, in_band).map_err(library_error)?;
        self.raw.set(ffi::Setting::PacketLossPercent, loss_percent.into()).map_err(library_error)?;
        self.redundancy = redundancy;
        Ok(())
    }

    /// Rate and bandwidth of the next frame.
    fn steer(&mut self, pcm: &[f32]) -> Result<(), ffi::Failure> {
        let bandwidth = match self.purpose {
            Purpose::Speech => self
                .content
                .hear(pcm)
                .min(bandwidth::affordable(self.rate.asked(), self.redundancy))
                .min(self.playable),
            Purpose::Sound => self.playable,
        };
        let rate = self.rate.target();
        if self.told.1 != bandwidth {
            self.raw.set(ffi::Setting::MaxBandwidth, bandwidth)?;
            self.told.1 = bandwidth;
        }
        if self.told.0.abs_diff(rate) > self.rate.asked() / 200 {
            self.raw.set(ffi::Setting::Bitrate, rate)?;
            self.told.0 = rate;
        }
        Ok(())
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
        if !FRAMES.contains(&pcm.len()) {
            return Err(CodecError::FrameLength { samples: pcm.len() });
        }
        if out.len() < SHORTEST_USEFUL_OUTPUT {
            return Err(CodecError::OutputTooSmall { need: SHORTEST_USEFUL_OUTPUT, have: out.len() });
        }
        self.steer(pcm).map_err(library_error)?;
        let len = self.raw.encode(pcm, out).map_err(|failure| match failure {
            ffi::Failure::BUFFER_TOO_SMALL => {
                CodecError::OutputTooSmall { need: out.len().saturating_add(1), have: out.len() }
            }
            other => library_error(other),
        })?;
        let len = if self.dtx && len <= DTX_PAYLOAD { 0 } else { len };
        self.carried = Carried::by(out.get(..len).unwrap_or_default());
        self.rate.spent(pcm.len(), self.told.0, len);
        Ok(len)
    }

    fn tune(&mut self, tuning: Tuning) -> Result<(), CodecError> {
        check_tuning(tuning)?;
        self.protect(tuning.redundancy)?;
        if let Some(bitrate) = tuning.bitrate {
            self.rate.ask(bitrate);
        }
        Ok(())
    }
}

/// Samples in 10, 20, 40 and 60 ms.
const FRAMES: [usize; 4] = [480, 960, 1_920, 2_880];

/// libopus fits its payload into what room there is; below this it would not be speech any more.
const SHORTEST_USEFUL_OUTPUT: usize = 16;

/// With discontinuous transmission on, payloads up to this length say "nothing to send".
const DTX_PAYLOAD: usize = 2;

fn check_tuning(tuning: Tuning) -> Result<(), CodecError> {
    if let Some(bitrate) = tuning.bitrate {
        check("bitrate", bitrate, (6_000..=510_000).contains(&bitrate))?;
    }
    match tuning.redundancy {
        Redundancy::None => Ok(()),
        Redundancy::InBand { loss_percent } => check_loss(loss_percent),
        Redundancy::Deep { loss_percent, reach } => {
            check_loss(loss_percent)?;
            check(
                "reach of deep redundancy",
                reach.into(),
                cfg!(feature = "dnn") && (1..=104).contains(&reach),
            )
        }
    }
}

fn check_loss(percent: u8) -> Result<(), CodecError> {
    check("expected loss in %", percent.into(), (1..=100).contains(&percent))
}

fn check(setting: &'static str, value: u32, fits: bool) -> Result<(), CodecError> {
    if fits { Ok(()) } else { Err(CodecError::Setting { setting, value }) }
}
