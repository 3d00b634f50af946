//! The shell around libopus: the only unsafe code of this crate. Lengths are checked here, meanings are not.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_int};
use core::ptr::{self, NonNull};

use opusic_sys as sys;

/// A negative answer of libopus.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failure(pub(super) c_int);

impl Failure {
    pub(super) const BUFFER_TOO_SMALL: Self = Self(sys::OPUS_BUFFER_TOO_SMALL);
}

/// A setting of the encoder that takes one number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setting {
    Bitrate,
    Complexity,
    Dtx,
    InbandFec,
    DredDuration,
    LsbDepth,
    MaxBandwidth,
    PacketLossPercent,
    Signal,
    Vbr,
    VbrConstraint,
}

impl Setting {
    const fn request(self) -> c_int {
        match self {
            Self::Bitrate => sys::OPUS_SET_BITRATE_REQUEST,
            Self::Complexity => sys::OPUS_SET_COMPLEXITY_REQUEST,
            Self::Dtx => sys::OPUS_SET_DTX_REQUEST,
            Self::InbandFec => sys::OPUS_SET_INBAND_FEC_REQUEST,
            Self::DredDuration => sys::OPUS_SET_DRED_DURATION_REQUEST,
            Self::LsbDepth => sys::OPUS_SET_LSB_DEPTH_REQUEST,
            Self::MaxBandwidth => sys::OPUS_SET_MAX_BANDWIDTH_REQUEST,
            Self::PacketLossPercent => sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST,
            Self::Signal => sys::OPUS_SET_SIGNAL_REQUEST,
            Self::Vbr => sys::OPUS_SET_VBR_REQUEST,
            Self::VbrConstraint => sys::OPUS_SET_VBR_CONSTRAINT_REQUEST,
        }
    }
}

/// The value of [`Setting::Signal`] for speech.
pub(super) const SIGNAL_VOICE: i32 = sys::OPUS_SIGNAL_VOICE;
/// The value of [`Setting::Signal`] for what is not speech.
pub(super) const SIGNAL_MUSIC: i32 = sys::OPUS_SIGNAL_MUSIC;
/// An encoder's purpose: speech.
pub(super) const FOR_SPEECH: i32 = sys::OPUS_APPLICATION_VOIP;
/// An encoder's purpose: any sound.
pub(super) const FOR_SOUND: i32 = sys::OPUS_APPLICATION_AUDIO;
/// Values of [`Setting::MaxBandwidth`], from 4 kHz of sound to 20 kHz.
pub(super) const NARROWBAND: i32 = sys::OPUS_BANDWIDTH_NARROWBAND;
pub(super) const MEDIUMBAND: i32 = sys::OPUS_BANDWIDTH_MEDIUMBAND;
pub(super) const WIDEBAND: i32 = sys::OPUS_BANDWIDTH_WIDEBAND;
pub(super) const SUPERWIDEBAND: i32 = sys::OPUS_BANDWIDTH_SUPERWIDEBAND;
pub(super) const FULLBAND: i32 = sys::OPUS_BANDWIDTH_FULLBAND;

/// An encoder state, owned.
#[derive(Debug)]
pub(super) struct RawEncoder(NonNull<sys::OpusEncoder>);

// SAFETY: the state is plain memory that this value alone points to; libopus ties it to no thread.
unsafe impl Send for RawEncoder {}

impl RawEncoder {
    /// A mono encoder for the purpose `application`.
    pub(super) fn new(sample_rate: i32, application: i32) -> Result<Self, Failure> {
        let mut error = sys::OPUS_OK;
        // SAFETY: `error` is valid for the write; an unknown purpose is answered with an error.
        let state = unsafe { sys::opus_encoder_create(sample_rate, 1, application, &raw mut error) };
        NonNull::new(state).map(Self).ok_or(Failure(error))
    }

    pub(super) fn set(&mut self, setting: Setting, value: i32) -> Result<(), Failure> {
        // SAFETY: the state is live; every request that `Setting` names takes exactly one `opus_int32`.
        length(unsafe { sys::opus_encoder_ctl(self.0.as_ptr(), setting.request(), value) }).map(drop)
    }

    /// Samples by which the decoded sound lags.
    pub(super) fn lookahead(&self) -> Result<usize, Failure> {
        let mut samples = 0_i32;
        // SAFETY: the state is live; this request writes one `opus_int32` and changes no state.
        let status = unsafe {
            sys::opus_encoder_ctl(self.0.as_ptr(), sys::OPUS_GET_LOOKAHEAD_REQUEST, &raw mut samples)
        };
        length(status)?;
        length(samples)
    }

