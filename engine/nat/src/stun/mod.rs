//! STUN messages (RFC 8489), as far as connectivity checks (RFC 8445) and the question "how do you see me?" need them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod turn;
mod write;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

pub use write::MessageWriter;

/// What binds an answer to its question.
pub type Transaction = [u8; 12];

/// The kind of a message (RFC 8489 §5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// Asks.
    Request,
    /// Says; no answer is expected.
    Indication,
    /// Answers.
    Success,
    /// Answers that it could not be.
    Error,
}

/// A checked STUN message: if you hold one, its attributes are whole. What it claims is believed only after
/// [`Message::is_authentic`].
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    class: Class,
    method: u16,
    transaction: Transaction,
    attributes: Attributes<'a>,
}

/// What a message says; of an attribute that is there twice the first counts (RFC 8489 §14).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Attributes<'a> {
    /// USERNAME.
    pub username: Option<&'a [u8]>,
    /// XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS of a server that knows no other.
    pub mapped: Option<SocketAddr>,
    /// ERROR-CODE, 300 to 699.
    pub error: Option<u16>,
    /// PRIORITY (RFC 8445 §7.1.1).
    pub priority: Option<u32>,
    /// USE-CANDIDATE (RFC 8445 §7.1.2).
    pub use_candidate: bool,
    /// ICE-CONTROLLING with its tie-breaker (RFC 8445 §7.1.3).
    pub controlling: Option<u64>,
    /// ICE-CONTROLLED with its tie-breaker (RFC 8445 §7.1.3).
    pub controlled: Option<u64>,
    /// The first attribute that must be understood and is not.
    pub unknown: Option<u16>,
    /// Where MESSAGE-INTEGRITY begins, and its value.
    integrity: Option<(usize, &'a [u8; 20])>,
    /// Where FINGERPRINT begins, and its value.
    fingerprint: Option<(usize, u32)>,
}

impl<'a> Message<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    ///
    /// [`StunError`], one for each check.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, StunError> {
        let Some((header, body)) = datagram.split_first_chunk::<HEADER_BYTES>() else {
            return Err(StunError::Truncated);
        };
        let [t0, t1, l0, l1, cookie @ .., _, _, _, _, _, _, _, _, _, _, _, _] = header;
        let (kind, length) = (u16::from_be_bytes([*t0, *t1]), u16::from_be_bytes([*l0, *l1]));
        if kind & 0xc000 != 0 || *cookie != COOKIE {
            return Err(StunError::NotStun);
        }
        if usize::from(length) != body.len() || length % 4 != 0 {
            return Err(StunError::Length { told: length.into(), have: body.len() });
        }
        let transaction = *header.last_chunk::<12>().ok_or(StunError::Truncated)?;
        let class = match (kind >> 4) & 1 | (kind >> 7) & 2 {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let method = kind & 0xf | (kind & 0xe0) >> 1 | (kind & 0x3e00) >> 2;
        let attributes = attributes(body, &transaction)?;
        Ok(Self { bytes: datagram, class, method, transaction, attributes })
    }

    /// Asked, said, or answered.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Whether it is about bindings, as all of ICE is.
    #[must_use]
    pub const fn is_binding(&self) -> bool {
        self.method == BINDING
    }

    /// What binds an answer to its question.
    #[must_use]
    pub const fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// What it says.
    #[must_use]
    pub const fn attributes(&self) -> &Attributes<'a> {
        &self.attributes
    }

    /// Whether it was made by someone who knows `password` (RFC 8489 §9.1.3), in the same time for all that was not.
    #[must_use]
    pub fn is_authentic(&self, password: &str) -> bool {
        let Some((at, told)) = self.attributes.integrity else { return false };
        let until = at.saturating_add(HEADER_BYTES);
        let covered = until.saturating_add(INTEGRITY_BYTES).saturating_sub(HEADER_BYTES);
        let (Some(rest), Ok(covered)) = (self.bytes.get(4..until), u16::try_from(covered)) else {
            return false;
        };
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(password.as_bytes()) else { return false };
        mac.update(self.bytes.get(..2).unwrap_or_default());
        mac.update(&covered.to_be_bytes());
        mac.update(rest);
        mac.finalize().into_bytes().as_slice().ct_eq(told.as_slice()).into()
    }

    /// Whether its FINGERPRINT is there and right (RFC 8489 §14.7).
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        let Some((at, told)) = self.attributes.fingerprint else { return false };
        self.bytes.get(..at.saturating_add(HEADER_BYTES)).is_some_and(|covered| fingerprint(covered) == told)
    }
}

