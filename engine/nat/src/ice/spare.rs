//! Ways beside the one that is used: checked now and then, so that media can go there at once.
//!
//! RFC 8445 forgets the pairs that were not nominated. Here the best of them are checked in turn as long as the call lasts, a
//! check each [`EACH`]; that also keeps what NATs remember of them. One that was answered is a spare, until it is answered no
//! more. The peer need not know: to it these are checks as any.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{cmp::Reverse, time::Duration};
use std::net::SocketAddr;

use rove_base::{CandidateKind, Instant, RouteKind, UdpFlow};

use super::{
    Ice, IceEvent,
    consent::Consent,
    pair::{Pair, State},
};

#[cfg(test)]
mod tests;

/// The spares that were told, and when the next check is due.
#[derive(Debug, Default)]
pub(super) struct Spares {
    due: Option<Instant>,
    told: Vec<UdpFlow>,
}

impl Spares {
    pub(super) const fn next_wake(&self) -> Option<Instant> {
        self.due
    }
}

impl Ice {
    /// What kind of way a pair is.
    #[must_use]
    pub fn kind(&self, flow: UdpFlow) -> RouteKind {
        if self.dedicated.contains(&flow.local) {
            return RouteKind::Pvdpn;
        }
        let near = self.lent.contains(&flow.local);
        let far =
            self.pairs.iter().any(|pair| pair.flow == flow && pair.remote.kind == CandidateKind::Relayed);
        match (near, far) {
            (true, true) => RouteKind::Relay2,
            (true, false) | (false, true) => RouteKind::Relay,
            (false, false) if self.first == Some(flow) => RouteKind::Direct,
            (false, false) => RouteKind::Other,
        }
    }

    /// These addresses of this side are lent by a network for voice alone.
    pub fn dedicate(&mut self, addresses: Vec<SocketAddr>) {
        self.dedicated = addresses;
    }

    /// Media of this side goes by `flow` from now on, a spare: the peer is asked there for its consent. Which way the peer's
    /// own goes is left to it.
    pub fn follow(&mut self, now: Instant, flow: UdpFlow) {
        self.now = self.now.max(now);
        let works = self.pairs.iter().any(|pair| pair.flow == flow && pair.is_valid());
        if self.selected.is_none_or(|selected| selected == flow) || !works {
            return;
        }
        for pair in &mut self.pairs {
            pair.nominated = pair.flow == flow;
        }
        self.left();
        self.selected = Some(flow);
        self.consent = Some(Consent::new(self.now, flow, &mut self.entropy));
        self.listen();
        self.tell_spares();
    }

    /// What is selected is so no more: a spare, or soon none.
    pub(super) fn left(&mut self) {
        self.leave_selected();
        self.spares.told.extend(self.selected);
    }

    /// Another way is used: spares of before the checks began anew are none, and nobody is to go back to them.
    pub(super) fn drop_bygone(&mut self) {
        let Self { spares, pairs, events, .. } = self;
        let bygone = |flow: &mut UdpFlow| !pairs.iter().any(|pair| pair.flow == *flow);
        events.extend(spares.told.extract_if(.., bygone).map(IceEvent::SpareGone));
    }

    /// Checks the next of the ways that are kept, and tells which there are.
    pub(super) fn keep_spares(&mut self) {
        if self.selected.is_none() || self.failed {
            (self.spares.due, self.first) = (None, None);
            return self.tell_spares();
        }
        if self.spares.due.is_some_and(|due| due > self.now) {
            return;
        }
        let first = self.spares.due.is_none();
        self.spares.due = Some(self.now + if first { SOON } else { EACH });
        if !first && let Some(flow) = self.next_spare() {
            self.begin_check(flow, false);
        }
        self.tell_spares();
    }

    /// The one of those worth keeping that was asked longest ago.
    fn next_spare(&self) -> Option<UdpFlow> {
        let rests =
            |pair: &Pair| !pair.is_valid() && pair.asked.is_some_and(|asked| self.now.since(asked) < DEAD);
        let idle = |pair: &&Pair| !matches!(pair.state, State::InProgress(_)) && !rests(pair);
        let worth = self.worth_keeping();
        let pairs = self.pairs.iter().filter(|pair| worth.contains(&pair.flow)).filter(idle);
        pairs.min_by_key(|pair| pair.asked).map(|pair| pair.flow)
    }

    /// The best ways beside the one that is used: the cheapest kinds first, those that never answered last.
    fn worth_keeping(&self) -> Vec<UdpFlow> {
        let controlling = self.controlling;
        let others = self.pairs.iter().filter(|pair| self.selected != Some(pair.flow));
        let order = |pair: &Pair| {
            let dead = pair.asked.is_some() && !pair.is_valid();
            (dead, self.kind(pair.flow), Reverse(pair.priority(controlling)))
        };
        let mut others: Vec<_> = others.map(|pair| (order(pair), pair.flow)).collect();
        others.sort_unstable_by_key(|(order, _)| *order);
        others.into_iter().map(|(_, flow)| flow).take(MOST_KEPT).collect()
    }

    fn tell_spares(&mut self) {
        let now = self.now;
        let fresh = |pair: &Pair| {
            self.selected.is_some()
                && self.selected != Some(pair.flow)
                && pair.is_valid()
                && pair.answered.is_some_and(|at| now.since(at) < FRESH)
        };
        let mut there: Vec<_> = self.pairs.iter().filter(|pair| fresh(pair)).map(|pair| pair.flow).collect();
        there.sort_by_key(|flow| (!self.spares.told.contains(flow), self.kind(*flow)));
        there.truncate(MOST_SPARES);
        for gone in self.spares.told.iter().filter(|flow| !there.contains(flow)) {
            self.events.push_back(IceEvent::SpareGone(*gone));
        }
        for flow in there.iter().filter(|flow| !self.spares.told.contains(flow)) {
            let event = IceEvent::Spare(*flow, self.kind(*flow));
            self.events.push_back(event);
        }
        self.spares.told = there;
    }
}

/// Spares told at a time: a stream has so many routes beside its own.
const MOST_SPARES: usize = 5;
/// Ways that are checked in turn.
const MOST_KEPT: usize = 6;
/// The first check waits until those of the beginning are over.
const SOON: Duration = Duration::from_millis(600);
/// Between two checks.
const EACH: Duration = Duration::from_millis(800);
/// A way that never answered is tried again after that.
const DEAD: Duration = Duration::from_secs(30);
/// A way that was not answered for so long is no spare any more.
const FRESH: Duration = Duration::from_secs(8);
