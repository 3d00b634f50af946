//! Who a DTLS certificate belongs to, and who opens the connection: `fingerprint` and `setup` (RFC 8122 §5, RFC 4145 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use crate::ParseError;

/// The hash of a certificate. It can be told to everybody: what it protects is that it is not changed on its way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fingerprint {
    hash: Hash,
    bytes: Vec<u8>,
}

/// A hash function by the name it has in descriptions (RFC 8122 §5). MD2 and MD5 must not be used, and SHA-1 is broken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-256, the one that everybody must have.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// Bytes of its output.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];
}

impl Fingerprint {
    /// A fingerprint by SHA-256.
    #[must_use]
    pub fn sha256(bytes: [u8; 32]) -> Self {
        Self { hash: Hash::Sha256, bytes: bytes.to_vec() }
    }

    /// How it was made.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The hash itself, as many bytes as [`Hash::size`] says.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same when it is by SHA-256.
    #[must_use]
    pub fn as_sha256(&self) -> Option<[u8; 32]> {
        self.bytes.as_slice().try_into().ok()
    }
}

impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let malformed = ParseError::Malformed { line: 0, what: "fingerprint" };
        let (name, hex) = text.trim().split_once(' ').ok_or_else(|| malformed.clone())?;
        let hash = Hash::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name));
        let hash = hash.ok_or_else(|| malformed.clone())?;
        let byte = |text: &str| {
            let hex = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(text, 16).ok().filter(|_| hex)
        };
        let bytes: Option<Vec<u8>> = hex.trim().split(':').map(byte).collect();
        let bytes = bytes.filter(|bytes| bytes.len() == hash.size()).ok_or(malformed)?;
        Ok(Self { hash, bytes })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.name())?;
        self.bytes.iter().enumerate().try_for_each(|(at, byte)| {
            let before = if at == 0 { ' ' } else { ':' };
            write!(f, "{before}{byte:02X}")
        })
    }
}

/// Who opens a connection (RFC 4145 §4).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Setup {
    /// Whoever says so opens it.
    Active,
    /// Whoever says so waits for it.
    Passive,
    /// Either; the answer decides.
    ActPass,
    /// Nobody, for the time being.
    HoldConn,
}

impl Setup {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let all = [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn];
        all.into_iter().find(|setup| setup.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// Our part in the DTLS handshake (RFC 5763 §5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DtlsRole {
    /// We open it: `active`.
    Client,
    /// We wait for it: `passive`.
    Server,
}

impl DtlsRole {
    pub(crate) const fn setup(self) -> Setup {
        match self {
            Self::Client => Setup::Active,
            Self::Server => Setup::Passive,
        }
    }
}
