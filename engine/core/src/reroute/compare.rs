//! The same packets by two ways: which of them is the better one.

use rove_base::Instant;

use super::{arrivals::Fate, suspicion::Cause};

/// What has come by the two ways since they carry the same.
#[derive(Clone, Debug)]
pub(super) struct Compare {
    began: Instant,
    /// Since then nothing came by the way that is taken.
    silent: bool,
    counts: Counts,
    /// Packets that came by the other, judged or not.
    heard: u16,
    /// How much sooner they came by the other way, in milliseconds: the latest first.
    sooner: [f32; PAIRS],
    /// From comparisons of the same two ways before.
    earlier: Counts,
}

/// Packets that came by one of the ways alone, by both, by neither.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    taken_alone: u16,
    other_alone: u16,
    both: u16,
    neither: u16,
}

impl Counts {
    const fn and(self, other: Self) -> Self {
        Self {
            taken_alone: self.taken_alone.saturating_add(other.taken_alone),
            other_alone: self.other_alone.saturating_add(other.other_alone),
            both: self.both.saturating_add(other.both),
            neither: self.neither.saturating_add(other.neither),
        }
    }

    fn all(self) -> f32 {
        let Self { taken_alone, other_alone, both, neither } = self;
        [taken_alone, other_alone, both, neither].into_iter().map(f32::from).sum()
    }

    /// The share that did not come by the way that is taken.
    fn lost(self) -> f32 {
        (f32::from(self.other_alone) + f32::from(self.neither)) / self.all().max(1.0)
    }

    /// The same packets are missing on both: what loses them lies on both ways, and copies make it worse.
    const fn is_shared(self) -> bool {
        let Self { taken_alone, other_alone, neither, .. } = self;
        neither >= SHARED && neither >= taken_alone.saturating_add(other_alone)
    }

    /// Packets come changed by the way that is taken, and of as many as a second has none by the other.
    fn other_is_whole(self, broken: bool) -> bool {
        let whole = self.other_alone > 0 && self.taken_alone == 0 && self.neither == 0;
        broken && whole && self.all() >= f32::from(ENOUGH)
    }

    /// The other way has brought more, though not clearly yet.
    pub(super) const fn other_seems_better(self) -> bool {
        self.more_by_other() >= 2
    }

    /// The other way brought clearly more, by whatever chance there is; less chance where packets come `changed`.
    const fn other_is_better(self, changed: bool) -> bool {
        self.more_by_other() >= if changed { CLEARLY_CHANGED } else { CLEARLY }
    }

    const fn more_by_other(self) -> u16 {
        self.other_alone.saturating_sub(self.taken_alone.saturating_mul(3))
    }

    /// What this counts for in a later comparison: ways change.
    pub(super) const fn faded(self) -> Self {
        let Self { taken_alone, other_alone, both, neither } = self;
        Self {
            taken_alone: taken_alone / 2,
            other_alone: other_alone / 2,
            both: both / 2,
            neither: neither / 2,
        }
    }
}

/// What there is to see of the way that is taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    /// Nothing has come for long.
    pub(super) silent: bool,
    /// Most of what is lost came, but changed, and that is no accident.
    pub(super) changed: bool,
    /// Most of what is lost came, but changed, accident or not.
    pub(super) broken: bool,
    /// What is suspected is that it loses packets, which takes its time to show.
    pub(super) loss: bool,
}

/// What follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// The other way is better in this.
    Take(Cause),
    /// It is not.
    Stay,
}

impl Compare {
    pub(super) const fn new(began: Instant, earlier: Counts) -> Self {
        let counts = Counts { taken_alone: 0, other_alone: 0, both: 0, neither: 0 };
        Self { began, silent: true, counts, heard: 0, sooner: [0.0; PAIRS], earlier }
    }

    /// What a later comparison of the same two ways may begin with.
    pub(super) const fn so_far(&self) -> Counts {
        self.earlier.and(self.counts)
    }

    pub(super) const fn heard_taken(&mut self) {
        self.silent = false;
    }

    pub(super) const fn heard_other(&mut self) {
        self.heard = self.heard.saturating_add(1);
    }

