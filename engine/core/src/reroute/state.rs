//! How far a guard is, and how patient.

use core::time::Duration;

use rove_base::{Instant, RouteId, RouteKind, SeqNumber};

use super::{
    COPYING, Cause, Rerouted,
    compare::{Compare, Counts},
};

#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it for each call, and a box would be allocated"
)]
pub(super) enum State {
    Calm,
    Asking(Asking),
    Comparing(Comparing),
    Settling(Settling),
}

/// What a listener is short of since something was suspected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortage {
    /// The last packet that came by any route.
    last: Instant,
    gap: Duration,
    lost: u16,
    /// Nobody spoke.
    pause: bool,
}

/// Copies are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    since: Instant,
    pub(super) to: [Option<RouteId>; 2],
    due: Instant,
    /// Nothing is suspected: a cheaper way is tried.
    pub(super) trial: bool,
    /// The evidence was strong, and it was of loss.
    pub(super) strong: bool,
    pub(super) loss: bool,
    /// What is suspected is that packets come later.
    late: bool,
    /// Packets were lost before: then a silence may be some more of them.
    pub(super) lossy: bool,
    shortage: Shortage,
}

/// The same packets come by two ways.
#[derive(Clone, Debug)]
pub(super) struct Comparing {
    pub(super) asking: Asking,
    pub(super) other: RouteId,
    /// The first packet that came twice.
    pub(super) first: SeqNumber,
    pub(super) compare: Compare,
    /// Packets that a third way has brought first.
    pub(super) strays: u16,
}

/// The peer was told to take another route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settling {
    from: RouteId,
    to: RouteId,
    kinds: [Option<RouteKind>; 2],
    cause: Cause,
    suspected: Instant,
    decided: Instant,
    due: Instant,
    /// When the last packet came by the route before.
    pub(super) still: Instant,
    shortage: Shortage,
}

impl State {
    pub(super) fn next(&self) -> Option<Instant> {
        match self {
            Self::Calm => None,
            Self::Asking(asking) => Some(asking.due),
            Self::Comparing(comparing) => Some(comparing.asking.since.max(comparing.asking.due) + COPYING),
            Self::Settling(settling) => Some(settling.due),
        }
    }

    const fn shortage(&mut self) -> Option<&mut Shortage> {
        match self {
            Self::Calm => None,
            Self::Asking(asking) => Some(&mut asking.shortage),
            Self::Comparing(comparing) => Some(&mut comparing.asking.shortage),
            Self::Settling(settling) => Some(&mut settling.shortage),
        }
    }

    /// A packet came that had not been here before; the one before it came at `last` at the latest.
    pub(super) fn fresh(&mut self, last: Instant, at: Instant) {
        if let Some(shortage) = self.shortage() {
            shortage.last = shortage.last.max(last.min(at));
            shortage.gap = shortage.gap.max(at.since(shortage.last));
            shortage.last = shortage.last.max(at);
        }
    }

    /// What was judged to be gone has come after all.
    pub(super) const fn found(&mut self) {
        if let Some(shortage) = self.shortage() {
            shortage.lost = shortage.lost.saturating_sub(1);
        }
    }

    pub(super) const fn missed(&mut self, gone: bool) {
        if gone && let Some(shortage) = self.shortage() {
            shortage.lost = shortage.lost.saturating_add(1);
        }
    }
}

impl Asking {
    pub(super) const fn new(now: Instant, to: [Option<RouteId>; 2], last: Instant, lost: u16) -> Self {
        let shortage = Shortage { last, gap: Duration::ZERO, lost, pause: false };
        Self {
            since: now,
            to,
            due: now,
            trial: false,
            strong: false,
            loss: false,
            late: false,
            lossy: false,
            shortage,
        }
    }

    /// The same while nobody speaks: then it is no gap that nothing comes.
    pub(super) const fn in_pause(mut self, pause: bool) -> Self {
        self.shortage.pause = pause;
        self
    }

    /// How strong the evidence is, and of what.
    pub(super) const fn with(mut self, strong: bool, cause: Cause) -> Self {
        self.strong = strong;
        (self.loss, self.late) = (matches!(cause, Cause::Loss), matches!(cause, Cause::Delay));
        self
    }

    /// The same where packets were lost before, or were not.
    pub(super) const fn after_losses(mut self, lossy: bool) -> Self {
        self.lossy = lossy;
        self
    }

    /// A cheaper way is tried.
    pub(super) const fn trial(now: Instant, to: RouteId, last: Instant) -> Self {
        Self { trial: true, ..Self::new(now, [Some(to), None], last, 0) }
    }

    /// The peer began to send copies by itself.
    pub(super) const fn unasked(now: Instant, last: Instant) -> Self {
        Self::new(now, [None; 2], last, 0)
    }

    /// Whom to ask now, if it is time.
    pub(super) fn again(&mut self, now: Instant) -> Option<[Option<RouteId>; 2]> {
        if self.due > now {
            return None;
        }
        self.due = now + REPEAT;
        Some(self.to)
    }

    /// Nobody answers.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now.since(self.since) >= COPYING
    }
}

impl Comparing {
    pub(super) const fn new(
        asking: Asking,
        other: RouteId,
        first: SeqNumber,
        at: Instant,
        earlier: Counts,
    ) -> Self {
        Self {
            asking: Asking { due: at, ..asking },
            other,
            first,
            compare: Compare::new(at, earlier),
            strays: 0,
        }
    }
}

