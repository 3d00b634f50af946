//! What a home asks and tells.

use rove_base::Instant;

use crate::{
    Addresses, Cause, Change, Generation, HostName, Imsi, NetworkName, Operation, Outcome,
    private::{DialogueId, PartnerId},
};

use super::{AdministerError, RequestId};

/// What a home asks of its owner.
#[derive(Debug)]
#[must_use]
pub enum HlrStep {
    /// Ask a partner.
    Ask {
        /// Whom.
        partner: PartnerId,
        /// For the answer.
        id: DialogueId,
        /// What.
        operation: Operation,
    },
    /// Answer what a partner asked.
    Answer {
        /// Whom.
        partner: PartnerId,
        /// Which question.
        id: DialogueId,
        /// With what.
        result: Result<Outcome, Cause>,
    },
    /// Make this durable and visible, and say so with [`Hlr::committed`](super::Hlr::committed). In the order in which they come.
    Commit(Change),
    /// For the log, and for those who wait for it.
    Event(HlrEvent),
    /// Nothing to do before this instant (`None`: until the next input).
    Wait(Option<Instant>),
}

/// What happened to a subscriber.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HlrEvent {
    /// A visited network says that it is there.
    Located {
        /// Who.
        imsi: Imsi,
        /// Where.
        network: NetworkName,
        /// In which stay.
        generation: Generation,
    },
    /// It has proven that, and its name is bound. Not told again when the binding is renewed.
    Bound {
        /// Who.
        imsi: Imsi,
        /// Its name.
        name: HostName,
        /// What it resolves to.
        addresses: Addresses,
        /// Where.
        network: NetworkName,
        /// In which stay.
        generation: Generation,
    },
    /// The name resolves to nothing any more.
    Unbound {
        /// Who.
        imsi: Imsi,
        /// Its name.
        name: HostName,
        /// Why.
        why: Unbinding,
    },
    /// What [`Hlr::administer`](super::Hlr::administer) was asked for is done, durable and visible, or refused.
    Administered {
        /// What was asked.
        request: RequestId,
        /// Whether it was done.
        result: Result<(), AdministerError>,
    },
    /// A partner could not be told something in time; its bindings end by themselves.
    Untold {
        /// Whom.
        partner: PartnerId,
        /// Of whom; `None` for a reset.
        imsi: Option<Imsi>,
        /// What came back last.
        cause: Cause,
    },
}

/// Why a name resolves to nothing any more.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Unbinding {
    /// The visited network says that the terminal has left.
    Left,
    /// Nobody renewed the binding.
    Expired,
    /// The home took the right away, or the subscriber is none any more.
    Withdrawn,
}
