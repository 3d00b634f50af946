//! Counts what arrives of one stream, and reports it (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, Instant, RtpTimestamp, SeqNumber, Ssrc};

use super::{
    fate::Settled,
    jitter::Jitter,
    one_way::OneWay,
    sent::Sent,
    sequence::{Counts, Sequence},
};
use crate::rtcp::{ReportBlock, SenderInfo};

/// What a packet was taken for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// The first of a source, or a stray: not counted until one with a number near to its own comes, then both are.
    Probation,
    /// Counted.
    Accepted,
    /// Seen before; counted as such.
    Duplicate,
    /// Far from where the sequence was; not counted unless it goes on from there.
    Jump,
    /// The sequence went on from a [`Verdict::Jump`]: the source started again, and both are counted.
    Restarted,
}

/// Packets of one stretch of time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Interval {
    /// Packets that should have arrived.
    pub expected: u64,
    /// Those of them that did not.
    pub lost: u64,
    /// Packets that came for the first time, of these or of earlier ones.
    pub received: u64,
    /// Packets that came again.
    pub duplicates: u64,
}

impl Interval {
    /// Lost over expected, 0 to 1; `None` when nothing was expected.
    #[must_use]
    pub fn loss(&self) -> Option<f32> {
        (self.expected > 0).then(|| self.lost as f32 / self.expected as f32)
    }
}

/// Statistics of what is received from one peer, over all its restarts.
///
/// Three deviations from the sample code of RFC 3550, appendix A.1, so that as many packets are counted as came: two
/// packets prove a source when their numbers are near to each other, though one between them was lost; those two are
/// counted; and duplicates are told apart (reports still contain them, as §6.4.1 wants).
#[derive(Clone, Copy, Debug)]
pub struct ReceiveStats {
    pub(super) state: State,
    pub(super) jitter: Jitter,
    pub(super) settled: Settled,
    pub(super) one_way: OneWay,
    pub(super) sent: Sent,
    /// Sums over sequences before a restart, and what of them is of earlier sources.
    before: Counts,
    pub(super) before_source: Counts,
    /// Packets that earlier sources sent.
    pub(super) sent_before: u64,
    duplicates: u64,
    /// Payloads of speech: how many, and the sum of their bytes.
    pub(super) payloads: (u64, u64),
    /// Where things stood at the last report, and at the last interval.
    reported: Counts,
    reported_arrivals: u64,
    measured: Counts,
    measured_duplicates: u64,
    /// The packets after these have not been told one by one: since the last report, and since the one before.
    told: [u64; 2],
    sender_report: Option<(Instant, u32)>,
    pub(super) clock: ClockRate,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Nothing was heard yet.
    Silent,
    /// One packet was.
    Probation(First),
    /// A sequence runs.
    Running(Sequence),
}

/// The first packet of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    seq: SeqNumber,
    timestamp: RtpTimestamp,
    arrived: Instant,
}

impl ReceiveStats {
    /// Nothing received yet; `clock` is what the stream's timestamps count.
    #[must_use]
    pub fn new(clock: ClockRate) -> Self {
        Self {
            state: State::Silent,
            jitter: Jitter::new(clock),
            settled: Settled::default(),
            one_way: OneWay::new(clock),
            sent: Sent::new(),
            before: Counts::default(),
            before_source: Counts::default(),
            sent_before: 0,
            duplicates: 0,
            payloads: (0, 0),
            reported: Counts::default(),
            reported_arrivals: 0,
            measured: Counts::default(),
            measured_duplicates: 0,
            told: [0; 2],
            sender_report: None,
            clock,
        }
    }

    /// Takes note of a packet that `arrived`.
    pub fn on_packet(&mut self, arrived: Instant, seq: SeqNumber, timestamp: RtpTimestamp) -> Verdict {
        let verdict = self.judge(First { seq, timestamp, arrived });
        match verdict {
            Verdict::Accepted => self.follow(arrived, seq, timestamp),
            Verdict::Duplicate => self.duplicates = self.duplicates.saturating_add(1),
            Verdict::Probation | Verdict::Restarted => {
                self.jitter.restart();
                self.jitter.observe(arrived, timestamp);
            }
            Verdict::Jump => {}
        }
        if verdict == Verdict::Restarted {
            self.measure_one(arrived, seq, timestamp);
        }
        verdict
    }

    fn judge(&mut self, packet: First) -> Verdict {
        let (verdict, restarted) = match &mut self.state {
            State::Running(sequence) => sequence.take(packet.seq, &mut self.settled),
            State::Silent => {
                self.state = State::Probation(packet);
                return Verdict::Probation;
            }
            State::Probation(first) => {
                let first = *first;
                let Some(sequence) = Sequence::of(first.seq, packet.seq) else {
                    self.state = State::Probation(packet);
                    return Verdict::Probation;
                };
                self.start(sequence);
                self.measure_one(first.arrived, first.seq, first.timestamp);
                return Verdict::Accepted;
            }
        };
        if let Some(restarted) = restarted {
            self.settle_sequence();
            self.sent.restart();
            self.one_way.restart();
            self.start(restarted);
        }
        verdict
    }

    fn start(&mut self, sequence: Sequence) {
        self.state = State::Running(sequence);
        self.told = [sequence.first(); 2];
    }

    fn follow(&mut self, arrived: Instant, seq: SeqNumber, timestamp: RtpTimestamp) {
        self.jitter.observe(arrived, timestamp);
        self.measure_one(arrived, seq, timestamp);
    }

    fn measure_one(&mut self, arrived: Instant, seq: SeqNumber, timestamp: RtpTimestamp) {
        if let State::Running(sequence) = &self.state {
            let seq = sequence.unwrap(seq);
            self.one_way.on_packet(arrived, seq, timestamp);
            self.sent.on_packet(seq, timestamp, self.one_way.packet_ticks());
        }
    }

