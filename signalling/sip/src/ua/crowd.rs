//! How much each source may want of us: requests a second, and calls that wait for an answer.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::IpAddr;

use rove_base::Instant;

use super::{
    UaConfig, UserAgent,
    call::{Call, State},
};
use crate::{
    sources::{Admission, Rate, Sources},
    transaction::{Keyed, KeyedMap},
};

/// What was refused because its source wanted too much.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Refused {
    /// Requests that came too fast and were answered 503.
    pub told: u64,
    /// Requests that came too fast and were not answered, because their source had been told.
    pub dropped: u64,
    /// Calls beyond those of their source that waited for an answer.
    pub ringing: u64,
    /// Subscriptions beyond those of their source, or of all.
    pub watching: u64,
}

/// The sources of requests.
#[derive(Debug)]
pub(super) struct Crowd {
    sources: Sources,
    ringing: KeyedMap<IpAddr, usize>,
    pub(super) refused: Refused,
}

impl Crowd {
    pub(super) fn new(config: &UaConfig, keyed: &Keyed) -> Self {
        let requests_per_second = config.requests_per_second;
        let rate = Rate { requests_per_second, burst: requests_per_second, sources: SOURCES };
        Self {
            sources: Sources::new(&rate, keyed.clone()),
            ringing: KeyedMap::with_hasher(keyed.clone()),
            refused: Refused::default(),
        }
    }

    /// A request that begins something has come from `ip`.
    pub(super) fn admit(&mut self, now: Instant, ip: IpAddr) -> Admission {
        let admission = self.sources.admit(now, ip);
        match admission {
            Admission::Fine => {}
            Admission::Floods => self.refused.told = self.refused.told.saturating_add(1),
            Admission::StillFloods => self.refused.dropped = self.refused.dropped.saturating_add(1),
        }
        admission
    }

    /// Whether another call of `ip` may wait; [`settle`](Self::settle) takes it back.
    pub(super) fn rings(&mut self, ip: IpAddr, most: usize) -> bool {
        let ringing = self.ringing.get(&ip).copied().unwrap_or(0);
        if ringing >= most {
            self.refused.ringing = self.refused.ringing.saturating_add(1);
            return false;
        }
        self.ringing.insert(ip, ringing.saturating_add(1));
        true
    }

    /// Something has happened to a call: its caller may not wait any more.
    pub(super) fn settle(&mut self, call: &mut Call) {
        if matches!(call.state, State::Alerting(_)) {
            return;
        }
        let Some(ip) = call.rings_for.take() else { return };
        match self.ringing.get(&ip).and_then(|ringing| ringing.checked_sub(1)) {
            Some(0) | None => drop(self.ringing.remove(&ip)),
            Some(left) => drop(self.ringing.insert(ip, left)),
        }
    }
}

impl UserAgent {
    /// What was refused since the beginning because its source wanted too much.
    #[must_use]
    pub const fn refused(&self) -> Refused {
        self.crowd.refused
    }
}

/// Sources whose rates are kept apart; of more, the one first heard of is forgotten.
const SOURCES: usize = 16_384;
