//! Bursts of loss and the gaps between them (RFC 3611 §4.7.2 and appendix A.2).
//!
//! A burst begins and ends with a lost packet, has at least two, and holds no [`GMIN`] packets received in a row; all the
//! rest, single losses included, is gap. Bursts are counted here by that definition. The sample code of appendix A.2
//! counts transitions between four states and derives the same figures from them, but takes the first packets of a
//! stream for part of a burst and leaves out what came after the last loss; in the long run both agree.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

/// Counts bursts and gaps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gaps {
    closed: Sums,
    /// A loss and what came after it, that may be a burst or become one.
    open: Option<Open>,
    /// Packets received since the last loss, or since the start.
    received: u64,
}

/// Bursts and gaps that are over.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    bursts: u64,
    gaps: u64,
    burst_packets: u64,
    burst_lost: u64,
    gap_packets: u64,
    gap_lost: u64,
    /// The last that was added belongs to a gap.
    in_gap: bool,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    packets: u64,
    lost: u64,
}

/// What RFC 3611 §4.7.2 asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BurstGap {
    /// Share of the packets in bursts that were lost, 0 to 1.
    pub burst_density: f32,
    /// Share of the packets in gaps that were lost, 0 to 1.
    pub gap_density: f32,
    /// Mean duration of bursts; zero when there was none.
    pub burst: Duration,
    /// Mean duration of gaps.
    pub gap: Duration,
}

impl Gaps {
    /// `count` packets in a row, all received or all lost.
    pub(super) fn settle(&mut self, received: bool, count: u64) {
        if count == 0 {
            return;
        }
        if received {
            self.received = self.received.saturating_add(count);
            return;
        }
        let open = match self.open {
            Some(open) if self.received < GMIN => {
                Open { packets: open.packets.saturating_add(self.received), lost: open.lost }
            }
            _ => {
                self.close();
                Open { packets: 0, lost: 0 }
            }
        };
        self.received = 0;
        self.open =
            Some(Open { packets: open.packets.saturating_add(count), lost: open.lost.saturating_add(count) });
    }

    /// The figures so far, for packets of `packet_time`: what is open is taken as over.
    pub(super) fn figures(&self, packet_time: Duration) -> BurstGap {
        let mut all = *self;
        all.close();
        let Sums { bursts, gaps, burst_packets, burst_lost, gap_packets, gap_lost, .. } = all.closed;
        let mean = |packets: u64, parts: u64| {
            if parts == 0 { Duration::ZERO } else { packet_time.mul_f64(packets as f64 / parts as f64) }
        };
        BurstGap {
            burst_density: share(burst_lost, burst_packets),
            gap_density: share(gap_lost, gap_packets),
            burst: mean(burst_packets, bursts),
            gap: mean(gap_packets, gaps),
        }
    }

    /// What is open becomes a burst if it holds two losses, else part of a gap; what was received since is gap.
    fn close(&mut self) {
        let received = core::mem::take(&mut self.received);
        match self.open.take() {
            Some(Open { packets, lost }) if lost > 1 => {
                self.closed.bursts = self.closed.bursts.saturating_add(1);
                self.closed.burst_packets = self.closed.burst_packets.saturating_add(packets);
                self.closed.burst_lost = self.closed.burst_lost.saturating_add(lost);
                self.closed.in_gap = false;
            }
            Some(Open { packets, lost }) => self.closed.gap(packets, lost),
            None => {}
        }
        self.closed.gap(received, 0);
    }
}

impl Sums {
    fn gap(&mut self, packets: u64, lost: u64) {
        if packets == 0 {
            return;
        }
        self.gap_packets = self.gap_packets.saturating_add(packets);
        self.gap_lost = self.gap_lost.saturating_add(lost);
        self.gaps = self.gaps.saturating_add(u64::from(!self.in_gap));
        self.in_gap = true;
    }
}

fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64) as f32 }
}

/// Packets received in a row that end a burst (RFC 3611 §4.7.2, the recommended value).
pub const GMIN: u64 = 16;

#[cfg(test)]
mod tests;
