//! What can be wrong with a description, and why two do not fit together.

/// Why bytes are not a session description. Lines count from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Longer than [`MAX_BYTES`](crate::MAX_BYTES), or more lines, media or formats than their limits.
    #[error("description has too many {0}")]
    TooMany(&'static str),
    /// It does not start with `v=0`.
    #[error("description does not start with v=0")]
    Version,
    /// It has no usable `o=` line.
    #[error("no origin line")]
    NoOrigin,
    /// A line is not a letter, an equals sign and a value.
    #[error("line {0} is not of the form x=value")]
    Line(usize),
    /// A line of a known kind does not follow its grammar.
    #[error("line {line}: bad {what}")]
    Malformed {
        /// Which line.
        line: usize,
        /// What it should be.
        what: &'static str,
    },
    /// A line that may stand once stands again.
    #[error("line {line}: repeated {what}")]
    Repeated {
        /// Which line.
        line: usize,
        /// What it is.
        what: &'static str,
    },
}

/// Why no media can be agreed on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// There is no audio, or all of it is switched off.
    #[error("the other side has no audio")]
    NoAudio,
    /// Audio of a profile that is not spoken here, such as one that needs keys.
    #[error("audio profile {0} is not supported")]
    Profile(String),
    /// No codec in common.
    #[error("no codec in common")]
    NoCommonCodec,
    /// No address to send to, or one that is no single host's.
    #[error("no usable address for audio")]
    Address,
    /// The other side has IPv6 where we have IPv4, or the reverse.
    #[error("the other side's audio is in the other IP version")]
    AddressFamily,
    /// The answer does not have the media of the offer, one for one (RFC 3264 §6).
    #[error("the answer does not match the offer's media")]
    MediaCount,
}
