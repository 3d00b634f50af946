//! What can be wrong with a description, and why two do not fit together.

use crate::CryptoError;

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
    /// The answer does not have the media of the offer, one for one (RFC 3264 §6), or a new offer has fewer than stood
    /// before (§8).
    #[error("the answer does not match the offer's media")]
    MediaCount,
    /// There is no protection in what the other side says, and this side does not go without.
    #[error("the other side does not protect its media, and it has to be protected")]
    NotProtected,
    /// Keys can only be agreed on where others read them on their way (RFC 4568 §8.3).
    #[error("keys would have to cross a hop of the signalling that everybody can read")]
    KeysInClear,
    /// No key that can be used: why the best one cannot.
    #[error("no key that can be used: {0}")]
    Keys(CryptoError),
    /// The answer's key does not go with one that was offered, or is the same as ours (RFC 4568 §5.1.3).
    #[error("the key does not go with the one that was offered")]
    KeyChoice,
    /// No fingerprint by SHA-256, the hash that everybody must have (RFC 8122 §5).
    #[error("no fingerprint of a certificate that can be used")]
    Fingerprint,
    /// The two sides cannot agree on who opens the DTLS connection (RFC 5763 §5).
    #[error("no agreement on who opens the DTLS connection")]
    Setup,
    /// DTLS is spoken here only where RTCP shares the port of RTP.
    #[error("DTLS without RTCP on the port of RTP is not supported")]
    RtcpMux,
    /// An answer came, and no offer of ours waits for one.
    #[error("an answer without an offer")]
    NoOffer,
}

impl Mismatch {
    /// Whether it is about the protection of media, and not about media.
    #[must_use]
    pub fn is_security(&self) -> bool {
        let keys = |profile: &str| profile.to_ascii_uppercase().contains("SAVP");
        matches!(self, Self::Profile(profile) if keys(profile))
            || matches!(
                self,
                Self::NotProtected
                    | Self::KeysInClear
                    | Self::Keys(_)
                    | Self::KeyChoice
                    | Self::Fingerprint
                    | Self::Setup
                    | Self::RtcpMux
            )
    }
}
