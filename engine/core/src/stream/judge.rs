//! What was measured becomes a [`Quality`]: once a second, and at the end for the whole.

use core::time::Duration;

use rove_base::{CodecId, DelayBasis, Instant, MediaPlan, PacketCounts, Quality, Ssrc};

use super::{QUALITY_INTERVAL, receive::Receiver, report::Reporter};
use crate::{
    jitter::PacketSink,
    playout::PlayoutMeter,
    quality::{Delays, GMIN, Interval, ReceiveStats, emodel},
    rtcp::xr::VoipMetrics,
    send::Sender,
};

/// What others measured, at one moment.
pub(super) struct Facts<'a> {
    pub at: Instant,
    pub stats: &'a ReceiveStats,
    pub sent: u64,
    pub round_trip: Option<Duration>,
    /// Packets that came changed, since the start.
    pub broken: u64,
}

impl<'a> Facts<'a> {
    pub(super) const fn new<K>(
        at: Instant,
        receiver: &'a Receiver<K>,
        sender: &Sender,
        reporter: &Reporter,
    ) -> Self
    where
        K: PacketSink,
    {
        let (sent, round_trip, broken) = (sender.packets(), reporter.round_trip(), receiver.refused().forged);
        Self { at, stats: receiver.stats(), sent, round_trip, broken }
    }
}

pub(super) struct Judge {
    codec: CodecId,
    /// Both ends read the same wall clock.
    shared_clock: bool,
    /// Packet time and look-ahead: what the codec adds to mouth to ear.
    codec_delay: Duration,
    /// [`TAIL`] in samples.
    tail: u64,
    next: Instant,
    meter: PlayoutMeter,
    /// Meter and delays as they were at the end of the last interval.
    before: PlayoutMeter,
    delays_before: Option<Delays>,
    broken_before: u64,
}

/// What a stretch of time was like, of all that differs between the last second and the whole call.
struct Stretch {
    /// Mean time from arrival to playing.
    wait: Option<Duration>,
    /// Mean delay of the network.
    one_way: Option<Duration>,
    /// Share of time without anything received to play.
    unheard: Option<f32>,
    /// How the rest was received.
    shares: Shares,
    /// It was the whole call.
    whole: bool,
}

/// How what was heard came about, as shares of the time played.
#[derive(Clone, Copy, Default)]
struct Shares {
    inband: f32,
    deep: f32,
    stretched: f32,
}

impl Judge {
    pub(super) fn new(now: Instant, plan: &MediaPlan, sender: &Sender) -> Self {
        let lookahead = u64::try_from(sender.lookahead()).unwrap_or(0).saturating_mul(1_000_000_000);
        let lookahead = lookahead.checked_div(u64::from(sender.sample_rate())).unwrap_or(0);
        Self {
            codec: plan.codec().id,
            shared_clock: plan.shared_clock(),
            codec_delay: plan.codec().packet_time.saturating_add(Duration::from_nanos(lookahead)),
            tail: u64::from(sender.sample_rate()).saturating_mul(TAIL.as_millis() as u64) / 1_000,
            next: now + QUALITY_INTERVAL,
            meter: PlayoutMeter::default(),
            before: PlayoutMeter::default(),
            delays_before: None,
            broken_before: 0,
        }
    }

    /// The codec changes, and with it what it adds to the delay.
    pub(super) fn recode(&mut self, plan: &MediaPlan, sender: &Sender) {
        let fresh = Self::new(self.next, plan, sender);
        (self.codec, self.codec_delay) = (fresh.codec, fresh.codec_delay);
    }

