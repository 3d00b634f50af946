//! How long packets take one way, where both ends read the same clock (RFC 7273).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, Instant, RtpTimestamp};

use super::jitter::nanos;

/// Delays of all packets: from the moment its last sample was captured, which is when a packet is sent, to its arrival.
///
/// A sender report tells when a media time was (RFC 3550 §6.4.1). Until one does, packets are summed up by arrival less
/// media time, which differs from the delay by the same for all; likewise what came since the last report is measured
/// by the next one, so that a media clock that drifts against the wall clock does not add up.
#[derive(Clone, Copy, Debug)]
pub(super) struct OneWay {
    clock: ClockRate,
    /// [`LONGEST_PACKET`] in ticks.
    longest: u32,
    /// The newest media time: as a timestamp, and in ticks counted on without wrapping.
    newest: Option<(RtpTimestamp, i64)>,
    packet_time: PacketTime,
    /// Arrival less the media time of the first sample, before the packet time was known.
    unsized_yet: Sums,
    /// Arrival less the media time of the last sample, since the last sender report.
    open: Sums,
    /// The wall clock less the media time, by the last sender report.
    offset: Option<i64>,
    total: Sums,
}

/// What is needed for mean, least and most; nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: u64,
    sum: i128,
    least: i64,
    most: i64,
}

/// One-way delays of all packets so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Delays {
    /// Packets measured.
    pub count: u64,
    /// Sum of all, so that means over an interval can be had from two of these.
    pub sum: Duration,
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
}

impl Delays {
    /// The mean over the packets since `earlier`; `None` when there were none.
    #[must_use]
    pub fn mean_since(&self, earlier: Option<&Self>) -> Option<Duration> {
        let (count, sum) = earlier.map_or((0, Duration::ZERO), |earlier| (earlier.count, earlier.sum));
        let count = self.count.saturating_sub(count);
        let nanos = self.sum.saturating_sub(sum).as_nanos().checked_div(count.into())?;
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }
}

impl OneWay {
    pub(super) fn new(clock: ClockRate) -> Self {
        Self {
            clock,
            longest: clock.ticks(LONGEST_PACKET),
            newest: None,
            packet_time: PacketTime::default(),
            unsized_yet: Sums::default(),
            open: Sums::default(),
            offset: None,
            total: Sums::default(),
        }
    }

    /// The packet `seq`, counted on without wrapping, arrived. One with the timestamp of the packet before goes on with an
    /// event that began then (RFC 4733 §2.5.1.1), so that it does not tell when it was sent.
    pub(super) fn on_packet(&mut self, arrived: Instant, seq: u64, timestamp: RtpTimestamp) {
        if self.packet_time.last.is_some_and(|(_, last)| last == timestamp) {
            return;
        }
        let first = self.unwrap(timestamp);
        let transit = arrived.as_nanos().cast_signed().saturating_sub(nanos(self.clock, first));
        match self.packet_time.observe(seq, timestamp, self.longest) {
            None => self.unsized_yet.add(transit),
            Some(ticks) => {
                let length = nanos(self.clock, ticks.into());
                if self.unsized_yet.count > 0 {
                    let before = core::mem::take(&mut self.unsized_yet);
                    self.open.join(before.shifted(length));
                }
                self.open.add(transit.saturating_sub(length));
            }
        }
    }

    /// The peer says that `timestamp` was at `sent`, nanoseconds on this end's monotonic clock.
    pub(super) fn on_sender_report(&mut self, timestamp: RtpTimestamp, sent: i64) {
        let media = self.unwrap(timestamp);
        self.offset = Some(sent.saturating_sub(nanos(self.clock, media)));
        self.fold();
    }

    /// Media times start anew. What was not measured yet is measured by the last report, if there was one.
    pub(super) fn restart(&mut self) {
        self.fold();
        *self = Self { total: self.total, ..Self::new(self.clock) };
    }

    /// All packets so far, or those until the last sender report when the rest cannot be measured. `None` when none can, or
    /// when the clocks turn out not to be the same.
    pub(super) fn delays(&self) -> Option<Delays> {
        let mut all = *self;
        all.fold();
        let Sums { count, sum, least, most } = all.total;
        let mean = sum.checked_div(count.into())?;
        (mean >= -TOLERANCE).then(|| Delays {
            count,
            sum: duration(sum),
            least: duration(least.into()),
            most: duration(most.into()),
        })
    }

    /// The duration of one packet in ticks, once known.
    pub(super) const fn packet_ticks(&self) -> Option<u32> {
        self.packet_time.ticks
    }

    fn fold(&mut self) {
        if let Some(offset) = self.offset {
            self.total.join(core::mem::take(&mut self.open).shifted(offset));
        }
    }

    /// `timestamp` in ticks counted on without wrapping.
    fn unwrap(&mut self, timestamp: RtpTimestamp) -> i64 {
        let Some((newest, ticks)) = self.newest else {
            self.newest = Some((timestamp, 0));
            return 0;
        };
        let ahead = timestamp.since(newest);
        let ticks = ticks.saturating_add(ahead.into());
        if ahead > 0 {
            self.newest = Some((timestamp, ticks));
        }
        ticks
    }
}

impl Sums {
    fn add(&mut self, value: i64) {
        self.join(Self { count: 1, sum: value.into(), least: value, most: value });
    }

    fn join(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        let first = self.count == 0;
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.least = if first { other.least } else { self.least.min(other.least) };
        self.most = if first { other.most } else { self.most.max(other.most) };
    }

    /// Each value less `by`.
    fn shifted(self, by: i64) -> Self {
        Self {
            count: self.count,
            sum: self.sum.saturating_sub(i128::from(by).saturating_mul(self.count.into())),
            least: self.least.saturating_sub(by),
            most: self.most.saturating_sub(by),
        }
    }
}

/// How long packets are, by the timestamps of those that follow each other.
#[derive(Clone, Copy, Debug, Default)]
struct PacketTime {
    ticks: Option<u32>,
    last: Option<(u64, RtpTimestamp)>,
    /// The step before; a longer one must come twice, or it may be a silence.
    step: u32,
}

impl PacketTime {
    fn observe(&mut self, seq: u64, timestamp: RtpTimestamp, longest: u32) -> Option<u32> {
        if let Some((last, before)) = self.last.replace((seq, timestamp))
            && let packets @ 1.. = seq.saturating_sub(last)
            && let ticks @ 1.. = timestamp.since(before)
        {
            let ticks = u64::from(ticks.unsigned_abs());
            let step = ticks.checked_div(packets).and_then(|step| u32::try_from(step).ok()).unwrap_or(0);
            let even = ticks.checked_rem(packets) == Some(0);
            // Where packets are missing in between there may have been a silence as well.
            let shorter = packets == 1 && self.ticks.is_none_or(|ticks| step < ticks);
            if even && (1..=longest).contains(&step) && (shorter || step == self.step) {
                self.ticks = Some(step);
            }
            self.step = step;
        }
        self.ticks
    }
}

fn duration(nanos: i128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

/// No codec here has longer packets (RFC 7587 §4.2: 120 ms).
const LONGEST_PACKET: Duration = Duration::from_millis(120);
/// A mean delay may be negative by so many nanoseconds before the clocks are taken to differ.
const TOLERANCE: i128 = 5_000_000;
