//! What a user says about itself, and what its server says to that.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::net::{IpAddr, SocketAddr};

use rove_base::{Transport, UnixTime};

use crate::{
    Identifier, Name, Number, Uid, UserKey, WireError,
    id::verifies,
    wire::{Reader, family, put_contact, put_ip, put_text},
};

/// Whether, and how, a user can be reached.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Status {
    /// Not at all.
    #[default]
    Offline,
    /// It can.
    Online,
    /// Its terminal can; nobody has touched it for long.
    Idle,
    /// It is in a call.
    Busy,
}

impl Status {
    const ALL: [Self; 4] = [Self::Offline, Self::Online, Self::Idle, Self::Busy];

    const fn code(self) -> u8 {
        match self {
            Self::Offline => 0,
            Self::Online => 1,
            Self::Idle => 2,
            Self::Busy => 3,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "offline",
            Self::Online => "online",
            Self::Idle => "idle",
            Self::Busy => "busy",
        })
    }
}

/// Where a user takes calls by SIP.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Contact {
    /// In what: UDP, TCP or TLS.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

/// What a user signs. Without contacts it says that the user is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// The user's public key.
    pub key: [u8; 32],
    /// Grows with each claim of the user; a smaller one is old.
    pub sequence: u64,
    /// Until when it is good; whole seconds.
    pub expires: UnixTime,
    /// How the user is.
    pub status: Status,
    /// Whether anybody may find it, by DNS as well; else only whom it admits.
    pub listed: bool,
    /// What the user is called.
    pub name: Name,
    /// Its number.
    pub number: Option<Number>,
    /// An address that is always its own.
    pub fixed: Option<IpAddr>,
    /// Where it is, best first; at most [`Claim::CONTACTS`].
    pub contacts: Vec<Contact>,
}

/// The fields of a claim where they lie, without its contacts.
pub(crate) struct Peek<'a> {
    pub(crate) key: [u8; 32],
    pub(crate) sequence: u64,
    pub(crate) expires: u64,
    status: u8,
    pub(crate) listed: bool,
    pub(crate) name: &'a str,
    pub(crate) number: Option<u64>,
    pub(crate) fixed: Option<IpAddr>,
    pub(crate) contacts: u8,
}

impl<'a> Peek<'a> {
    /// The fields of the claim at the front of `reader`, up to its contacts.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        if reader.u8("version")? != VERSION {
            return Err(WireError::Value("version"));
        }
        let key = reader.array("key")?;
        let (sequence, expires) = (reader.u64("sequence")?, reader.u64("expiry")?);
        let (status, kinds) = (reader.u8("status")?, reader.u8("kinds")?);
        let name = reader.text("name")?;
        let number = if kinds & NUMBER == 0 { None } else { Some(reader.u64("number")?) };
        let listed = kinds & LISTED != 0;
        let fixed = match kinds & !(NUMBER | LISTED) {
            0 => None,
            kind => Some(reader.ip(kind)?),
        };
        let contacts = reader.u8("contacts")?;
        Ok(Self { key, sequence, expires, status, listed, name, number, fixed, contacts })
    }
}

impl Claim {
    /// The bytes that are signed, and sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.push(VERSION);
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.expires.as_secs().to_be_bytes());
        out.push(self.status.code());
        let number = if self.number.is_some() { NUMBER } else { 0 };
        let listed = if self.listed { LISTED } else { 0 };
        out.push(self.fixed.map_or(0, family) | number | listed);
        put_text(&mut out, self.name.as_str());
        if let Some(number) = self.number {
            out.extend_from_slice(&number.digits().to_be_bytes());
        }
        if let Some(ip) = self.fixed {
            put_ip(&mut out, ip);
        }
        let contacts = self.contacts.get(..Self::CONTACTS).unwrap_or(&self.contacts);
        out.push(u8::try_from(contacts.len()).unwrap_or_default());
        for contact in contacts {
            put_contact(&mut out, contact);
        }
        out
    }

    /// Reads what [`Claim::encode`] wrote. There is one way to write each claim.
    ///
    /// # Errors
    ///
    /// [`WireError`] says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let peek = Peek::read(&mut reader)?;
        let status = Status::ALL.into_iter().find(|status| status.code() == peek.status);
        let name: Name = peek.name.parse().map_err(|_| WireError::Value("name"))?;
        if name.as_str() != peek.name || usize::from(peek.contacts) > Self::CONTACTS {
            return Err(WireError::Value("name or contacts"));
        }
        let number = peek.number.map(|digits| Number::new(digits).ok_or(WireError::Value("number")));
        let mut contacts = Vec::with_capacity(peek.contacts.into());
        for _ in 0..peek.contacts {
            let kind = reader.u8("contact")?;
            contacts.push(reader.contact(kind)?);
        }
        reader.end()?;
        if peek.expires > u64::from(u32::MAX) {
            return Err(WireError::Value("expiry"));
        }
        Ok(Self {
            key: peek.key,
            sequence: peek.sequence,
            expires: UnixTime::from_secs(peek.expires),
            status: status.ok_or(WireError::Value("status"))?,
            listed: peek.listed,
            name,
            number: number.transpose()?,
            fixed: peek.fixed,
            contacts,
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&self.key)
    }

    /// Whether it is about whoever is called this.
    #[must_use]
    pub fn is_about(&self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Name(name) => self.name == *name,
            Identifier::Number(number) => self.number == Some(*number),
            Identifier::Uid(uid) => self.uid() == *uid,
            Identifier::Fixed(ip) => self.fixed == Some(*ip),
        }
    }

    /// All that it can be found by.
    pub fn identifiers(&self) -> impl Iterator<Item = Identifier> + use<> {
        let name = Some(Identifier::Name(self.name.clone()));
        let number = self.number.map(Identifier::Number);
        let fixed = self.fixed.map(Identifier::Fixed);
        [name, number, Some(Identifier::Uid(self.uid())), fixed].into_iter().flatten()
    }

    /// The user's signature.
    #[must_use]
    pub fn sign(&self, key: &UserKey) -> [u8; 64] {
        key.sign(&[BY_USER, &self.encode()])
    }

    /// Whether it is the user's own.
    #[must_use]
    pub fn is_signed(&self, signature: &[u8; 64]) -> bool {
        verifies(&self.key, &[BY_USER, &self.encode()], signature)
    }

    /// Contacts of one user.
    pub const CONTACTS: usize = 4;
}

