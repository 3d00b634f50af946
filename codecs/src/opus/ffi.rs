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
    PacketLossPercent,
    Signal,
}

impl Setting {
    const fn request(self) -> c_int {
        match self {
            Self::Bitrate => sys::OPUS_SET_BITRATE_REQUEST,
            Self::Complexity => sys::OPUS_SET_COMPLEXITY_REQUEST,
            Self::Dtx => sys::OPUS_SET_DTX_REQUEST,
            Self::InbandFec => sys::OPUS_SET_INBAND_FEC_REQUEST,
            Self::PacketLossPercent => sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST,
            Self::Signal => sys::OPUS_SET_SIGNAL_REQUEST,
        }
    }
}

/// The value of [`Setting::Signal`] for speech.
pub(super) const SIGNAL_VOICE: i32 = sys::OPUS_SIGNAL_VOICE;

/// An encoder state, owned.
#[derive(Debug)]
pub(super) struct RawEncoder(NonNull<sys::OpusEncoder>);

// SAFETY: the state is plain memory that this value alone points to; libopus ties it to no thread.
unsafe impl Send for RawEncoder {}

impl RawEncoder {
    /// A mono encoder for speech.
    pub(super) fn new(sample_rate: i32) -> Result<Self, Failure> {
        let mut error = sys::OPUS_OK;
        // SAFETY: `error` is valid for the write.
        let state =
            unsafe { sys::opus_encoder_create(sample_rate, 1, sys::OPUS_APPLICATION_VOIP, &raw mut error) };
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

/// Samples that `payload` decodes to at `sample_rate`.
pub(super) fn payload_samples(payload: &[u8], sample_rate: i32) -> Result<usize, Failure> {
    let len = i32::try_from(payload.len()).map_err(|_| Failure(sys::OPUS_INVALID_PACKET))?;
    // SAFETY: reads at most the `len` bytes of the slice; a length of zero is answered without reading.
    length(unsafe { sys::opus_packet_get_nb_samples(payload.as_ptr(), len, sample_rate) })
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
