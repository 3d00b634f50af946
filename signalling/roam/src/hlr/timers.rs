//! When leases and times for proofs are over.

use std::collections::{BTreeMap, BTreeSet};

use core::time::Duration;

use rove_base::{Instant, Now, UnixTime};

use crate::{Imsi, subscriber::Entry};

use super::Limits;

/// One moment for each subscriber: the earlier of two.
#[derive(Default)]
pub(super) struct Timers {
    of: BTreeMap<Imsi, Timer>,
    queue: BTreeSet<(Instant, Imsi)>,
}

#[derive(Clone, Copy, Default)]
struct Timer {
    lease: Option<Instant>,
    proof: Option<Instant>,
    /// Not looked at before, whatever is over.
    not_before: Option<Instant>,
}

impl Timer {
    fn at(self) -> Option<Instant> {
        let at = Instant::earliest(self.lease, self.proof)?;
        Some(self.not_before.map_or(at, |not_before| at.max(not_before)))
    }
}

impl Timers {
    pub(super) fn set_lease(&mut self, imsi: Imsi, lease: Option<Instant>) {
        self.change(imsi, |timer| timer.lease = lease);
    }

    pub(super) fn set_proof(&mut self, imsi: Imsi, proof: Option<Instant>) {
        self.change(imsi, |timer| timer.proof = proof);
    }

    /// Forgets what is not waited for any more.
    pub(super) fn trim(&mut self, entry: Option<&Entry>, imsi: Imsi) {
        let bound = entry.and_then(|entry| entry.serving.as_ref()).is_some_and(|stay| stay.binding.is_some());
        let arriving = entry.is_some_and(|entry| entry.arriving.is_some());
        self.change(imsi, |timer| {
            timer.lease = timer.lease.filter(|_| bound);
            timer.proof = timer.proof.filter(|_| arriving);
            timer.not_before = None;
        });
    }

    /// After a restart: deadlines are kept on the wall's clock, and waited for on the other. None is later than if it
    /// began now, wherever the wall's clock went meanwhile.
    pub(super) fn resume(&mut self, now: Now, entry: &Entry, limits: &Limits) {
        let left = |until: UnixTime, longest: Duration| {
            let left = Duration::from_nanos(until.as_nanos().saturating_sub(now.wall.as_nanos()));
            now.mono.later(left.min(longest))
        };
        let imsi = entry.subscriber.imsi;
        let binding = entry.serving.as_ref().and_then(|stay| stay.binding);
        let lease = binding.map(|binding| left(binding.until, limits.longest_lease));
        let proof = entry.arriving.as_ref().map(|stay| left(stay.prove_by, limits.prove_within));
        self.change(imsi, |timer| *timer = Timer { lease, proof, not_before: None });
    }

    /// Whose moment has come; it is not told again before something changes.
    pub(super) fn due(&mut self, now: Now) -> Option<Imsi> {
        let &(at, imsi) = self.queue.first()?;
        if at > now.mono {
            return None;
        }
        self.queue.pop_first();
        Some(imsi)
    }

    /// Whether the lease is over, and whether the time for the proof is.
    pub(super) fn over(&self, now: Now, imsi: Imsi) -> (bool, bool) {
        let timer = self.of.get(&imsi).copied().unwrap_or_default();
        let over = |at: Option<Instant>| at.is_some_and(|at| at <= now.mono);
        (over(timer.lease), over(timer.proof))
    }

    /// What is due is looked at again a moment later.
    pub(super) fn again(&mut self, now: Now, imsi: Imsi) {
        self.retry(now, imsi, MOMENT);
    }

    /// What is due is looked at again after `pause`.
    pub(super) fn retry(&mut self, now: Now, imsi: Imsi, pause: Duration) {
        self.change(imsi, |timer| timer.not_before = Some(now.mono.later(pause)));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    fn change(&mut self, imsi: Imsi, change: impl FnOnce(&mut Timer)) {
        let mut timer = self.of.get(&imsi).copied().unwrap_or_default();
        if let Some(at) = timer.at() {
            self.queue.remove(&(at, imsi));
        }
        change(&mut timer);
        match timer.at() {
            Some(at) => {
                self.queue.insert((at, imsi));
                self.of.insert(imsi, timer);
            }
            None => drop(self.of.remove(&imsi)),
        }
    }
}

/// While another change of the same subscriber is under way.
const MOMENT: Duration = Duration::from_millis(100);
