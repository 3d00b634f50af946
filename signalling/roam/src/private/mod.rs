//! The private network between home and visited networks: one set of questions, an adapter for each wire.
//!
//! ```text
//!  hlr, vlr ── Operation ──▶ PrivateNetwork (map | ansi41 | diameter) ── bytes ──▶ TLS or SCTP to the partner
//!           ◀── Told ──────
//! ```

pub mod ansi41;
pub mod ber;
mod carrier;
pub mod diameter;
mod digits;
mod known;
mod link;
pub mod m3ua;
pub mod map;
mod pending;
pub mod sccp;
pub mod sctp;
pub mod tcap;

use core::net::SocketAddr;

use rove_base::{Arrival, Machine, Now, Transport};

use crate::{Cause, E164, NetworkName, Operation, Outcome, Plmn};

/// A partner, by its place in the node's list of agreements.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PartnerId(pub u16);

/// Names one question between an adapter and its owner. The asking side chose it: the owner for what it asks, the
/// adapter for what a partner asks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DialogueId(pub u64);

/// What an adapter has to know of a partner.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Which.
    pub id: PartnerId,
    /// Its domain; its certificate must carry this name where the link is secured.
    pub name: NetworkName,
    /// Its network code.
    pub plmn: Plmn,
    /// Its node's number, the global title that questions go to.
    pub title: E164,
    /// Where its node listens; `None` when it always connects to us.
    pub address: Option<SocketAddr>,
    /// In what it is reached: TLS, or [`Transport::Udp`], which is SCTP in UDP ([`sctp`]); then its address is all that
    /// is known of it, and it must have one.
    pub transport: Transport,
}

/// What an adapter tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Told {
    /// Questions can be asked.
    Up(PartnerId),
    /// None can; those that wait are answered with [`Cause::NoAnswer`].
    Down(PartnerId),
    /// A partner asks.
    Asked {
        /// Who.
        partner: PartnerId,
        /// For the answer.
        id: DialogueId,
        /// What.
        operation: Operation,
    },
    /// A question is answered, by the partner or by time.
    Answered {
        /// Who.
        partner: PartnerId,
        /// Which question.
        id: DialogueId,
        /// With what.
        result: Result<Outcome, Cause>,
    },
    /// Something came that makes no sense; it was refused as its protocol says. For the counters.
    Malformed(PartnerId),
}

/// A wire that carries [`Operation`]s. Every question is answered exactly once, at the latest when its time is up.
pub trait PrivateNetwork: for<'a> Machine<Input<'a> = Arrival<'a>, Event = Told> {
    /// Asks a partner.
    fn ask(&mut self, now: Now, partner: PartnerId, id: DialogueId, operation: Operation);

    /// Answers what a partner asked. An answer to a question that is over is dropped.
    fn answer(&mut self, now: Now, partner: PartnerId, id: DialogueId, result: Result<Outcome, Cause>);

    /// Whether a partner of this domain is reached by it.
    fn knows(&self, network: &str) -> bool;
}

/// The causes that a partner can be told: each wire must bring every one of them across.
#[cfg(test)]
const REFUSALS: [Cause; 15] = [
    Cause::UnknownSubscriber,
    Cause::RoamingNotAllowed,
    Cause::NoAgreement,
    Cause::NotServing,
    Cause::WrongNetwork,
    Cause::StaleGeneration,
    Cause::NameMismatch,
    Cause::AddressNotAllowed,
    Cause::ProofInvalid,
    Cause::NoPacketData,
    Cause::Overload,
    Cause::SystemFailure,
    Cause::DataMissing,
    Cause::UnexpectedDataValue,
    Cause::NotSupported,
];
