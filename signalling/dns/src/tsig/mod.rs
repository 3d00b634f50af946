//! Transaction signatures (RFC 8945) with HMAC-SHA256: sign, verify, and refuse repeats.
//!
//! [`sign`] and [`verify`] serve both ends. Both work on the raw bytes of a message, because a message that was parsed
//! and written again need not be the one that was signed.
//!
//! A server remembers what it has verified in a [`ReplayGuard`], and an exact repeat is refused. A client that asks
//! again must therefore sign again, under a fresh message id.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod key;
mod record;
mod replay;
mod scope;

use core::fmt;

use hmac::Mac as _;
use rove_base::UnixTime;

pub use key::{KeyError, TsigKey};
pub use record::Signature;
pub use replay::ReplayGuard;
pub use scope::{Scope, ScopeNames};

use crate::wire::{Header, Name, WireError};

/// TSIG error codes (RFC 8945 §3).
pub mod code {
    /// No error.
    pub const NOERROR: u16 = 0;
    /// The signature does not match.
    pub const BADSIG: u16 = 16;
    /// The key is not known here.
    pub const BADKEY: u16 = 17;
    /// The time signed is too far from the time here, or the message was seen before.
    pub const BADTIME: u16 = 18;
    /// The signature is cut too short.
    pub const BADTRUNC: u16 = 22;
}

/// A whole HMAC-SHA256.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mac(pub [u8; 32]);

impl Mac {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A signature that was found good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// Name of the key.
    pub key: Name,
    /// Which of the keys that were given it is.
    pub index: usize,
    /// When the other end signed.
    pub time: UnixTime,
    /// How far apart the clocks may be, in seconds.
    pub fudge: u16,
    /// The signature; part of what signs the answer.
    pub mac: Mac,
}

/// Why a message is not to be believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TsigError {
    /// There is no signature.
    #[error("the message is not signed")]
    Missing,
    /// The message cannot be read.
    #[error("the message cannot be read: {0}")]
    Wire(#[from] WireError),
    /// The signature is not where or how RFC 8945 §5.1 wants it.
    #[error("a malformed signature: {0}")]
    Malformed(&'static str),
    /// BADKEY: no such key.
    #[error("no key named {key} with this algorithm is known here")]
    UnknownKey {
        /// The key the message names.
        key: Name,
    },
    /// BADSIG: the key or the message is another.
    #[error("the signature does not match key {key}")]
    BadMac {
        /// The key the message names.
        key: Name,
    },
    /// BADTIME: signed too early or too late for the clock here.
    #[error("signed at {signed} s by a clock more than {fudge} s from the {now} s here")]
    BadTime {
        /// Unix time of the signature in seconds.
        signed: u64,
        /// Unix time here in seconds.
        now: u64,
        /// Allowed distance in seconds.
        fudge: u16,
    },
    /// BADTIME: these very bytes were seen before.
    #[error("a repeat of a message that was seen before")]
    Replayed,
    /// BADTRUNC: fewer than all 32 bytes of the signature.
    #[error("a signature cut to {have} bytes")]
    Truncated {
        /// Bytes that came.
        have: usize,
    },
    /// The other end could not verify what we had signed.
    #[error("the other end answers TSIG error {code} ({})", code_name(*.code))]
    Answered {
        /// One of [`code`].
        code: u16,
        /// Whether the answer itself is signed, and so can be believed.
        signed: bool,
    },
}

impl TsigError {
    /// A word for the cause, to count it by.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Missing => "not signed",
            Self::Wire(_) | Self::Malformed(_) => "malformed signature",
            Self::UnknownKey { .. } => "unknown key",
            Self::BadMac { .. } => "bad signature",
            Self::BadTime { .. } => "bad time",
            Self::Replayed => "repeat",
            Self::Truncated { .. } => "truncated signature",
            Self::Answered { .. } => "answered with an error",
        }
    }

    /// The TSIG error an answer must carry; `None` when the answer carries no signature at all.
    #[must_use]
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::UnknownKey { .. } => Some(code::BADKEY),
            Self::BadMac { .. } => Some(code::BADSIG),
            Self::BadTime { .. } | Self::Replayed => Some(code::BADTIME),
            Self::Truncated { .. } => Some(code::BADTRUNC),
            Self::Missing | Self::Wire(_) | Self::Malformed(_) | Self::Answered { .. } => None,
        }
    }
}