    pub(super) fn on_fate(&mut self, fate: Fate) {
        let count = match (fate.taken, fate.other) {
            (Some(taken), Some(other)) => {
                let milliseconds = |later: Instant, sooner| later.since(sooner).as_secs_f32() * 1_000.0;
                let sooner =
                    if taken >= other { milliseconds(taken, other) } else { -milliseconds(other, taken) };
                self.sooner.rotate_right(1);
                self.sooner.first_mut().into_iter().for_each(|place| *place = sooner);
                &mut self.counts.both
            }
            (Some(_), None) => &mut self.counts.taken_alone,
            (None, Some(_)) => &mut self.counts.other_alone,
            (None, None) => &mut self.counts.neither,
        };
        *count = count.saturating_add(1);
    }

    /// `limit`: the share of packets that may be lost.
    pub(super) fn verdict(&self, now: Instant, limit: f32, signs: Signs) -> Option<Verdict> {
        let Signs { silent, changed, broken, loss } = signs;
        if silent && self.silent && self.heard >= DEAD {
            return Some(Verdict::Take(Cause::Silence));
        }
        let all = self.so_far();
        // Few packets lose more than their share by chance.
        let surely = limit + SPREAD * (limit / all.all().max(1.0)).sqrt();
        let alone = self.counts.more_by_other() >= MUCH * CLEARLY;
        if alone || all.other_is_better(changed) && (changed || all.lost() > surely) {
            return Some(Verdict::Take(Cause::Loss));
        }
        let over = now.since(self.began) >= super::COPYING;
        if over && all.other_is_whole(broken) {
            return Some(Verdict::Take(Cause::Loss));
        }
        let enough = if over { SOME } else { ENOUGH };
        if self.counts.both >= enough && self.is_sooner() {
            return Some(Verdict::Take(Cause::Delay));
        }
        let seen = over || self.counts.is_shared();
        let compared = self.counts.all() >= f32::from(ENOUGH) && !loss;
        let alike = compared && all.other_alone == 0 && !self.is_sooner();
        (seen || alike).then_some(Verdict::Stay)
    }

    /// The other way costs less: whether it is as good.
    pub(super) fn trial(&self, now: Instant) -> Option<Verdict> {
        let Counts { taken_alone, other_alone, both, .. } = self.counts;
        if taken_alone >= MISSED {
            return Some(Verdict::Stay);
        }
        if now.since(self.began) < super::COPYING {
            return None;
        }
        let enough = both.saturating_add(other_alone) >= SOME;
        let as_good = enough && taken_alone <= other_alone.saturating_add(1) && !self.is_later();
        Some(if as_good { Verdict::Take(Cause::Cost) } else { Verdict::Stay })
    }

    fn is_later(&self) -> bool {
        let pairs = self.sooner.get(..usize::from(self.counts.both).min(PAIRS)).unwrap_or_default();
        let later = pairs.iter().filter(|sooner| **sooner <= -NOTICED).count();
        later.saturating_mul(4) >= pairs.len().max(1)
    }

    /// Most packets come much sooner by the other way, or many do: then a listener need not wait so long for the latest.
    fn is_sooner(&self) -> bool {
        let pairs = self.sooner.get(..usize::from(self.counts.both).min(PAIRS)).unwrap_or_default();
        let much = pairs.iter().filter(|sooner| **sooner >= NOTICED).count();
        let later = pairs.iter().filter(|sooner| **sooner <= -NOTICED).count();
        much.saturating_mul(4) >= pairs.len().max(1) && later.saturating_mul(4) <= much
    }
}

/// Packets by the other way alone that are enough where nothing else comes.
const DEAD: u16 = 3;
/// Packets that only the other way has brought. At 1 % of loss so many in a second are one in seven hundred seconds, and nobody
/// compares each of them.
const CLEARLY: u16 = 4;
/// So many times as many are enough whatever was found before.
const MUCH: u16 = 2;
/// The same where packets come changed, which is seldom an accident.
const CLEARLY_CHANGED: u16 = 2;
/// Packets that came by neither way. Of ways that lose a fifth each, and nothing together, so many are one comparison in fifty.
const SHARED: u16 = 5;
/// Standard deviations of a share.
const SPREAD: f32 = 1.5;
/// Packets that a way which is tried has not brought, and that are too many.
const MISSED: u16 = 3;
/// Packets after which two ways that are alike are taken for that.
const ENOUGH: u16 = 25;
/// When the time is over, so many are enough: packets may be long.
const SOME: u16 = 10;
/// Differences that are looked back at.
const PAIRS: usize = 50;
/// In milliseconds.
const NOTICED: f32 = 20.0;
