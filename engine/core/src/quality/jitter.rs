//! Interarrival jitter (RFC 3550 §6.4.1, appendix A.8).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, Instant, RtpTimestamp};

/// How much the spacing of packets changes on the way: as a running mean, and as the mean over everything.
///
/// Counted in nanoseconds and not in ticks, so that a clock of 8 000 Hz does not hide what is shorter than 125 µs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter {
    clock: ClockRate,
    last: Option<(Instant, RtpTimestamp)>,
    /// The running mean in sixteenths of a nanosecond; `None` before there were two packets of one sequence.
    sixteenths: Option<u64>,
    /// Sum and count of all changes.
    sum: u128,
    count: u64,
}

impl Jitter {
    pub(super) const fn new(clock: ClockRate) -> Self {
        Self { clock, last: None, sixteenths: None, sum: 0, count: 0 }
    }

    /// What follows is another sequence: its first packet has no spacing to the last one.
    pub(super) const fn restart(&mut self) {
        self.last = None;
        self.sixteenths = None;
    }

    pub(super) fn observe(&mut self, arrived: Instant, timestamp: RtpTimestamp) {
        if let Some((before, last)) = self.last {
            let spacing = i128::from(arrived.as_nanos()).saturating_sub(before.as_nanos().into());
            let sent = nanos(self.clock, timestamp.since(last).into());
            // More than half of the circle of timestamps cannot be told from less.
            let most = nanos(self.clock, 1 << 31).unsigned_abs();
            let change = spacing.saturating_sub(sent).unsigned_abs().min(most);
            let mean = self.sixteenths.unwrap_or(0);
            let change = u64::try_from(change).unwrap_or(u64::MAX);
            // At most 2⁵⁹ is added and a sixteenth leaks away: the mean stays below 2⁶³.
            self.sixteenths = Some(mean.saturating_add(change).saturating_sub(mean.saturating_add(8) >> 4));
            self.sum = self.sum.saturating_add(change.into());
            self.count = self.count.saturating_add(1);
        }
        self.last = Some((arrived, timestamp));
    }

    /// The running mean in ticks of the media clock; zero before there were two packets.
    pub(super) fn ticks(&self) -> u32 {
        self.clock.ticks(self.duration().unwrap_or_default())
    }

    /// The running mean.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.sixteenths.map(|sixteenths| Duration::from_nanos(sixteenths >> 4))
    }

    /// The mean over everything.
    pub(super) fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(self.count.into())?;
        u64::try_from(mean).ok().map(Duration::from_nanos)
    }
}

/// The time that `ticks` of `clock` take, in nanoseconds.
pub(super) fn nanos(clock: ClockRate, ticks: i64) -> i128 {
    i128::from(ticks).saturating_mul(1_000_000_000).checked_div(clock.hertz().into()).unwrap_or(0)
}
