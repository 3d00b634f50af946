//! Counts what arrives of one stream, and reports it (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, Instant, NtpTime, RtpTimestamp, SeqNumber, Ssrc};

use super::{bursts::Bursts, jitter::Jitter};
use crate::rtcp::ReportBlock;

/// What a packet was taken for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// The first of a source, or a stray: not counted until one follows it in sequence, then both are.
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
/// Two deviations from the sample code of RFC 3550, appendix A.1, both so that a stream without loss counts as many
/// packets as were sent: packets on probation are counted once the source proves itself, and duplicates are told apart
/// (reports still contain them, as §6.4.1 wants).
#[derive(Clone, Copy, Debug)]
pub struct ReceiveStats {
    state: State,
    jitter: Jitter,
    bursts: Bursts,
    /// Sums over sequences before a restart.
    before: Counts,
    duplicates: u64,
    /// Where things stood at the last report, and at the last interval.
    reported: Counts,
    reported_arrivals: u64,
    measured: Counts,
    sender_report: Option<(Instant, u32)>,
    clock: ClockRate,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing was heard yet.
    Silent,
    /// One packet was; this is the number that has to follow.
    Probation { next: SeqNumber },
    /// A sequence runs.
    Running(Sequence),
}

/// A run of sequence numbers from one start.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    /// First and highest number, counted on from [`ORIGIN`] without wrapping.
    first: u64,
    highest: u64,
    received: u64,
    /// Which of the highest and the 127 below have been received, the highest in bit 0.
    seen: u128,
    /// The number that would follow a jump.
    after_jump: Option<SeqNumber>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    expected: u64,
    received: u64,
}

impl ReceiveStats {
    /// Nothing received yet; `clock` is what the stream's timestamps count.
    #[must_use]
    pub fn new(clock: ClockRate) -> Self {
        Self {
            state: State::Silent,
            jitter: Jitter::new(clock),
            bursts: Bursts::default(),
            before: Counts::default(),
            duplicates: 0,
            reported: Counts::default(),
            reported_arrivals: 0,
            measured: Counts::default(),
            sender_report: None,
            clock,
        }
    }

    /// Takes note of a packet that `arrived`.
    pub fn on_packet(&mut self, arrived: Instant, seq: SeqNumber, timestamp: RtpTimestamp) -> Verdict {
        let verdict = match &mut self.state {
            State::Probation { next } if *next == seq => {
                self.state = State::Running(Sequence::starting_before(seq));
                Verdict::Accepted
            }
            State::Silent | State::Probation { .. } => {
                self.state = State::Probation { next: seq.plus(1) };
                self.jitter = Jitter::new(self.clock);
                Verdict::Probation
            }
            State::Running(sequence) => sequence.take(seq, &mut self.bursts),
        };
        match verdict {
            Verdict::Restarted => {
                self.settle_sequence();
                self.state = State::Running(Sequence::starting_before(seq));
                self.jitter = Jitter::new(self.clock);
            }
            Verdict::Duplicate => self.duplicates = self.duplicates.saturating_add(1),
            Verdict::Probation | Verdict::Accepted | Verdict::Jump => {}
        }
        if !matches!(verdict, Verdict::Duplicate | Verdict::Jump) {
            self.jitter.observe(arrived, timestamp);
        }
        verdict
    }

    /// The peer names itself anew (a new SSRC): what follows is another sequence. Totals go on.
    pub fn new_source(&mut self) {
        self.settle_sequence();
        self.state = State::Silent;
        self.jitter = Jitter::new(self.clock);
        self.sender_report = None;
    }

    /// Takes note of a sender report of the peer that arrived, for the next report block.
    pub const fn on_sender_report(&mut self, arrived: Instant, ntp: NtpTime) {
        self.sender_report = Some((arrived, ntp.middle()));
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

    /// What arrived since the last call. Independent of [`ReceiveStats::report_block`].
    ///
    /// A packet that comes late, in the interval after the one it was missed in, makes up for one lost there.
    pub fn interval(&mut self) -> Interval {
        let counts = self.counts();
        let expected = counts.expected.saturating_sub(self.measured.expected);
        let received = counts.received.saturating_sub(self.measured.received);
        self.measured = counts;
        Interval { expected, lost: expected.saturating_sub(received) }
    }

    /// Packets received since the start, duplicates and strays not counted.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.counts().received
    }

