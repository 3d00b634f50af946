//! Keys in a description: the attribute `crypto` (RFC 4568, RFC 7714 §14.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rove_base::{Entropy, SrtpProfile};
use zeroize::Zeroizing;

/// One line `a=crypto`: a cipher, and the key with which its maker protects what it sends. Never printed whole but by
/// [`Crypto::line`].
#[derive(Clone, Eq, PartialEq)]
pub struct Crypto {
    /// Names the line within its medium: up to nine digits (RFC 4568 §9.1).
    pub tag: u32,
    /// The key and its cipher.
    pub key: SdesKey,
}

/// A master key with its salt, for one cipher, one way. Wiped from memory when dropped, never printed.
#[derive(Clone, Eq, PartialEq)]
pub struct SdesKey {
    profile: SrtpProfile,
    joined: Zeroizing<Vec<u8>>,
}

impl SdesKey {
    /// A new key.
    #[must_use]
    pub fn new(profile: SrtpProfile, entropy: &mut Entropy) -> Self {
        let mut joined = Zeroizing::new(vec![0; joined_len(profile)]);
        entropy.fill(&mut joined);
        Self { profile, joined }
    }

    /// New keys for all ciphers, in the order in which they are offered.
    #[must_use]
    pub fn all(entropy: &mut Entropy) -> Vec<Self> {
        SUITES.iter().map(|&(_, profile)| Self::new(profile, entropy)).collect()
    }

    /// The cipher.
    #[must_use]
    pub const fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// The key, followed by its salt (RFC 4568 §6.1).
    #[must_use]
    pub fn joined(&self) -> &[u8] {
        &self.joined
    }
}

impl fmt::Debug for SdesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdesKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Crypto {
    /// The attribute as text, key included.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { tag, key } = self;
        format!("crypto:{tag} {} inline:{}", suite(key.profile), BASE64.encode(&*key.joined))
    }
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crypto").field("tag", &self.tag).field("key", &self.key).finish()
    }
}

impl FromStr for Crypto {
    type Err = CryptoError;

    /// Reads the value of the attribute. Its lifetime is read and not held against it: a key is used for less than
    /// 2³² packets here, which takes two and a half years of a call.
    fn from_str(text: &str) -> Result<Self, CryptoError> {
        let mut words = text.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9 && digits(tag)).ok_or(CryptoError::Grammar)?;
        let name = words.next().ok_or(CryptoError::Grammar)?;
        let parameters = words.next().ok_or(CryptoError::Grammar)?;
        let known = SUITES.iter().find(|(suite, _)| name.eq_ignore_ascii_case(suite));
        let &(_, profile) = known.ok_or(CryptoError::Suite)?;
        let key = read_key(parameters, profile)?;
        words.try_for_each(session_parameter)?;
        Ok(Self { tag: tag.parse().map_err(|_| CryptoError::Grammar)?, key })
    }
}

/// Why a line `a=crypto` cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// It does not follow its grammar (RFC 4568 §9.1).
    #[error("a key that cannot be read")]
    Grammar,
    /// A cipher that is not spoken here.
    #[error("a cipher that is not known")]
    Suite,
    /// Several keys, told apart by an identifier in each packet (RFC 4568 §6.1), or one with such an identifier.
    #[error("keys with identifiers are not supported")]
    Identifier,
    /// Key and salt are not of the cipher's length.
    #[error("a key of the wrong length")]
    Length,
    /// A lifetime of no packets, or of more than may be sent (RFC 4568 §6.1).
    #[error("a key with an impossible lifetime")]
    Lifetime,
    /// A parameter that changes how packets are protected (RFC 4568 §6.3).
    #[error("a parameter of the protection that is not supported")]
    Parameter,
}

/// `inline:key||salt[|lifetime][|MKI:length]`, once.
fn read_key(parameters: &str, profile: SrtpProfile) -> Result<SdesKey, CryptoError> {
    let (method, rest) = parameters.split_once(':').ok_or(CryptoError::Grammar)?;
    if !method.eq_ignore_ascii_case("inline") {
        return Err(CryptoError::Grammar);
    }
    if rest.contains(';') {
        return Err(CryptoError::Identifier);
    }
    let mut parts = rest.split('|');
    let text = parts.next().ok_or(CryptoError::Grammar)?;
    let mut joined = Zeroizing::new(Vec::with_capacity(LONGEST_DECODED));
    if text.len() > LONGEST_ENCODED {
        return Err(CryptoError::Length);
    }
    BASE64.decode_vec(text, &mut joined).map_err(|_| CryptoError::Grammar)?;
    for part in parts {
        if part.contains(':') {
            return Err(CryptoError::Identifier);
        }
        lifetime(part)?;
    }
    if joined.len() == joined_len(profile) {
        Ok(SdesKey { profile, joined })
    } else {
        Err(CryptoError::Length)
    }
}

/// Packets for which a key is good: a number, or a power of two.
fn lifetime(text: &str) -> Result<(), CryptoError> {
    let (power, number) = match text.strip_prefix("2^") {
        Some(exponent) => (true, exponent),
        None => (false, text),
    };
    if !digits(number) {
        return Err(CryptoError::Grammar);
    }
    let number: u64 = number.parse().map_err(|_| CryptoError::Lifetime)?;
    let most = if power { 48 } else { 1 << 48 };
    if number == 0 && !power || number > most { Err(CryptoError::Lifetime) } else { Ok(()) }
}

/// The window's size is a hint, and what begins with a hyphen may be passed over; all else changes the protection
/// (RFC 4568 §6.3).
fn session_parameter(text: &str) -> Result<(), CryptoError> {
    let hint = text.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("WSH="));
    if hint && text.get(4..).is_some_and(digits) || text.starts_with('-') {
        Ok(())
    } else {
        Err(CryptoError::Parameter)
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn joined_len(profile: SrtpProfile) -> usize {
    profile.key_len().saturating_add(profile.salt_len())
}

fn suite(profile: SrtpProfile) -> &'static str {
    SUITES.iter().find(|(_, have)| *have == profile).map_or("", |(name, _)| name)
}

/// Names of the ciphers (RFC 4568 §6.2, RFC 7714 §14.3), in the order in which they are offered.
const SUITES: [(&str, SrtpProfile); 4] = [
    ("AEAD_AES_128_GCM", SrtpProfile::AeadAes128Gcm),
    ("AEAD_AES_256_GCM", SrtpProfile::AeadAes256Gcm),
    ("AES_CM_128_HMAC_SHA1_80", SrtpProfile::AesCm128HmacSha1_80),
    ("AES_CM_128_HMAC_SHA1_32", SrtpProfile::AesCm128HmacSha1_32),
];
/// Padded when written; read with and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Characters of the longest key that is read: 44 bytes, padded.
const LONGEST_ENCODED: usize = 60;
/// Bytes that those can become, so that a key is never moved while it grows.
const LONGEST_DECODED: usize = 48;
