//! What a user who wants to be found says to everybody: words beside its name.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::UnixTime;

use crate::{
    Distrust, Name, Uid, UserKey, WireError, Words,
    id::verifies,
    wire::{Reader, put_text},
};

/// What a user signs to be found by words. Without words it says that it is found by none any more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Card {
    /// The user's public key.
    pub key: [u8; 32],
    /// Grows with each card of the user; a smaller one is old.
    pub sequence: u64,
    /// Until when it is good; whole seconds.
    pub expires: UnixTime,
    /// What the user is called.
    pub name: Name,
    /// By what it may be found.
    pub words: Words,
}

/// A card with both signatures: the user's, and the server's that the name is the user's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// What the user says.
    pub card: Card,
    /// That it says so.
    pub signature: [u8; 64],
    /// The server's public key.
    pub server: [u8; 32],
    /// Over the card and its signature.
    pub attested: [u8; 64],
}

impl Card {
    /// The bytes that are signed, and sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.push(KIND);
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.expires.as_secs().to_be_bytes());
        put_text(&mut out, self.name.as_str());
        self.words.put(&mut out);
        out
    }

    /// Reads what [`Card::encode`] wrote. There is one way to write each card.
    ///
    /// # Errors
    ///
    /// [`WireError`] says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        if reader.u8("kind")? != KIND {
            return Err(WireError::Value("kind"));
        }
        let (key, sequence, expires) = (reader.array("key")?, reader.u64("sequence")?, reader.u64("expiry")?);
        if expires > u64::from(u32::MAX) {
            return Err(WireError::Value("expiry"));
        }
        let (name, words) = (reader.name()?, Words::take(&mut reader)?);
        reader.end()?;
        Ok(Self { key, sequence, expires: UnixTime::from_secs(expires), name, words })
    }

    /// Whose it is.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&self.key)
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
}

impl Listing {
    /// Puts the server's word to a card that it has checked.
    #[must_use]
    pub fn attest(card: Card, signature: [u8; 64], key: &UserKey) -> Self {
        let attested = key.sign(&[BY_SERVER, &card.encode(), &signature]);
        Self { card, signature, server: key.public(), attested }
    }

    /// Checks both signatures and the time. Where the server's key is known, `server` says it.
    ///
    /// # Errors
    ///
    /// [`Distrust`].
    pub fn verify(&self, server: Option<&[u8; 32]>, wall: UnixTime) -> Result<(), Distrust> {
        if self.card.expires <= wall {
            return Err(Distrust::Expired);
        }
        if !self.card.is_signed(&self.signature) {
            return Err(Distrust::User);
        }
        let known = server.is_none_or(|server| *server == self.server);
        let parts = [BY_SERVER, &self.card.encode(), &self.signature];
        if known && verifies(&self.server, &parts, &self.attested) { Ok(()) } else { Err(Distrust::Server) }
    }

    /// As it is sent and put into the journal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.server[..], &self.card.encode(), &self.signature, &self.attested].concat()
    }

    /// Reads what [`Listing::encode`] wrote. Nothing is verified.
    ///
    /// # Errors
    ///
    /// [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let server = reader.array("server's key")?;
        let len = reader.0.len().checked_sub(BEHIND).ok_or(WireError::Truncated("listing"))?;
        let card = Card::decode(reader.take(len, "card")?)?;
        Ok(Self { card, signature: reader.array("signature")?, server, attested: reader.array("signature")? })
    }

    /// Whether a record of the journal is one, and no registration.
    pub(crate) fn is_kept_in(record: &[u8]) -> bool {
        record.get(32) == Some(&KIND)
    }
}

/// Where a claim has its version.
const KIND: u8 = 0x43;
/// Two signatures.
const BEHIND: usize = 64 + 64;
/// What is signed begins with what it is, so that no signature is good for something else.
const BY_USER: &[u8] = b"rove irmv card 1\0";
const BY_SERVER: &[u8] = b"rove irmv listing 1\0";
