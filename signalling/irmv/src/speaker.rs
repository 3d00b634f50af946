//! Who speaks on a stream without registering there.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::UnixTime;

use crate::{
    Name, Uid, UserKey, WireError,
    id::verifies,
    wire::{Reader, put_text},
};

/// What a user signs to be believed on a stream of one server, for minutes: its registration stays where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Speaker {
    /// What the user is called.
    pub name: Name,
    /// Its public key.
    pub key: [u8; 32],
    /// When it was signed; whole seconds.
    pub at: UnixTime,
    /// The user's signature over that, and over the key of the server that it is for.
    pub signature: [u8; 64],
}

impl Speaker {
    /// Signed now, for the server that signs with `server`.
    #[must_use]
    pub fn sign(name: Name, at: UnixTime, server: &[u8; 32], key: &UserKey) -> Self {
        let at = UnixTime::from_secs(at.as_secs());
        let mut speaker = Self { name, key: key.public(), at, signature: [0; 64] };
        speaker.signature = key.sign(&[BY_USER, server, &speaker.signed()]);
        speaker
    }

    /// Whether it was signed for this server, no more than [`Speaker::FRESH`] seconds from now.
    #[must_use]
    pub fn verify(&self, server: &[u8; 32], wall: UnixTime) -> bool {
        let fresh = wall.as_secs().abs_diff(self.at.as_secs()) <= Self::FRESH;
        fresh && verifies(&self.key, &[BY_USER, server, &self.signed()], &self.signature)
    }

    /// Whose it is.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&self.key)
    }

    fn signed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        put_text(&mut out, self.name.as_str());
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.at.as_secs().to_be_bytes());
        out
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.signed());
        out.extend_from_slice(&self.signature);
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (name, key, at) = (reader.name()?, reader.array("key")?, reader.u64("time")?);
        if at > u64::from(u32::MAX) {
            return Err(WireError::Value("time"));
        }
        Ok(Self { name, key, at: UnixTime::from_secs(at), signature: reader.array("signature")? })
    }

    /// Seconds by which clocks may differ.
    pub const FRESH: u64 = 300;
}

/// What is signed begins with what it is, so that no signature is good for something else.
const BY_USER: &[u8] = b"rove irmv speaker 1\0";
