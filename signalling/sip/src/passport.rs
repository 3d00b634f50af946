//! PASSporT: a signed word on who calls whom, carried in Identity (RFC 8224, RFC 8225).
//!
//! [`verify`] is a function of its arguments: to fetch the certificate that the header names, and to decide whether that
//! is to be trusted, is for whoever calls it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier as _};
use serde_json::Value;

use crate::message::Uri;

/// An Identity header (RFC 8224 §4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity<'a> {
    /// Header, claims and signature, each in base64, with dots between.
    pub token: &'a str,
    /// Where the certificate is.
    pub info: &'a str,
    /// The algorithm; ES256 when it is not named.
    pub algorithm: &'a str,
    /// The kind of claims, where it is not the plain one.
    pub extension: Option<&'a str>,
}

/// What a signature vouches for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passport {
    /// Who calls: a telephone number in digits, or a URI.
    pub orig: String,
    /// When it was signed, in seconds since 1970.
    pub issued_at: u64,
    /// How well the signer knows the caller (`A`, `B` or `C`), in claims of the kind `shaken` (RFC 8588).
    pub attestation: Option<String>,
}

/// Why an identity is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The header or what it carries is not well-formed, or is of the compact form.
    #[error("the identity is malformed: {0}")]
    Malformed(&'static str),
    /// Signed in another way than ES256.
    #[error("the identity is signed by an algorithm that is not known")]
    Algorithm,
    /// Claims of a kind that is not known.
    #[error("the identity makes claims of a kind that is not known")]
    Extension,
    /// The header names another certificate than the token.
    #[error("the identity names two certificates")]
    Info,
    /// The key is no point of P-256.
    #[error("the certificate's key is not one for ES256")]
    Key,
    /// Not signed by that key.
    #[error("the identity's signature is wrong")]
    Signature,
    /// Signed too long ago, or in the future.
    #[error("the identity is too old")]
    Stale,
    /// Signed for another caller.
    #[error("the identity is another caller's")]
    Origin,
    /// Signed for a call to somebody else.
    #[error("the identity is for a call to somebody else")]
    Destination,
}

impl IdentityError {
    /// The status that tells the caller (RFC 8224 §6.2.2).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Stale => 403,
            Self::Info => 436,
            Self::Algorithm | Self::Extension | Self::Key => 437,
            _ => 438,
        }
    }
}

impl<'a> Identity<'a> {
    /// Reads a header.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Malformed`] when token or certificate is missing.
    pub fn parse(value: &'a str) -> Result<Self, IdentityError> {
        let mut parts = value.split(';').map(str::trim);
        let token = parts.next().unwrap_or_default().trim_matches('"');
        let mut read = Self { token, info: "", algorithm: ALGORITHM, extension: None };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "info" => read.info = value.trim_start_matches('<').trim_end_matches('>'),
                "alg" => read.algorithm = value,
                "ppt" => read.extension = Some(value),
                _ => {}
            }
        }
        match (token.is_empty(), read.info.is_empty()) {
            (true, _) => Err(IdentityError::Malformed("no token")),
            (_, true) => Err(IdentityError::Malformed("no info")),
            _ => Ok(read),
        }
    }
}

