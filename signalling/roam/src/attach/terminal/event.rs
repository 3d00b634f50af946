//! What a terminal's machine is told, and tells.

use std::net::SocketAddr;

use crate::{
    Addresses, E164, Generation, HostName, Imsi, NetworkName, Profile,
    attach::{CallId, Reason, Secret},
};

/// A terminal.
#[derive(Clone, Debug)]
pub struct TerminalConfig {
    /// Its subscriber.
    pub imsi: Imsi,
    /// Its name, where it is to be told; the home's word wins.
    pub name: Option<HostName>,
    /// Whether DHCP gets the address, with [`TerminalEvent::Token`]. Otherwise the machine says that it is ready.
    pub dhcp: bool,
}

/// Where a network takes terminals in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Access {
    /// Where to connect to.
    pub address: SocketAddr,
    /// Whose certificate is expected. `None` where the network was found, not chosen: it is then who its certificate,
    /// which the driver has verified, says.
    pub network: Option<NetworkName>,
}

/// What the phone is told.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TerminalEvent {
    /// The network has taken the proof: what to ask DHCP with.
    Token {
        /// The client identifier.
        token: Secret,
        /// What DHCP will give.
        addresses: Addresses,
    },
    /// The name resolves to the addresses. Also when it stands again after the stream was lost.
    Attached {
        /// The addresses.
        addresses: Addresses,
        /// The name.
        name: HostName,
        /// Where.
        network: NetworkName,
        /// Which stay.
        generation: Generation,
    },
    /// What the subscriber may do, and what the phone does for calls.
    Profile {
        /// The subscriber's number.
        msisdn: Option<E164>,
        /// The rest.
        profile: Profile,
    },
    /// No stay began.
    Refused(Reason),
    /// The stay is over, and not because the phone wanted it.
    Ended(Reason),
    /// The stay is over, as the phone wanted it.
    Detached,
    /// A call may be made.
    CallAllowed {
        /// Which.
        id: CallId,
        /// The caller's identity is to be withheld.
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
