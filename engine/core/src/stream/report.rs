//! RTCP of one stream: when to report, what to say, what the peer's reports tell (RFC 3550 §6, RFC 3611).
//!
//! The interval is that of RFC 3550 §6.2 and §6.3.1, computed from a twentieth of the session's bandwidth and
//! randomised, but with a minimum of 1 s instead of 5 s: quality is judged once a second, and the sender adapts by what it
//! is told. Where the bandwidth does not allow that, the computed interval is longer and is kept. (RFC 4585 §3.4 and
//! RFC 8108 lift the minimum likewise.) The first report comes after half of it. Between two regular reports one may come
//! early, when packets are lost after none were; the next regular one is put off by as much (RFC 4585 §3.5.2, without
//! dithering because there are two ends, §3.4).
//!
//! Each report has, as an extended report, what became of each packet since the report before the last, and how the call
//! sounds. An end that has sent nothing cannot have its round trip measured by sender reports, and tells its time for that.
//! Who has ever sent stays a sender in silence: its last report tells how many packets there were.

use core::time::Duration;

use rove_base::{ClockRate, Instant, MediaPlan, Now, NtpTime, Scratch, SeqNumber, Span, Ssrc};

use self::timing::Timing;
use super::{
    judge::{Facts, Judge},
    receive::Receiver,
    words::write_word,
};
use crate::{
    jitter::PacketSink,
    quality::{FATES, Fates, PeerReport, ReceiveStats},
    reroute::{Say, Word},
    rtcp::{
        Packet, ParseError, ReportBlock, SenderInfo, parse, round_trip, write_bye, write_report,
        xr::{Dlrr, ExtendedBlock, LossRle, VoipMetrics, write_extended_report},
    },
    send::Sender,
};

mod timing;

#[cfg(test)]
mod tests;

pub(super) struct Reporter {
    cname: Box<str>,
    clock: ClockRate,
    /// Bytes per second that both ends together may spend on RTCP.
    bandwidth: f64,
    /// Mean size of compound packets with all headers, in bytes (RFC 3550 §6.3.3).
    mean_size: f64,
    timing: Timing,
    /// Where both clocks stood at the start. NTP times are counted from here on the monotonic clock, so that a step of the
    /// wall clock is not taken for a round trip.
    start: Now,
    reported: bool,
    round_trip: Option<Duration>,
    /// When the peer last told its time: who did, that time, and when it came (RFC 3611 §4.4).
    reference: Option<(Ssrc, u32, Instant)>,
    peer: Option<PeerReport>,
    /// The fates of packets before this one have been read.
    read_up_to: Option<SeqNumber>,
    /// Packets and bytes that sender reports count beyond those sent.
    counted: (u32, u32),
}

/// The occasion of a report.
pub(super) struct Occasion {
    pub now: Instant,
    /// This is the last one.
    pub farewell: bool,
    /// It says that this end has words for routes.
    pub hello: bool,
    /// In 0..1.
    pub random: f64,
}

/// What the peer told in one compound packet about this end's stream.
#[derive(Default)]
struct Told {
    block: Option<ReportBlock>,
    fates: Option<Fates>,
    metrics: Option<VoipMetrics>,
}

impl Reporter {
    pub(super) fn new(now: Now, plan: &MediaPlan, random: f64) -> Self {
        let mut reporter = Self {
            cname: plan.cname().into(),
            clock: plan.codec().id.clock_rate(),
            bandwidth: bandwidth(plan),
            mean_size: FIRST_SIZE,
            timing: Timing {
                next: now.mono,
                last: now.mono,
                interval: Duration::ZERO,
                early_allowed: true,
                clean: true,
            },
            start: now,
            reported: false,
            round_trip: None,
            reference: None,
            peer: None,
            read_up_to: None,
            counted: (0, 0),
        };
        // The first report comes after half the minimum (RFC 3550 §6.2).
        reporter.timing.interval = reporter.interval(MINIMUM.div_f64(2.0), random);
        reporter.timing.next = now.mono + reporter.timing.interval;
        reporter
    }

    /// What is sent changes, and with it what may be said of it.
    pub(super) fn recode(&mut self, plan: &MediaPlan) {
        (self.clock, self.bandwidth) = (plan.codec().id.clock_rate(), bandwidth(plan));
    }

