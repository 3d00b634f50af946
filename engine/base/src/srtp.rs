//! How media is protected (RFC 3711, RFC 7714), and the master keys that signalling agreed on.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use zeroize::Zeroizing;

/// A protection profile: which cipher, and how long a tag.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SrtpProfile {
    /// AES_CM_128_HMAC_SHA1_80: counter mode and tags of 10 bytes (RFC 3711 §4, RFC 5764 §4.1.2).
    AesCm128HmacSha1_80,
    /// AES_CM_128_HMAC_SHA1_32: tags of 4 bytes in SRTP, of 10 in SRTCP (RFC 3711 §5.2, RFC 5764 §4.1.2).
    AesCm128HmacSha1_32,
    /// AEAD_AES_128_GCM with tags of 16 bytes (RFC 7714 §12).
    AeadAes128Gcm,
    /// AEAD_AES_256_GCM with tags of 16 bytes (RFC 7714 §12).
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// Bytes of the master key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of the master salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Bytes that protection adds to an RTP packet.
    #[must_use]
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 10,
            Self::AesCm128HmacSha1_32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Bytes that protection adds to an RTCP packet: the tag and the word with the index.
    #[must_use]
    pub const fn rtcp_overhead(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 20,
        }
    }
}

/// The master keys of one stream, one each way, with their salts. Wiped from memory when dropped, never printed.
///
/// Two keys, because with one for both ways two sources of the same name would be encrypted with the same key stream
/// (RFC 3711 §9.1).
#[derive(Clone)]
pub struct SrtpKeys {
    profile: SrtpProfile,
    send: Joined,
    receive: Joined,
}

/// A key and the salt behind it, as they follow each other in SDP (RFC 4568 §6.1).
type Joined = Zeroizing<[u8; LONGEST]>;

impl SrtpKeys {
    /// Takes over the keys with which `profile` protects what is sent and opens what is received, each followed by its
    /// salt (RFC 4568 §6.1).
    ///
    /// # Errors
    ///
    /// [`SrtpKeysError`] when one of them has another length than the profile asks for, or both are the same.
    pub fn new(profile: SrtpProfile, send: &[u8], receive: &[u8]) -> Result<Self, SrtpKeysError> {
        let need = profile.key_len().saturating_add(profile.salt_len());
        for have in [send.len(), receive.len()] {
            if have != need {
                return Err(SrtpKeysError::Length { need, have });
            }
        }
        let keys = Self { profile, send: joined(send), receive: joined(receive) };
        if same(&keys.send, &keys.receive) { Err(SrtpKeysError::Shared) } else { Ok(keys) }
    }

    /// How packets are protected.
    #[must_use]
    pub const fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Key and salt for what is sent.
    #[must_use]
    pub fn send(&self) -> &[u8] {
        self.cut(&self.send)
    }

    /// Key and salt for what is received.
    #[must_use]
    pub fn receive(&self) -> &[u8] {
        self.cut(&self.receive)
    }

    fn cut<'a>(&self, joined: &'a Joined) -> &'a [u8] {
        joined.get(..self.profile.key_len().saturating_add(self.profile.salt_len())).unwrap_or_default()
    }
}

impl Eq for SrtpKeys {}

/// In the same time for all keys of a profile.
impl PartialEq for SrtpKeys {
    fn eq(&self, other: &Self) -> bool {
        self.profile == other.profile && same(&self.send, &other.send) & same(&self.receive, &other.receive)
    }
}

impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKeys").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// Why [`SrtpKeys`] cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SrtpKeysError {
    /// Key and salt do not have the length that the profile asks for.
    #[error("key and salt of {have} bytes where {need} are needed")]
    Length {
        /// Bytes the profile asks for.
        need: usize,
        /// Bytes there are.
        have: usize,
    },
    /// Both ways have the same key.
    #[error("one key for both ways")]
    Shared,
}

fn joined(bytes: &[u8]) -> Joined {
    let mut joined = Zeroizing::new([0; LONGEST]);
    joined.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    joined
}

fn same(one: &Joined, other: &Joined) -> bool {
    core::hint::black_box(one.iter().zip(other.iter()).fold(0, |all, (a, b)| all | (a ^ b))) == 0
}

/// Bytes of the longest key with its salt: 32 and 12; with a short key 16 and 14.
const LONGEST: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_whole_and_never_shown() {
        let profile = SrtpProfile::AeadAes256Gcm;
        let keys = SrtpKeys::new(profile, &[1; 44], &[2; 44]).unwrap();
        assert_eq!((keys.send(), keys.receive()), (&[1; 44][..], &[2; 44][..]));
        assert_eq!(format!("{keys:?}"), "SrtpKeys { profile: AeadAes256Gcm, .. }");
        assert_eq!(keys, keys.clone());
        assert_ne!(keys, SrtpKeys::new(profile, &[1; 44], &[3; 44]).unwrap());
    }

    #[test]
    fn keys_of_another_length_and_one_for_both_ways_are_refused() {
        let profile = SrtpProfile::AesCm128HmacSha1_80;
        let short = SrtpKeysError::Length { need: 30, have: 29 };
        assert_eq!(SrtpKeys::new(profile, &[1; 30], &[2; 29]).unwrap_err(), short);
        assert_eq!(SrtpKeys::new(profile, &[1; 29], &[2; 30]).unwrap_err(), short);
        assert_eq!(SrtpKeys::new(profile, &[1; 30], &[1; 30]).unwrap_err(), SrtpKeysError::Shared);
    }
}
