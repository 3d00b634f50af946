//! What servers tell each other in the search network: which server has to be asked for somebody. Neither who it is, nor
//! where: that is for that server to say, to whom it likes.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::net::SocketAddr;

use rove_base::UnixTime;
use sha2::{Digest as _, Sha256};

use crate::{
    Identifier, UserKey, WireError, Words,
    id::verifies,
    identifier::is_domain,
    wire::{Reader, family, put_identifier, put_ip, put_text},
};

/// Under what somebody is sought: a hash of an identifier. Whoever knows the identifier finds it; it does not tell the
/// identifier to whoever keeps it, as far as that cannot be guessed.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SearchKey(pub [u8; 32]);

impl SearchKey {
    /// Of whoever is called this.
    #[must_use]
    pub fn of(identifier: &Identifier) -> Self {
        let mut bytes = Vec::with_capacity(64);
        put_identifier(&mut bytes, identifier);
        Self(Sha256::new().chain_update(SOUGHT).chain_update(bytes).finalize().into())
    }

    /// Of whoever may be found by each of these.
    pub fn of_words(words: &Words) -> impl Iterator<Item = Self> + use<'_> {
        words.iter().map(|word| Self(Sha256::new().chain_update(WORD).chain_update(word).finalize().into()))
    }
}

impl fmt::Debug for SearchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SearchKey(")?;
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// A server says that it has to be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pointer {
    /// For whom.
    pub key: SearchKey,
    /// The server's public key, with which its records are signed.
    pub server: [u8; 32],
    /// The server's domain, which its certificate shows.
    pub domain: Box<str>,
    /// Where it is, best first; at most [`Pointer::ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
    /// Until when that is good; whole seconds.
    pub expires: UnixTime,
    /// The server's signature over all of it.
    pub signature: [u8; 64],
}

/// Why a pointer is not kept, and not followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPointer {
    /// It cannot be read.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It is for somebody else.
    #[error("it is for somebody else")]
    Key,
    /// It is out of date, or will not be for longer than is allowed.
    #[error("its time has passed, or is too far away")]
    Expiry,
    /// The server has not signed it.
    #[error("the signature is wrong")]
    Signature,
}

impl Pointer {
    /// A pointer to the server that holds `key`; more addresses than [`Pointer::ADDRESSES`] are left out.
    #[must_use]
    pub fn sign(
        sought: SearchKey,
        domain: &str,
        addresses: &[SocketAddr],
        expires: UnixTime,
        key: &UserKey,
    ) -> Self {
        let addresses = addresses.iter().copied().take(Self::ADDRESSES).collect();
        let (server, signature) = (key.public(), [0; 64]);
        let mut pointer = Self { key: sought, server, domain: domain.into(), addresses, expires, signature };
        pointer.signature = key.sign(&[BY_SERVER, &pointer.signed()]);
        pointer
    }

    /// Whether it is about `key`, of the server that it names, and good now: for no longer than [`Pointer::LONGEST`].
    ///
    /// # Errors
    ///
    /// [`BadPointer`] says what is wrong.
    pub fn verify(&self, key: SearchKey, wall: UnixTime) -> Result<(), BadPointer> {
        let left = self.expires.as_secs().saturating_sub(wall.as_secs());
        if self.key != key {
            Err(BadPointer::Key)
        } else if !(1..=Self::LONGEST).contains(&left) {
            Err(BadPointer::Expiry)
        } else if !verifies(&self.server, &[BY_SERVER, &self.signed()], &self.signature) {
            Err(BadPointer::Signature)
        } else {
            Ok(())
        }
    }

    fn signed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.push(VERSION);
        out.extend_from_slice(&self.key.0);
        out.extend_from_slice(&self.server);
        out.extend_from_slice(&self.expires.as_secs().to_be_bytes());
        put_text(&mut out, &self.domain);
        out.push(u8::try_from(self.addresses.len()).unwrap_or_default());
        for address in &self.addresses {
            out.push(family(address.ip()));
            out.extend_from_slice(&address.port().to_be_bytes());
            put_ip(&mut out, address.ip());
        }
        out
    }

    /// As it is kept and sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.signed()[..], &self.signature].concat()
    }

    /// Reads what [`Pointer::encode`] wrote. There is one way to write each. Nothing is verified.
    ///
    /// # Errors
    ///
    /// [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let pointer = Self::read(&mut reader)?;
        reader.end()?;
        Ok(pointer)
    }

    /// The pointer at the front.
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.u8("version")? != VERSION {
            return Err(WireError::Value("version"));
        }
        let (key, server) = (SearchKey(reader.array("key")?), reader.array("server's key")?);
        let expires = reader.u64("expiry")?;
        let domain = reader.text("domain")?;
        if !is_domain(domain) || domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(WireError::Value("domain"));
        }
        let count = usize::from(reader.u8("addresses")?);
        if count > Self::ADDRESSES || expires > u64::from(u32::MAX) {
            return Err(WireError::Value("addresses or expiry"));
        }
        let mut addresses = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = reader.u8("address")?;
            let port = reader.u16("address")?;
            addresses.push(SocketAddr::new(reader.ip(kind)?, port));
        }
        let (domain, expires) = (domain.into(), UnixTime::from_secs(expires));
        Ok(Self { key, server, domain, addresses, expires, signature: reader.array("signature")? })
    }

    /// Several, one after the other, as a keeper answers.
    #[must_use]
    pub fn encode_all<'a>(pointers: impl IntoIterator<Item = &'a Self>) -> Vec<u8> {
        pointers.into_iter().take(Self::TOGETHER).flat_map(Self::encode).collect()
    }

    /// Reads what [`Pointer::encode_all`] wrote.
    ///
    /// # Errors
    ///
    /// [`WireError`]; more than [`Pointer::TOGETHER`] are too many.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>, WireError> {
        let (mut reader, mut pointers) = (Reader(bytes), Vec::new());
        while !reader.0.is_empty() {
            if pointers.len() >= Self::TOGETHER {
                return Err(WireError::Trailing);
            }
            pointers.push(Self::read(&mut reader)?);
        }
        Ok(pointers)
    }

    /// Addresses of one server.
    pub const ADDRESSES: usize = 4;
    /// Seconds for which a pointer is good at most: a server that dies is forgotten within minutes.
    pub const LONGEST: u64 = 600;
    /// Servers that may say, beside each other, that they have to be asked for the same key.
    pub const TOGETHER: usize = 8;
}

const VERSION: u8 = 1;
/// What is signed, or hashed, begins with what it is, so that it is good for nothing else.
const SOUGHT: &[u8] = b"rove irmv sought 1\0";
const WORD: &[u8] = b"rove irmv word 1\0";
const BY_SERVER: &[u8] = b"rove irmv pointer 1\0";
