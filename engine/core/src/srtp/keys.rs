//! Master keys, and the session keys derived from them (RFC 3711 §4.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::fmt;

use aes::{Aes128, Aes256, cipher::KeyInit};
use zeroize::Zeroizing;

use super::{
    Profile, SrtpError,
    cipher::{Session, keystream},
};

/// A master key with its salt, wiped from memory when dropped.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    key: Zeroizing<[u8; 32]>,
    salt: Zeroizing<[u8; 14]>,
}

impl MasterKey {
    /// Takes over `key` and `salt` for `profile`.
    ///
    /// # Errors
    ///
    /// [`SrtpError::KeyLength`] when they are not [`Profile::key_len`] and [`Profile::salt_len`] bytes long.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        if (key.len(), salt.len()) != (profile.key_len(), profile.salt_len()) {
            return Err(SrtpError::KeyLength { key: key.len(), salt: salt.len() });
        }
        let mut master = Self { profile, key: Zeroizing::new([0; 32]), salt: Zeroizing::new([0; 14]) };
        master.key.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        master.salt.iter_mut().zip(salt).for_each(|(to, from)| *to = *from);
        Ok(master)
    }

    /// Takes over key and salt as they follow each other in SDP (RFC 4568 §6.1).
    ///
    /// # Errors
    ///
    /// [`SrtpError::KeyLength`] when `bytes` are not exactly the two.
    pub fn from_joined(profile: Profile, bytes: &[u8]) -> Result<Self, SrtpError> {
        let (key, salt) = bytes
            .split_at_checked(profile.key_len())
            .ok_or(SrtpError::KeyLength { key: bytes.len(), salt: 0 })?;
        Self::new(profile, key, salt)
    }

    /// Fills `out` from the key stream that RFC 3711 §4.3.3 assigns to `label`; AES-256 as in RFC 6188 §3.
    pub(super) fn derive(&self, label: u8, out: &mut [u8]) {
        out.fill(0);
        let mut block = Zeroizing::new([0; 16]);
        block.iter_mut().zip(self.salt.iter()).for_each(|(to, from)| *to = *from);
        let iv = u128::from_be_bytes(*block) ^ (u128::from(label) << 64);
        if self.profile.key_len() == 32 {
            keystream(&Aes256::new((&*self.key).into()), iv, out);
        } else if let Some(key) = self.key.first_chunk::<16>() {
            keystream(&Aes128::new(key.into()), iv, out);
        }
    }

    /// The session keys of three labels from `first_label` on, for tags of `tag` bytes.
    ///
    /// # Errors
    ///
    /// [`SrtpError::KeyLength`] when the cipher refuses the key.
    pub(super) fn session(&self, first_label: u8, tag: usize) -> Result<Session, SrtpError> {
        let mut key = Zeroizing::new([0; 32]);
        let mut auth = Zeroizing::new([0; 20]);
        let mut salt = Zeroizing::new([0; 14]);
        let [encryption, authentication, salting] = [0, 1, 2].map(|step: u8| first_label.wrapping_add(step));
        self.derive(encryption, &mut *key);
        self.derive(authentication, &mut *auth);
        self.derive(salting, &mut *salt);
        let refused = SrtpError::KeyLength { key: self.profile.key_len(), salt: self.profile.salt_len() };
        Session::new(self.profile, &key, &auth, &salt, tag).ok_or(refused)
    }

    pub(super) const fn profile(&self) -> Profile {
        self.profile
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The first of the three labels for SRTP: encryption, authentication, salt (RFC 3711 §4.3.2).
pub(super) const RTP_LABELS: u8 = 0;

/// The first of the three labels for SRTCP (RFC 3711 §4.3.2).
pub(super) const RTCP_LABELS: u8 = 3;