    pub(super) const fn next(&self) -> Instant {
        self.timing.next
    }

    /// Whether a report is to be sent: the regular one, or an early one because losses began.
    pub(super) fn due(&self, now: Instant, stats: &ReceiveStats) -> bool {
        let Timing { next, early_allowed, clean, .. } = self.timing;
        now >= next || (early_allowed && clean && stats.has_untold_loss())
    }

    /// Sender reports count on from these (RFC 3550 §6.4.1 says from 0).
    pub(super) fn counting_from(mut self, packets: u32, octets: u32) -> Self {
        self.counted = (packets, octets);
        self
    }

    pub(super) const fn has_reported(&self) -> bool {
        self.reported
    }

    /// As the last report that allowed to tell did; `None` before.
    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// What the peer last told about this end's stream, once.
    pub(super) const fn peer(&mut self) -> Option<PeerReport> {
        self.peer.take()
    }

    /// Takes in a compound packet; answers whether the peer, which is `source` if it was heard, said goodbye.
    pub(super) fn on_rtcp(
        &mut self,
        bytes: &[u8],
        arrived: Instant,
        own: Ssrc,
        source: Option<Ssrc>,
        stats: &mut ReceiveStats,
    ) -> Result<bool, ParseError> {
        let compound = parse(bytes)?;
        if !matches!(compound.packets().last(), Some(Packet::Application { .. })) || bytes.len() > WORD {
            self.observe(bytes.len());
        }
        let (mut farewell, mut told) = (false, Told::default());
        let is_peer = |ssrc: Ssrc| ssrc != own && source.is_none_or(|source| source == ssrc);
        let about_us = |block: &ReportBlock| block.ssrc == own;
        for packet in compound.packets() {
            match packet {
                Packet::SenderReport { ssrc, info, reports } if ssrc != own => {
                    if is_peer(ssrc) {
                        stats.on_sender_report(arrived, &info, self.local(info.ntp));
                    }
                    told.block = told.block.or(reports.iter().find(about_us));
                }
                Packet::ReceiverReport { ssrc, reports } if ssrc != own => {
                    told.block = told.block.or(reports.iter().find(about_us));
                }
                Packet::ExtendedReport { ssrc, blocks } if ssrc != own => {
                    for block in blocks.iter() {
                        self.on_block(&block, (ssrc, arrived), own, &mut told);
                    }
                }
                Packet::Bye { sources, .. } => farewell |= sources.iter().any(is_peer),
                _ => {}
            }
        }
        self.on_told(arrived, &told);
        Ok(farewell)
    }

    /// Writes the next report, with a farewell behind it if asked, and sets the time of the one after.
    pub(super) fn write<K: PacketSink>(
        &mut self,
        out: &mut Scratch,
        occasion: &Occasion,
        sender: &Sender,
        receiver: &mut Receiver<K>,
        judge: &Judge,
    ) -> Span {
        let Occasion { now, farewell, hello, random } = *occasion;
        let info = (sender.packets() > 0).then(|| SenderInfo {
            ntp: self.ntp(now),
            rtp_timestamp: sender.timestamp_at(now),
            packets: low32(sender.packets()).wrapping_add(self.counted.0),
            octets: low32(sender.octets()).wrapping_add(self.counted.1),
        });
        let source = receiver.source();
        let block = source.and_then(|source| receiver.stats_mut().report_block(now, source));
        let facts = Facts::new(now, receiver, sender, self);
        let metrics = source.map(|source| judge.voip_metrics(&facts, source));
        let fates = source.zip(receiver.stats_mut().take_fates());
        let echo = self.reference.map(|(ssrc, last_rr, came)| Dlrr {
            ssrc,
            last_rr,
            delay_since_last_rr: units_of_65536(now.since(came)),
        });
        let reference = info.is_none().then(|| self.ntp(now));
        let span = out.write(|out| {
            write_report(out, sender.ssrc(), info, block.as_slice(), &self.cname);
            if fates.is_some() || echo.is_some() || reference.is_some() {
                write_extended_report(out, sender.ssrc(), |xr| {
                    if let Some((source, (begin, fates))) = fates {
                        xr.loss_rle(source, begin, fates);
                    }
                    if let Some(metrics) = &metrics {
                        xr.voip_metrics(metrics);
                    }
                    if let Some(reference) = reference {
                        xr.reference_time(reference);
                    }
                    if let Some(echo) = echo {
                        xr.dlrr(&[echo]);
                    }
                });
            }
            if hello {
                write_word(out, sender.ssrc(), Word { say: Say::Hello, number: 0 });
            }
            if farewell {
                write_bye(out, sender.ssrc(), "");
            }
        });
        self.reported = true;
        self.observe(span.len());
        self.timing.clean = block.is_none_or(|block| block.fraction_lost == 0);
        let interval = self.interval(MINIMUM, random);
        self.timing.sent(now, interval);
        span
    }

