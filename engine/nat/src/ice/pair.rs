//! Pairs of addresses and the checks between them (RFC 8445 §6.1.2, §7.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{Candidate, Instant, UdpFlow};

use crate::stun::Transaction;

/// One way that may lead to the peer.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// From a base of ours to a candidate of the peer.
    pub(super) flow: UdpFlow,
    pub(super) local_priority: u32,
    pub(super) remote: Candidate,
    pub(super) state: State,
    /// The peer wants this one used as soon as it is known to work.
    pub(super) wanted: bool,
    /// A check named it with USE-CANDIDATE, and was answered.
    pub(super) nominated: bool,
    /// An authentic check of the peer came this way.
    pub(super) heard: bool,
    /// When one of ours was answered last.
    pub(super) answered: Option<Instant>,
    /// When the last one was made.
    pub(super) asked: Option<Instant>,
}

/// How far a pair is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// To be checked.
    Waiting,
    /// A check is under way.
    InProgress(Check),
    /// A check was answered: it works, both ways.
    Valid,
    /// It does not.
    Failed,
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Check {
    pub(super) transaction: Transaction,
    /// Sent so many times.
    pub(super) sent: u32,
    /// When it is sent again, or given up.
    pub(super) due: Instant,
    /// Between the last two.
    pub(super) wait: Duration,
    pub(super) nominates: bool,
    /// The role it claims.
    pub(super) controlling: bool,
    /// The pair was known to work before: then it still does when this is not answered.
    pub(super) was_valid: bool,
}

impl Pair {
    pub(super) const fn new(flow: UdpFlow, local_priority: u32, remote: Candidate) -> Self {
        Self {
            flow,
            local_priority,
            remote,
            state: State::Waiting,
            wanted: false,
            nominated: false,
            heard: false,
            answered: None,
            asked: None,
        }
    }

    /// The order of pairs (RFC 8445 §6.1.2.3), the same at both ends.
    pub(super) fn priority(&self, controlling: bool) -> u64 {
        let (ours, theirs) = (u64::from(self.local_priority), u64::from(self.remote.priority));
        let (g, d) = if controlling { (ours, theirs) } else { (theirs, ours) };
        let both = g.min(d) << 32 | g.max(d) << 1;
        both | u64::from(g > d)
    }

    pub(super) const fn is_valid(&self) -> bool {
        match &self.state {
            State::Valid => true,
            State::InProgress(check) => check.was_valid,
            State::Waiting | State::Failed => false,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Waiting | State::InProgress(_))
    }

    /// What is under way is to be sent again at once.
    pub(super) fn hasten(&mut self, now: Instant) {
        if let State::InProgress(check) = &mut self.state {
            check.due = check.due.min(now);
        }
    }

    pub(super) fn check(&self) -> Option<&Check> {
        match &self.state {
            State::InProgress(check) => Some(check),
            _ => None,
        }
    }
}