/// What stands behind a number or a fixed address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Proof {
    /// Nothing: there is none.
    #[default]
    Nothing,
    /// The server's word alone.
    Attested,
    /// The user answers at that address: its link to the server came from there, and what was sent there came back.
    Routable,
    /// The signed word of the number's network, which the server has verified (RFC 8225).
    Passport,
}

impl Proof {
    const fn code(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Attested => 1,
            Self::Routable => 2,
            Self::Passport => 3,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Nothing,
            1 => Self::Attested,
            2 => Self::Routable,
            3 => Self::Passport,
            _ => return None,
        })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Attested => "the server's word",
            Self::Routable => "return routability",
            Self::Passport => "a PASSporT of its network",
        })
    }
}

/// What the server says about a claim: that the name is the user's, and what it knows about the rest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attestation {
    /// Behind the number.
    pub number: Proof,
    /// Behind the fixed address.
    pub fixed: Proof,
    /// The server's public key.
    pub server: [u8; 32],
    /// Over the claim, its signature and the proofs.
    pub signature: [u8; 64],
}

/// A claim with both signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// What the user says.
    pub claim: Claim,
    /// That it says so.
    pub signature: [u8; 64],
    /// What its server says to that.
    pub attestation: Attestation,
}

/// Why a record is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// The user has not signed it.
    #[error("the user's signature is wrong")]
    User,
    /// The server has not signed it, or another one has.
    #[error("the server's signature is wrong")]
    Server,
    /// Its time has passed.
    #[error("it is out of date")]
    Expired,
}

impl Record {
    /// Puts the server's word to a claim that it has checked.
    #[must_use]
    pub fn attest(claim: Claim, signature: [u8; 64], proofs: (Proof, Proof), key: &UserKey) -> Self {
        let (number, fixed) = proofs;
        let by_server = key.sign(&[BY_SERVER, &claim.encode(), &signature, &[number.code(), fixed.code()]]);
        let attestation = Attestation { number, fixed, server: key.public(), signature: by_server };
        Self { claim, signature, attestation }
    }

    /// Checks both signatures and the time. Where the server's key is known, `server` says it.
    ///
    /// # Errors
    ///
    /// [`Distrust`].
    pub fn verify(&self, server: Option<&[u8; 32]>, wall: UnixTime) -> Result<(), Distrust> {
        let Attestation { number, fixed, server: key, signature } = &self.attestation;
        let bytes = self.claim.encode();
        if self.claim.expires <= wall {
            return Err(Distrust::Expired);
        }
        if !verifies(&self.claim.key, &[BY_USER, &bytes], &self.signature) {
            return Err(Distrust::User);
        }
        let proofs = [number.code(), fixed.code()];
        let signed = verifies(key, &[BY_SERVER, &bytes, &self.signature, &proofs], signature);
        if signed && server.is_none_or(|server| server == key) { Ok(()) } else { Err(Distrust::Server) }
    }

    /// As it is kept: the claim, then what is as long in every record. The server's key is left out.
    pub(crate) fn to_stored(&self) -> Box<[u8]> {
        let Attestation { number, fixed, signature, .. } = &self.attestation;
        let proofs = [number.code() << 4 | fixed.code()];
        [&self.claim.encode()[..], &self.signature, &proofs, signature].concat().into()
    }

    /// Reads what [`Record::to_stored`] wrote.
    pub(crate) fn from_stored(stored: &[u8], server: [u8; 32]) -> Result<Self, WireError> {
        let len = stored.len().checked_sub(BEHIND).ok_or(WireError::Truncated("record"))?;
        let mut reader = Reader(stored);
        let claim = Claim::decode(reader.take(len, "claim")?)?;
        let signature = reader.array("signature")?;
        let proofs = reader.u8("proofs")?;
        let proof = |code| Proof::from_code(code).ok_or(WireError::Value("proofs"));
        let (number, fixed) = (proof(proofs >> 4)?, proof(proofs & 15)?);
        let attestation = Attestation { number, fixed, server, signature: reader.array("signature")? };
        Ok(Self { claim, signature, attestation })
    }

    /// As it is sent and put into the journal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.attestation.server[..], &self.to_stored()].concat()
    }

    /// Reads what [`Record::encode`] wrote. Nothing is verified.
    ///
    /// # Errors
    ///
    /// [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let server = reader.array("server's key")?;
        Self::from_stored(reader.0, server)
    }
}

const VERSION: u8 = 1;
/// Beside the kind of the fixed address.
const NUMBER: u8 = 16;
const LISTED: u8 = 32;
/// Two signatures and a byte of proofs.
pub(crate) const BEHIND: usize = 64 + 1 + 64;
/// What is signed begins with what it is, so that no signature is good for something else.
const BY_USER: &[u8] = b"rove irmv claim 1\0";
const BY_SERVER: &[u8] = b"rove irmv record 1\0";
