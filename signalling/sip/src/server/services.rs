//! What subscribers' services do to calls: whoever knows the subscribers is asked before an INVITE goes on, and again for
//! each place that it is forwarded to.
//!
//! ```text
//!  INVITE ─▶ Consult ─▶ owner ─▶ Treatment ─┬─▶ refused, with its cause
//!                          ▲                ├─▶ bindings, or where the network has put the terminal
//!                          └── forwarded ◀──┘    (always; busy; when nobody answers in time)
//! ```
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod divert;
mod present;
mod treat;

use core::{net::SocketAddr, time::Duration};

use rove_base::{Instant, Transport};

use crate::{
    message::{NameAddr, Reason, StatusCode, Uri},
    transport::Hop,
};

pub(super) use divert::absent;
pub(super) use present::{hide, hide_contact, is_anonymous};

/// Names a question for the services of a call.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConsultId(pub u64);

/// A call that wants to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Consultation {
    /// To be named in the answer.
    pub id: ConsultId,
    /// Who says to call.
    pub caller: Uri,
    /// The user that has proved to call, where users are asked.
    pub proved: Option<String>,
    /// From where the request came.
    pub from: SocketAddr,
    /// In what.
    pub over: Transport,
    /// Who is called; after a forwarding, who is called now.
    pub callee: Uri,
    /// Calls that the caller is in already.
    pub others: usize,
    /// How often it was forwarded here.
    pub forwarded: u8,
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Treatment {
    /// It goes on.
    Granted(Box<Grant>),
    /// It is refused, and the caller hears why (RFC 3326, RFC 6432).
    Refused {
        /// The response.
        status: StatusCode,
        /// Its causes.
        causes: Vec<Reason>,
    },
}

/// How a call goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    /// The caller is not shown to the called one.
    pub hidden: bool,
    /// The network stands behind a caller that is none of the server's users.
    pub vouched: bool,
    /// Who calls, as the network knows it, for its trust domain (RFC 3325).
    pub identity: Option<Uri>,
    /// Who is called, by the name that calls go to.
    pub instead: Option<Uri>,
    /// Where the called one is while nothing is registered.
    pub places: Vec<Uri>,
    /// All calls go there.
    pub always: Option<Uri>,
    /// Where calls go that find the called one busy.
    pub busy: Option<Uri>,
    /// Where calls go that nobody answers in this time.
    pub no_answer: Option<(Uri, Duration)>,
}

/// Why a call is forwarded (RFC 4458, RFC 8119).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Why {
    Always,
    Busy,
    NoAnswer,
}

impl Why {
    /// What `cause` says.
    const fn cause(self) -> u16 {
        match self {
            Self::Always => 302,
            Self::Busy => 486,
            Self::NoAnswer => 408,
        }
    }

    /// What the caller hears when it was forwarded too often.
    const fn too_often(self) -> StatusCode {
        match self {
            Self::Busy => StatusCode::BUSY_HERE,
            Self::Always | Self::NoAnswer => StatusCode::TEMPORARILY_UNAVAILABLE,
        }
    }
}

/// What is kept of it with a request that is passed on.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Nobody vouches for the caller but the answer.
    pub(super) stranger: bool,
    /// The flow that the request has to take.
    pub(super) flow: Option<Hop>,
    /// Until when the answer may take.
    pub(super) until: Option<Instant>,
    /// When somebody is to have answered.
    pub(super) answer_by: Option<Instant>,
    /// Nobody has.
    pub(super) unanswered: bool,
    pub(super) hidden: bool,
    pub(super) identity: Option<Uri>,
    /// The request came from where identities are believed.
    pub(super) trusted: bool,
    pub(super) grant: Option<Box<Grant>>,
    /// Who was called, when that was somebody else.
    pub(super) called: Option<String>,
    /// Its copies go to users of ours.
    pub(super) user: bool,
}

impl Served {
    /// When something has to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.until, self.answer_by)
    }
}

/// The name of From without its parameters, for whoever asks about the caller.
fn caller_of(from: Option<NameAddr>) -> Option<Uri> {
    from.map(|from| from.uri)
}

/// How long an answer may take; a number is looked up meanwhile.
const CONSULT_TIME: Duration = Duration::from_secs(10);
/// Forwardings of one call, here and elsewhere.
const MOST_FORWARDINGS: usize = 5;
