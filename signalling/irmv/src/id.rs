//! Who a user is: a key, and the hash that names it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// A user's unique id: SHA-256 of an Ed25519 public key (RFC 8032). As text 52 letters and digits, the base 32 of
/// RFC 4648 §6 in lower case without padding.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Uid(pub [u8; 32]);

/// A text that is no unique id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a unique id has 52 characters of a to z and 2 to 7")]
pub struct BadUid;

impl Uid {
    /// Of whoever signs with the key whose public half this is.
    #[must_use]
    pub fn of(public: &[u8; 32]) -> Self {
        Self(Sha256::digest(public).into())
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut held, mut bits) = (0_u16, 0_u32);
        let put = |f: &mut fmt::Formatter<'_>, five: u16| {
            let letter = ALPHABET.get(usize::from(five & 31)).copied().unwrap_or(b'a');
            fmt::Write::write_char(f, char::from(letter))
        };
        for byte in self.0 {
            held = (held << 8) | u16::from(byte);
            bits = bits.saturating_add(8);
            while bits >= 5 {
                bits = bits.saturating_sub(5);
                put(f, held >> bits)?;
                held &= (1_u16 << bits).saturating_sub(1);
            }
        }
        if bits > 0 { put(f, held << 5_u32.saturating_sub(bits)) } else { Ok(()) }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({self})")
    }
}

impl FromStr for Uid {
    type Err = BadUid;

    fn from_str(text: &str) -> Result<Self, BadUid> {
        if text.len() != TEXT {
            return Err(BadUid);
        }
        let (mut held, mut bits, mut bytes) = (0_u16, 0_u32, Vec::with_capacity(32));
        for letter in text.bytes().map(|letter| letter.to_ascii_lowercase()) {
            let five = ALPHABET.iter().position(|have| *have == letter).ok_or(BadUid)?;
            held = (held << 5) | u16::try_from(five).map_err(|_| BadUid)?;
            bits = bits.saturating_add(5);
            if bits >= 8 {
                bits = bits.saturating_sub(8);
                bytes.push(u8::try_from((held >> bits) & 0xff).map_err(|_| BadUid)?);
                held &= (1_u16 << bits).saturating_sub(1);
            }
        }
        // One text for each id: the bits left over are zero.
        if held != 0 {
            return Err(BadUid);
        }
        bytes.try_into().map(Self).map_err(|_| BadUid)
    }
}

/// A user's, or a server's, secret key.
pub struct UserKey(SigningKey);

impl UserKey {
    /// The key of a seed, which must be unpredictable and stay secret.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// What others know of it.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Whose it is.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&self.public())
    }

    /// The key by which a server speaks for a user that has registered without one of its own. Only this server can know it.
    pub(crate) fn of_guest(&self, name: &str) -> Self {
        let seed = Sha256::new().chain_update(b"rove irmv guest 1\0").chain_update(self.0.as_bytes());
        Self::from_seed(&seed.chain_update(name).finalize().into())
    }

    /// A secret for another use, named by `what`; it tells nothing of this one.
    #[must_use]
    pub fn secret_for(&self, what: &str) -> [u8; 32] {
        let secret = Sha256::new().chain_update(b"rove irmv derived 1\0").chain_update(self.0.as_bytes());
        secret.chain_update(what).finalize().into()
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 64] {
        self.0.sign(&parts.concat()).to_bytes()
    }
}

impl Clone for UserKey {
    fn clone(&self) -> Self {
        Self(SigningKey::from_bytes(self.0.as_bytes()))
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserKey(..)")
    }
}

/// Whether `signature` over `parts` is of `public`; strictly, so that a signature cannot be bent into another (RFC 8032
/// §8.4).
pub(crate) fn verifies(public: &[u8; 32], parts: &[&[u8]], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public)
        .and_then(|key| key.verify_strict(&parts.concat(), &Signature::from_bytes(signature)))
        .is_ok()
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of an id: 256 bits, five a character.
const TEXT: usize = 52;