/// Verifies that the holder of `key` vouches for a call from `orig` to `dest` (RFC 8224 §6.2). `key` is the public key of
/// the certificate that the header names, as an uncompressed or compressed point; `now` is in seconds since 1970.
///
/// # Errors
///
/// [`IdentityError`] says which check fails; the first of them in the order of its variants.
pub fn verify(
    identity: &Identity<'_>,
    orig: &Uri,
    dest: &Uri,
    key: &[u8],
    now: u64,
) -> Result<Passport, IdentityError> {
    let (signed, signature) =
        identity.token.rsplit_once('.').ok_or(IdentityError::Malformed("three parts are wanted"))?;
    let (header, claims) =
        signed.split_once('.').ok_or(IdentityError::Malformed("three parts are wanted"))?;
    let (header, claims) = (json(header)?, json(claims)?);
    check_header(identity, &header)?;
    let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| IdentityError::Key)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| IdentityError::Malformed("signature"))?;
    let signature = Signature::from_slice(&signature).map_err(|_| IdentityError::Signature)?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| IdentityError::Signature)?;
    let issued_at =
        claims.get("iat").and_then(Value::as_u64).ok_or(IdentityError::Malformed("no time of issue"))?;
    if now.abs_diff(issued_at) > FRESH_SECONDS {
        return Err(IdentityError::Stale);
    }
    let from = claims.get("orig").ok_or(IdentityError::Malformed("no origin"))?;
    let vouched = names(from).into_iter().find(|name| is(name, orig)).ok_or(IdentityError::Origin)?;
    let to = claims.get("dest").ok_or(IdentityError::Malformed("no destination"))?;
    if !names(to).iter().any(|name| is(name, dest)) {
        return Err(IdentityError::Destination);
    }
    let attestation = claims.get("attest").and_then(Value::as_str).map(str::to_owned);
    Ok(Passport { orig: vouched.text().to_owned(), issued_at, attestation })
}

/// Algorithm, kind and certificate as the token itself names them (RFC 8225 §4).
fn check_header(identity: &Identity<'_>, header: &Value) -> Result<(), IdentityError> {
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("typ") != Some("passport") {
        return Err(IdentityError::Malformed("not a passport"));
    }
    if identity.algorithm != ALGORITHM || text("alg") != Some(ALGORITHM) {
        return Err(IdentityError::Algorithm);
    }
    let extension = text("ppt");
    if extension.is_some_and(|kind| kind != SHAKEN)
        || identity.extension.is_some_and(|kind| Some(kind) != extension)
    {
        return Err(IdentityError::Extension);
    }
    if text("x5u") == Some(identity.info) { Ok(()) } else { Err(IdentityError::Info) }
}

fn json(part: &str) -> Result<Value, IdentityError> {
    if part.len() > MOST_BYTES {
        return Err(IdentityError::Malformed("too long"));
    }
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| IdentityError::Malformed("base64"))?;
    serde_json::from_slice(&bytes).map_err(|_| IdentityError::Malformed("JSON"))
}

/// Somebody, as claims name one.
#[derive(Clone, Copy)]
enum Name<'a> {
    Number(&'a str),
    Uri(&'a str),
}

impl<'a> Name<'a> {
    const fn text(self) -> &'a str {
        match self {
            Self::Number(text) | Self::Uri(text) => text,
        }
    }
}

/// All whom a claim names: one text, or a list of them, for each kind of name (RFC 8225 §5.2.1).
fn names(claim: &Value) -> Vec<Name<'_>> {
    let of = |kind: &str| {
        let value = claim.get(kind);
        let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().chain(value.filter(|value| value.is_string())).filter_map(Value::as_str)
    };
    of("tn").map(Name::Number).chain(of("uri").map(Name::Uri)).collect()
}

/// Whether a claim's name is that of `uri`, both in canonical form (RFC 8224 §8.3, §8.5).
fn is(name: &Name<'_>, uri: &Uri) -> bool {
    match name {
        Name::Number(number) => telephone(uri).is_some_and(|have| !have.is_empty() && have == digits(number)),
        Name::Uri(text) => text.parse::<Uri>().is_ok_and(|named| named.equivalent(uri)),
    }
}

/// The telephone number that a URI stands for, in digits.
fn telephone(uri: &Uri) -> Option<String> {
    let text = match uri {
        Uri::Tel(tel) => tel.number().to_owned(),
        Uri::Sip(sip) => sip.user()?.split(';').next()?.to_owned(),
        Uri::Other(_) => return None,
    };
    let known = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.()*#".contains(&byte));
    known.then(|| digits(&text))
}

fn digits(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).collect()
}

const ALGORITHM: &str = "ES256";
const SHAKEN: &str = "shaken";
/// A signature is believed for so long (RFC 8224 §6.2, step 4).
const FRESH_SECONDS: u64 = 60;
/// No part of a token is longer.
const MOST_BYTES: usize = 8_192;

#[cfg(test)]
mod tests;