/// Signs `message` with `key`: appends the TSIG record and counts it. `request_mac` is the signature of the request
/// when `message` answers one.
pub fn sign(message: &mut Vec<u8>, key: &TsigKey, now: UnixTime, request_mac: Option<&[u8]>) -> Mac {
    let fields = record::Fields { time: now.as_secs(), fudge: FUDGE, error: code::NOERROR, other: None };
    sign_fields(message, key, &fields, request_mac)
}

/// Signs a later message of an answer that needs several, a zone transfer: `previous` is the signature of the message
/// before it (RFC 8945 §5.3.1).
pub fn sign_next(message: &mut Vec<u8>, key: &TsigKey, now: UnixTime, previous: &Mac) -> Mac {
    let fields = record::Fields { time: now.as_secs(), fudge: FUDGE, error: code::NOERROR, other: None };
    let mut digest = key.digest();
    digest_request(&mut digest, Some(previous.as_bytes()));
    digest.update(message);
    let variables = record::Variables { time: fields.time, fudge: fields.fudge, error: fields.error };
    variables.digest_timers(&mut digest);
    let mac = Mac(digest.finalize().into_bytes().into());
    record::append(message, key.name().as_wire(), key::ALGORITHM, &fields, &mac.0);
    mac
}

/// Signs the answer to `request`, whose key and signature are good but which is refused with the error `code`.
///
/// BADTIME repeats the time of the request and adds the time here (RFC 8945 §5.2.3).
pub fn sign_refusal(
    message: &mut Vec<u8>,
    key: &TsigKey,
    request: &Signature,
    now: UnixTime,
    code: u16,
) -> Mac {
    let fields = if code == code::BADTIME {
        record::Fields { time: request.time, fudge: request.fudge, error: code, other: Some(now.as_secs()) }
    } else {
        record::Fields { time: now.as_secs(), fudge: FUDGE, error: code, other: None }
    };
    sign_fields(message, key, &fields, Some(&request.mac))
}

/// Appends an empty signature with the error `code` (BADKEY or BADSIG) to the answer to `request` (RFC 8945 §5.3.2).
pub fn refuse(message: &mut Vec<u8>, request: &Signature, now: UnixTime, code: u16) {
    let fields = record::Fields { time: now.as_secs(), fudge: FUDGE, error: code, other: None };
    record::append(message, request.key.as_wire(), request.algorithm.as_wire(), &fields, &[]);
}

/// Verifies the signature of `message` against the one of `keys` it names. `request_mac` is the signature of the
/// request when `message` answers one.
///
/// # Errors
///
/// [`TsigError`], one variant per check of RFC 8945 §5.2, in its order: key, signature, time, truncation.
pub fn verify(
    message: &[u8],
    keys: &[TsigKey],
    now: UnixTime,
    request_mac: Option<&[u8]>,
) -> Result<Verified, TsigError> {
    Signature::find(message)?.ok_or(TsigError::Missing)?.verify(message, keys, now, request_mac)
}

