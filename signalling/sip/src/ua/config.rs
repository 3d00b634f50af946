//! What an agent is told once, and what it is told for each call it makes.

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
    /// Transactions that peers may have open at a time, most of which only absorb repetitions for 32 s; another caller
    /// hears 503 (Service Unavailable).
    pub max_transactions: usize,
    /// How many streams there may be, and how long each may take.
    pub streams: Limits,
    /// The session description that OPTIONS is answered with.
    pub capabilities: Option<Vec<u8>>,
}

impl Default for UaConfig {
    /// 1 000 calls, 65 536 transactions, no addresses, no capabilities.
    fn default() -> Self {
        Self {
            user_agent: "rove".into(),
            local: Vec::new(),
            max_calls: 1_000,
            max_transactions: 65_536,
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
    /// More headers, none of those that the agent writes itself. Route leads over a proxy.
    pub headers: Vec<(HeaderName, String)>,
}