    /// Packets received more than once, since the start.
    #[must_use]
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Packets expected since the start less those received.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let counts = self.counts();
        counts.expected.saturating_sub(counts.received)
    }

    /// Interarrival jitter (RFC 3550 §6.4.1); `None` before two packets of a source have arrived.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        self.jitter.duration()
    }

    /// How losses cluster (BurstR of ITU-T G.107 §7.5): 1 when they are independent, more when they come in bursts.
    ///
    /// Counts packets older than the last 128, which cannot come any more. `None` while none of them was lost.
    #[must_use]
    pub fn burst_ratio(&self) -> Option<f32> {
        self.bursts.ratio()
    }

    fn counts(&self) -> Counts {
        match self.state {
            State::Running(sequence) => self.before.plus(sequence.counts()),
            State::Silent | State::Probation { .. } => self.before,
        }
    }

    fn settle_sequence(&mut self) {
        self.before = self.counts();
        if let State::Running(sequence) = self.state {
            sequence.settle(&mut self.bursts);
        }
    }
}

impl Counts {
    const fn plus(self, other: Self) -> Self {
        Self {
            expected: self.expected.saturating_add(other.expected),
            received: self.received.saturating_add(other.received),
        }
    }
}

impl Sequence {
    /// A sequence of two packets, the second of which is `seq`.
    fn starting_before(seq: SeqNumber) -> Self {
        let highest = ORIGIN.saturating_add(u64::from(seq.0));
        Self { first: highest.saturating_sub(1), highest, received: 2, seen: 0b11, after_jump: None }
    }

    fn take(&mut self, seq: SeqNumber, bursts: &mut Bursts) -> Verdict {
        let ahead = SeqNumber(self.highest as u16);
        match seq.0.wrapping_sub(ahead.0) {
            0 => Verdict::Duplicate,
            distance @ 1..MAX_DROPOUT => {
                self.advance(distance, bursts);
                Verdict::Accepted
            }
            distance if distance > u16::MAX.wrapping_sub(MAX_MISORDER) => self.fill(distance.wrapping_neg()),
            _ if self.after_jump == Some(seq) => Verdict::Restarted,
            _ => {
                self.after_jump = Some(seq.plus(1));
                Verdict::Jump
            }
        }
    }

    fn advance(&mut self, distance: u16, bursts: &mut Bursts) {
        let distance = u32::from(distance);
        for step in 0..distance.min(u128::BITS) {
            let oldest = u128::BITS.saturating_sub(1).saturating_sub(step);
            self.settle_one(oldest, bursts);
        }
        bursts.settle(false, u64::from(distance.saturating_sub(u128::BITS)));
        self.seen = self.seen.checked_shl(distance).unwrap_or(0) | 1;
        self.highest = self.highest.saturating_add(u64::from(distance));
        self.received = self.received.saturating_add(1);
        self.after_jump = None;
    }

    /// A packet `behind` the highest: late, or seen before.
    fn fill(&mut self, behind: u16) -> Verdict {
        let bit = 1_u128.checked_shl(behind.into()).unwrap_or(0);
        if self.seen & bit != 0 {
            return Verdict::Duplicate;
        }
        self.seen |= bit;
        self.received = self.received.saturating_add(1);
        self.first = self.first.min(self.highest.saturating_sub(behind.into()));
        Verdict::Accepted
    }

    /// Hands the packet `behind` the highest over to `bursts`, if it belongs to this sequence.
    fn settle_one(&self, behind: u32, bursts: &mut Bursts) {
        if self.highest.saturating_sub(behind.into()) >= self.first {
            let bit = 1_u128.checked_shl(behind).unwrap_or(0);
            bursts.settle(self.seen & bit != 0, 1);
        }
    }

    /// Hands all that is still open over to `bursts`.
    fn settle(&self, bursts: &mut Bursts) {
        (0..u128::BITS).rev().for_each(|behind| self.settle_one(behind, bursts));
    }

    const fn counts(&self) -> Counts {
        let expected = self.highest.saturating_sub(self.first).saturating_add(1);
        Counts { expected, received: self.received }
    }

    /// The highest number with the count of wraps since the first packet above it, modulo 2³².
    const fn extended_highest(&self) -> u32 {
        let wraps = (self.highest >> 16).saturating_sub(ORIGIN >> 16);
        ((wraps << 16) as u32) | (self.highest & 0xffff) as u32
    }
}

const fn units_of_65536(time: Duration) -> u32 {
    let units = (time.as_nanos() << 16).wrapping_div(1_000_000_000);
    if units > u32::MAX as u128 { u32::MAX } else { units as u32 }
}

/// Room below the first packet, so that late ones from before it have a number.
const ORIGIN: u64 = 1 << 16;
/// A gap this long is a restart, not a loss (RFC 3550, appendix A.1): a minute of 20 ms packets.
const MAX_DROPOUT: u16 = 3_000;
/// A packet this far behind is a restart, not late (RFC 3550, appendix A.1): two seconds of 20 ms packets.
const MAX_MISORDER: u16 = 100;