    pub(super) fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, Failure> {
        let frame = c_int::try_from(pcm.len()).map_err(|_| Failure(sys::OPUS_BAD_ARG))?;
        let max = i32::try_from(out.len()).unwrap_or(i32::MAX);
        // SAFETY: the state is live and mono, so `frame` samples are read and at most `max` bytes written, both of
        // which the slices have.
        length(unsafe { sys::opus_encode_float(self.0.as_ptr(), pcm.as_ptr(), frame, out.as_mut_ptr(), max) })
    }
}

impl Drop for RawEncoder {
    fn drop(&mut self) {
        // SAFETY: created by `opus_encoder_create`, destroyed only here.
        unsafe { sys::opus_encoder_destroy(self.0.as_ptr()) };
    }
}

/// A decoder state, owned.
#[derive(Debug)]
pub(super) struct RawDecoder(NonNull<sys::OpusDecoder>);

// SAFETY: as for `RawEncoder`.
unsafe impl Send for RawDecoder {}

impl RawDecoder {
    /// A mono decoder; stereo payloads are mixed down by libopus.
    pub(super) fn new(sample_rate: i32) -> Result<Self, Failure> {
        let mut error = sys::OPUS_OK;
        // SAFETY: `error` is valid for the write.
        let state = unsafe { sys::opus_decoder_create(sample_rate, 1, &raw mut error) };
        NonNull::new(state).map(Self).ok_or(Failure(error))
    }

    /// Decodes `payload`.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, Failure> {
        self.run(Some(payload), out, false)
    }

    /// Decodes the redundant copy of the frame before `payload`. `out` must be whole multiples of 2.5 ms.
    pub(super) fn decode_fec(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, Failure> {
        self.run(Some(payload), out, true)
    }

    /// Conceals. `out` must be whole multiples of 2.5 ms.
    pub(super) fn conceal(&mut self, out: &mut [f32]) -> Result<usize, Failure> {
        self.run(None, out, false)
    }

    /// How much computation concealment and enhancement may take, 0 to 10.
    pub(super) fn set_complexity(&mut self, complexity: i32) -> Result<(), Failure> {
        // SAFETY: the state is live; this request takes exactly one `opus_int32`.
        length(unsafe {
            sys::opus_decoder_ctl(self.0.as_ptr(), sys::OPUS_SET_COMPLEXITY_REQUEST, complexity)
        })
        .map(drop)
    }

    /// Decodes what `deep` says of the time `back` samples before the payload it was read from. `out` must be whole
    /// multiples of 2.5 ms.
    pub(super) fn decode_deep(
        &mut self,
        deep: &RawDeep,
        back: usize,
        out: &mut [f32],
    ) -> Result<usize, Failure> {
        let back = i32::try_from(back).map_err(|_| Failure(sys::OPUS_BAD_ARG))?;
        let room = i32::try_from(out.len()).map_err(|_| Failure(sys::OPUS_BAD_ARG))?;
        // SAFETY: both states are live; the decoder is mono, so at most `room` samples are written, which `out` has.
        length(unsafe {
            sys::opus_decoder_dred_decode_float(
                self.0.as_ptr(),
                deep.content.as_ptr(),
                back,
                out.as_mut_ptr(),
                room,
            )
        })
    }

    fn run(&mut self, payload: Option<&[u8]>, out: &mut [f32], fec: bool) -> Result<usize, Failure> {
        let (data, len) = match payload {
            // An empty payload would read as a request to conceal.
            Some([]) => return Err(Failure(sys::OPUS_INVALID_PACKET)),
            Some(bytes) => {
                (bytes.as_ptr(), i32::try_from(bytes.len()).map_err(|_| Failure(sys::OPUS_INVALID_PACKET))?)
            }
            None => (ptr::null(), 0),
        };
        let room = c_int::try_from(out.len()).unwrap_or(c_int::MAX);
        // SAFETY: the state is live and mono, so at most `room` samples are written, which `out` has; `data` is null
        // (asking for concealment) or points to `len` bytes.
        length(unsafe {
            sys::opus_decode_float(self.0.as_ptr(), data, len, out.as_mut_ptr(), room, c_int::from(fec))
        })
    }

    pub(super) fn reset(&mut self) {
        // SAFETY: the state is live; this request takes no argument. It cannot fail.
        unsafe { sys::opus_decoder_ctl(self.0.as_ptr(), sys::OPUS_RESET_STATE) };
    }
}

impl Drop for RawDecoder {
    fn drop(&mut self) {
        // SAFETY: created by `opus_decoder_create`, destroyed only here.
        unsafe { sys::opus_decoder_destroy(self.0.as_ptr()) };
    }
}

