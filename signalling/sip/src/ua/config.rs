//! What an agent is told once, and what it is told for each call it makes.

use std::net::IpAddr;

use crate::{
    message::{HeaderName, NameAddr, Uri},
    transport::{Hop, Limits, LocalAddress},
};

/// How a user agent presents and limits itself.
#[derive(Clone, Debug)]
pub struct UaConfig {
    /// What User-Agent and Server say; empty leaves them out.
    pub user_agent: String,
    /// The addresses where we are reached, which requests name as their sender. Requests inside a call use another one than the call was made
    /// on only when the other end asks for the other address family.
    pub local: Vec<LocalAddress>,
    /// Calls at a time; another caller hears 486 (Busy Here).
    pub max_calls: usize,
    /// Subscriptions that peers may have to events of ours at a time; another one hears 503 (Service Unavailable).
    pub max_watchers: usize,
    /// How many of them one address may have; another one hears 403 (Forbidden). Whoever comes by a proxy comes from its
    /// address.
    pub max_watchers_per_source: usize,
    /// Requests a second that begin something which one address may send in the long run, and at once; another one hears 503
    /// (Service Unavailable), and those after it nothing. `0`: any number.
    pub requests_per_second: u32,
    /// Calls of one address that wait for our answer at a time; another caller hears 503.
    pub max_ringing_per_source: usize,
    /// Transactions that peers may have open at a time, most of which only absorb repetitions for 32 s; another caller
    /// hears 503 (Service Unavailable).
    pub max_transactions: usize,
    /// The hosts of our trust domain, whose word on who calls is believed and who may hear it from us (RFC 3325). Empty:
    /// there is none.
    pub trusted: Vec<IpAddr>,
    /// After how many seconds without a refresh a call of ours is taken for dead (RFC 4028). `None` leaves that to the
    /// other end.
    pub session_expires: Option<u32>,
    /// The shortest such time that a caller may ask for, in seconds; 90 at least.
    pub min_session_expires: u32,
    /// How many streams there may be, and how long each may take.
    pub streams: Limits,
    /// The session description that OPTIONS is answered with.
    pub capabilities: Option<Vec<u8>>,
}

impl Default for UaConfig {
    /// 1 000 calls, 65 536 transactions, no addresses, no capabilities; sessions are refreshed within half an hour.
    fn default() -> Self {
        Self {
            user_agent: "rove".into(),
            local: Vec::new(),
            max_calls: 1_000,
            requests_per_second: 0,
            max_ringing_per_source: 1_000,
            max_watchers: 1_000,
            max_watchers_per_source: 100,
            max_transactions: 65_536,
            trusted: Vec::new(),
            session_expires: Some(1_800),
            min_session_expires: 90,
            streams: Limits::default(),
            capabilities: None,
        }
    }
}

/// A call to be made.
#[derive(Clone, Debug)]
pub struct OutgoingInvite {
    /// The way the INVITE takes. One that is too long for a datagram goes over TCP, if that can be had
    /// (RFC 3261 §18.1.1).
    pub hop: Hop,
    /// The domain that was looked up, whose certificate a secure stream must show (RFC 5922 §7.1). `None` when an
    /// address was dialled.
    pub name: Option<String>,
    /// Who is called: the Request-URI.
    pub uri: Uri,
    /// Who calls; the tag is added.
    pub from: NameAddr,
    /// Who is called, for people.
    pub to: NameAddr,
    /// The offer, as `application/sdp`.
    pub body: Vec<u8>,
    /// Hides who calls from all but the trust domain (RFC 3323).
    pub private: bool,
    /// More headers, none of those that the agent writes itself. Route leads over a proxy.
    pub headers: Vec<(HeaderName, String)>,
}

/// A change of a running session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionChange {
    /// The new offer, as `application/sdp`.
    pub body: Vec<u8>,
    /// The way this end sends from now on, when it has moved to another network.
    pub hop: Option<Hop>,
    /// By UPDATE (RFC 3311) where the other end understands that, else by INVITE. Before the call is answered it goes by
    /// UPDATE, or waits for the answer.
    pub by_update: bool,
}

impl SessionChange {
    /// A new offer by INVITE.
    #[must_use]
    pub const fn offer(body: Vec<u8>) -> Self {
        Self { body, hop: None, by_update: false }
    }
}

/// A request that the other side of a call shall call somebody else (RFC 3515).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutgoingRefer {
    /// Whom: a URI, whose headers become headers of the new INVITE, such as Replaces.
    pub to: NameAddr,
    /// Who wants it (RFC 3892).
    pub by: Option<NameAddr>,
    /// Whether we want to hear how that goes; else the other side may do without telling (RFC 4488).
    pub subscribe: bool,
}
