//! What terminal and network say to each other.

use arrayvec::ArrayVec;

use super::{Dialled, Reason, Secret};
use crate::{Addresses, E164, Generation, HostName, Imsi, NetworkName, Profile, Proof};

/// A terminal's messages.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ToNetwork {
    /// The first one: who is there.
    Identify(Identify),
    /// The answer to a challenge.
    Response(Response),
    /// The challenge is the home's, but old (3GPP TS 33.102 §6.3.5).
    SyncFailure {
        /// AUTS.
        auts: [u8; 14],
    },
    /// The terminal will not go on with this network.
    Decline {
        /// Why.
        reason: Reason,
    },
    /// The terminal's word for what the home shall bind.
    Prove {
        /// Over the claim that follows from [`ToTerminal::Assign`].
        proof: Proof,
    },
    /// The terminal uses its addresses from now on; for terminals without DHCP.
    Ready,
    /// The terminal is still there.
    Renew,
    /// The first one on another stream: the terminal is there already, and the old stream is not.
    Moved {
        /// Who.
        imsi: Imsi,
        /// Of [`ToTerminal::Bound`].
        ticket: Secret,
    },
    /// The terminal leaves.
    Detach,
    /// May this call be made?
    CallRequest(CallRequest),
}

/// A network's messages.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ToTerminal {
    /// Show that you are who you say.
    Challenge {
        /// The network that asks: the keys of AKA are bound to this name.
        network: NetworkName,
        /// How.
        query: Query,
    },
    /// No stay begins, or none goes on. The stream ends here.
    Refused {
        /// Why.
        reason: Reason,
    },
    /// What the terminal would have here; the home wants its proof.
    Assign {
        /// The addresses.
        addresses: Addresses,
        /// This network.
        network: NetworkName,
        /// The stay, as the home counts.
        generation: Generation,
        /// The name, as the home gives it, or as the terminal did when the home keeps silent.
        name: HostName,
    },
    /// The proof is taken. Get the address now.
    Accept {
        /// DHCP asks for it as client identifier; good for one lease.
        token: Secret,
        /// How long it is good, in seconds.
        patience: u16,
    },
    /// The name resolves to the addresses, and the addresses to the name.
    Bound {
        /// How long the network waits for a sign of life, in seconds.
        lease: u16,
        /// For [`ToNetwork::Moved`].
        ticket: Secret,
    },
    /// The answer to [`ToNetwork::Renew`].
    Renewed {
        /// As in [`ToTerminal::Bound`].
        lease: u16,
    },
    /// What the subscriber may do, and what the terminal does with calls by itself (busy, no answer). Whenever it changes.
    Profile {
        /// The subscriber's number.
        msisdn: Option<E164>,
        /// The rest.
        profile: Profile,
    },
    /// The stay is over because the terminal wanted it; both names are gone. The stream ends here.
    Detached,
    /// The stay is over because the network, or the home, wants it. The stream ends here.
    Ended {
        /// Why.
        reason: Reason,
    },
    /// The call may be made.
    CallAllowed {
        /// Which.
        id: CallId,
        /// The caller's identity is to be withheld (CLIR).
        anonymous: bool,
    },
    /// It may not.
    CallRefused {
        /// Which.
        id: CallId,
        /// Why.
        reason: Reason,
    },
}

/// Who a terminal says it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identify {
    /// Its subscriber.
    pub imsi: Imsi,
    /// Its name, if it likes; the home's word on that is what counts.
    pub name: Option<HostName>,
    /// The call that it attaches for, which is decided as soon as the stay stands.
    pub call: Option<CallRequest>,
}

/// How a terminal is asked to show who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Query {
    /// AKA (3GPP TS 33.102 §6.3).
    Aka {
        /// RAND.
        rand: [u8; 16],
        /// AUTN: the home's word that it is the home's challenge, and fresh.
        autn: [u8; 16],
    },
    /// A signature.
    Ed25519 {
        /// What to sign.
        nonce: [u8; 32],
    },
}

/// A terminal's answer to a challenge.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Response {
    /// RES, 4 to 16 bytes.
    Aka(ArrayVec<u8, 16>),
    /// The signature.
    Ed25519([u8; 64]),
}

/// A terminal's name for a call that it asks about.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u32);

/// A call that a terminal asks about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallRequest {
    /// For the answer.
    pub id: CallId,
    /// Where to.
    pub dialled: Dialled,
    /// It would make three of two parties.
    pub third: bool,
}
