//! One run of sequence numbers, from a start to a restart (RFC 3550, appendix A.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::SeqNumber;

use super::{
    fate::Settled,
    receive::Verdict,
    recent::{RECENT, Recent},
};

/// Packets of one sequence. Numbers are counted on from [`ORIGIN`] without wrapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    first: u64,
    highest: u64,
    received: u64,
    recent: Recent,
    /// A number far off; the next one near to it shows that the source started again there.
    jumped_to: Option<SeqNumber>,
    /// The highest number that was skipped lately.
    skipped: Option<u64>,
}

/// Packets that should have come, and those that did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub expected: u64,
    pub received: u64,
}

impl Counts {
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            expected: self.expected.saturating_add(other.expected),
            received: self.received.saturating_add(other.received),
        }
    }

    pub(super) const fn less(self, other: Self) -> Self {
        Self {
            expected: self.expected.saturating_sub(other.expected),
            received: self.received.saturating_sub(other.received),
        }
    }
}

impl Sequence {
    /// A sequence of two packets, if they are near enough to prove each other.
    pub(super) fn of(one: SeqNumber, other: SeqNumber) -> Option<Self> {
        let (low, distance) = match other.since(one) {
            0 => return None,
            ahead @ 1.. => (one, ahead.unsigned_abs()),
            behind => (other, behind.unsigned_abs()),
        };
        if distance >= MAX_MISORDER {
            return None;
        }
        let mut recent = Recent::default();
        recent.mark(0);
        recent.mark(distance.into());
        let first = ORIGIN.saturating_add(low.0.into());
        let highest = first.saturating_add(distance.into());
        let skipped = (distance > 1).then(|| highest.saturating_sub(1));
        Some(Self { first, highest, received: 2, recent, jumped_to: None, skipped })
    }

    /// Takes the packet `seq` in; those whose fate is settled by it go into `settled`.
    pub(super) fn take(&mut self, seq: SeqNumber, settled: &mut Settled) -> (Verdict, Option<Self>) {
        let ahead = SeqNumber((self.highest & 0xffff) as u16);
        match seq.0.wrapping_sub(ahead.0) {
            0 => (Verdict::Duplicate, None),
            distance @ 1..MAX_DROPOUT => {
                self.advance(distance, settled);
                (Verdict::Accepted, None)
            }
            distance if distance > u16::MAX.wrapping_sub(MAX_MISORDER) => {
                (self.fill(distance.wrapping_neg()), None)
            }
            _ => match self.jumped_to.and_then(|other| Self::of(other, seq)) {
                Some(restarted) => (Verdict::Restarted, Some(restarted)),
                None => {
                    self.jumped_to = Some(seq);
                    (Verdict::Jump, None)
                }
            },
        }
    }

    fn advance(&mut self, distance: u16, settled: &mut Settled) {
        let distance = u32::from(distance);
        for step in 0..distance.min(OPEN) {
            self.settle_one(OPEN.saturating_sub(1).saturating_sub(step), settled);
        }
        settled.add(false, distance.saturating_sub(OPEN).into());
        self.recent.advance(distance);
        self.highest = self.highest.saturating_add(distance.into());
        self.received = self.received.saturating_add(1);
        self.jumped_to = None;
        if distance > 1 {
            self.skipped = Some(self.highest.saturating_sub(1));
        }
    }

    /// A packet `behind` the highest: late, or seen before.
    fn fill(&mut self, behind: u16) -> Verdict {
        let behind = u32::from(behind);
        if self.recent.has(behind) {
            return Verdict::Duplicate;
        }
        self.recent.mark(behind);
        self.received = self.received.saturating_add(1);
        self.first = self.first.min(self.highest.saturating_sub(behind.into()));
        Verdict::Accepted
    }

    /// Hands the packet `behind` the highest over, if it belongs to this sequence.
    fn settle_one(&self, behind: u32, settled: &mut Settled) {
        if self.highest.saturating_sub(behind.into()) >= self.first {
            settled.add(self.recent.has(behind), 1);
        }
    }

    /// Hands all that is still open over.
    pub(super) fn settle(&self, settled: &mut Settled) {
        (0..OPEN).rev().for_each(|behind| self.settle_one(behind, settled));
    }

    pub(super) const fn counts(&self) -> Counts {
        let expected = self.highest.saturating_sub(self.first).saturating_add(1);
        Counts { expected, received: self.received }
    }

    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// `seq`, which is near the highest, without wrapping.
    pub(super) fn unwrap(&self, seq: SeqNumber) -> u64 {
        let ahead = SeqNumber((self.highest & 0xffff) as u16);
        self.highest.saturating_add_signed(seq.since(ahead).into())
    }

    /// The highest number with the count of wraps since the first packet above it, modulo 2³².
    pub(super) const fn extended_highest(&self) -> u32 {
        let wraps = (self.highest >> 16).saturating_sub(ORIGIN >> 16);
        (((wraps << 16) & 0xffff_0000) as u32) | (self.highest & 0xffff) as u32
    }

    /// The packet after the last one whose fate can be told: one of the newest that is missing may have been overtaken.
    pub(super) fn told_up_to(&self) -> u64 {
        let open = (1..REORDERED).rev().find(|behind| !self.recent.has(*behind));
        self.highest
            .saturating_add(1)
            .saturating_sub(open.map_or(0, |behind| u64::from(behind).saturating_add(1)))
    }

    /// What became of the packets from `from` on up to the last that can be told, as far back as is remembered; and the
    /// first of them.
    pub(super) fn fates(&self, from: u64) -> (SeqNumber, impl Iterator<Item = bool> + Clone + use<>) {
        let oldest = self.highest.saturating_sub(u64::from(RECENT).saturating_sub(1)).max(self.first);
        let (from, end) = (from.max(oldest), self.told_up_to());
        let recent = self.recent;
        let behind =
            |seq: u64| u32::try_from(self.highest.saturating_add(1).saturating_sub(seq)).unwrap_or(RECENT);
        let fates = (behind(end)..behind(from).min(RECENT)).rev().map(move |behind| recent.has(behind));
        (SeqNumber((from & 0xffff) as u16), fates)
    }

    /// Whether a packet from `from` on is missing that so many came after that it is not likely to come.
    pub(super) fn misses_since(&self, from: u64) -> bool {
        let skipped = self.skipped.filter(|skipped| *skipped >= from);
        skipped
            .and_then(|skipped| u32::try_from(self.highest.saturating_sub(skipped)).ok())
            .is_some_and(|behind| behind >= REORDERED && !self.recent.has(behind))
    }
}

/// Room below the first packet, so that late ones from before it have a number.
const ORIGIN: u64 = 1 << 16;
/// A gap this long is a restart, not a loss (RFC 3550, appendix A.1): a minute of 20 ms packets.
const MAX_DROPOUT: u16 = 3_000;
/// A packet this far behind is a restart, not late (RFC 3550, appendix A.1): two seconds of 20 ms packets.
const MAX_MISORDER: u16 = 100;
/// Packets whose fate is not settled yet; more than [`MAX_MISORDER`], so that none of the others can come.
const OPEN: u32 = 128;
/// Packets that come after one before it is taken for lost rather than reordered (RFC 5681 §3.2, "three duplicates").
const REORDERED: u32 = 3;
