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
    /// Half of the circle of timestamps: more cannot be told from less.
    most: u64,
    last: Option<(Instant, RtpTimestamp)>,
    /// The running mean in sixteenths of a nanosecond; `None` before there were two packets of one sequence.
    sixteenths: Option<u64>,
    /// Sum and count of all changes.
    sum: u128,
    count: u64,
}

impl Jitter {
    pub(super) fn new(clock: ClockRate) -> Self {
        let most = nanos(clock, 1 << 31).unsigned_abs();
        Self { clock, most, last: None, sixteenths: None, sum: 0, count: 0 }
    }

    /// What follows is another sequence: its first packet has no spacing to the last one.
    pub(super) const fn restart(&mut self) {
        self.last = None;
        self.sixteenths = None;
    }

    pub(super) fn observe(&mut self, arrived: Instant, timestamp: RtpTimestamp) {
        if let Some((before, last)) = self.last {
            let spacing = arrived.as_nanos().wrapping_sub(before.as_nanos()).cast_signed();
            let sent = nanos(self.clock, timestamp.since(last).into());
            let change = spacing.saturating_sub(sent).unsigned_abs().min(self.most);
            let mean = self.sixteenths.unwrap_or(0);
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
pub(super) fn nanos(clock: ClockRate, ticks: i64) -> i64 {
    let hertz = i64::from(clock.hertz());
    let seconds = ticks.checked_div(hertz).unwrap_or(0);
    let rest = ticks.checked_rem(hertz).unwrap_or(0).saturating_mul(NANOS).checked_div(hertz).unwrap_or(0);
    seconds.saturating_mul(NANOS).saturating_add(rest)
}

const NANOS: i64 = 1_000_000_000;
