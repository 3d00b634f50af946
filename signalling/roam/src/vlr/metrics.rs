//! What happened, counted.

use std::collections::BTreeMap;

use crate::attach::Reason;

/// Counters of a visited register. They only grow.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metrics {
    /// Streams of terminals that were taken.
    pub streams: u64,
    /// Stays that began.
    pub attached: u64,
    /// Stays that went on over another stream.
    pub moved: u64,
    /// Calls that were allowed.
    pub calls_allowed: u64,
    /// Calls that were refused.
    pub calls_refused: u64,
    /// Names that a terminal told and the home did not.
    pub names_refused: u64,
    /// Orders about subscribers from partners who are not their home.
    pub foreign_orders: u64,
    /// Orders about stays that are over.
    pub stale_orders: u64,
    /// Renewals that the home answered.
    pub renewals: u64,
    refused: BTreeMap<u8, u64>,
    ended: BTreeMap<u8, u64>,
}

impl Metrics {
    /// Attaches that were refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: impl Into<Reason>) -> u64 {
        self.refused.get(&reason.into().code()).copied().unwrap_or(0)
    }

    /// Stays that ended for this reason.
    #[must_use]
    pub fn ended(&self, reason: impl Into<Reason>) -> u64 {
        self.ended.get(&reason.into().code()).copied().unwrap_or(0)
    }

    /// Every reason for which attaches were refused, with how many.
    pub fn refusals(&self) -> impl Iterator<Item = (Reason, u64)> {
        self.refused.iter().map(|(code, count)| (Reason::from_code(*code), *count))
    }

    /// Every reason for which stays ended, with how many.
    pub fn endings(&self) -> impl Iterator<Item = (Reason, u64)> {
        self.ended.iter().map(|(code, count)| (Reason::from_code(*code), *count))
    }

    pub(super) fn count_refused(&mut self, reason: Reason) {
        add(self.refused.entry(reason.code()).or_default());
    }

    pub(super) fn count_ended(&mut self, reason: Reason) {
        add(self.ended.entry(reason.code()).or_default());
    }
}

/// One more.
pub(super) const fn add(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