/// Why a datagram is no STUN message. One variant per check, so a counter can be kept for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StunError {
    /// It ends inside the header.
    #[error("shorter than a STUN header")]
    Truncated,
    /// The first two bits or the magic cookie are wrong.
    #[error("not a STUN message")]
    NotStun,
    /// It is longer or shorter than it tells, or not made of whole words.
    #[error("a STUN message of {told} bytes in {have}")]
    Length {
        /// Bytes after the header, as told.
        told: usize,
        /// Bytes after the header there are.
        have: usize,
    },
    /// An attribute is cut short, or does not have the length its kind has.
    #[error("malformed STUN attribute {0:#06x}")]
    Attribute(u16),
}

fn attributes<'a>(body: &'a [u8], transaction: &Transaction) -> Result<Attributes<'a>, StunError> {
    let mut found = Attributes::default();
    let mut rest = body;
    while let Some(([t0, t1, l0, l1], value)) = rest.split_first_chunk::<4>() {
        if found.fingerprint.is_some() {
            // It must be the last one (RFC 8489 §14.7).
            return Err(StunError::Attribute(FINGERPRINT));
        }
        let at = body.len().saturating_sub(rest.len());
        let (kind, length) = (u16::from_be_bytes([*t0, *t1]), usize::from(u16::from_be_bytes([*l0, *l1])));
        let malformed = StunError::Attribute(kind);
        let padded = length.checked_next_multiple_of(4).ok_or(malformed)?;
        rest = value.get(padded..).ok_or(malformed)?;
        let value = value.get(..length).ok_or(malformed)?;
        // Behind the seal only FINGERPRINT counts (RFC 8489 §14.5).
        if found.integrity.is_none() || kind == FINGERPRINT {
            take(&mut found, kind, at, value, transaction).ok_or(malformed)?;
        }
    }
    Ok(found)
}

/// Puts one attribute in its place. `None`: malformed.
fn take<'a>(
    found: &mut Attributes<'a>,
    kind: u16,
    at: usize,
    value: &'a [u8],
    transaction: &Transaction,
) -> Option<()> {
    let word = || Some(u32::from_be_bytes(value.try_into().ok()?));
    let long = || Some(u64::from_be_bytes(value.try_into().ok()?));
    match kind {
        USERNAME => drop(found.username.get_or_insert(value)),
        MAPPED_ADDRESS => {
            let address = address(value, &[0; 16])?;
            found.mapped.get_or_insert(address);
        }
        // It wins over the old form wherever it stands.
        XOR_MAPPED_ADDRESS => found.mapped = Some(address(value, &mask(transaction))?),
        ERROR_CODE => {
            let [_, _, class, number, ..] = value else { return None };
            let code = u16::from(class & 7).checked_mul(100)?.checked_add((*number).into())?;
            found.error.get_or_insert(code);
        }
        PRIORITY => drop(found.priority.get_or_insert(word()?)),
        USE_CANDIDATE => found.use_candidate = true,
        ICE_CONTROLLING => drop(found.controlling.get_or_insert(long()?)),
        ICE_CONTROLLED => drop(found.controlled.get_or_insert(long()?)),
        MESSAGE_INTEGRITY => found.integrity = Some((at, value.try_into().ok()?)),
        FINGERPRINT => found.fingerprint = Some((at, word()?)),
        _ if kind < COMPREHENSION_OPTIONAL && !HARMLESS.contains(&kind) => {
            found.unknown.get_or_insert(kind);
        }
        _ => {}
    }
    Some(())
}

/// Reads an address, each byte of port and IP address XORed with `mask` (RFC 8489 §14.2).
fn address(value: &[u8], mask: &[u8; 16]) -> Option<SocketAddr> {
    let [_, family, p0, p1, ip @ ..] = value else { return None };
    let [m0, m1, ..] = mask;
    let port = u16::from_be_bytes([p0 ^ m0, p1 ^ m1]);
    let ip: IpAddr = match family {
        1 => {
            let mut octets: [u8; 4] = ip.try_into().ok()?;
            octets.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
            Ipv4Addr::from(octets).into()
        }
        2 => {
            let mut octets: [u8; 16] = ip.try_into().ok()?;
            octets.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
            Ipv6Addr::from(octets).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The magic cookie and the transaction behind it.
fn mask(transaction: &Transaction) -> [u8; 16] {
    let mut mask = [0; 16];
    mask.iter_mut().zip(COOKIE.iter().chain(transaction)).for_each(|(to, from)| *to = *from);
    mask
}

fn fingerprint(covered: &[u8]) -> u32 {
    crc32fast::hash(covered) ^ 0x5354_554e
}

const HEADER_BYTES: usize = 20;
/// MESSAGE-INTEGRITY with its own header.
const INTEGRITY_BYTES: usize = 24;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING: u16 = 1;

const MAPPED_ADDRESS: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;
const COMPREHENSION_OPTIONAL: u16 = 0x8000;

/// Must be understood, and are: they say nothing that matters here. UNKNOWN-ATTRIBUTES, REALM, NONCE,
/// MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH, and those of RFC 3489 that old servers send.
const HARMLESS: &[u16] = &[0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0004, 0x0005];