/// A decoder of deep redundancy and the redundancy it read last, owned.
#[derive(Debug)]
pub(super) struct RawDeep {
    decoder: NonNull<sys::OpusDREDDecoder>,
    content: NonNull<sys::OpusDRED>,
}

// SAFETY: as for `RawEncoder`.
unsafe impl Send for RawDeep {}

impl RawDeep {
    pub(super) fn new() -> Result<Self, Failure> {
        let mut error = sys::OPUS_OK;
        // SAFETY: `error` is valid for the write.
        let decoder = NonNull::new(unsafe { sys::opus_dred_decoder_create(&raw mut error) });
        let decoder = decoder.ok_or(Failure(error))?;
        // SAFETY: as above.
        let Some(content) = NonNull::new(unsafe { sys::opus_dred_alloc(&raw mut error) }) else {
            // SAFETY: created just now, known to nobody else.
            unsafe { sys::opus_dred_decoder_destroy(decoder.as_ptr()) };
            return Err(Failure(error));
        };
        let mut deep = Self { decoder, content };
        // libopus leaves the content uninitialised. Reading a payload that is none sets its stage to "nothing".
        _ = deep.read(&[], 0, 48_000);
        Ok(deep)
    }

    /// Reads the redundancy in `payload`, no further back than about `deepest` samples, and answers how far back it
    /// reaches and where, before the payload, it ends.
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        deepest: usize,
        sample_rate: i32,
    ) -> Result<(usize, usize), Failure> {
        let len = i32::try_from(payload.len()).map_err(|_| Failure(sys::OPUS_INVALID_PACKET))?;
        let deepest = i32::try_from(deepest).map_err(|_| Failure(sys::OPUS_BAD_ARG))?;
        let mut end: c_int = 0;
        // SAFETY: both states are live, `end` is valid for the write, at most `len` bytes are read; a length of zero is
        // answered without reading.
        let reach = length(unsafe {
            sys::opus_dred_parse(
                self.decoder.as_ptr(),
                self.content.as_ptr(),
                payload.as_ptr(),
                len,
                deepest,
                sample_rate,
                &raw mut end,
                1,
            )
        })?;
        Ok((reach, length(end)?))
    }

    /// Turns what was read into features that a decoder can use. Harmless when done already.
    pub(super) fn process(&mut self) -> Result<(), Failure> {
        // SAFETY: both states are live; libopus allows source and destination to be the same, and refuses content that
        // nothing was read into.
        length(unsafe {
            sys::opus_dred_process(self.decoder.as_ptr(), self.content.as_ptr(), self.content.as_ptr())
        })
        .map(drop)
    }
}

impl Drop for RawDeep {
    fn drop(&mut self) {
        // SAFETY: created by `opus_dred_alloc` and `opus_dred_decoder_create`, destroyed only here.
        unsafe {
            sys::opus_dred_free(self.content.as_ptr());
            sys::opus_dred_decoder_destroy(self.decoder.as_ptr());
        }
    }
}

/// Samples that `payload` decodes to at `sample_rate`.
pub(super) fn payload_samples(payload: &[u8], sample_rate: i32) -> Result<usize, Failure> {
    let len = i32::try_from(payload.len()).map_err(|_| Failure(sys::OPUS_INVALID_PACKET))?;
    // SAFETY: reads at most the `len` bytes of the slice; a length of zero is answered without reading.
    length(unsafe { sys::opus_packet_get_nb_samples(payload.as_ptr(), len, sample_rate) })
}

/// Samples in each of the frames that `payload`, not empty, holds.
pub(super) fn frame_samples(payload: &[u8], sample_rate: i32) -> usize {
    match payload {
        [] => 0,
        // SAFETY: reads the first byte, which there is.
        _ => length(unsafe { sys::opus_packet_get_samples_per_frame(payload.as_ptr(), sample_rate) })
            .unwrap_or(0),
    }
}

/// Whether `payload` carries a redundant copy of the frame before it.
pub(super) fn has_redundancy(payload: &[u8]) -> bool {
    match i32::try_from(payload.len()) {
        // SAFETY: reads at most the `len` bytes of the slice, of which there is at least one.
        Ok(len) if len > 0 => unsafe { sys::opus_packet_has_lbrr(payload.as_ptr(), len) == 1 },
        _ => false,
    }
}

/// The library's name for itself.
pub(super) fn version() -> &'static str {
    // SAFETY: libopus answers with a static, NUL-terminated string.
    let text = unsafe { CStr::from_ptr(sys::opus_get_version_string()) };
    text.to_str().unwrap_or("libopus of unknown version")
}

fn length(answer: c_int) -> Result<usize, Failure> {
    usize::try_from(answer).map_err(|_| Failure(answer))
}
