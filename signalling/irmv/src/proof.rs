//! What a user shows for its telephone number: the signed word of the number's network.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    Name, Number, WireError,
    wire::{Reader, put_bytes, put_text},
};

/// A PASSporT by which a network says that a number is a user's: its origin is the number, its destination
/// `sip:user@domain` (RFC 8225), and the certificates that it is verified with (RFC 8226). Who verifies it is the owner of
/// the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NumberProof {
    /// Whose number it is.
    pub user: Name,
    /// The number.
    pub number: Number,
    /// An Identity header's value (RFC 8224 §4); at most [`NumberProof::LONGEST`] bytes.
    pub identity: String,
    /// The signer's certificate and those between it and an authority, in DER; at most [`NumberProof::CERTIFICATES`].
    pub certificates: Vec<Vec<u8>>,
}

impl NumberProof {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self.user.as_str());
        out.extend_from_slice(&self.number.digits().to_be_bytes());
        put_bytes(out, self.identity.as_bytes());
        let certificates = self.certificates.get(..Self::CERTIFICATES).unwrap_or(&self.certificates);
        out.push(u8::try_from(certificates.len()).unwrap_or_default());
        certificates.iter().for_each(|one| put_bytes(out, one));
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let user = reader.name()?;
        let number = Number::new(reader.u64("number")?).ok_or(WireError::Value("number"))?;
        let identity =
            core::str::from_utf8(reader.bytes("identity")?).map_err(|_| WireError::Value("identity"))?;
        let count = usize::from(reader.u8("certificates")?);
        if count > Self::CERTIFICATES || identity.len() > Self::LONGEST || !identity.is_ascii() {
            return Err(WireError::Value("identity or certificates"));
        }
        let certificates = (0..count)
            .map(|_| Ok(reader.bytes("certificate")?.to_vec()))
            .collect::<Result<_, WireError>>()?;
        Ok(Self { user, number, identity: identity.to_owned(), certificates })
    }

    /// Certificates of one proof.
    pub const CERTIFICATES: usize = 4;
    /// Bytes of the longest identity.
    pub const LONGEST: usize = 2_048;
}
