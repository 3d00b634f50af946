//! Long-term credentials (RFC 8489 §9.2) and the seals made with them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::HEADER_BYTES;

/// How a password becomes a key (RFC 8489 §18.5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// MD5, as all did once.
    Md5,
    /// SHA-256.
    Sha256,
    /// None that is known.
    Unknown(u16),
}

impl Algorithm {
    pub(super) const fn read(number: u16) -> Self {
        match number {
            1 => Self::Md5,
            2 => Self::Sha256,
            other => Self::Unknown(other),
        }
    }

    pub(super) const fn number(self) -> u16 {
        match self {
            Self::Md5 => 1,
            Self::Sha256 => 2,
            Self::Unknown(other) => other,
        }
    }
}

/// What a user and a server share in a realm. Wiped when dropped, never printed.
#[derive(Clone, Eq, PartialEq)]
pub struct LongTermKey {
    md5: Zeroizing<[u8; 16]>,
    sha256: Zeroizing<[u8; 32]>,
}

impl LongTermKey {
    /// Of a user with a password in a realm; none of them is prepared by OpaqueString, which leaves what is ASCII as it is.
    #[must_use]
    pub fn new(user: &[u8], realm: &[u8], password: &[u8]) -> Self {
        let parts = [user, b":", realm, b":", password];
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        for part in parts {
            md5.update(part);
            sha256.update(part);
        }
        Self { md5: Zeroizing::new(md5.finalize().into()), sha256: Zeroizing::new(sha256.finalize().into()) }
    }

    /// The key that `algorithm` makes; `None` of one that is not known.
    #[must_use]
    pub fn by(&self, algorithm: Algorithm) -> Option<&[u8]> {
        match algorithm {
            Algorithm::Md5 => Some(self.md5.as_slice()),
            Algorithm::Sha256 => Some(self.sha256.as_slice()),
            Algorithm::Unknown(_) => None,
        }
    }
}

impl fmt::Debug for LongTermKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LongTermKey(..)")
    }
}

/// How a message is sealed, and with what.
#[derive(Clone, Copy)]
pub enum Seal<'k> {
    /// MESSAGE-INTEGRITY.
    Sha1(&'k [u8]),
    /// MESSAGE-INTEGRITY-SHA256.
    Sha256(&'k [u8]),
}

impl fmt::Debug for Seal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1(_) => "Sha1(..)",
            Self::Sha256(_) => "Sha256(..)",
        })
    }
}

impl Seal<'_> {
    /// Bytes of the value.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Sha1(_) => 20,
            Self::Sha256(_) => 32,
        }
    }

    /// Whether `told` seals `covered`, a message up to the seal, in the same time for all that does not.
    pub(super) fn fits(self, covered: &[u8], told: &[u8]) -> bool {
        self.over(covered, |tag| tag.ct_eq(told).into()).unwrap_or(false)
    }

    /// Hands the tag over `covered` to `take`; the length that the header tells is that with the seal behind it.
    pub(super) fn over<T>(self, covered: &[u8], take: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let behind = covered.len().checked_add(self.len())?.checked_add(4)?.checked_sub(HEADER_BYTES)?;
        let length = u16::try_from(behind).ok()?.to_be_bytes();
        let (kind, rest) = (covered.get(..2)?, covered.get(4..)?);
        match self {
            Self::Sha1(key) => {
                let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
                [kind, &length, rest].iter().for_each(|part| mac.update(part));
                Some(take(mac.finalize().into_bytes().as_slice()))
            }
            Self::Sha256(key) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
                [kind, &length, rest].iter().for_each(|part| mac.update(part));
                Some(take(mac.finalize().into_bytes().as_slice()))
            }
        }
    }
}
