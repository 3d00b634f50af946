//! How losses cluster, once no late packet can fill them any more: the lengths of their runs.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Counts packets whose fate is settled, and the runs that the lost among them form.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Runs {
    settled: u64,
    lost: u64,
    runs: u64,
    in_run: bool,
}

impl Runs {
    /// `count` packets in a row, all received or all lost.
    pub(super) fn settle(&mut self, received: bool, count: u64) {
        if count == 0 {
            return;
        }
        self.settled = self.settled.saturating_add(count);
        if !received {
            self.lost = self.lost.saturating_add(count);
            self.runs = self.runs.saturating_add(u64::from(!self.in_run));
        }
        self.in_run = !received;
    }

    /// `count` packets were lost before the first one that was settled, which was received.
    pub(super) fn precede(&mut self, count: u64) {
        self.settled = self.settled.saturating_add(count);
        self.lost = self.lost.saturating_add(count);
        self.runs = self.runs.saturating_add(u64::from(count > 0));
    }

    /// Mean length of the runs, in packets. `None` while nothing was lost.
    pub(super) fn mean(&self) -> Option<f32> {
        (self.runs > 0).then(|| (self.lost as f64 / self.runs as f64) as f32)
    }

    /// The mean length of loss runs over what independent losses of the same rate would give, 1 / (1 − p)
    /// (BurstR of ITU-T G.107 §7.5). `None` while nothing was lost.
    pub(super) fn ratio(&self) -> Option<f32> {
        if self.runs == 0 || self.lost == self.settled {
            return None;
        }
        let (settled, lost, runs) = (self.settled as f64, self.lost as f64, self.runs as f64);
        Some(((lost / runs) * (1.0 - lost / settled)) as f32)
    }
}
