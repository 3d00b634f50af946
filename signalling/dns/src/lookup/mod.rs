//! Finding where a name is: the procedure of RFC 3263 over our own stub resolver (RFC 1034 §5.3.1).
//!
//! [`Resolver`] asks the configured servers, in their order, and trusts what they answer: it is a client of
//! authoritative or recursive servers that its owner chose. Told to [`ResolverConfig::walk`], it takes them for the root
//! and goes from there from delegation to delegation (RFC 1034 §5.3.3).

mod cache;
mod exchange;
mod number;
mod order;
mod pattern;
mod procedure;
mod resolver;
mod search;
#[cfg(test)]
mod tests;
mod walk;

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::Transport;

pub use crate::query::Rcode;
pub use resolver::Resolver;

/// How a [`Resolver`] works.
#[derive(Clone, Debug)]
pub struct ResolverConfig {
    /// Whom to ask, best first.
    pub servers: Vec<SocketAddr>,
    /// Our own UDP addresses, one per address family; servers of a family without one are not asked.
    pub local: Vec<SocketAddr>,
    /// Before a question is repeated or the next server is asked; doubles with each round over the servers, up to
    /// fourfold.
    pub timeout: Duration,
    /// Rounds over all servers.
    pub attempts: u32,
    /// IPv6 addresses of a host before its IPv4 ones.
    pub prefer_v6: bool,
    /// What we speak, best first, for when the domain has no preference of its own (RFC 3263 §4.1).
    pub transports: &'static [Transport],
    /// Ask for NAPTR, SRV and addresses at once instead of one after the other: one round trip instead of three.
    pub eager: bool,
    /// The servers are those of the root: whom they refer to is asked next, at the port that the first of them has.
    pub walk: bool,
    /// Answers remembered; 0 remembers none. Their TTL is honoured, also of negative ones (RFC 2308 §5).
    pub cache_entries: usize,
    /// No answer is remembered longer, whatever its TTL.
    pub cache_longest: Duration,
}

impl ResolverConfig {
    /// The defaults: UDP alone, first repetition after 500 ms, 5 rounds (7.5 s for one server), IPv6 first, eager, 256 answers
    /// remembered for at most an hour.
    #[must_use]
    pub const fn new(servers: Vec<SocketAddr>, local: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            local,
            timeout: Duration::from_millis(500),
            attempts: 5,
            prefer_v6: true,
            transports: &[Transport::Udp],
            eager: true,
            walk: false,
            cache_entries: 256,
            cache_longest: Duration::from_secs(3_600),
        }
    }
}

/// Names one look-up between a [`Resolver`] and its owner.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LookupId(pub u64);

/// A SIP target to be found: the host, port and transport of its URI (RFC 3263 §4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query {
    /// A host name or an IP address; an IPv6 address with or without brackets.
    pub host: String,
    /// The port, when the URI has one.
    pub port: Option<u16>,
    /// The transport parameter, when the URI has one.
    pub transport: Option<Transport>,
    /// Whether the URI is a `sips` one: only secure transports will do.
    pub secure: bool,
}

/// What a [`Resolver`] tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// There are places to try.
    Found {
        /// Which look-up.
        id: LookupId,
        /// At least one, in the order in which to try them.
        candidates: Vec<Candidate>,
        /// How they were found.
        steps: Vec<TraceStep>,
    },
    /// A number stands for this URI. Where that is called comes next, under the same name.
    Number {
        /// Which look-up.
        id: LookupId,
        /// The URI.
        uri: String,
    },
    /// There is none.
    Failed {
        /// Which look-up.
        id: LookupId,
        /// Why.
        error: LookupError,
        /// What was tried.
        steps: Vec<TraceStep>,
    },
}

/// One place to try.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// Where. The port is 0 when only addresses or names were asked for.
    pub address: SocketAddr,
    /// In what.
    pub transport: Transport,
    /// The host name that has this address, without final dot; the address itself when the target was an address.
    pub name: String,
}

/// One question on the way, for `rove lookup --trace`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceStep {
    /// Name and type.
    pub question: String,
    /// The records, or why there are none.
    pub answer: String,
    /// Who answered; `None` for the cache and for additional records of another answer.
    pub server: Option<SocketAddr>,
    /// The zone whose server that is, as far as delegations led; `None` when none is followed, or nobody answered.
    pub zone: Option<String>,
    /// From the first asking to the answer.
    pub took: Duration,
}

/// Why a look-up found nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The text is no host name.
    #[error("\"{name}\" is not a valid host name")]
    BadName {
        /// What was given.
        name: String,
    },
    /// The text is no telephone number with its country.
    #[error("\"{number}\" is no telephone number with + and country code")]
    BadNumber {
        /// What was given.
        number: String,
    },
    /// Nobody has published where a number is called over SIP (RFC 6116).
    #[error("nothing says where {number} is called over SIP (ENUM: no E2U+sip below e164.arpa)")]
    NoSuchNumber {
        /// The number.
        number: String,
    },
    /// The servers say that the name does not exist.
    #[error("the name {name} does not exist")]
    NoSuchName {
        /// The name.
        name: String,
    },
    /// The name exists without what is needed: an address, or for an address a name.
    #[error("the name {name} exists but has no address")]
    NoAddress {
        /// The name.
        name: String,
    },
    /// The domain says that it does not do SIP over the transports we speak (RFC 2782, target ".").
    #[error("{name} does not accept SIP calls")]
    NotOffered {
        /// The name.
        name: String,
    },
    /// A transport that we do not speak, or that is not as secure as was asked for.
    #[error("SIP over {transport} cannot be used for this")]
    Unsupported {
        /// What was asked for.
        transport: Transport,
    },
    /// Aliases lead in a circle or through too many names.
    #[error("the aliases of {name} do not end")]
    AliasLoop {
        /// Where it started.
        name: String,
    },
    /// No server answered in time.
    #[error("no answer from {}", list(servers))]
    Timeout {
        /// All that were asked.
        servers: Vec<SocketAddr>,
    },
    /// The last server that answered refused or failed.
    #[error("the name server {server} answered {code}")]
    ServerFailure {
        /// Which server.
        server: SocketAddr,
        /// What it said.
        code: Rcode,
    },
    /// The last server that answered does not know and would have us ask others.
    #[error("the name server {server} is not responsible for the name")]
    NotAuthoritative {
        /// Which server.
        server: SocketAddr,
    },
    /// The last server that answered did not speak DNS.
    #[error("the name server {server} answered with something unreadable")]
    Malformed {
        /// Which server.
        server: SocketAddr,
    },
    /// None is configured, or none of an address family that we have.
    #[error("no name server is configured that can be reached from here")]
    NoServer,
    /// Too many look-ups at once, or one that leads to ever more names.
    #[error("too many questions at once")]
    Overload,
}

fn list(servers: &[SocketAddr]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