    /// Takes note of the speech in a packet that was counted: its payload without redundancy. What is too short for that is
    /// the quiet between.
    pub fn on_payload(&mut self, bytes: usize) {
        let least = self.packet_time().map_or(0.0, |time| time.as_secs_f64() * LEAST_SPEECH / 8.0);
        if (bytes as f64) < least {
            return;
        }
        let (packets, sum) = self.payloads;
        self.payloads = (packets.saturating_add(1), sum.saturating_add(bytes as u64));
    }

    /// The peer's timestamps count in `clock` from now on: what follows is another sequence. Totals go on.
    pub fn recode(&mut self, clock: ClockRate) {
        self.new_source();
        (self.jitter, self.one_way, self.clock) = (Jitter::new(clock), OneWay::new(clock), clock);
    }

    /// The peer names itself anew (a new SSRC): what follows is another sequence. Totals go on.
    pub fn new_source(&mut self) {
        self.sent_before = self.sent_before.saturating_add(self.sent_by_source());
        self.settle_sequence();
        self.before_source = self.before;
        self.state = State::Silent;
        self.jitter.restart();
        self.one_way.restart();
        self.sent = Sent::new();
        self.sender_report = None;
    }

    /// Takes note of a sender report of the peer that arrived: for the next report block, for the count of packets sent,
    /// and for delays one way. `sent` is its NTP time as nanoseconds on this end's monotonic clock.
    pub fn on_sender_report(&mut self, arrived: Instant, info: &SenderInfo, sent: i64) {
        self.sender_report = Some((arrived, info.ntp.middle()));
        self.sent.on_sender_report(info.packets, info.rtp_timestamp, self.one_way.packet_ticks());
        self.one_way.on_sender_report(info.rtp_timestamp, sent);
    }

    /// What to report about `ssrc` (RFC 3550 §6.4.1); the fraction lost is that since the last call.
    ///
    /// `None` while no sequence of packets was received.
    pub fn report_block(&mut self, now: Instant, ssrc: Ssrc) -> Option<ReportBlock> {
        let State::Running(sequence) = self.state else { return None };
        let counts = self.counts();
        let arrivals = counts.received.saturating_add(self.duplicates);
        let expected = counts.expected.saturating_sub(self.reported.expected);
        let lost = expected.saturating_sub(arrivals.saturating_sub(self.reported_arrivals));
        (self.reported, self.reported_arrivals) = (counts, arrivals);
        let fraction = lost.saturating_mul(256).checked_div(expected).unwrap_or(0);
        let cumulative = i64::try_from(counts.expected)
            .unwrap_or(i64::MAX)
            .saturating_sub(i64::try_from(arrivals).unwrap_or(i64::MAX));
        let (last_sr, delay_since_last_sr) = match self.sender_report {
            Some((arrived, last_sr)) => (last_sr, units_of_65536(now.since(arrived))),
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: i32::try_from(cumulative.clamp(-0x80_0000, 0x7f_ffff)).unwrap_or(0),
            extended_highest: sequence.extended_highest(),
            jitter: self.jitter.ticks(),
            last_sr,
            delay_since_last_sr,
        })
    }

    /// What became of each packet since the report before the last call (RFC 3611 §4.1), and the number of the first:
    /// every packet is told in two reports, because one of them may be lost. `None` while there is none.
    pub fn take_fates(&mut self) -> Option<(SeqNumber, impl Iterator<Item = bool> + Clone + use<>)> {
        let State::Running(sequence) = &self.state else { return None };
        let [older, newer] = self.told;
        self.told = [newer, sequence.told_up_to().max(newer)];
        Some(sequence.fates(older))
    }

    /// Whether a packet was lost that no report has told about yet. One that was only overtaken is given time to come.
    #[must_use]
    pub fn has_untold_loss(&self) -> bool {
        let [_, newer] = self.told;
        matches!(&self.state, State::Running(sequence) if sequence.misses_since(newer))
    }

    /// What arrived since the last call. Independent of [`ReceiveStats::report_block`].
    ///
    /// A packet that comes late, in the interval after the one it was missed in, makes up for one lost there.
    pub fn interval(&mut self) -> Interval {
        let counts = self.counts();
        let Counts { expected, received } = counts.less(self.measured);
        let duplicates = self.duplicates.saturating_sub(self.measured_duplicates);
        (self.measured, self.measured_duplicates) = (counts, self.duplicates);
        Interval { expected, lost: expected.saturating_sub(received), received, duplicates }
    }

    /// Packets received since the start, duplicates and strays not counted.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.counts().received
    }

    /// Packets expected less packets received since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let counts = self.counts();
        counts.expected.saturating_sub(counts.received)
    }

    /// Packets that came twice or more, each time but the first.
    #[must_use]
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    pub(super) fn counts(&self) -> Counts {
        match self.state {
            State::Running(sequence) => self.before.plus(sequence.counts()),
            // A single packet proves itself by a report of the same source.
            State::Probation(_) if self.sender_report.is_some() => {
                self.before.plus(Counts { expected: 1, received: 1 })
            }
            State::Silent | State::Probation(_) => self.before,
        }
    }

    fn settle_sequence(&mut self) {
        self.before = self.counts();
        if let State::Running(sequence) = self.state {
            sequence.settle(&mut self.settled);
        }
    }
}

const fn units_of_65536(time: Duration) -> u32 {
    let units = (time.as_nanos() << 16).wrapping_div(1_000_000_000);
    if units > u32::MAX as u128 { u32::MAX } else { units as u32 }
}

/// Bits per second below which no codec here has speech (RFC 6716 §2.1.1).
const LEAST_SPEECH: f64 = 6_000.0;
