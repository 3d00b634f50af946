//! What a guard does about a suspicion, and about what it finds.

use core::time::Duration;

use rove_base::{Instant, RouteId, RouteKind};

use super::{
    Cause, EARLIER, Guard, Heard, Say,
    compare::{Signs, Verdict},
    state::{Asking, Comparing, Patience, Settling, State},
    suspicion::{Silence, Suspicion},
    told::{has_untried, others},
};
use crate::path::Path;

impl Guard {
    /// What became of packets that nobody waits for any more.
    pub(super) fn judge(&mut self, now: Instant, path: &Path) {
        let mut cause = None;
        while let Some((seq, fate)) = self.arrivals.judged() {
            self.state.missed(fate.is_gone());
            let lost = self.suspicion.on_fate(fate.taken.is_none(), self.limit);
            cause = cause.or(lost);
            if let State::Comparing(comparing) = &mut self.state
                && seq.since(comparing.first) >= 0
            {
                comparing.compare.on_fate(fate);
            }
        }
        self.suspect(now, cause, path);
        self.decide(now, path);
    }

    /// Has the peer send copies, where something is suspected and somebody can be asked.
    pub(super) fn suspect(&mut self, now: Instant, cause: Option<Cause>, path: &Path) {
        let Some(cause) = cause else { return };
        let strong = self.suspicion.is_strong(cause);
        if !self.known || !self.patience.lets(now, cause, strong) {
            return;
        }
        let (State::Calm, Some(taken)) = (&self.state, self.taken) else { return };
        let urgent = cause == Cause::Silence;
        let passed_over = (&self.passed_over, now);
        let to = others(path, taken, if urgent { 2 } else { 1 }, passed_over);
        if to == [None; 2] {
            return;
        }
        if urgent {
            // Most of what breaks a way breaks it both ways.
            self.copies.begin(now, others(path, path.active().id, 2, passed_over));
        }
        self.number = self.number.wrapping_add(1);
        let before = self.silence.map_or(now, |silence| silence.last());
        let pause = self.silence.is_some_and(|silence| silence.is_idle());
        let asking = Asking::new(now, to, before, self.suspicion.lost());
        self.state =
            State::Asking(asking.in_pause(pause).with(strong, cause).after_losses(self.suspicion.is_lossy()));
    }

    /// Whole seconds were worse than the user puts up with: another way is compared with this one, if it can be. Answers
    /// whether there is one that was not found to be no better a moment ago.
    pub fn displeased(&mut self, now: Instant, cause: Cause, path: &Path) -> bool {
        self.suspect(now, Some(cause), path);
        self.known && self.taken.is_some_and(|taken| has_untried(path, taken, (&self.passed_over, now)))
    }

    /// Has the peer send copies by a cheaper way than the one that is taken, now and then.
    pub(super) fn try_cheaper(&mut self, now: Instant, path: &Path) {
        let cheaper = self.taken.filter(|_| self.known).and_then(|taken| {
            let kind = path.route(taken)?.kind;
            let [best, _] = others(path, taken, 1, (&self.passed_over, now));
            best.filter(|best| path.route(*best).is_some_and(|best| best.kind < kind))
        });
        let due = self.trials.is_due(now, cheaper.is_some());
        let (State::Calm, true, Some(to), Some(silence)) = (&self.state, due, cheaper, self.silence) else {
            return;
        };
        if silence.is_idle() {
            // Nothing to compare by.
            return;
        }
        self.number = self.number.wrapping_add(1);
        self.state = State::Asking(Asking::trial(now, to, silence.last()));
    }