    /// Writes a word about a route, with as little around it as there may be.
    pub(super) fn tell(&self, out: &mut Scratch, own: Ssrc, word: Word) -> Span {
        // No report, and not counted as one: how often those come has nothing to do with it.
        out.write(|out| {
            write_report(out, own, None, &[], &self.cname);
            write_word(out, own, word);
        })
    }

    /// A block of an extended report by `from`, which arrived then.
    fn on_block(&mut self, block: &ExtendedBlock<'_>, from: (Ssrc, Instant), own: Ssrc, told: &mut Told) {
        let (ssrc, arrived) = from;
        match block {
            ExtendedBlock::LossRle(rle) if rle.ssrc == own && rle.thinning == 0 => {
                let jitter = told.block.map_or(Duration::ZERO, |block| self.clock.duration(block.jitter));
                told.fates = Some(self.new_fates(rle, jitter));
            }
            ExtendedBlock::VoipMetrics(metrics) if metrics.ssrc == own => told.metrics = Some(*metrics),
            ExtendedBlock::ReferenceTime(ntp) => self.reference = Some((ssrc, ntp.middle(), arrived)),
            ExtendedBlock::Dlrr(items) => {
                for item in items.iter().filter(|item| item.ssrc == own) {
                    self.measure(arrived, item.last_rr, item.delay_since_last_rr);
                }
            }
            _ => {}
        }
    }

    /// The fates in `rle` that no earlier block told, the newest [`FATES`] of them. One that is missing at the very end may
    /// only have been overtaken: it is left to the next report, which tells of it again.
    fn new_fates(&mut self, rle: &LossRle<'_>, jitter: Duration) -> Fates {
        let overtaken =
            usize::try_from(jitter.as_millis() / OVERTAKEN_PER_MS).unwrap_or(0).saturating_add(OVERTAKEN);
        let mut fates = Fates::default();
        let near = |seq: &SeqNumber| usize::from(rle.end.0.wrapping_sub(seq.0)) <= FATES;
        let settled = |(seq, received): &(SeqNumber, bool)| {
            *received || usize::from(rle.end.0.wrapping_sub(seq.0)) > overtaken
        };
        for (seq, received) in rle.fates().filter(|(seq, _)| near(seq)).take_while(settled) {
            if self.read_up_to.is_none_or(|read| seq.since(read) >= 0) {
                fates.push(received);
                self.read_up_to = Some(seq.plus(1));
            }
        }
        fates
    }

    fn on_told(&mut self, arrived: Instant, told: &Told) {
        let Some(block) = told.block else { return };
        self.measure(arrived, block.last_sr, block.delay_since_last_sr);
        let metrics = told.metrics.as_ref();
        // Fates that nobody has asked for yet are not forgotten.
        let before = self.peer.take().and_then(|peer| peer.fates);
        let fates = match (before, told.fates) {
            (Some(mut before), Some(fates)) => {
                fates.iter().for_each(|received| before.push(received));
                Some(before)
            }
            (before, fates) => fates.or(before),
        };
        self.peer = Some(PeerReport {
            at: arrived,
            loss: f32::from(block.fraction_lost) / 256.0,
            fates: fates.filter(|fates| !fates.is_empty()),
            jitter: Some(self.clock.duration(block.jitter)),
            round_trip: self.round_trip,
            playout_delay: metrics
                .filter(|metrics| metrics.buffer_nominal > 0)
                .map(|metrics| Duration::from_millis(metrics.buffer_nominal.into())),
            discarded: metrics.map(|metrics| f32::from(metrics.discard_rate) / 256.0),
        });
    }

