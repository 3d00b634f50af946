//! RTCP of one stream: when to report, what to say, what the peer's reports tell (RFC 3550 §6).
//!
//! The interval is that of RFC 3550 §6.2 and §6.3.1, computed from a twentieth of the session's bandwidth and
//! randomised, but with a minimum of 1 s instead of 5 s: quality is judged once a second, and round-trip times must keep
//! up. With two participants and reports of about 130 bytes the bandwidth stays below that twentieth for every codec here;
//! where it would not, the computed interval is longer than 1 s and is kept. (RFC 4585 §3.4 and RFC 8108 lift the minimum
//! likewise.)

use core::time::Duration;

use rove_base::{Instant, MediaPlan, Now, NtpTime, Scratch, Span, Ssrc};

use super::receive::Receiver;
use crate::{
    quality::{PeerReport, ReceiveStats},
    rtcp::{Packet, ParseError, ReportBlock, SenderInfo, parse, round_trip, write_bye, write_report},
    send::Sender,
};

pub(super) struct Reporter {
    cname: Box<str>,
    /// Bytes per second that both ends together may spend on RTCP.
    bandwidth: f64,
    /// Mean size of compound packets with all headers, in bytes (RFC 3550 §6.3.3).
    mean_size: f64,
    next: Instant,
    /// Where both clocks stood at the start. NTP times are counted from here on the monotonic clock, so that a step of the
    /// wall clock is not taken for a round trip.
    start: Now,
    reported: bool,
    /// Packets sent when the last two reports were written, the older one first (RFC 3550 §6.4, "since the last two").
    sent_before: [u64; 2],
    round_trip: Option<Duration>,
    peer: Option<PeerReport>,
}

impl Reporter {
    pub(super) fn new(now: Now, plan: &MediaPlan, random: f64) -> Self {
        let codec = plan.codec();
        let per_second = 1.0 / codec.packet_time.as_secs_f64();
        let payload = f64::from(codec.bitrate.unwrap_or(ASSUMED_BITRATE)) / 8.0;
        let bandwidth = (payload + per_second * MEDIA_HEADERS) * RTCP_SHARE;
        let mut reporter = Self {
            cname: plan.cname().into(),
            bandwidth,
            mean_size: FIRST_SIZE,
            next: now.mono,
            start: now,
            reported: false,
            sent_before: [0; 2],
            round_trip: None,
            peer: None,
        };
        // The first report comes after half the minimum (RFC 3550 §6.2).
        reporter.next = now.mono + reporter.interval(MINIMUM.div_f64(2.0), random);
        reporter
    }

    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn due(&self, now: Instant) -> bool {
        now >= self.next
    }

    pub(super) const fn has_reported(&self) -> bool {
        self.reported
    }

    /// What the peer last told about this end's stream, once.
    pub(super) const fn peer(&mut self) -> Option<PeerReport> {
        self.peer.take()
    }

    /// As the last report that allowed to tell did; `None` before.
    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
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
        self.observe(bytes.len());
        let mut farewell = false;
        let is_peer = |ssrc: Ssrc| ssrc != own && source.is_none_or(|source| source == ssrc);
        for packet in compound.packets() {
            match packet {
                Packet::SenderReport { ssrc, info, reports } if ssrc != own => {
                    if is_peer(ssrc) {
                        stats.on_sender_report(arrived, &info, self.local(info.ntp));
                    }
                    self.on_reports(reports.iter(), arrived, own);
                }
                Packet::ReceiverReport { ssrc, reports } if ssrc != own => {
                    self.on_reports(reports.iter(), arrived, own);
                }
                Packet::Bye { sources, .. } => farewell |= sources.iter().any(is_peer),
                _ => {}
            }
        }
        Ok(farewell)
    }

    /// Writes the next report, with a farewell behind it if asked, and sets the time of the one after.
    pub(super) fn write<K>(
        &mut self,
        out: &mut Scratch,
        now: Instant,
        sender: &Sender,
        receiver: &mut Receiver<K>,
        farewell: bool,
        random: f64,
    ) -> Span
    where
        K: crate::jitter::PacketSink,
    {
        let [older, newer] = self.sent_before;
        self.sent_before = [newer, sender.packets()];
        let info = (sender.packets() > older).then(|| SenderInfo {
            ntp: self.ntp(now),
            rtp_timestamp: sender.timestamp_at(now),
            packets: low32(sender.packets()),
            octets: low32(sender.octets()),
        });
        let block = receiver.source().and_then(|source| receiver.stats_mut().report_block(now, source));
        let span = out.write(|out| {
            write_report(out, sender.ssrc(), info, block.as_slice(), &self.cname);
            if farewell {
                write_bye(out, sender.ssrc(), "");
            }
        });
        self.reported = true;
        self.observe(span.len());
        self.next = now + self.interval(MINIMUM, random);
        span
    }

    fn on_reports(&mut self, reports: impl Iterator<Item = ReportBlock>, arrived: Instant, own: Ssrc) {
        for block in reports.filter(|block| block.ssrc == own) {
            let arrival = self.ntp(arrived).middle();
            if let Some(units) = round_trip(arrival, block.last_sr, block.delay_since_last_sr) {
                let nanos = (u64::from(units).saturating_mul(1_000_000_000)) >> 16;
                self.round_trip = Some(Duration::from_nanos(nanos));
            }
            self.peer = Some(PeerReport {
                at: arrived,
                loss: f32::from(block.fraction_lost) / 256.0,
                fates: None,
                jitter: None,
                round_trip: self.round_trip,
                playout_delay: None,
                discarded: None,
            });
        }
    }

    /// A wall-clock time as nanoseconds on the monotonic clock; times before its zero are negative. NTP times wrap, so that
    /// it must be within 68 years of the start.
    fn local(&self, ntp: NtpTime) -> i128 {
        let since = ntp.0.wrapping_sub(self.start.wall.ntp().0).cast_signed();
        (i128::from(since).saturating_mul(1_000_000_000) >> 32)
            .saturating_add(self.start.mono.as_nanos().into())
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
/// Bits per second of payload where the plan leaves it open: low, so that the share is not overestimated.
const ASSUMED_BITRATE: u32 = 24_000;
