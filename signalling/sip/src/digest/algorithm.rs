//! The hash algorithms (RFC 7616 §3.2, RFC 8760 §2.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};
use zeroize::Zeroize;

/// A hash algorithm, weakest first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Algorithm {
    /// MD5, broken; for peers that know nothing else.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256, by its name here.
    Sha512_256,
}

impl Algorithm {
    /// All of them, weakest first.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// The algorithm that reads so, and whether in its session variant (`-sess`). Case does not count.
    #[must_use]
    pub fn parse(text: &str) -> Option<(Self, bool)> {
        let (name, session) = match text.len().checked_sub(5).and_then(|at| text.split_at_checked(at)) {
            Some((name, end)) if end.eq_ignore_ascii_case("-sess") => (name, true),
            _ => (text, false),
        };
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))?;
        Some((found, session))
    }

    /// The hash of `parts` with colons between, in hexadecimal.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> Hex {
        match self {
            Self::Md5 => Hex::of(joined(Md5::new(), parts).finalize().as_slice()),
            Self::Sha256 => Hex::of(joined(Sha256::new(), parts).finalize().as_slice()),
            Self::Sha512_256 => Hex::of(joined(Sha512_256::new(), parts).finalize().as_slice()),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn joined<D: sha2::Digest>(mut hash: D, parts: &[&[u8]]) -> D {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    hash
}

/// A hash in hexadecimal, lower case. Wiped when it goes: it may stand for a password.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Hex {
    digits: [u8; 64],
    len: usize,
}

impl Hex {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut digits = [b'0'; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        Self { digits, len: bytes.len().saturating_mul(2).min(64) }
    }

    /// As it reads, if it is as long as a hash of `algorithm` and has nothing but digits.
    pub(crate) fn parse(text: &str, algorithm: Algorithm) -> Option<Self> {
        let len = if algorithm == Algorithm::Md5 { 32 } else { 64 };
        if text.len() != len || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut digits = [b'0'; 64];
        digits.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from.to_ascii_lowercase());
        Some(Self { digits, len })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Drop for Hex {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

const fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0'.wrapping_add(value),
        _ => b'a'.wrapping_add(value.wrapping_sub(10)),
    }
}
