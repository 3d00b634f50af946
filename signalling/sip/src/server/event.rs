//! What a server tells its owner.

use std::net::SocketAddr;

use rove_base::UnixTime;

use super::Consultation;
use crate::{
    message::{SipUri, StatusCode},
    transport::Hop,
};

/// What has happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A user's bindings have changed.
    Registered {
        /// Whose.
        aor: String,
        /// How many there are now.
        bindings: usize,
        /// From where it was asked for.
        from: SocketAddr,
    },
    /// Somebody did not prove who they are.
    Refused {
        /// The method of the request.
        method: String,
        /// Whom it said it was.
        user: String,
        /// From where.
        from: SocketAddr,
    },
    /// A source sends more than it may; told once for each burst.
    Flooding {
        /// From where.
        from: SocketAddr,
    },
    /// A call is over, or was never answered. Told once for each call.
    Call(CallRecord),
    /// Addresses of a host name are wanted; answer with [`SipServer::resolved`](super::SipServer::resolved).
    Resolve {
        /// To be named in the answer.
        id: ResolveId,
        /// Where to.
        uri: SipUri,
    },
    /// A call wants to go on; answer with [`SipServer::treated`](super::SipServer::treated). Told only when asked for.
    Consult(Box<Consultation>),
    /// A message has come or gone; told only when asked for.
    Message {
        /// When.
        at: UnixTime,
        /// Which way.
        hop: Hop,
        /// Whether it left here.
        sent: bool,
        /// All of it.
        bytes: Vec<u8>,
    },
}

/// Names a question for the addresses of a host.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ResolveId(pub u64);

/// What is kept of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// Its Call-ID.
    pub call_id: String,
    /// Who called: the URI in From.
    pub caller: String,
    /// Who was called: the Request-URI as it came.
    pub callee: String,
    /// Who proved to call; `None` when nobody was asked.
    pub user: Option<String>,
    /// When the INVITE came.
    pub begun: UnixTime,
    /// When the first 2xx passed; `None` when there was none.
    pub answered: Option<UnixTime>,
    /// When it ended: with the final response when that was not 2xx, else with the BYE. `None` when no BYE was seen.
    pub ended: Option<UnixTime>,
    /// The final response to the INVITE.
    pub status: StatusCode,
    /// How it ended.
    pub end: CallEnd,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallEnd {
    /// It was not answered.
    Unanswered,
    /// The caller said BYE.
    Caller,
    /// The callee said BYE.
    Callee,
    /// This server said BYE to both.
    Operator,
    /// Its end does not pass here, or did not within a day.
    Unseen,
}
