//! What home and visited networks say to each other, whatever the wire.
//!
//! The names are those of GSM-MAP (3GPP TS 29.002). On ANSI-41 they become AUTHREQ, REGNOT, QUALREQ, QUALDIR, REGCANC,
//! MSINACT; on Diameter the commands of S6a (3GPP TS 29.272).

use core::fmt;

use zeroize::Zeroizing;

use crate::{BindClaim, E164, Generation, Imsi, NetworkName, Proof, Services, Subscription};

/// A question on the private network.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// Visited to home: what to ask the terminal.
    SendAuthenticationInfo {
        /// Who says it is there.
        imsi: Imsi,
        /// Where.
        visited: VisitedNetwork,
        /// How many challenges, 1 to 5.
        count: u8,
        /// The terminal found the last one stale (3GPP TS 33.102 §6.3.5).
        resynchronisation: Option<Resynchronisation>,
    },
    /// Visited to home: an authenticated terminal is here now. The home answers after [`Operation::InsertSubscriberData`].
    UpdateLocation {
        /// Who.
        imsi: Imsi,
        /// Where.
        visited: VisitedNetwork,
    },
    /// Home to visited: what the subscriber may do. Before the answer to an update, and whenever it changes.
    InsertSubscriberData {
        /// Who.
        imsi: Imsi,
        /// What.
        subscription: Subscription,
    },
    /// Home to visited: services taken away.
    DeleteSubscriberData {
        /// Whose.
        imsi: Imsi,
        /// Those that are `true` here are withdrawn.
        services: Services,
    },
    /// Visited to home: bind the name. On MAP an update of the location that carries the claim in its extension.
    Bind {
        /// What to bind.
        claim: BindClaim,
        /// The terminal's word for it.
        proof: Proof,
        /// How long the binding is to hold unless renewed, in seconds.
        lease: u32,
    },
    /// Home to visited: the subscriber is not yours any more.
    CancelLocation {
        /// Who.
        imsi: Imsi,
        /// Why.
        reason: CancelReason,
        /// Stays up to this one are over.
        generation: Generation,
    },
    /// Visited to home: the subscriber has left; unbinds its name when the stay is still the newest.
    PurgeMs {
        /// Who.
        imsi: Imsi,
        /// From where.
        visited: VisitedNetwork,
        /// Which stay.
        generation: Generation,
    },
    /// Visited to home: this node has lost what it knew of a subscriber who is here.
    RestoreData {
        /// Who.
        imsi: Imsi,
    },
    /// Home to visited, without an answer: the home was started again.
    Reset {
        /// The home's node.
        hlr: E164,
    },
}

/// What a question is answered with.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// To [`Operation::SendAuthenticationInfo`]: at least one.
    AuthenticationInfo(Vec<Challenge>),
    /// To [`Operation::UpdateLocation`].
    Located {
        /// The home's node.
        hlr: E164,
        /// The stay that begins.
        generation: Generation,
    },
    /// To [`Operation::Bind`]: durable and answerable.
    Bound {
        /// How long, in seconds.
        lease: u32,
    },
    /// To [`Operation::RestoreData`], after [`Operation::InsertSubscriberData`].
    Restored {
        /// The home's node.
        hlr: E164,
    },
    /// To all others.
    Done,
}

/// The node and network that ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VisitedNetwork {
    /// The node's number, its global title.
    pub vlr: E164,
    /// The network's domain; the home checks it against the partner that the link belongs to.
    pub network: NetworkName,
}

/// How a terminal can show that it is who it says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Challenge {
    /// AKA (3GPP TS 33.102): the answer is known beforehand.
    Aka(Box<Quintuplet>),
    /// A key pair: the terminal signs `nonce`.
    Ed25519 {
        /// Fresh.
        nonce: [u8; 32],
        /// Verifies the signature.
        public_key: [u8; 32],
    },
}

