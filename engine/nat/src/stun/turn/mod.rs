//! TURN's messages (RFC 8656): methods and attributes beyond those of connectivity checks, seals by long-term credentials
//! (RFC 8489 §9.2), and data in channels.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod channel;
mod key;
mod write;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use super::{
    Class, FINGERPRINT, HEADER_BYTES, MESSAGE_INTEGRITY, Message, StunError, Transaction, USERNAME,
    XOR_MAPPED_ADDRESS, address, mask,
};

pub use channel::{ChannelData, Frame, frame, is_channel};
pub use key::{Algorithm, LongTermKey, Seal};
pub use write::TurnWriter;

/// What a message is about (RFC 8656 §18.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Method {
    /// How do you see me (RFC 8489)?
    Binding,
    /// A relayed address is wanted.
    Allocate,
    /// It is wanted longer, or no more.
    Refresh,
    /// Data for a peer.
    Send,
    /// Data from a peer.
    Data,
    /// A peer may send.
    CreatePermission,
    /// A peer has a short name.
    ChannelBind,
    /// Anything else.
    Other(u16),
}

impl Method {
    const fn read(number: u16) -> Self {
        match number {
            1 => Self::Binding,
            3 => Self::Allocate,
            4 => Self::Refresh,
            6 => Self::Send,
            7 => Self::Data,
            8 => Self::CreatePermission,
            9 => Self::ChannelBind,
            other => Self::Other(other),
        }
    }

    const fn number(self) -> u16 {
        match self {
            Self::Binding => 1,
            Self::Allocate => 3,
            Self::Refresh => 4,
            Self::Send => 6,
            Self::Data => 7,
            Self::CreatePermission => 8,
            Self::ChannelBind => 9,
            Self::Other(other) => other & 0xfff,
        }
    }
}

/// An address family by its number (RFC 8656 §18.6).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// None that is known.
    Unknown(u8),
}

impl Family {
    /// Of an address.
    #[must_use]
    pub const fn of(address: SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    const fn read(number: u8) -> Self {
        match number {
            1 => Self::V4,
            2 => Self::V6,
            other => Self::Unknown(other),
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::V4 => 1,
            Self::V6 => 2,
            Self::Unknown(other) => other,
        }
    }
}

/// A checked message: if you hold one, its attributes are whole. What it claims is believed only after
/// [`TurnMessage::is_sealed`].
#[derive(Clone, Copy, Debug)]
pub struct TurnMessage<'a> {
    stun: Message<'a>,
    method: Method,
    attributes: TurnAttributes<'a>,
}

