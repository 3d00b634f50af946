//! Who this program is in a handshake: a key and a certificate that it signed itself (RFC 5763 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::sync::Arc;

use p256::{
    ecdsa::{DerSignature, SigningKey, signature::Signer},
    elliptic_curve::sec1::ToSec1Point,
};
use ring::digest::{SHA256, digest};
use rove_base::{Entropy, Fingerprint, UnixTime};

use super::der;

/// A key on P-256 and its certificate. A program makes one and uses it for all its calls; copies share it.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    key: SigningKey,
    certificate: Vec<u8>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// Draws a key and signs a certificate for it, valid from the day before `wall` for a year: nobody looks at the
    /// dates, for the fingerprint in signalling is what is believed.
    #[must_use]
    pub fn draw(entropy: &mut Entropy, wall: UnixTime) -> Self {
        let key = SigningKey::from(secret(entropy));
        let certificate = certificate(&key, entropy, wall);
        let fingerprint = fingerprint(&certificate);
        Self(Arc::new(Inner { key, certificate, fingerprint }))
    }

    /// What signalling tells of it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// The certificate in its distinguished encoding.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.0.certificate
    }

    /// Signs with ECDSA on P-256 and SHA-256 (RFC 8422 §5.4). The nonce follows from the message (RFC 6979).
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.0.key.sign(message);
        signature.as_bytes().to_vec()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.0.fingerprint).finish()
    }
}

/// The SHA-256 of a certificate.
pub(super) fn fingerprint(certificate: &[u8]) -> Fingerprint {
    let mut print = [0; 32];
    print.iter_mut().zip(digest(&SHA256, certificate).as_ref()).for_each(|(to, from)| *to = *from);
    Fingerprint(print)
}

/// A secret number on P-256.
pub(super) fn secret(entropy: &mut Entropy) -> p256::SecretKey {
    loop {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        // Fails once in 2³² draws.
        if let Ok(secret) = p256::SecretKey::from_slice(&*bytes) {
            return secret;
        }
    }
}

/// The point of a secret number, uncompressed.
pub(super) fn point(secret: &p256::SecretKey) -> Vec<u8> {
    secret.public_key().to_sec1_point(false).as_bytes().to_vec()
}

fn certificate(key: &SigningKey, entropy: &mut Entropy, wall: UnixTime) -> Vec<u8> {
    let mut serial = [0; 12];
    entropy.fill(&mut serial);
    // A positive number in as many bytes as it needs (RFC 5280 §4.1.2.2).
    let [high, ..] = &mut serial;
    *high = *high & 0x7f | 0x40;
    let name = |out: &mut Vec<u8>| {
        der::nested(out, der::SEQUENCE, |out| {
            der::nested(out, der::SET, |out| {
                der::nested(out, der::SEQUENCE, |out| {
                    der::element(out, der::OBJECT, der::COMMON_NAME);
                    der::element(out, der::UTF8, b"rove");
                });
            });
        });
    };
    let algorithm = |out: &mut Vec<u8>| {
        der::nested(out, der::SEQUENCE, |out| der::element(out, der::OBJECT, der::ECDSA_SHA256));
    };
    let mut told = Vec::new();
    der::nested(&mut told, der::SEQUENCE, |out| {
        der::nested(out, der::VERSION, |out| der::element(out, der::INTEGER, &[2]));
        der::element(out, der::INTEGER, &serial);
        algorithm(out);
        name(out);
        der::nested(out, der::SEQUENCE, |out| {
            time(out, wall.as_secs().saturating_sub(DAY));
            time(out, wall.as_secs().saturating_add(DAY.saturating_mul(365)));
        });
        name(out);
        der::nested(out, der::SEQUENCE, |out| {
            der::nested(out, der::SEQUENCE, |out| {
                der::element(out, der::OBJECT, der::EC_PUBLIC_KEY);
                der::element(out, der::OBJECT, der::P256);
            });
            bits(out, key.verifying_key().to_sec1_point(false).as_bytes());
        });
    });
    let signature: DerSignature = key.sign(&told);
    let mut whole = Vec::new();
    der::nested(&mut whole, der::SEQUENCE, |out| {
        out.extend(&told);
        algorithm(out);
        bits(out, signature.as_bytes());
    });
    whole
}

fn bits(out: &mut Vec<u8>, bytes: &[u8]) {
    der::nested(out, der::BIT_STRING, |out| {
        out.push(0);
        out.extend(bytes);
    });
}

/// A time in the form that its year asks for (RFC 5280 §4.1.2.5).
fn time(out: &mut Vec<u8>, secs: u64) {
    let (year, month, day) = date(secs / DAY);
    let clock = secs % DAY;
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if year < 2050 {
        der::element(out, der::UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes());
    } else {
        der::element(out, der::GENERAL_TIME, format!("{:04}{rest}", year.min(9_999)).as_bytes());
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
#[expect(clippy::arithmetic_side_effects, reason = "days count from 1970 and end in 584 years")]
const fn date(days: u64) -> (u64, u64, u64) {
    // Counted from 1st of March of the year 0, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next_year, month, day)
}

const DAY: u64 = 86_400;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::{super::verify::PeerKey, *};

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            ("the epoch", 0, (1970, 1, 1)),
            ("a leap day", 11_016, (2000, 2, 29)),
            ("the day after", 11_017, (2000, 3, 1)),
            ("the end of a year", 20_453, (2025, 12, 31)),
            ("no leap day in 2100", 47_541, (2100, 3, 1)),
        ];
        for (what, days, expected) in cases {
            assert_eq!(date(days), expected, "{what}");
        }
    }

    #[test]
    fn a_certificate_is_signed_by_the_key_it_names() {
        let identity = Identity::draw(&mut Entropy::from_number(4), UnixTime::from_secs(1_800_000_000));
        let mut rest = identity.certificate();
        let mut inside = der::expect(&mut rest, der::SEQUENCE).unwrap();
        let (_, _, told) = der::next(&mut inside).unwrap();
        der::next(&mut inside).unwrap();
        let signature = der::expect(&mut inside, der::BIT_STRING).unwrap();
        let key = PeerKey::of(identity.certificate()).unwrap();
        assert!(rest.is_empty() && key.verifies(0x0403, told, &signature[1..]));
        assert!(!key.verifies(0x0403, &told[1..], &signature[1..]));
    }
}
