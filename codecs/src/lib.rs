//! Bytes to samples and back: Opus, G.722, G.711, uncoded samples, comfort noise and tones; without clock, I/O or allocation after construction.
//!
//! Samples are mono `f32`, full scale at ±1, at the codec's own rate. An [`Encoder`] runs on the media thread, a
//! [`Decoder`] in the audio callback; neither allocates, blocks or calls the system once it is built.

pub mod comfort_noise;
mod conceal;
pub mod dtmf_tone;
mod error;
pub mod g711;
pub mod g722;
pub mod l16;
#[cfg(feature = "opus")]
pub mod opus;
mod pcm;
pub mod telephone_event;

pub use error::CodecError;

/// Turns frames of samples into payloads.
pub trait Encoder: Send {
    /// Samples per second that [`Encoder::encode`] takes.
    fn sample_rate(&self) -> u32;

    /// Samples, at [`Encoder::sample_rate`], by which the decoded sound lags behind the samples put in.
    fn lookahead(&self) -> usize;

    /// Encodes one frame into `out` and answers how many bytes it took.
    ///
    /// Zero bytes mean that nothing needs to be sent for this frame (discontinuous transmission).
    ///
    /// # Errors
    ///
    /// [`CodecError::FrameLength`] if the codec has no frame of `pcm.len()` samples, [`CodecError::OutputTooSmall`]
    /// if `out` cannot hold the payload.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError>;

    /// Changes what the encoder spends and on what, from the next frame on. A codec of one rate has nothing to change.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setting`] if the codec cannot be set up so; then nothing has changed.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    fn tune(&mut self, tuning: Tuning) -> Result<(), CodecError> {
        _ = tuning;
        Ok(())
    }
}

/// What an [`Encoder`] spends its bits on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tuning {
    /// Bits per second of payload, redundancy of the codec's own included; `None` leaves it as it is.
    pub bitrate: Option<u32>,
    /// What is said twice.
    pub redundancy: Redundancy,
}

/// Redundancy that a codec puts into its own payloads.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Redundancy {
    /// None.
    #[default]
    None,
    /// A coarser copy of the frame before (Opus in-band FEC, LBRR), for so many percent of loss.
    InBand {
        /// Share of packets expected to be lost, 1 to 100.
        loss_percent: u8,
    },
    /// A very coarse copy of the last `reach` (Opus DRED), for so many percent of loss.
    Deep {
        /// Share of packets expected to be lost, 1 to 100.
        loss_percent: u8,
        /// How far back, in units of 10 ms, 1 to 104.
        reach: u8,
    },
}

/// Turns payloads into samples, and missing payloads into a plausible continuation.
pub trait Decoder: Send {
    /// Samples per second that [`Decoder::decode`] gives.
    fn sample_rate(&self) -> u32;

    /// How many samples `payload` decodes to, without decoding it.
    ///
    /// # Errors
    ///
    /// [`CodecError::Payload`] if it is not a payload of this codec.
    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError>;

    /// Decodes `payload` into the front of `out` and answers how many samples it gave.
    ///
    /// # Errors
    ///
    /// [`CodecError::Payload`] if it is not a payload of this codec, [`CodecError::OutputTooSmall`] if it holds more
    /// samples than `out`. The decoder stays usable; the caller conceals instead.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError>;

    /// Fills `out`, any multiple of 2.5 ms, with a continuation of what was decoded last (packet loss concealment).
    ///
    /// A remainder shorter than the codec's shortest frame is filled by the codec as well as it can; it is never left
    /// as it was.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    fn conceal(&mut self, out: &mut [f32]);

    /// How far back before its own beginning `payload` can tell what was said, in samples; 0 when it carries no redundancy.
    /// In-band error correction reaches one payload back, deep redundancy (DRED) as far as was sent.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks; may cost as much as decoding a frame.
    fn reach(&mut self, payload: &[u8]) -> usize {
        _ = payload;
        0
    }

    /// Fills `out`, the duration of one lost payload, which began `back` samples before `from` does, from the redundancy
    /// that `from` carries, and answers whether there was any. When there was none, `out` is concealed.
    ///
    /// Call it in place of [`Decoder::conceal`] for each lost frame in turn, oldest first, then decode `from` as usual.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    fn recover(&mut self, from: &[u8], back: usize, out: &mut [f32]) -> bool {
        _ = (from, back);
        self.conceal(out);
        false
    }

    /// Whether [`Decoder::conceal`] becomes a comfort noise of the background where the sender is silent on purpose.
    fn makes_noise(&self) -> bool {
        true
    }

    /// Forgets the past, as if newly built.
    fn reset(&mut self);
}