    /// A round trip ends: it began at `last`, and the peer kept it for `delay` (RFC 3550 §6.4.1, RFC 3611 §4.5).
    fn measure(&mut self, arrived: Instant, last: u32, delay: u32) {
        if let Some(units) = round_trip(self.ntp(arrived).middle(), last, delay) {
            let nanos = (u64::from(units).saturating_mul(1_000_000_000)) >> 16;
            self.round_trip = Some(Duration::from_nanos(nanos));
        }
    }

    /// A wall-clock time as nanoseconds on the monotonic clock; times before its zero are negative. NTP times wrap, so that
    /// it must be within 68 years of the start.
    fn local(&self, ntp: NtpTime) -> i64 {
        let since = ntp.0.wrapping_sub(self.start.wall.ntp().0).cast_signed();
        let nanos = i128::from(since).saturating_mul(1_000_000_000) >> 32;
        i64::try_from(nanos).unwrap_or(0).saturating_add(self.start.mono.as_nanos().cast_signed())
    }

    fn ntp(&self, at: Instant) -> NtpTime {
        self.start.later(at.since(self.start.mono)).wall.ntp()
    }

    fn observe(&mut self, len: usize) {
        let size = f64::from(u32::try_from(len).unwrap_or(u32::MAX)) + UDP_IP_HEADERS;
        self.mean_size += (size - self.mean_size) / 16.0;
    }

    /// RFC 3550 §6.3.1 for two members; `random` is in 0..1.
    fn interval(&self, minimum: Duration, random: f64) -> Duration {
        let computed = MEMBERS * self.mean_size / self.bandwidth.max(1.0);
        let seconds = computed.max(minimum.as_secs_f64()).min(LONGEST);
        Duration::from_secs_f64(seconds * (random + 0.5) / COMPENSATION)
    }
}

/// The lower 32 bits: RTCP counts wrap (RFC 3550 §6.4.1).
const fn low32(count: u64) -> u32 {
    (count & 0xffff_ffff) as u32
}

fn units_of_65536(time: Duration) -> u32 {
    let units = (time.as_nanos() << 16).checked_div(1_000_000_000).unwrap_or(0);
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// More bytes than a word has, with what is around it.
const WORD: usize = 300;
/// By how many packets one is overtaken now and then,
const OVERTAKEN: usize = 3;
/// and by one more for so many milliseconds of jitter.
const OVERTAKEN_PER_MS: u128 = 4;
/// Least time between two reports, before randomisation.
const MINIMUM: Duration = Duration::from_secs(1);
/// e − 3/2, which makes up for the timer's bias (RFC 3550 §6.3.1).
const COMPENSATION: f64 = core::f64::consts::E - 1.5;
/// A twentieth of the session's bandwidth (RFC 3550 §6.2).
const RTCP_SHARE: f64 = 0.05;
/// Both ends.
const MEMBERS: f64 = 2.0;
/// No report for longer than this would be no report at all, in seconds.
const LONGEST: f64 = 30.0;
/// IPv4 and UDP headers, in bytes.
const UDP_IP_HEADERS: f64 = 28.0;
/// IPv4, UDP and RTP headers, in bytes.
const MEDIA_HEADERS: f64 = 40.0;
/// A first report: receiver report, name, headers; in bytes.
const FIRST_SIZE: f64 = 100.0;
/// Bytes per second that both ends together may spend on RTCP.
fn bandwidth(plan: &MediaPlan) -> f64 {
    let codec = plan.codec();
    let per_second = 1.0 / codec.packet_time.as_secs_f64();
    let payload = f64::from(codec.bitrate.unwrap_or(ASSUMED_BITRATE)) / 8.0;
    (payload + per_second * MEDIA_HEADERS) * RTCP_SHARE
}

/// Bits per second of payload where the plan leaves it open: low, so that the share is not overestimated.
const ASSUMED_BITRATE: u32 = 24_000;
