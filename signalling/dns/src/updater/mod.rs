//! Keeping a name pointed at where we are: signed dynamic updates (RFC 2136, RFC 8945) as a client sends them.

mod machine;
mod message;
mod request;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

pub use crate::query::Rcode;
use crate::tsig::TsigKey;
pub use machine::Updater;

/// How an [`Updater`] works.
#[derive(Clone, Debug)]
pub struct UpdaterConfig {
    /// The primary server of the zones.
    pub server: SocketAddr,
    /// Our own UDP address, of the same family.
    pub local: SocketAddr,
    /// What the updates are signed with.
    pub key: TsigKey,
    /// The zone of the names; `None` finds it by asking for the SOA.
    pub zone: Option<String>,
    /// TTL of the records, whole seconds. Short, for names that move.
    pub ttl: Duration,
    /// Before a request is repeated; doubles each time, up to fourfold.
    pub timeout: Duration,
    /// How often a request is sent.
    pub attempts: u32,
}

impl UpdaterConfig {
    /// The defaults: zones found by asking, TTL 5 s, first repetition after 500 ms, 8 sends (13.5 s in all): of 20 %
    /// loss each way three requests in ten thousand do not get through.
    #[must_use]
    pub const fn new(server: SocketAddr, local: SocketAddr, key: TsigKey) -> Self {
        Self {
            server,
            local,
            key,
            zone: None,
            ttl: Duration::from_secs(5),
            timeout: Duration::from_millis(500),
            attempts: 8,
        }
    }
}

/// What an [`Updater`] tells its owner: one event for each name that was published or withdrawn.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The server has made the name point here, durably.
    Published {
        /// The name, as it was given.
        name: String,
        /// Those of the addresses that now lead back to the name. The others lie in reverse zones that the server does
        /// not hold or the key may not touch.
        reverse: Vec<IpAddr>,
    },
    /// Nothing that was published is there any more.
    Withdrawn {
        /// The name, as it was given.
        name: String,
    },
    /// Someone else has changed the addresses since; they were left alone.
    Superseded {
        /// The name, as it was given.
        name: String,
    },
    /// The server does not want to.
    Refused {
        /// The name, as it was given.
        name: String,
        /// How it says so.
        code: Rcode,
        /// What that means here.
        why: String,
    },
    /// The server does not answer, or not with our key.
    Unreachable {
        /// The name, as it was given.
        name: String,
        /// The server.
        server: SocketAddr,
    },
}
