//! After a crash, of this node or of a home.

use core::time::Duration;

use rove_base::{Instant, Now};

use super::{
    ReplayError, Terms, Vlr,
    record::{Kept, Record},
    visitor::{Allowance, Bound, Renew, Stage, Visitor},
};
use crate::{Cause, Generation, Imsi, Outcome, attach::Reason, private::PartnerId};

impl Vlr {
    /// Repeats what a record of the journal said.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] when the record cannot be read.
    pub fn replay(&mut self, record: &[u8]) -> Result<(), ReplayError> {
        match Record::decode(record)? {
            Record::Here(kept) => {
                self.visitors.insert(kept.claim.imsi, self.kept(*kept));
            }
            Record::Gone(imsi, generation) => {
                if self.visitors.get(&imsi).and_then(Visitor::generation) == Some(generation) {
                    self.visitors.remove(&imsi);
                }
            }
        }
        Ok(())
    }

    /// Takes up what was replayed: terminals may come back for a while, homes are asked to renew and to say again what
    /// their subscribers may do, and who cannot be kept is gone. Then [`reconcile`](super::reconcile) with the pool.
    pub fn start(&mut self, now: Now) {
        self.now = now;
        let known: Vec<Imsi> = self.visitors.keys().copied().collect();
        let spread = self.spread(known.len());
        for imsi in known {
            if self.config.agreements.admit(&imsi).is_none() {
                self.leave(imsi, Reason::Home(Cause::NoAgreement), false);
                continue;
            }
            let (renew, until) = (self.within(spread), now.mono.later(self.config.patience.grace));
            if let Some(bound) = self.visitors.get_mut(&imsi).and_then(Visitor::bound_mut) {
                // What the home still holds is not known; it is asked soon.
                (bound.renew, bound.lapses, bound.heard_until) = (Renew::At(renew), now.mono, until);
            }
            self.watch(imsi);
        }
    }

    /// Records that say the same as all so far, in fewer words. `None` while changes wait for the journal.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        if !self.changes.is_empty() {
            return None;
        }
        let kept = self.visitors.values().filter_map(Visitor::journaled);
        Some(kept.map(|kept| Record::Here(Box::new(kept.clone())).encode()).collect())
    }

    fn kept(&self, kept: Kept) -> Visitor {
        let agreement = self.config.agreements.admit(&kept.claim.imsi);
        let calls = Allowance::full(Instant::ZERO);
        let (lapses, heard_until) = (Instant::ZERO, Instant::ZERO);
        Visitor {
            partner: agreement.map_or(PartnerId(u16::MAX), |agreement| agreement.partner),
            own: agreement.is_some_and(|agreement| agreement.terms == Terms::SameOperator),
            attempt: 0,
            stream: None,
            told: None,
            call: None,
            subscription: None,
            refresh: true,
            stage: Stage::Bound(Box::new(Bound {
                kept,
                renew: Renew::At(Instant::ZERO),
                lapses,
                heard_until,
                calls,
            })),
        }
    }

    /// A home can be reached again, or has been started again: it is asked to renew what it may have lost.
    pub(super) fn renew_all(&mut self, partner: PartnerId, refresh: bool) {
        let of = |visitor: &Visitor| visitor.partner == partner;
        let theirs: Vec<Imsi> =
            self.visitors.iter().filter(|(_, visitor)| of(visitor)).map(|(imsi, _)| *imsi).collect();
        let spread = self.spread(theirs.len());
        for imsi in theirs {
            let soon = self.within(spread);
            let Some(visitor) = self.visitors.get_mut(&imsi) else { continue };
            visitor.refresh |= refresh;
            if let Some(Bound { renew: Renew::At(at), .. }) = visitor.bound_mut() {
                *at = soon.min(*at);
            }
            self.watch(imsi);
        }
    }

    /// The home's word on a visitor whose profile it was asked to say again.
    pub(super) fn restored(&mut self, imsi: Imsi, generation: Generation, result: &Result<Outcome, Cause>) {
        let current = self.visitors.get(&imsi).and_then(Visitor::generation) == Some(generation);
        match result {
            Err(cause @ (Cause::NotServing | Cause::UnknownSubscriber | Cause::RoamingNotAllowed))
                if current =>
            {
                self.leave(imsi, Reason::Home(*cause), false);
            }
            // Otherwise the profile comes by itself, or is asked for again with the next renewal.
            _ => {}
        }
    }

    /// The time over which to spread this many questions.
    pub(super) fn spread(&self, count: usize) -> Duration {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        EACH.saturating_mul(count)
    }

    /// Some moment in that time from now.
    pub(super) fn within(&mut self, time: Duration) -> Instant {
        self.now.mono.later(time.mul_f64(self.entropy.unit()))
    }
}

/// A home is asked 5 000 things a second when it has to be asked everything again.
const EACH: Duration = Duration::from_micros(200);
