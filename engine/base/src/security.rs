//! How a call's media is protected, and what signalling agreed on for it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use crate::SrtpKeys;

/// How media is protected.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Security {
    /// Not at all.
    #[default]
    Clear,
    /// With keys that signalling carried (RFC 4568).
    Srtp(SrtpKeys),
    /// With keys that the two ends agree on in the media path (RFC 5764). Until they have, nothing is sent and nothing
    /// that comes is believed.
    Dtls(DtlsPlan),
}

/// What signalling says about the key agreement in the media path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DtlsPlan {
    /// Who begins.
    pub role: DtlsRole,
    /// The peer's certificate must have this; else it is not the peer.
    pub fingerprint: Fingerprint,
}

/// Who begins the handshake (RFC 4145 §4, RFC 5763 §5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DtlsRole {
    /// This side: the TLS client.
    Active,
    /// The peer; this side is the TLS server.
    Passive,
}

/// The SHA-256 of a certificate, as SDP writes it (RFC 8122 §5): `sha-256 AB:CD:…`.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha-256 ")?;
        for (place, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if place == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (hash, hex) = text.trim().split_once(' ').ok_or(FingerprintError::Form)?;
        if !hash.eq_ignore_ascii_case("sha-256") {
            return Err(FingerprintError::Hash);
        }
        let mut bytes = [0; 32];
        let mut pairs = hex.trim().split(':');
        for byte in &mut bytes {
            let pair = pairs.next().filter(|pair| pair.len() == 2).ok_or(FingerprintError::Form)?;
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(FingerprintError::Form);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| FingerprintError::Form)?;
        }
        if pairs.next().is_some() { Err(FingerprintError::Form) } else { Ok(Self(bytes)) }
    }
}

/// Why a text is no [`Fingerprint`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// Another hash than SHA-256, the one that every implementation must know (RFC 8122 §5).
    #[error("a fingerprint of another hash than SHA-256")]
    Hash,
    /// Not 32 bytes in hexadecimal with colons between.
    #[error("not a fingerprint")]
    Form,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_written_as_in_rfc8122_and_read_back() {
        let print = Fingerprint(core::array::from_fn(|place| place as u8 * 8));
        let text = print.to_string();
        assert!(text.starts_with("sha-256 00:08:10:18:"), "{text}");
        assert_eq!(text.parse(), Ok(print));
        assert_eq!(text.to_lowercase().parse(), Ok(print));
        let cases = [
            ("another hash", text.replace("256", "512"), FingerprintError::Hash),
            ("a byte too few", text[..text.len() - 3].to_owned(), FingerprintError::Form),
            ("a byte too many", format!("{text}:00"), FingerprintError::Form),
            ("a sign is no digit", text.replace(":08:", ":+8:"), FingerprintError::Form),
            ("nothing", String::new(), FingerprintError::Form),
        ];
        for (what, text, why) in cases {
            assert_eq!(text.parse::<Fingerprint>(), Err(why), "{what}");
        }
    }
}
