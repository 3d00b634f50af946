//! What an agent tells its owner.

use crate::{
    message::{NameAddr, StatusCode, Uri},
    transport::Hop,
};

/// Names one call of an agent, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u64);

/// Names one OPTIONS request of an agent, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OptionsId(pub u64);

/// What has happened. Each call ends by exactly one [`Event::Failed`] or [`Event::Ended`], after which its name means
/// nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "an incoming call is rare, and moved as often as any event")]
pub enum Event {
    /// Somebody calls. To be answered with `ring`, `accept` or `reject`.
    Incoming {
        /// Its name from now on.
        call: CallId,
        /// The way it came.
        hop: Hop,
        /// Who is called: the Request-URI.
        uri: Uri,
        /// Who says to call.
        from: NameAddr,
        /// Who was called in the first place.
        to: NameAddr,
        /// The offer; empty when the caller wants ours.
        body: Vec<u8>,
        /// The caller's software.
        user_agent: Option<String>,
    },
    /// The other side is working on it.
    Progress {
        /// Which call.
        call: CallId,
        /// 100 to 199.
        status: StatusCode,
        /// Its phrase.
        reason: String,
        /// A session description for early media.
        body: Option<Vec<u8>>,
    },
    /// The call we made was accepted, and that was acknowledged.
    Answered {
        /// Which call.
        call: CallId,
        /// The answer to our offer.
        body: Vec<u8>,
    },
    /// The other side knows that we have accepted: its ACK is here.
    Confirmed {
        /// Which call.
        call: CallId,
        /// The answer, when the offer was ours.
        body: Option<Vec<u8>>,
    },
    /// The other side wants to change the session. To be answered with `accept` or `reject`; the call goes on.
    Reoffered {
        /// Which call.
        call: CallId,
        /// The offer; empty when the other side wants ours.
        body: Vec<u8>,
    },
    /// The call never came about.
    Failed {
        /// Which call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// The call, which stood or which we refused, is over.
    Ended {
        /// Which call.
        call: CallId,
        /// Who ended it.
        by: Party,
        /// The Reason that the other side gave (RFC 3326), or ours.
        reason: Option<String>,
    },
    /// A flow that was kept alive is no more (RFC 5626 §4.4); what was registered over it is to be registered anew.
    FlowFailed {
        /// Which way.
        hop: Hop,
    },
    /// An OPTIONS request of ours was answered.
    OptionsAnswered {
        /// Which request.
        options: OptionsId,
        /// The final status.
        status: StatusCode,
        /// The other side's capabilities, as a session description.
        body: Vec<u8>,
    },
    /// An OPTIONS request of ours was not answered.
    OptionsFailed {
        /// Which request.
        options: OptionsId,
        /// Why.
        failure: Failure,
    },
}

/// Why something never came about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The other side refused, or sent us elsewhere.
    Status {
        /// 300 to 699.
        code: StatusCode,
        /// Its phrase.
        reason: String,
        /// The text of the first Warning.
        warning: Option<String>,
        /// Seconds after which it may be tried again.
        retry_after: Option<u32>,
        /// Where to try instead (3xx), best first.
        contacts: Vec<NameAddr>,
    },
    /// Nobody answered within 32 s.
    Timeout,
    /// The way cannot be used.
    Transport,
    /// The caller has given up: we, or the one who called us.
    Cancelled,
}

/// One of the two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Party {
    /// This side.
    Us,
    /// The other side.
    Peer,
}