/// What a message says; of an attribute that is there twice the first counts, and behind a seal none does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TurnAttributes<'a> {
    /// USERNAME.
    pub username: Option<&'a [u8]>,
    /// REALM.
    pub realm: Option<&'a [u8]>,
    /// NONCE.
    pub nonce: Option<&'a [u8]>,
    /// LIFETIME, in seconds.
    pub lifetime: Option<u32>,
    /// The first XOR-PEER-ADDRESS; all of them: [`TurnMessage::peers`].
    pub peer: Option<SocketAddr>,
    /// XOR-RELAYED-ADDRESS.
    pub relayed: Option<SocketAddr>,
    /// XOR-MAPPED-ADDRESS.
    pub mapped: Option<SocketAddr>,
    /// DATA.
    pub data: Option<&'a [u8]>,
    /// CHANNEL-NUMBER.
    pub channel: Option<u16>,
    /// REQUESTED-TRANSPORT: a protocol number of IP, 17 for UDP.
    pub transport: Option<u8>,
    /// REQUESTED-ADDRESS-FAMILY.
    pub family: Option<Family>,
    /// ADDITIONAL-ADDRESS-FAMILY.
    pub additional_family: Option<Family>,
    /// EVEN-PORT; `true`: the next port is to be kept for later.
    pub even_port: Option<bool>,
    /// RESERVATION-TOKEN.
    pub reservation: Option<[u8; 8]>,
    /// DONT-FRAGMENT.
    pub dont_fragment: bool,
    /// PASSWORD-ALGORITHMS, as they stand there.
    pub algorithms: Option<&'a [u8]>,
    /// PASSWORD-ALGORITHM.
    pub algorithm: Option<Algorithm>,
    /// ERROR-CODE, 300 to 699.
    pub error: Option<u16>,
    /// The first attribute that must be understood and is not.
    pub unknown: Option<u16>,
    /// Where a seal begins, and its value.
    sha1: Option<(usize, &'a [u8])>,
    sha256: Option<(usize, &'a [u8])>,
}

impl<'a> TurnMessage<'a> {
    /// Reads a datagram, or one message of a stream.
    ///
    /// # Errors
    ///
    /// [`StunError`], one for each check.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StunError> {
        let stun = Message::parse(bytes)?;
        let attributes = TurnAttributes::read(&stun)?;
        Ok(Self { stun, method: Method::read(stun.method), attributes })
    }

    /// Asked, said, or answered.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.stun.class
    }

    /// What it is about.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// What binds an answer to its question.
    #[must_use]
    pub const fn transaction(&self) -> Transaction {
        self.stun.transaction
    }

    /// What it says.
    #[must_use]
    pub const fn attributes(&self) -> &TurnAttributes<'a> {
        &self.attributes
    }

    /// Its whole length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.stun.bytes.len()
    }

    /// Never: there is always a header.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// All its XOR-PEER-ADDRESSes.
    pub fn peers(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        let mask = mask(&self.stun.transaction);
        let end =
            [self.attributes.sha1, self.attributes.sha256].into_iter().flatten().map(|(at, _)| at).min();
        Walk::of(&self.stun)
            .take_while(move |(_, at, _)| end.is_none_or(|end| *at < end))
            .filter(|(kind, ..)| *kind == XOR_PEER_ADDRESS)
            .filter_map(move |(_, _, value)| address(value, &mask))
    }

    /// Whether it carries a seal, be it right or wrong.
    #[must_use]
    pub const fn has_seal(&self) -> bool {
        self.attributes.sha1.is_some() || self.attributes.sha256.is_some()
    }

    /// Whether it was made by someone who knows `key`, made in the way that it tells; answers how it was sealed.
    #[must_use]
    pub fn is_sealed<'k>(&self, key: &'k LongTermKey) -> Option<Seal<'k>> {
        self.is_sealed_by(key.by(self.attributes.algorithm.unwrap_or(Algorithm::Md5))?)
    }

    /// The same for a key as it is: an answer does not tell how its key was made. The newer kind of seal counts where both
    /// are there (RFC 8489 §9.2.4).
    #[must_use]
    pub fn is_sealed_by<'k>(&self, key: &'k [u8]) -> Option<Seal<'k>> {
        let (seal, (at, told)) = match (self.attributes.sha256, self.attributes.sha1) {
            (Some(found), _) => (Seal::Sha256(key), found),
            (None, Some(found)) => (Seal::Sha1(key), found),
            (None, None) => return None,
        };
        let until = at.checked_add(HEADER_BYTES)?;
        let covered = self.stun.bytes.get(..until)?;
        seal.fits(covered, told).then_some(seal)
    }
}

impl<'a> TurnAttributes<'a> {
    fn read(stun: &Message<'a>) -> Result<Self, StunError> {
        let mut found = Self { error: stun.attributes.error, ..Self::default() };
        for (kind, at, value) in Walk::of(stun) {
            let sealed = found.sha256.is_some() || found.sha1.is_some() && kind != MESSAGE_INTEGRITY_SHA256;
            if !sealed {
                found.take(kind, at, value, &stun.transaction).ok_or(StunError::Attribute(kind))?;
            }
        }
        Ok(found)
    }