/// One AKA vector. The keys are bound to the visited network, as in RFC 5448 §3.3: the home's own stay at home.
#[derive(Clone, Eq, PartialEq)]
pub struct Quintuplet {
    /// RAND.
    pub rand: [u8; 16],
    /// XRES, 4 to 16 bytes.
    pub xres: Zeroizing<Vec<u8>>,
    /// CK'.
    pub ck: Zeroizing<[u8; 16]>,
    /// IK'.
    pub ik: Zeroizing<[u8; 16]>,
    /// AUTN.
    pub autn: [u8; 16],
}

impl fmt::Debug for Quintuplet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quintuplet(..)")
    }
}

/// What a terminal says when the sequence number of a challenge is behind its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resynchronisation {
    /// RAND of the challenge.
    pub rand: [u8; 16],
    /// AUTS.
    pub auts: [u8; 14],
}

/// Why a stay is over.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CancelReason {
    /// The terminal is served by another network.
    UpdateProcedure,
    /// The home ended the subscription, or the right to roam.
    SubscriptionWithdrawn,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::UnknownSubscriber,
        Self::RoamingNotAllowed,
        Self::NoAgreement,
        Self::NotServing,
        Self::WrongNetwork,
        Self::StaleGeneration,
        Self::NameMismatch,
        Self::AddressNotAllowed,
        Self::ProofInvalid,
        Self::NoPacketData,
        Self::Overload,
        Self::SystemFailure,
        Self::DataMissing,
        Self::UnexpectedDataValue,
        Self::NotSupported,
        Self::NoAnswer,
    ];

    /// Its place among all.
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::UnknownSubscriber => 0,
            Self::RoamingNotAllowed => 1,
            Self::NoAgreement => 2,
            Self::NotServing => 3,
            Self::WrongNetwork => 4,
            Self::StaleGeneration => 5,
            Self::NameMismatch => 6,
            Self::AddressNotAllowed => 7,
            Self::ProofInvalid => 8,
            Self::NoPacketData => 9,
            Self::Overload => 10,
            Self::SystemFailure => 11,
            Self::DataMissing => 12,
            Self::UnexpectedDataValue => 13,
            Self::NotSupported => 14,
            Self::NoAnswer => 15,
        }
    }
}

/// Why a question is refused. Each has a number on each wire; those without one of the standard's travel in the
/// extension beside the nearest standard error.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Nobody of that identity.
    #[error("the subscriber is not known")]
    UnknownSubscriber,
    /// The subscriber may not be there.
    #[error("the subscriber may not roam there")]
    RoamingNotAllowed,
    /// The networks have no agreement.
    #[error("no roaming agreement")]
    NoAgreement,
    /// A network speaks of a subscriber that it does not serve.
    #[error("the asking network does not serve the subscriber")]
    NotServing,
    /// The network that asks is not the one it says it is.
    #[error("the network is not the one that the link belongs to")]
    WrongNetwork,
    /// The stay is not the newest.
    #[error("the stay is over")]
    StaleGeneration,
    /// The name is not the subscriber's.
    #[error("the name is not the subscriber's")]
    NameMismatch,
    /// The address is none of the partner's.
    #[error("the address is outside of the partner's networks")]
    AddressNotAllowed,
    /// The proof is not the subscriber's over this claim.
    #[error("the proof does not hold")]
    ProofInvalid,
    /// The subscriber may have no address.
    #[error("the subscription has no packet data")]
    NoPacketData,
    /// There is more to do than can be done; nothing was done.
    #[error("overloaded")]
    Overload,
    /// The home or visited node cannot make anything durable, or its name server refuses.
    #[error("the peer failed")]
    SystemFailure,
    /// A field is missing.
    #[error("a field is missing")]
    DataMissing,
    /// A field says what it may not.
    #[error("a field has an unexpected value")]
    UnexpectedDataValue,
    /// The operation is not known here.
    #[error("the operation is not supported")]
    NotSupported,
    /// Nothing came back in time, or the link is down. Never on a wire.
    #[error("no answer")]
    NoAnswer,
}
