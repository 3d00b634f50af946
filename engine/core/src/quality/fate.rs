//! Packets whose fate is settled, told to all who count them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{gaps::Gaps, runs::Runs};

/// What settled packets add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    pub runs: Runs,
    pub gaps: Gaps,
}

impl Settled {
    /// `count` packets in a row, all received or all lost.
    pub(super) fn add(&mut self, received: bool, count: u64) {
        self.runs.settle(received, count);
        self.gaps.settle(received, count);
    }
}