    /// Puts one attribute in its place. `None`: malformed.
    fn take(&mut self, kind: u16, at: usize, value: &'a [u8], transaction: &Transaction) -> Option<()> {
        let word = || Some(u32::from_be_bytes(value.try_into().ok()?));
        // The first byte of a word; the others are reserved.
        let first = || word().map(|word| word.to_be_bytes()).map(|[first, ..]| first);
        let place = || address(value, &mask(transaction));
        match kind {
            USERNAME => drop(self.username.get_or_insert(value)),
            REALM => drop(self.realm.get_or_insert(value)),
            NONCE => drop(self.nonce.get_or_insert(value)),
            LIFETIME => drop(self.lifetime.get_or_insert(word()?)),
            XOR_PEER_ADDRESS => drop(self.peer.get_or_insert(place()?)),
            XOR_RELAYED_ADDRESS => drop(self.relayed.get_or_insert(place()?)),
            XOR_MAPPED_ADDRESS => drop(self.mapped.get_or_insert(place()?)),
            DATA => drop(self.data.get_or_insert(value)),
            CHANNEL_NUMBER => {
                let [high, low, ..] = word()?.to_be_bytes();
                self.channel.get_or_insert(u16::from_be_bytes([high, low]));
            }
            REQUESTED_TRANSPORT => drop(self.transport.get_or_insert(first()?)),
            REQUESTED_ADDRESS_FAMILY => drop(self.family.get_or_insert(Family::read(first()?))),
            ADDITIONAL_ADDRESS_FAMILY => {
                self.additional_family.get_or_insert(Family::read(first()?));
            }
            EVEN_PORT => {
                let [flags, ..] = value else { return None };
                self.even_port.get_or_insert(flags & 0x80 != 0);
            }
            RESERVATION_TOKEN => drop(self.reservation.get_or_insert(value.try_into().ok()?)),
            DONT_FRAGMENT => self.dont_fragment = true,
            PASSWORD_ALGORITHMS => drop(self.algorithms.get_or_insert(value)),
            PASSWORD_ALGORITHM => {
                let [high, low, ..] = value else { return None };
                self.algorithm.get_or_insert(Algorithm::read(u16::from_be_bytes([*high, *low])));
            }
            MESSAGE_INTEGRITY => self.sha1 = Some((at, value)),
            MESSAGE_INTEGRITY_SHA256 => self.sha256 = Some((at, value)),
            _ if kind < super::COMPREHENSION_OPTIONAL && !UNDERSTOOD.contains(&kind) => {
                self.unknown.get_or_insert(kind);
            }
            _ => {}
        }
        Some(())
    }
}

/// The attributes of a message one by one, with the place where each begins behind the header.
#[derive(Clone, Debug)]
struct Walk<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn of(stun: &Message<'a>) -> Self {
        Self { rest: stun.bytes.get(HEADER_BYTES..).unwrap_or_default(), at: 0 }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (u16, usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([t0, t1, l0, l1], value) = self.rest.split_first_chunk::<4>()?;
        let (kind, length) = (u16::from_be_bytes([*t0, *t1]), usize::from(u16::from_be_bytes([*l0, *l1])));
        let padded = length.checked_next_multiple_of(4)?;
        let at = self.at;
        self.rest = value.get(padded..)?;
        self.at = at.checked_add(padded)?.checked_add(4)?;
        (kind != FINGERPRINT).then_some((kind, at, value.get(..length)?))
    }
}

const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const CHANNEL_NUMBER: u16 = 0x000c;
const LIFETIME: u16 = 0x000d;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const DATA: u16 = 0x0013;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
const EVEN_PORT: u16 = 0x0018;
const REQUESTED_TRANSPORT: u16 = 0x0019;
const DONT_FRAGMENT: u16 = 0x001a;
const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
const PASSWORD_ALGORITHM: u16 = 0x001d;
const RESERVATION_TOKEN: u16 = 0x0022;
const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
const PASSWORD_ALGORITHMS: u16 = 0x8002;

/// Understood though nothing here reads them: those of STUN itself, of connectivity checks, and of old servers. USERHASH is
/// not among them: it is never offered.
const UNDERSTOOD: &[u16] = &[
    super::MAPPED_ADDRESS,
    super::ERROR_CODE,
    super::PRIORITY,
    super::USE_CANDIDATE,
    UNKNOWN_ATTRIBUTES,
    0x0004,
    0x0005,
];
