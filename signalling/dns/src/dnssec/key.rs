//! The key of a signed zone, its file, and what the parent has to say of it.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use p256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner as _};
use rove_base::Entropy;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::ALGORITHM;
use crate::wire::Name;

/// A key that signs a zone.
#[derive(Clone)]
pub struct ZoneKey {
    key: SigningKey,
    secret: Zeroizing<[u8; 32]>,
}

/// A key file that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneKeyError {
    /// A line that must be there is not.
    #[error("not a key file: no line \"{0}\"")]
    File(&'static str),
    /// Another algorithm.
    #[error("algorithm {0} is not supported; use 13 (ECDSAP256SHA256)")]
    Algorithm(String),
    /// The secret is no key of the curve, or not in base64.
    #[error("PrivateKey is not a key of P-256 in base64")]
    Secret,
}

impl ZoneKey {
    /// Draws a new one.
    #[must_use]
    pub fn draw(entropy: &mut Entropy) -> Self {
        loop {
            let mut secret = Zeroizing::new([0; 32]);
            entropy.fill(&mut *secret);
            // Less than one in 2³² is no number of the curve.
            if let Ok(key) = SigningKey::from_slice(&*secret) {
                return Self { key, secret };
            }
        }
    }

    /// Reads the file that `dnssec-keygen` writes (`Private-key-format: v1.3`).
    ///
    /// # Errors
    ///
    /// [`ZoneKeyError`].
    pub fn from_file(text: &str) -> Result<Self, ZoneKeyError> {
        let after = |wanted: &'static str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            let found = lines.find(|(name, _)| name.trim() == wanted);
            found.map(|(_, value)| value.trim()).ok_or(ZoneKeyError::File(wanted))
        };
        let algorithm = after("Algorithm")?;
        if algorithm.split_whitespace().next() != Some("13") {
            return Err(ZoneKeyError::Algorithm(algorithm.to_owned()));
        }
        let bytes = Zeroizing::new(BASE64.decode(after("PrivateKey")?).map_err(|_| ZoneKeyError::Secret)?);
        let secret: [u8; 32] = bytes.as_slice().try_into().map_err(|_| ZoneKeyError::Secret)?;
        let secret = Zeroizing::new(secret);
        let key = SigningKey::from_slice(&*secret).map_err(|_| ZoneKeyError::Secret)?;
        Ok(Self { key, secret })
    }

    /// The key as such a file, which only its owner should be able to read.
    #[must_use]
    pub fn to_file(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(BASE64.encode(self.secret.as_slice()));
        let secret = secret.as_str();
        Zeroizing::new(format!(
            "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: {secret}\n"
        ))
    }

    /// Contents of the DNSKEY record: a key that signs keys and zone (257), protocol 3, the two coordinates.
    #[must_use]
    pub fn dnskey(&self) -> Box<[u8]> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let coordinates = point.as_bytes().get(1..).unwrap_or_default();
        [&[1, 1, 3, ALGORITHM], coordinates].concat().into()
    }

    /// The number that signatures call the key by (RFC 4034, appendix B).
    #[must_use]
    pub fn tag(&self) -> u16 {
        let sum = self.dnskey().chunks(2).fold(0_u32, |sum, pair| match *pair {
            [high, low] => sum.wrapping_add(u32::from(u16::from_be_bytes([high, low]))),
            [high] => sum.wrapping_add(u32::from(high) << 8),
            _ => sum,
        });
        let [_, carry, high, low] = sum.to_be_bytes();
        u16::from_be_bytes([high, low]).wrapping_add(u16::from(carry))
    }

    /// The DS record for the parent of `zone`, as a line of a master file (RFC 4509: SHA-256).
    #[must_use]
    pub fn ds(&self, zone: &Name) -> String {
        let digest = Sha256::new().chain_update(zone.as_wire()).chain_update(self.dnskey()).finalize();
        let hex: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("{zone} IN DS {} {ALGORITHM} 2 {hex}", self.tag())
    }

    /// Signs the hash of what is to be signed.
    pub(super) fn sign(&self, digest: &[u8; 32]) -> Option<[u8; 64]> {
        let signature: Signature = self.key.sign_prehash(digest).ok()?;
        Some(signature.to_bytes().into())
    }
}

impl fmt::Debug for ZoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneKey").field("tag", &self.tag()).finish_non_exhaustive()
    }
}
