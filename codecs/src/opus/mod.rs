//! Opus for speech (RFC 6716, payload RFC 7587): mono at 48 kHz, through libopus.

mod bandwidth;
mod decoder;
mod deep;
mod encoder;
mod ffi;
mod packet;
mod rate;

#[cfg(test)]
mod tests;

pub use decoder::{OpusDecoder, OpusDecoderConfig};
pub use encoder::{DEFAULT_BITRATE, OpusEncoder, OpusEncoderConfig, Purpose};
pub use packet::Carried;

use crate::CodecError;

/// Samples per second on the uncompressed side; also the RTP clock rate, whatever is coded (RFC 7587 §4.1).
pub const SAMPLE_RATE: u32 = 48_000;

/// Samples in 2.5 ms, the shortest frame of Opus; every other duration is a multiple of it (RFC 6716 §2.1.4).
pub const SHORTEST_FRAME: usize = 120;

/// Samples in 120 ms, the longest duration of one payload (RFC 6716 §3.2.5).
pub const LONGEST_PAYLOAD: usize = 5_760;

/// Name and version of the library built in, such as `libopus 1.6.1`.
#[must_use]
pub fn libopus_version() -> &'static str {
    ffi::version()
}

const SAMPLE_RATE_I32: i32 = 48_000;

/// A failure that no check of ours explains.
const fn library_error(failure: ffi::Failure) -> CodecError {
    CodecError::Library(failure.0)
}