impl Settling {
    pub(super) const fn new(
        comparing: &Comparing,
        (from, kinds): (RouteId, [Option<RouteKind>; 2]),
        cause: Cause,
        now: Instant,
    ) -> Self {
        let Asking { since, shortage, .. } = comparing.asking;
        Self {
            from,
            to: comparing.other,
            kinds,
            cause,
            suspected: since,
            decided: now,
            due: now,
            still: now,
            shortage,
        }
    }

    /// The route that is to be taken, if it is time to say so again.
    pub(super) fn again(&mut self, now: Instant) -> Option<RouteId> {
        if self.due > now {
            return None;
        }
        self.due = now + REPEAT;
        Some(self.to)
    }

    /// Nothing comes by the route before any more.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now.since(self.still) >= SETTLED || now.since(self.decided) >= COPYING
    }

    pub(super) const fn rerouted(&self) -> Rerouted {
        let Self { from, to, kinds, cause, suspected, decided, shortage, .. } = *self;
        let Shortage { gap, lost, pause, .. } = shortage;
        let gap = if pause { None } else { Some(gap) };
        Rerouted { from, to, kinds, cause, suspected, decided, gap, lost: Some(lost) }
    }
}

/// After a suspicion that was none the next has to wait; longer each time, as long as they follow each other. Losses do not wait
/// for delays that were none, nor delays for losses; and what there is much evidence of waits for others of its kind alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// When a comparison ended last.
    stayed: Instant,
    loss: Pause,
    delay: Pause,
}

/// How long suspicions of one kind have to wait.
#[derive(Clone, Copy, Debug)]
struct Pause {
    since: Instant,
    wait: Duration,
    /// The same for strong ones.
    strong: Duration,
}

impl Patience {
    pub(super) const fn new(now: Instant) -> Self {
        let pause = Pause { since: now, wait: SHORTEST, strong: SHORTEST };
        Self { stayed: now, loss: pause, delay: pause }
    }

    pub(super) fn lets(&self, now: Instant, cause: Cause, strong: bool) -> bool {
        self.opens(cause, strong) <= now
    }

    /// Silence is no matter of taste.
    pub(super) fn opens(&self, cause: Cause, strong: bool) -> Instant {
        let soonest = self.stayed + SHORTEST;
        match cause {
            Cause::Silence => soonest,
            Cause::Delay => soonest.max(self.delay.opens(strong)),
            _ => soonest.max(self.loss.opens(strong)),
        }
    }

    /// Whether a comparison has ended a moment ago.
    pub(super) fn just_stayed(&self, now: Instant) -> bool {
        now.since(self.stayed) < SHORTEST
    }

    /// There is nobody to ask now.
    pub(super) const fn wait(&mut self, now: Instant) {
        self.stayed = now;
    }

    /// `promising`: there is a little evidence already.
    pub(super) fn stayed(&mut self, now: Instant, promising: bool, asking: &Asking) {
        self.stayed = now;
        let pause = if asking.late { &mut self.delay } else { &mut self.loss };
        pause.stayed(now, promising, asking.strong);
    }
}

impl Pause {
    fn opens(&self, strong: bool) -> Instant {
        self.since + if strong { self.strong } else { self.wait }
    }

    fn stayed(&mut self, now: Instant, promising: bool, strong: bool) {
        let in_a_row = now.since(self.since) < FORGET && !promising;
        let longer = |wait: Duration| wait.saturating_mul(2).min(LONGEST);
        self.wait = if in_a_row { longer(self.wait) } else { SHORTEST };
        self.strong = match (in_a_row, strong) {
            (true, true) => longer(self.strong),
            (true, false) => self.strong,
            (false, _) => SHORTEST,
        };
        self.since = now;
    }
}

/// Two routes that are bad in turn are not run after: so many times in a minute, and no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    left: u8,
    since: Instant,
}

impl Turns {
    pub(super) const fn new(now: Instant) -> Self {
        Self { left: MOST_TURNS, since: now }
    }

    /// One more, if it may be.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        while self.left < MOST_TURNS && now.since(self.since) >= TURN {
            self.left = self.left.saturating_add(1);
            self.since += TURN;
        }
        if self.left == MOST_TURNS {
            self.since = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

/// When a cheaper way than the one that is taken is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trials {
    due: Option<Instant>,
    wait: Duration,
    left: Option<Instant>,
}

impl Trials {
    pub(super) const fn new() -> Self {
        Self { due: None, wait: FIRST_TRIAL, left: None }
    }

    /// Whether it is time, as long as there is a cheaper way.
    pub(super) fn is_due(&mut self, now: Instant, cheaper: bool) -> bool {
        if !cheaper {
            self.due = None;
            return false;
        }
        *self.due.get_or_insert(now + self.wait) <= now
    }

    /// A way was left, or tried in vain: the next time is later, and later still when that follows soon.
    pub(super) fn failed(&mut self, now: Instant) {
        let soon = self.left.is_some_and(|left| now.since(left) < self.wait.saturating_mul(4));
        self.wait = if soon { self.wait.saturating_mul(2).min(LAST_TRIAL) } else { FIRST_TRIAL };
        (self.left, self.due) = (Some(now), None);
    }
}

/// So long a cheaper way has to wait to be tried after it was left; at first,
const FIRST_TRIAL: Duration = Duration::from_secs(20);
/// and at most.
const LAST_TRIAL: Duration = Duration::from_secs(320);
/// What is not answered is said again.
const REPEAT: Duration = Duration::from_millis(50);
/// A packet by the route before is on its way so long at most, as good as always.
const SETTLED: Duration = Duration::from_millis(200);
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(32);
/// A suspicion after so long has nothing to do with the one before.
const FORGET: Duration = Duration::from_secs(60);
const MOST_TURNS: u8 = 2;
/// One more after each.
const TURN: Duration = Duration::from_secs(60);
