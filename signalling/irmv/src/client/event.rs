//! What a terminal is told, and tells.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use crate::{Carry, Contact, Identifier, Listing, Name, Number, Reason, Record, RelayTicket, Status};

/// What a terminal is told once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// Where its server is.
    pub server: SocketAddr,
    /// Further servers of the domain, where it may register as well: when one does not answer any more, another is tried.
    pub further: Vec<SocketAddr>,
    /// Whose certificate it shows, and which domain it is the server of.
    pub domain: String,
}

/// What a user wants to be known of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presence {
    /// What it is called.
    pub name: Name,
    /// Its number; the server has to know it as the user's.
    pub number: Option<Number>,
    /// An address that is always its own; the link has to come from there.
    pub fixed: Option<IpAddr>,
    /// Where it takes calls.
    pub contacts: Vec<Contact>,
    /// How it is.
    pub status: Status,
    /// Whether anybody may find it; else only whom it admits.
    pub listed: bool,
    /// How long that is good without being said again; it is, after half of that.
    pub lifetime: Duration,
}

/// Names a question, or a watch.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub(crate) u32);

/// What a terminal tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The link stands.
    Up,
    /// The link is gone; it is tried again.
    Down,
    /// The registration stands, also after a crash of the server.
    Registered {
        /// With the server's signature.
        record: Box<Record>,
    },
    /// It does not stand.
    NotRegistered {
        /// Why.
        reason: Reason,
    },
    /// It was taken back.
    Left,
    /// The answer to a question.
    Answer {
        /// Which.
        id: RequestId,
        /// About whom.
        identifier: Identifier,
        /// `None` when nobody is there.
        result: Result<Option<Box<Record>>, Reason>,
    },
    /// Somebody who is watched is there, is there otherwise, or is not there.
    Seen {
        /// By which watch.
        id: RequestId,
        /// About whom.
        identifier: Identifier,
        /// `None` when nobody is there.
        record: Option<Box<Record>>,
    },
    /// Whom the user admits is so now, also after a crash of the server; or the server does not do it.
    Admitted {
        /// By which request.
        id: RequestId,
        /// Why not.
        result: Result<(), Reason>,
    },
    /// Who speaks here is believed to be that; or nobody in particular asks.
    Known {
        /// Why not.
        result: Result<(), Reason>,
    },
    /// By which words the user may be found is as was said, also after a crash of the server; or the server does not do it.
    Listed {
        /// Why not.
        result: Result<(), Reason>,
    },
    /// Some of those who may be found by the words of a search.
    Found {
        /// Of which search.
        id: RequestId,
        /// Who; each has been verified.
        result: Result<Vec<Listing>, Reason>,
        /// Whether there is no further answer.
        last: bool,
    },
    /// By what relays lend an address; or the server does not say it.
    Lent {
        /// By which request.
        id: RequestId,
        /// Why not.
        result: Result<RelayTicket, Reason>,
    },
    /// Another user says something.
    Carried(Carry),
}
