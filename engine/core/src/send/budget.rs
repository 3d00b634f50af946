//! Keeps what is sent within the agreed rate, as a mean over the call.
//!
//! A codec with a variable rate overshoots now and then, and copies repeat its overshoot. So every payload is booked
//! against what its time allows, and the codec is asked for a little less, or more, until the account is even. That takes
//! many seconds and is never more than a few percent unless much is overspent: the rate follows the voice from syllable to
//! syllable, and what is asked for stays nearly the same, because a quality that comes and goes is heard.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use crate::rtp::{RED_HEADER_BYTES, RED_PRIMARY_HEADER_BYTES};

/// The account of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Bits per second of payload, redundancy included.
    limit: Option<u32>,
    /// Bits saved so far; negative when overspent.
    saved: f64,
}

impl Budget {
    pub(super) const fn new(limit: Option<u32>) -> Self {
        Self { limit, saved: 0.0 }
    }

    pub(super) const fn limit(&self) -> Option<u32> {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: Option<u32>) {
        self.limit = limit;
    }

    /// Books `bytes` of payload for a frame of `duration`; none for a frame that was not sent.
    pub(super) fn book(&mut self, duration: Duration, bytes: usize) {
        if let Some(limit) = self.limit.map(f64::from) {
            let spent = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) * 8.0;
            self.saved = (self.saved + limit * duration.as_secs_f64() - spent).min(limit * SAVED_SECONDS);
        }
    }

    /// Whether there is enough for `copies` copies in packets of `packet_time`: the voice must keep `least` bits per
    /// second, and not too much be overspent.
    pub(super) fn affords(&self, packet_time: Duration, copies: usize, least: u32) -> bool {
        self.limit.map(f64::from).is_none_or(|limit| {
            nominal(limit, packet_time, copies) >= f64::from(least) && self.saved >= -limit * DEBT_SECONDS
        })
    }

    /// Bits per second to ask of the codec so that packets of `packet_time` with `copies` copies keep to the limit;
    /// `None` without one.
    pub(super) fn codec_bitrate(&self, packet_time: Duration, copies: usize) -> Option<u32> {
        let limit = f64::from(self.limit?);
        let share = nominal(limit, packet_time, copies);
        let account = self.saved / limit - RESERVE_SECONDS;
        let correction = (account / SETTLE_SECONDS).clamp(LEAST_CORRECTION, MOST_CORRECTION);
        Some((share * (1.0 + correction)).max(0.0) as u32)
    }
}

/// Bits per second that are left for one saying when `limit` pays for it and `copies` copies.
pub(super) fn nominal(limit: f64, packet_time: Duration, copies: usize) -> f64 {
    if copies == 0 {
        return limit;
    }
    let copies = f64::from(u32::try_from(copies).unwrap_or(u32::MAX));
    let headers = RED_PRIMARY_HEADER_BYTES as f64 + copies * RED_HEADER_BYTES as f64;
    (limit - headers * 8.0 / packet_time.as_secs_f64()) / (copies + 1.0)
}

/// Savings beyond this, in seconds of the limit, are forgotten: a long silence buys no flood.
const SAVED_SECONDS: f64 = 0.5;
/// With this much overspent, in seconds of the limit, packets go without copies.
const DEBT_SECONDS: f64 = 0.5;
/// The account is held this much, in seconds of the limit, above even, so that the mean stays below it at any end.
const RESERVE_SECONDS: f64 = 0.14;
/// In about this time, in seconds, the account is brought back to even.
const SETTLE_SECONDS: f64 = 5.0;
/// The codec is asked for at most this much less or more than its share.
const LEAST_CORRECTION: f64 = -0.25;
const MOST_CORRECTION: f64 = 0.03;
