//! The key in a peer's certificate, and what it signed.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::der;

/// A public key of a kind that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerKey<'a> {
    kind: Kind,
    bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    P256,
    P384,
    Rsa,
}

impl<'a> PeerKey<'a> {
    /// The key that `certificate` names. Nothing else in it is looked at: its fingerprint is what is believed.
    pub(super) fn of(certificate: &'a [u8]) -> Option<Self> {
        let mut rest = certificate;
        let mut inside = der::expect(&mut rest, der::SEQUENCE)?;
        let mut told = der::expect(&mut inside, der::SEQUENCE)?;
        let mut ahead = told;
        if let Some((der::VERSION, _, _)) = der::next(&mut ahead) {
            told = ahead;
        }
        // Serial number, algorithm, issuer, validity, subject.
        for _ in 0..5 {
            der::next(&mut told)?;
        }
        let mut info = der::expect(&mut told, der::SEQUENCE)?;
        let mut algorithm = der::expect(&mut info, der::SEQUENCE)?;
        let object = der::expect(&mut algorithm, der::OBJECT)?;
        let (_, bytes) = der::expect(&mut info, der::BIT_STRING)?.split_first()?;
        let kind = match object {
            der::RSA => Kind::Rsa,
            der::EC_PUBLIC_KEY => match der::expect(&mut algorithm, der::OBJECT)? {
                der::P256 => Kind::P256,
                der::P384 => Kind::P384,
                _ => return None,
            },
            _ => return None,
        };
        Some(Self { kind, bytes })
    }

    /// Whether it is a key for RSA.
    pub(super) fn is_rsa(&self) -> bool {
        self.kind == Kind::Rsa
    }

    /// Whether this key signed `message` by `scheme` (RFC 5246 §7.4.1.4.1: hash and signature algorithm).
    pub(super) fn verifies(&self, scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match (scheme, self.kind) {
            (0x0403, Kind::P256) => &ECDSA_P256_SHA256_ASN1,
            (0x0503, Kind::P256) => &ECDSA_P256_SHA384_ASN1,
            (0x0403, Kind::P384) => &ECDSA_P384_SHA256_ASN1,
            (0x0503, Kind::P384) => &ECDSA_P384_SHA384_ASN1,
            (0x0401, Kind::Rsa) => &RSA_PKCS1_2048_8192_SHA256,
            (0x0501, Kind::Rsa) => &RSA_PKCS1_2048_8192_SHA384,
            (0x0601, Kind::Rsa) => &RSA_PKCS1_2048_8192_SHA512,
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, self.bytes).verify(message, signature).is_ok()
    }
}

/// What [`PeerKey::verifies`] knows, the dearest first; the peer signs by one of them.
pub(super) const SCHEMES: &[u16] = &[0x0403, 0x0503, 0x0401, 0x0501, 0x0601];
/// ECDSA on P-256 with SHA-256, by which this side signs.
pub(super) const OUR_SCHEME: u16 = 0x0403;
