//! What was measured becomes a [`Quality`]: once a second, and at the end for the whole.

use core::time::Duration;

use rove_base::{CodecId, Instant, MediaPlan, Quality};

use super::QUALITY_INTERVAL;
use crate::{
    playout::PlayoutMeter,
    quality::{Interval, ReceiveStats, emodel},
    send::Sender,
};

/// What others measured, at one moment.
pub(super) struct Facts<'a> {
    pub at: Instant,
    pub stats: &'a ReceiveStats,
    pub sent: u64,
    pub round_trip: Option<Duration>,
}

pub(super) struct Judge {
    codec: CodecId,
    /// Packet time and look-ahead: what the codec adds to mouth to ear.
    codec_delay: Duration,
    /// [`TAIL`] in samples.
    tail: u64,
    next: Instant,
    meter: PlayoutMeter,
    /// The meter as it was at the end of the last interval.
    before: PlayoutMeter,
}

impl Judge {
    pub(super) fn new(now: Instant, plan: &MediaPlan, sender: &Sender) -> Self {
        let lookahead = u64::try_from(sender.lookahead()).unwrap_or(0).saturating_mul(1_000_000_000);
        let lookahead = lookahead.checked_div(u64::from(sender.sample_rate())).unwrap_or(0);
        Self {
            codec: plan.codec().id,
            codec_delay: plan.codec().packet_time.saturating_add(Duration::from_nanos(lookahead)),
            tail: u64::from(sender.sample_rate()).saturating_mul(TAIL.as_millis() as u64) / 1_000,
            next: now + QUALITY_INTERVAL,
            meter: PlayoutMeter::default(),
            before: PlayoutMeter::default(),
        }
    }

    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn due(&self, now: Instant) -> bool {
        now >= self.next
    }

    /// Takes note of what was played; answers whether that is the first of it.
    pub(super) fn on_meter(&mut self, meter: PlayoutMeter) -> bool {
        let first = self.meter.first_played.is_none() && meter.first_played.is_some();
        self.meter = meter;
        first
    }

    /// The last second.
    pub(super) fn quality(&mut self, facts: &Facts<'_>, interval: Interval) -> Quality {
        self.next = self.next.max(facts.at - QUALITY_INTERVAL) + QUALITY_INTERVAL;
        let before = core::mem::replace(&mut self.before, self.meter);
        let wait = self.meter.mean_wait_since(&before);
        let unheard = self.meter.concealed_share_since(&before);
        let mut quality = self.totals(facts, wait, unheard.or(interval.loss()));
        quality.interval_loss = interval.loss();
        quality.concealed = self.meter.concealed_share();
        quality
    }

    /// The whole call.
    pub(super) fn summary(&self, facts: &Facts<'_>) -> Quality {
        let wait = self.meter.mean_wait_since(&PlayoutMeter::default());
        // What was invented after the last packet is the end of the call, unless it lasted.
        let tail = self.meter.starving <= self.tail;
        let unheard = if tail { self.meter.settled_share() } else { self.meter.concealed_share() };
        let mut quality = self.totals(facts, wait, unheard);
        quality.concealed = unheard;
        quality
    }

    /// Everything but `interval_loss` and `concealed`. `unheard` is the share of time without anything received to play.
    fn totals(&self, facts: &Facts<'_>, wait: Option<Duration>, unheard: Option<f32>) -> Quality {
        let Facts { at, stats, sent, round_trip } = *facts;
        let band = emodel::band(self.codec);
        let mouth_to_ear = round_trip.zip(wait).map(|(there_and_back, wait)| {
            half(there_and_back).saturating_add(wait).saturating_add(self.codec_delay)
        });
        let rate = |delay: Duration| {
            let burst_ratio = stats.burst_ratio().unwrap_or(1.0);
            unheard.map(|loss| {
                emodel::rating(&emodel::Inputs { codec: self.codec, one_way_delay: delay, loss, burst_ratio })
            })
        };
        let rating = mouth_to_ear.and_then(rate);
        Quality {
            at,
            sent,
            received: stats.received(),
            lost: stats.lost(),
            late: self.meter.late,
            interval_loss: None,
            jitter: stats.jitter(),
            round_trip,
            playout_delay: wait,
            mouth_to_ear,
            concealed: None,
            rating,
            mos: rating.map(|rating| emodel::mos(rating, band)),
            mos_lq: rate(Duration::ZERO).map(|rating| emodel::mos(rating, band)),
            band,
        }
    }
}

fn half(time: Duration) -> Duration {
    time.checked_div(2).unwrap_or_default()
}

/// What was invented for this long after the last packet is taken as the end of the call and not as loss: until both
/// ends have noticed.
const TAIL: Duration = Duration::from_millis(500);
