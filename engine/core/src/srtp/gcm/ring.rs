//! Galois/counter mode by ring: assembly for each processor, about a third of the time.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::hint::black_box;

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};

/// A key of 16 or 32 bytes, wiped from memory when dropped.
pub(in crate::srtp) struct Gcm(Box<LessSafeKey>);

impl Gcm {
    /// `None` when `key` has neither 16 nor 32 bytes.
    pub(in crate::srtp) fn new(key: &[u8]) -> Option<Self> {
        let algorithm = if key.len() == AES_256_GCM.key_len() { &AES_256_GCM } else { &AES_128_GCM };
        Some(Self(Box::new(expand(algorithm, key)?)))
    }

    /// Encrypts `payload` in place and answers the tag over it and `clear`.
    ///
    /// `None` when `payload` is longer than any packet can be.
    #[inline]
    pub(in crate::srtp) fn seal(
        &self,
        nonce: [u8; 12],
        clear: &[u8],
        payload: &mut [u8],
    ) -> Option<[u8; 16]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(clear), payload).ok()?;
        tag.as_ref().first_chunk().copied()
    }

    /// Decrypts `payload` in place when `tag` is that of it and `clear`; the comparison takes the same time always.
    ///
    /// `None`, with `payload` wiped, when it is not.
    #[inline]
    pub(in crate::srtp) fn open(
        &self,
        nonce: [u8; 12],
        clear: &[u8],
        payload: &mut [u8],
        tag: [u8; 16],
    ) -> Option<()> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(clear), tag.into(), payload, 0..);
        opened.ok().map(|_| ())
    }

    /// The library wipes no keys, so that another takes this one's place.
    pub(super) fn wipe(&mut self) {
        let algorithm = self.0.algorithm();
        let zeros = [0; 32];
        if let Some(empty) = zeros.get(..algorithm.key_len()).and_then(|key| expand(algorithm, key)) {
            *self.0 = empty;
        }
        // Who is looked at once more cannot be optimised away.
        black_box(&*self.0);
    }
}

impl Drop for Gcm {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn expand(algorithm: &'static Algorithm, key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}
