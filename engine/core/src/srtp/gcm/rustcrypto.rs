//! Galois/counter mode by RustCrypto: no C compiler, no assembly.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit};

/// A key of 16 or 32 bytes, wiped from memory when dropped.
pub(in crate::srtp) struct Gcm(Key);

enum Key {
    Short(Box<Aes128Gcm>),
    Long(Box<Aes256Gcm>),
}

impl Gcm {
    /// `None` when `key` has neither 16 nor 32 bytes.
    pub(in crate::srtp) fn new(key: &[u8]) -> Option<Self> {
        let short = Aes128Gcm::new_from_slice(key).map(|key| Key::Short(Box::new(key)));
        short.or_else(|_| Aes256Gcm::new_from_slice(key).map(|key| Key::Long(Box::new(key)))).ok().map(Self)
    }

    /// Encrypts `payload` in place and answers the tag over it and `clear`.
    ///
    /// `None` when `payload` is longer than any packet can be.
    pub(in crate::srtp) fn seal(
        &self,
        nonce: [u8; 12],
        clear: &[u8],
        payload: &mut [u8],
    ) -> Option<[u8; 16]> {
        let tag = match &self.0 {
            Key::Short(gcm) => gcm.encrypt_inout_detached((&nonce).into(), clear, payload.into()),
            Key::Long(gcm) => gcm.encrypt_inout_detached((&nonce).into(), clear, payload.into()),
        };
        tag.ok().map(Into::into)
    }

    /// Decrypts `payload` in place when `tag` is that of it and `clear`; the comparison takes the same time always.
    ///
    /// `None`, with `payload` as it was, when it is not.
    pub(in crate::srtp) fn open(
        &self,
        nonce: [u8; 12],
        clear: &[u8],
        payload: &mut [u8],
        tag: [u8; 16],
    ) -> Option<()> {
        let (nonce, tag) = ((&nonce).into(), (&tag).into());
        match &self.0 {
            Key::Short(gcm) => gcm.decrypt_inout_detached(nonce, clear, payload.into(), tag),
            Key::Long(gcm) => gcm.decrypt_inout_detached(nonce, clear, payload.into(), tag),
        }
        .ok()
    }
}