impl Signature {
    /// Verifies this signature, which [`Signature::find`] found in `message`.
    ///
    /// # Errors
    ///
    /// As [`verify`].
    pub fn verify(
        &self,
        message: &[u8],
        keys: &[TsigKey],
        now: UnixTime,
        request_mac: Option<&[u8]>,
    ) -> Result<Verified, TsigError> {
        let unsigned_refusal = self.mac.is_empty() && matches!(self.error, code::BADKEY | code::BADSIG);
        if request_mac.is_some() && unsigned_refusal {
            return Err(TsigError::Answered { code: self.error, signed: false });
        }
        let known = keys.iter().enumerate().find(|(_, key)| key.name() == &self.key);
        let (index, key) = known
            .filter(|_| self.algorithm.as_wire() == key::ALGORITHM)
            .ok_or_else(|| TsigError::UnknownKey { key: self.key.clone() })?;
        if self.mac.len() > MAC_LEN || self.mac.len() < MAC_LEN / 2 {
            return Err(TsigError::Malformed("MAC size"));
        }
        let digest = self.digest(message, key, request_mac)?;
        let mac = Mac(digest.clone().finalize().into_bytes().into());
        digest.verify_truncated_left(&self.mac).map_err(|_| TsigError::BadMac { key: self.key.clone() })?;
        let fudge = self.fudge.min(MAX_FUDGE);
        if now.as_secs().abs_diff(self.time) > u64::from(fudge) {
            return Err(TsigError::BadTime { signed: self.time, now: now.as_secs(), fudge });
        }
        if self.mac.len() < MAC_LEN {
            return Err(TsigError::Truncated { have: self.mac.len() });
        }
        if request_mac.is_some() && self.error != code::NOERROR {
            return Err(TsigError::Answered { code: self.error, signed: true });
        }
        let time = UnixTime::from_secs(self.time);
        Ok(Verified { key: self.key.clone(), index, time, fudge: self.fudge, mac })
    }

    /// The digest of RFC 8945 §4.3 over the message as it was before it was signed.
    fn digest(
        &self,
        message: &[u8],
        key: &TsigKey,
        request_mac: Option<&[u8]>,
    ) -> Result<key::Hmac, TsigError> {
        let truncated = TsigError::Wire(WireError::Truncated("header"));
        let (header, _) = message.split_first_chunk::<{ Header::LEN }>().ok_or(truncated.clone())?;
        let body = message.get(Header::LEN..self.start).ok_or(truncated)?;
        let mut header = *header;
        let [id @ .., _, _, _, _, _, _, _, _, _, _] = &mut header;
        *id = self.original_id.to_be_bytes();
        let [.., arcount_hi, arcount_lo] = &mut header;
        let arcount = u16::from_be_bytes([*arcount_hi, *arcount_lo]).saturating_sub(1);
        [*arcount_hi, *arcount_lo] = arcount.to_be_bytes();

        let mut digest = key.digest();
        digest_request(&mut digest, request_mac);
        digest.update(&header);
        digest.update(body);
        let variables = record::Variables { time: self.time, fudge: self.fudge, error: self.error };
        variables.digest(&mut digest, key.name().as_wire(), &self.other);
        Ok(digest)
    }
}

fn sign_fields(
    message: &mut Vec<u8>,
    key: &TsigKey,
    fields: &record::Fields,
    request_mac: Option<&[u8]>,
) -> Mac {
    let mut digest = key.digest();
    digest_request(&mut digest, request_mac);
    digest.update(message);
    let variables = record::Variables { time: fields.time, fudge: fields.fudge, error: fields.error };
    let (other, len) = fields.other_data();
    variables.digest(&mut digest, key.name().as_wire(), other.get(..len).unwrap_or_default());
    let mac = Mac(digest.finalize().into_bytes().into());
    record::append(message, key.name().as_wire(), key::ALGORITHM, fields, &mac.0);
    mac
}

fn digest_request(digest: &mut key::Hmac, request_mac: Option<&[u8]>) {
    if let Some(mac) = request_mac {
        digest.update(&u16::try_from(mac.len()).unwrap_or(u16::MAX).to_be_bytes());
        digest.update(mac);
    }
}

const fn code_name(code: u16) -> &'static str {
    match code {
        code::BADSIG => "BADSIG: the signature does not match",
        code::BADKEY => "BADKEY: the key is not known there",
        code::BADTIME => "BADTIME: the clocks are too far apart, or a repeat",
        code::BADTRUNC => "BADTRUNC: the signature is cut too short",
        _ => "not in RFC 8945",
    }
}

/// How far apart the clocks of the two ends may be, in seconds (RFC 8945 §10 recommends 300).
const FUDGE: u16 = 300;
/// More than this is not believed, whatever the signer allows; seconds.
const MAX_FUDGE: u16 = 3_600;
/// Bytes of an HMAC-SHA256.
const MAC_LEN: usize = 32;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