    pub(super) fn decide(&mut self, now: Instant, path: &Path) {
        let State::Comparing(comparing) = &self.state else { return };
        let verdict = match comparing.asking.trial {
            true => comparing.compare.trial(now),
            false => {
                let silent = self.silence.is_none_or(|last| last.is_long(now));
                let (changed, broken) = (self.suspicion.is_surely_broken(), self.suspicion.is_broken());
                let signs = Signs { silent, changed, broken, loss: comparing.asking.loss };
                comparing.compare.verdict(now, self.limit, signs)
            }
        };
        let sure = !comparing.asking.lossy || self.silence.is_none_or(|last| last.is_sure(now));
        let is_free = |cause: Cause| cause == Cause::Silence && sure;
        // Who climbs to a rung of the ladder that was not taken for long does not run to and fro.
        let [from, to] = [self.taken, Some(comparing.other)].map(|id| Some(path.route(id?)?.kind));
        let up = to > from && to >= Some(RouteKind::Relay);
        let fresh = up && self.left.within(comparing.other, now, LONG).is_none();
        match verdict {
            Some(Verdict::Take(cause)) if is_free(cause) || self.turns.take(now) || fresh => {
                self.take(now, cause, path);
            }
            // It shows in a moment whether this is one.
            Some(Verdict::Take(Cause::Silence)) => {}
            Some(_) => {
                let other = comparing.other;
                self.passed_over.note(other, now);
                self.earlier = Some((other, now + EARLIER, comparing.compare.so_far()));
                self.number = self.number.wrapping_add(1);
                self.tell(other, Say::Stop);
                self.stay(now);
            }
            None => {}
        }
    }

    pub(super) fn take(&mut self, now: Instant, cause: Cause, path: &Path) {
        let (State::Comparing(comparing), Some(from)) = (&self.state, self.taken) else { return };
        let to = comparing.other;
        let cause = if cause == Cause::Loss && self.suspicion.is_broken() { Cause::BitErrors } else { cause };
        let kinds = [from, to].map(|id| path.route(id).map(|route| route.kind));
        self.state = State::Settling(Settling::new(comparing, (from, kinds), cause, now));
        self.taken = Some(to);
        self.left.note(from, now);
        // Whatever is still said of asking for copies is out of date.
        self.number = self.number.wrapping_add(1);
        self.arrivals.turn();
        self.suspicion = Suspicion::default();
        self.silence = Some(Silence::since(now));
        self.earlier = None;
        if cause != Cause::Cost {
            self.trials.failed(now);
        }
    }

    /// Checks found the way that the packets of both ends take from now on, `by`: nothing was suspected for that, and nothing of
    /// what was is true of it. A move under way is over.
    pub fn led(&mut self, now: Instant, by: RouteId) {
        if self.taken.is_none_or(|taken| taken == by) {
            return;
        }
        if let State::Settling(settling) = &self.state {
            self.done = Some(settling.rerouted());
        }
        self.state = State::Calm;
        self.bygone = self.taken.replace(by).map(|before| (before, now + UNDER_WAY));
        self.number = self.number.wrapping_add(1);
        self.arrivals.turn();
        self.suspicion = Suspicion::default();
        self.silence = Some(Silence::since(now));
        self.earlier = None;
        // Those by the way before are still to come.
        self.patience = Patience::new(now);
    }

    /// Whether a packet was on its way when checks led elsewhere: then it has come, as all others.
    pub(super) fn is_bygone(&self, packet: &Heard) -> bool {
        self.bygone.is_some_and(|(before, until)| packet.by == before && packet.at <= until)
    }

    pub(super) fn stay(&mut self, now: Instant) {
        if matches!(&self.state, State::Asking(asking) | State::Comparing(Comparing { asking, .. }) if asking.trial)
        {
            self.trials.failed(now);
            self.state = State::Calm;
            return;
        }
        let asking = match &self.state {
            State::Asking(asking) | State::Comparing(Comparing { asking, .. }) => Some(*asking),
            State::Calm | State::Settling(_) => None,
        };
        self.state = State::Calm;
        let promising = self.earlier.is_some_and(|(_, _, counts)| counts.other_seems_better());
        if !promising {
            self.suspicion.accept();
        }
        asking.into_iter().for_each(|asking| self.patience.stayed(now, promising, &asking));
    }
}

/// No packet is on its way for longer that a listener would still hear.
const UNDER_WAY: Duration = Duration::from_millis(500);
/// A way that was left longer ago is as good as one that never was taken.
const LONG: Duration = Duration::from_secs(60);
