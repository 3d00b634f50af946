//! HMAC-SHA1 over one packet that lies in memory whole (RFC 2104, RFC 3174).
//!
//! A streaming HMAC buffers, copies and wipes its buffer for every message, which for a packet takes longer than hashing it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[cfg(test)]
mod tests;

use sha1::block_api::compress;
use zeroize::Zeroizing;

/// The states of SHA-1 behind the two blocks that the key makes. They are as good as the key, and wiped when dropped.
pub(super) struct Mac {
    inner: Zeroizing<[u32; 5]>,
    outer: Zeroizing<[u32; 5]>,
}

impl Mac {
    /// A key of 160 bits, as all of SRTP's are (RFC 3711 §5.2).
    pub(super) fn new(key: &[u8; 20]) -> Self {
        let keyed = |pad: u8| {
            let mut block = Zeroizing::new([pad; 64]);
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= *key);
            let mut state = Zeroizing::new(START);
            compress(&mut state, core::slice::from_ref(&*block));
            state
        };
        Self { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    /// The code over `body` and the word `behind` it, if there is one.
    ///
    /// # Realtime
    ///
    /// Does not allocate.
    pub(super) fn code(&self, body: &[u8], behind: Option<[u8; 4]>) -> [u8; 20] {
        let (blocks, rest) = body.as_chunks::<64>();
        let behind = behind.as_ref().map_or(&[][..], <[u8; 4]>::as_slice);
        let mut state = *self.inner;
        compress(&mut state, blocks);

        // At most 63 + 4 + 1 + 8 bytes are left: two blocks.
        let mut tail = [0; 128];
        let used = rest.len().saturating_add(behind.len());
        put(&mut tail, 0, rest);
        put(&mut tail, rest.len(), behind);
        put(&mut tail, used, &[0x80]);
        let (last, blocks) = if used < 56 { (56, 1) } else { (120, 2) };
        put(&mut tail, last, &bits(64_usize.saturating_add(body.len()).saturating_add(behind.len())));
        let (tail, _) = tail.as_chunks::<64>();
        compress(&mut state, tail.get(..blocks).unwrap_or_default());

        let mut block = [0; 64];
        put(&mut block, 0, &bytes(state));
        put(&mut block, 20, &[0x80]);
        put(&mut block, 56, &bits(84));
        let mut state = *self.outer;
        compress(&mut state, &[block]);
        bytes(state)
    }
}

fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = block.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

/// The length that ends a message, in bits.
fn bits(bytes: usize) -> [u8; 8] {
    (bytes as u64).saturating_mul(8).to_be_bytes()
}

fn bytes(state: [u32; 5]) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(to, word)| *to = word.to_be_bytes());
    bytes
}

/// Where SHA-1 starts (RFC 3174 §6.1).
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
