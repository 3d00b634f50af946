//! SRTP and SRTCP (RFC 3711, RFC 7714): packets protected and opened in place, without allocation.
//!
//! A [`crate::stream::Stream`] whose plan has keys, or says that they are agreed on in the media path, sends and believes
//! protected packets only. Whoever holds a master key can also drive an [`SrtpContext`] directly.
//!
//! What a packet claims is believed only once it is authenticated: a forged packet changes neither the replay windows
//! nor the rollover counters. A source's rollover counter lives as long as its context,
//! however long the source is silent. Without a packet for 2¹⁵ sequence numbers the estimate of RFC 3711 §3.3.1 is
//! ambiguous, and what follows may fail to authenticate.

mod cipher;
mod context;
mod gcm;
mod keys;
mod mac;
mod window;

#[cfg(test)]
mod tests;

pub use context::{MAX_SOURCES, SrtpContext};
pub use keys::MasterKey;
pub use rove_base::SrtpProfile as Profile;

/// Why a packet was not protected or not accepted. One variant per check, so a counter can be kept for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// The packet ends before what it must have: header, extension, index or tag.
    #[error("truncated packet: need {need} bytes, have {have}")]
    Truncated {
        /// Bytes that are needed, counted from the packet's start.
        need: usize,
        /// Bytes there are.
        have: usize,
    },
    /// The version field is not 2.
    #[error("unsupported RTP version {0}")]
    Version(u8),
    /// The buffer has no room for what protection appends.
    #[error("no room for the protected packet: need {need} bytes, have {have}")]
    NoRoom {
        /// Bytes the protected packet has.
        need: usize,
        /// Bytes the buffer has.
        have: usize,
    },
    /// The tag does not fit: the packet was not made with this key, or not like this.
    #[error("authentication failed")]
    Forged,
    /// A packet of this index was there before.
    #[error("replayed packet")]
    Replayed,
    /// The index lies before the replay window, so nobody can tell whether the packet was there before.
    #[error("packet older than the replay window")]
    Stale,
    /// The context keeps [`MAX_SOURCES`] sources already and this is another.
    #[error("more than {MAX_SOURCES} sources")]
    TooManySources,
    /// Every index of this source has been used: a new master key is needed (RFC 3711 §9.2).
    #[error("key exhausted")]
    KeyExhausted,
    /// Key or salt do not have the length that the profile asks for.
    #[error("key of {key} bytes with salt of {salt}")]
    KeyLength {
        /// Bytes of the key given.
        key: usize,
        /// Bytes of the salt given.
        salt: usize,
    },
}
