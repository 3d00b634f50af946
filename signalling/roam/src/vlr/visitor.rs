//! One subscriber who is here, or on the way.

use rove_base::{Instant, StreamId};

use super::record::Kept;
use crate::{
    BindClaim, Generation, HostName, Subscription,
    attach::{CallRequest, Secret},
    private::PartnerId,
};

/// A subscriber that has proved who it is.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) partner: PartnerId,
    /// The home is of the same operator.
    pub(super) own: bool,
    /// Tells this attach from others of the same subscriber.
    pub(super) attempt: u64,
    pub(super) stream: Option<StreamId>,
    /// The name that the terminal told.
    pub(super) told: Option<HostName>,
    /// The call that it attaches for.
    pub(super) call: Option<CallRequest>,
    /// What the home says of it; `None` before it has.
    pub(super) subscription: Option<Subscription>,
    /// The home has to be asked again for the above.
    pub(super) refresh: bool,
    pub(super) stage: Stage,
}

/// How far it has come. Deadlines stand in the register's timers.
#[derive(Debug)]
pub(super) enum Stage {
    /// The home has been told.
    Locating,
    /// The home has begun a stay.
    Located(Generation),
    /// The pool has been asked.
    Reserving(Generation, HostName),
    /// The terminal is to prove.
    Assigned(BindClaim),
    /// DHCP or the terminal is to say that addresses are wanted.
    Accepted(Box<Kept>, Secret),
    /// Home and journal are to say that the binding stands.
    Binding(Box<Binding>),
    /// It stands.
    Bound(Box<Bound>),
}

/// What is being bound.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) kept: Kept,
    pub(super) ticket: Secret,
    /// DHCP waits.
    pub(super) dhcp: bool,
    /// Until when the home has bound it; `None` before it has.
    pub(super) home: Option<Instant>,
    /// The journal has it.
    pub(super) durable: bool,
}

/// What is bound.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) kept: Kept,
    pub(super) renew: Renew,
    /// When the home's binding runs out.
    pub(super) lapses: Instant,
    /// When the visitor is given up, if nothing is heard.
    pub(super) heard_until: Instant,
    pub(super) calls: Allowance,
}

/// When the home is asked to renew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Renew {
    At(Instant),
    Asked,
}

/// A bucket of calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) left: u32,
    pub(super) since: Instant,
}

impl Visitor {
    /// What the journal has of it, or will have.
    pub(super) fn journaled(&self) -> Option<&Kept> {
        match &self.stage {
            Stage::Binding(binding) => Some(&binding.kept),
            Stage::Bound(bound) => Some(&bound.kept),
            _ => None,
        }
    }

    /// The stay, as far as the home has begun one.
    pub(super) fn generation(&self) -> Option<Generation> {
        match &self.stage {
            Stage::Locating => None,
            Stage::Located(generation) | Stage::Reserving(generation, _) => Some(*generation),
            Stage::Assigned(claim) => Some(claim.generation),
            Stage::Accepted(kept, _) => Some(kept.claim.generation),
            Stage::Binding(binding) => Some(binding.kept.claim.generation),
            Stage::Bound(bound) => Some(bound.kept.claim.generation),
        }
    }

    /// Whether the pool has been asked for addresses.
    pub(super) const fn holds(&self) -> bool {
        !matches!(self.stage, Stage::Locating | Stage::Located(_))
    }

    pub(super) const fn bound_mut(&mut self) -> Option<&mut Bound> {
        match &mut self.stage {
            Stage::Bound(bound) => Some(bound),
            _ => None,
        }
    }
}

impl Bound {
    /// The next thing to do about it.
    pub(super) fn deadline(&self) -> Instant {
        match self.renew {
            Renew::At(at) => at.min(self.heard_until),
            Renew::Asked => self.heard_until,
        }
    }
}
