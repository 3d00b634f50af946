//! How often packets of a flow come, and how many of them a silence may have swallowed.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::time::Duration;

use rove_base::Instant;

/// The pace of one flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    heard: Option<Instant>,
    /// From one packet to the next, in microseconds; `None` before there were two.
    interval: Option<u64>,
}

impl Pace {
    /// How many packets may have been lost since the last one. 0 for a silence that a compressor which knows the time would not pass over
    /// without more bits.
    pub(super) fn lost(&self, now: Instant) -> u32 {
        let (Some(heard), Some(interval)) = (self.heard, self.interval) else { return 0 };
        let gap = now.since(heard);
        if gap < SILENCE {
            return 0;
        }
        let packets = micros(gap.saturating_add(JITTER)).checked_div(interval).unwrap_or(0).saturating_sub(1);
        u32::try_from(packets).unwrap_or(u32::MAX)
    }

    /// A packet was understood whose sequence number is so far ahead of the last one's.
    pub(super) fn took(&mut self, now: Instant, ahead: u16) {
        let before = self.heard.replace(now);
        let (Some(before), 1..=REACH) = (before, ahead) else { return };
        let each = micros(now.since(before)).checked_div(ahead.into()).unwrap_or(0);
        if !USUAL.contains(&each) {
            return;
        }
        let old = self.interval.unwrap_or(each);
        self.interval = Some(old.saturating_mul(7).saturating_add(each) >> 3);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A little more than after which a compressor tells more.
const SILENCE: Duration = Duration::from_millis(130);
/// How much sooner than usual the packet after a loss may come.
const JITTER: Duration = Duration::from_millis(30);
/// Packets, as many as the smallest header reaches over.
const REACH: u16 = 13;
/// Packet times of voice, in microseconds.
const USUAL: std::ops::RangeInclusive<u64> = 1_000..=100_000;