    pub(super) const fn codec(&self) -> CodecId {
        self.codec
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
        let delays = self.delays(facts.stats);
        let delays_before = core::mem::replace(&mut self.delays_before, delays);
        let stretch = Stretch {
            wait: self.meter.mean_wait_since(&before),
            one_way: delays.and_then(|delays| delays.mean_since(delays_before.as_ref())),
            unheard: self.meter.concealed_share_since(&before).or(interval.loss()),
            shares: self.shares_since(&before, facts.stats),
            whole: false,
        };
        let mut quality = self.totals(facts, &stretch);
        quality.interval = PacketCounts {
            expected: interval.expected,
            received: interval.received,
            lost: interval.lost,
            duplicates: interval.duplicates,
            discarded: discarded(&self.meter).saturating_sub(discarded(&before)),
            broken: facts.broken.saturating_sub(core::mem::replace(&mut self.broken_before, facts.broken)),
        };
        quality.interval_loss = interval.loss();
        quality.concealed = self.meter.concealed_share();
        quality
    }

    /// The whole call, when it is over.
    pub(super) fn summary(&self, facts: &Facts<'_>) -> Quality {
        // What was invented after the last packet is the end of the call, unless it lasted.
        let tail = self.meter.starving <= self.tail;
        let unheard = if tail { self.meter.settled_share() } else { self.meter.concealed_share() };
        let mut quality = self.totals(facts, &self.whole(facts.stats, unheard));
        quality.concealed = unheard;
        quality
    }

    /// What the peer is told about the call so far (RFC 3611 §4.7), about packets of `source`.
    pub(super) fn voip_metrics(&self, facts: &Facts<'_>, source: Ssrc) -> VoipMetrics {
        let whole = self.whole(facts.stats, self.meter.concealed_share());
        let quality = self.totals(facts, &whole);
        let expected = quality.received.saturating_add(quality.lost);
        let figures = facts.stats.burst_gap().unwrap_or_default();
        let wait = self.meter.mean_wait_since(&self.before).or(whole.wait);
        let delay = wait.map(|wait| wait.saturating_add(self.codec_delay));
        let scale = |rating: Option<f32>| rating.map(|r| emodel::of_100(r, quality.band).round() as u8);
        let tenths = |mos: Option<f32>| mos.map(|mos| (10.0 * mos).round() as u8);
        let PlayoutMeter { target, least, most, .. } = self.meter;
        let nominal = wait.map_or_else(|| millis(target), millis);
        // The earliest packet is one that came as fast as any: `target` is what such a one waits.
        let maximum = nominal.max(millis(target));
        let adapts = match most {
            Duration::ZERO => 0,
            _ if least < most => VoipMetrics::ADAPTIVE,
            _ => VoipMetrics::FIXED,
        };
        VoipMetrics {
            ssrc: source,
            loss_rate: of_256(share(quality.lost, expected)),
            discard_rate: of_256(share(quality.discarded, expected)),
            burst_density: of_256(figures.burst_density),
            gap_density: of_256(figures.gap_density),
            burst_duration: millis(figures.burst),
            gap_duration: millis(figures.gap),
            round_trip: quality.round_trip.map_or(0, millis),
            end_system_delay: delay.map_or(0, millis),
            gmin: GMIN as u8,
            rating: scale(quality.rating),
            mos_lq: tenths(quality.mos_lq),
            mos_cq: tenths(quality.mos),
            receiver: VoipMetrics::CONCEALED_WELL | adapts,
            buffer_nominal: nominal,
            buffer_maximum: maximum,
            buffer_limit: maximum.max(millis(most)),
            ..VoipMetrics::default()
        }
    }

    fn whole(&self, stats: &ReceiveStats, unheard: Option<f32>) -> Stretch {
        let nothing = PlayoutMeter::default();
        Stretch {
            wait: self.meter.mean_wait_since(&nothing),
            one_way: self.delays(stats).and_then(|delays| delays.mean_since(None)),
            unheard,
            shares: self.shares_since(&nothing, stats),
            whole: true,
        }
    }

    fn delays(&self, stats: &ReceiveStats) -> Option<Delays> {
        stats.one_way().filter(|_| self.shared_clock)
    }

