//! Interarrival jitter (RFC 3550 §6.4.1, appendix A.8).

use core::time::Duration;

use rove_base::{ClockRate, Instant, RtpTimestamp};

/// A running mean of how much the spacing of packets changes on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter {
    clock: ClockRate,
    /// Arrival less timestamp of the packet before, in ticks, modulo 2³².
    transit: Option<u32>,
    /// The mean in sixteenths of a tick; `None` before there were two packets.
    sixteenths: Option<u64>,
}

impl Jitter {
    pub(super) const fn new(clock: ClockRate) -> Self {
        Self { clock, transit: None, sixteenths: None }
    }

    pub(super) fn observe(&mut self, arrived: Instant, timestamp: RtpTimestamp) {
        let arrival = self.clock.ticks(Duration::from_nanos(arrived.as_nanos()));
        let transit = arrival.wrapping_sub(timestamp.0);
        if let Some(before) = self.transit {
            let change = u64::from(transit.wrapping_sub(before).cast_signed().unsigned_abs());
            let mean = self.sixteenths.unwrap_or(0);
            // At most 2³¹ is added and a sixteenth leaks away: the mean stays below 2³⁶.
            self.sixteenths = Some(mean.saturating_add(change).saturating_sub((mean + 8) >> 4));
        }
        self.transit = Some(transit);
    }

    /// Ticks of the media clock; zero before there were two packets.
    pub(super) fn ticks(&self) -> u32 {
        u32::try_from(self.sixteenths.unwrap_or(0) >> 4).unwrap_or(u32::MAX)
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        self.sixteenths.map(|_| self.clock.duration(self.ticks()))
    }
}
