//! Deep redundancy (DRED): up to a second of speech as features, from which the concealment network speaks.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Carried, SAMPLE_RATE_I32, ffi};

/// Reads the redundancy of one payload at a time, once, and no more of it than is asked for.
#[derive(Debug)]
pub(super) struct Deep {
    raw: ffi::RawDeep,
    /// The payload read last: its length and a hash of its bytes.
    of: Option<(usize, u64)>,
    /// How far back that payload reaches, and where before it this ends.
    reach: usize,
    end: usize,
    /// How far back its features are ready.
    ready: usize,
}

impl Deep {
    /// `None` where libopus was built without it, or lacks memory.
    pub(super) fn new() -> Option<Self> {
        let raw = ffi::RawDeep::new().ok()?;
        Some(Self { raw, of: None, reach: 0, end: 0, ready: 0 })
    }

    /// How far back before `payload` its deep redundancy reaches, in samples.
    pub(super) fn reach(&mut self, payload: &[u8]) -> usize {
        let identity = Some((payload.len(), hash(payload)));
        if self.of != identity {
            let read = (Carried::by(payload).deep_bytes > 0)
                .then(|| self.raw.read(payload, DEEPEST, SAMPLE_RATE_I32).ok())
                .flatten();
            (self.reach, self.end) = read.unwrap_or((0, 0));
            (self.of, self.ready) = (identity, 0);
        }
        if self.reach > self.end { self.reach } else { 0 }
    }

    /// Fills `out`, which began `back` samples before `payload` does. False when the redundancy does not reach there; then
    /// `out` is untouched.
    pub(super) fn decode(
        &mut self,
        decoder: &mut ffi::RawDecoder,
        payload: &[u8],
        back: usize,
        out: &mut [f32],
    ) -> bool {
        if back > self.reach(payload) || back <= self.end {
            return false;
        }
        if self.ready < back && !self.prepare(payload, back) {
            return false;
        }
        decoder.decode_deep(&self.raw, back, out).is_ok()
    }

    /// Only the features that are needed: those of what lies further back would cost as much again for each 40 ms.
    fn prepare(&mut self, payload: &[u8], back: usize) -> bool {
        let deepest = back.saturating_add(BEFORE);
        let done = self.raw.read(payload, deepest, SAMPLE_RATE_I32).is_ok() && self.raw.process().is_ok();
        self.ready = if done { back } else { 0 };
        done
    }

    pub(super) fn forget(&mut self) {
        self.of = None;
    }
}

/// FNV-1a, to tell payloads of the same length apart.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The most that libopus sends: 26 × 40 ms.
const DEEPEST: usize = 26 * 1_920;

/// Beyond `back`: the features run up to 40 ms ahead of the payload, and two of 10 ms lead into a loss.
const BEFORE: usize = 1_920 + 960;
