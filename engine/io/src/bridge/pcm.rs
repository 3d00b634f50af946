//! Every captured sample, from the input callback to the media thread, with the time it was heard.

use rove_base::Instant;

use super::ring::{Rx, Tx, ring};

/// The input callback's end.
#[derive(Debug)]
pub struct PcmTx {
    samples: Tx<f32>,
    stamps: Tx<Stamp>,
    missed: usize,
}

/// The media thread's end.
#[derive(Debug)]
pub struct PcmRx {
    samples: Rx<f32>,
    stamps: Rx<Stamp>,
}

/// What comes out of a [`PcmRx`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Captured<'a> {
    /// The next samples.
    Sound {
        /// When the first of the block they belong to was captured.
        at: Instant,
        /// Mono, one or more.
        pcm: &'a [f32],
    },
    /// So many samples were captured here but found no room: the media thread fell behind.
    Missed {
        /// How many.
        samples: usize,
    },
}

/// Goes in after the samples it speaks of, so whoever sees it finds them all.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    at: Instant,
    samples: usize,
    missed_before: usize,
}

/// Both ends of a ring that holds `samples` samples, in up to [`MAX_BLOCKS`] blocks.
#[must_use]
pub fn pcm_ring(samples: usize) -> (PcmTx, PcmRx) {
    let (samples_tx, samples_rx) = ring(samples);
    let (stamps_tx, stamps_rx) = ring(MAX_BLOCKS);
    (
        PcmTx { samples: samples_tx, stamps: stamps_tx, missed: 0 },
        PcmRx { samples: samples_rx, stamps: stamps_rx },
    )
}

impl PcmTx {
    /// Hands over a block whose first sample was captured at `at`, whole or not at all. `false` when there is no room;
    /// the other end is told how much it missed with the next block.
    ///
    /// # Realtime
    ///
    /// Wait-free.
    pub fn push(&mut self, at: Instant, pcm: &[f32]) -> bool {
        if pcm.is_empty() {
            return true;
        }
        if self.samples.room() < pcm.len() || self.stamps.room() == 0 {
            self.missed += pcm.len();
            return false;
        }
        let stamp = Stamp {
            at,
            samples: self.samples.push_slice(pcm),
            missed_before: core::mem::take(&mut self.missed),
        };
        self.stamps.push(stamp).is_ok()
    }
}

impl PcmRx {
    /// Shows `visit` all that was captured since the last call, oldest first.
    ///
    /// # Realtime
    ///
    /// Wait-free; what comes in meanwhile is left for the next call.
    pub fn read(&mut self, mut visit: impl FnMut(Captured<'_>)) {
        for _ in 0..self.stamps.len() {
            let Some(Stamp { at, samples, missed_before }) = self.stamps.pop() else { return };
            if missed_before > 0 {
                visit(Captured::Missed { samples: missed_before });
            }
            self.samples.visit(samples, |pcm| visit(Captured::Sound { at, pcm }));
        }
    }
}

/// Blocks that wait at once, at most: 200 ms of callbacks of 0.8 ms.
pub const MAX_BLOCKS: usize = 256;
