//! What can go wrong between samples and bytes.

/// Why a codec refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The codec has no frame of this many samples.
    #[error("no frame of this codec has {samples} samples")]
    FrameLength {
        /// Samples offered.
        samples: usize,
    },
    /// The buffer for the result is shorter than the result.
    #[error("output needs room for {need}, has room for {have}")]
    OutputTooSmall {
        /// Bytes (encoding) or samples (decoding) needed at least.
        need: usize,
        /// Bytes or samples there are.
        have: usize,
    },
    /// The bytes are not a payload of this codec.
    #[error("malformed payload of {len} bytes")]
    Payload {
        /// Its length in bytes.
        len: usize,
    },
    /// The codec cannot be set up like this.
    #[error("{setting} of {value} is out of range")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// Its value.
        value: u32,
    },
    /// The codec library failed for a reason of its own, such as a lack of memory at construction.
    #[error("codec library error {0}")]
    Library(i32),
}