    fn shares_since(&self, before: &PlayoutMeter, stats: &ReceiveStats) -> Shares {
        let since = |count: fn(&PlayoutMeter) -> u64| count(&self.meter).saturating_sub(count(before));
        let played = since(|meter| meter.played);
        // `tail` tells how many samples there are in a time.
        let frame = stats.packet_time().unwrap_or(self.codec_delay).as_secs_f64() / TAIL.as_secs_f64();
        let frames =
            |count: u64| (f64::from(share(count, played)) * frame * self.tail as f64).min(1.0) as f32;
        Shares {
            inband: frames(since(|meter| meter.recovered_inband)),
            deep: frames(since(|meter| meter.recovered_deep)),
            stretched: share(since(|meter| meter.accelerated.saturating_add(meter.preempted)), played)
                .min(1.0),
        }
    }

    /// Everything but the interval and `concealed`.
    fn totals(&self, facts: &Facts<'_>, stretch: &Stretch) -> Quality {
        let Facts { at, stats, sent, round_trip, .. } = *facts;
        let band = emodel::band(self.codec);
        let network = match (stretch.one_way, round_trip) {
            (Some(one_way), _) => Some((one_way, DelayBasis::SharedClock)),
            (None, Some(there_and_back)) => Some((half(there_and_back), DelayBasis::HalfRoundTrip)),
            (None, None) => None,
        };
        let mouth_to_ear = network
            .zip(stretch.wait)
            .map(|((network, _), wait)| network.saturating_add(wait).saturating_add(self.codec_delay));
        let rating = mouth_to_ear.and_then(|delay| self.rate(delay, stats, stretch));
        let rating_lq = self.rate(Duration::ZERO, stats, stretch);
        let mos = |rating: f32| emodel::mos(rating, band);
        Quality {
            at,
            sent,
            sent_by_peer: stats.sent_by_peer(),
            received: stats.received(),
            lost: stats.lost(),
            duplicates: stats.duplicates(),
            late: self.meter.late,
            discarded: discarded(&self.meter),
            interval: PacketCounts {
                expected: stats.received().saturating_add(stats.lost()),
                received: stats.received(),
                lost: stats.lost(),
                duplicates: stats.duplicates(),
                discarded: discarded(&self.meter),
                broken: facts.broken,
            },
            interval_loss: None,
            mean_burst: stats.mean_burst(stretch.whole),
            jitter: stats.jitter(),
            mean_jitter: stats.mean_jitter(),
            round_trip,
            one_way: stretch.one_way,
            one_way_range: self.delays(stats).map(|delays| (delays.least, delays.most)),
            delay_basis: network.map(|(_, basis)| basis),
            playout_delay: stretch.wait,
            mouth_to_ear,
            concealed: None,
            rating,
            rating_lq,
            mos: rating.map(mos),
            mos_lq: rating_lq.map(mos),
            band,
        }
    }

    fn rate(&self, delay: Duration, stats: &ReceiveStats, stretch: &Stretch) -> Option<f32> {
        let Shares { inband, deep, stretched } = stretch.shares;
        let rated = |loss| {
            emodel::rating(&emodel::Inputs {
                one_way_delay: delay,
                loss,
                burst_ratio: stats.burst_ratio().unwrap_or(1.0),
                bitrate: stats.bitrate(),
                recovered_inband: inband,
                recovered_deep: deep,
                stretched,
                ..emodel::Inputs::new(self.codec)
            })
        };
        stretch.unheard.map(rated)
    }
}

/// Packets that came and were not played.
const fn discarded(meter: &PlayoutMeter) -> u64 {
    meter.late.saturating_add(meter.discarded)
}

fn half(time: Duration) -> Duration {
    time.checked_div(2).unwrap_or_default()
}

fn share(part: u64, whole: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a ratio, not a count")]
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64) as f32 }
}

/// A share in units of 1/256, 255 at most.
fn of_256(share: f32) -> u8 {
    (256.0 * share) as u8
}

/// Whole milliseconds, as many as fit.
fn millis(time: Duration) -> u16 {
    u16::try_from(time.as_millis()).unwrap_or(u16::MAX)
}

/// What was invented for this long after the last packet is taken as the end of the call and not as loss: until both
/// ends have noticed.
const TAIL: Duration = Duration::from_millis(500);
