//! What a phone tells its owner.

use rove_base::{Quality, RouteKind};
use rove_core::{
    path::Switched,
    reroute::{Complaint, Rerouted},
    send::Tripped,
    stream::Digit,
};
use rove_dns::lookup::{Candidate, LookupError, LookupId, TraceStep};
use rove_session::{
    AccountId, AccountNews, CallId, ErrandId, ErrandNews, Progress, RegistrationError, RelayStep,
};

use crate::CallReport;

/// Something happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PhoneEvent {
    /// A call went on. [`Progress::Incoming`] wants an answer.
    Call {
        /// Which call.
        call: CallId,
        /// What happened to it.
        progress: Progress,
    },
    /// The quality of what is heard, once a second while a call stands.
    Quality {
        /// Which call.
        call: CallId,
        /// The figures; what was not measured yet is `None`.
        quality: Quality,
    },
    /// The other side pressed a key of its telephone.
    Digit {
        /// Which call.
        call: CallId,
        /// Which key, and how long.
        digit: Digit,
    },
    /// Nothing is said to the other side any more, because the path cannot bear it or nobody listens (RFC 8083). The call
    /// stands; to end it is for its owner.
    SendingStopped {
        /// Which call.
        call: CallId,
        /// Why.
        why: Tripped,
    },
    /// The other side is heard by another route: one of the two has moved.
    Switched {
        /// Which call.
        call: CallId,
        /// What that cost the listener.
        switched: Switched,
    },
    /// The other side is heard by a better route: the one before had become worse than another.
    Rerouted {
        /// Which call.
        call: CallId,
        /// From where to where, why, and what it cost the listener.
        rerouted: Rerouted,
    },
    /// Media of a call go by this kind of way now, as checks have found it.
    Route {
        /// Which call.
        call: CallId,
        /// What kind of way it is.
        kind: RouteKind,
    },
    /// The last seconds of a call were worse than its user puts up with, and no better way is known: who knows another relay may
    /// have it used ([`Phone::borrow_from`](crate::Phone::borrow_from), then [`Phone::relocate`](crate::Phone::relocate)).
    Complaint {
        /// Which call.
        call: CallId,
        /// What is wrong.
        complaint: Complaint,
    },
    /// These calls are one conversation from now on, which this phone mixes; with none of them it is over.
    Conference {
        /// Which calls.
        calls: Vec<CallId>,
    },
    /// The other side of this call has the floor: of those in the conference it is who speaks. `None`: nobody does.
    Speaker {
        /// Which call.
        call: Option<CallId>,
    },
    /// A call is over, its media has stopped and its recording is closed.
    Ended {
        /// Which call.
        call: CallId,
        /// All that is known of it.
        report: Box<CallReport>,
    },
    /// A look-up is done.
    LookedUp {
        /// Which look-up.
        id: LookupId,
        /// Addresses, best first, or why there are none.
        found: Result<Vec<Candidate>, LookupError>,
        /// Each question and its answer.
        steps: Vec<TraceStep>,
    },
    /// Something happened to an account at a SIP server.
    Account {
        /// Which account.
        account: AccountId,
        /// What.
        news: AccountNews,
    },
    /// Something happened to a message of ours, or to what we watch.
    Errand {
        /// Which one.
        id: ErrandId,
        /// What.
        news: ErrandNews,
    },
    /// Somebody watches an event of ours.
    Watched {
        /// Which event package.
        package: String,
        /// Who says to do so.
        by: String,
    },
    /// A step of a call that goes by way of servers: they are to carry it. What comes back is told by
    /// [`Phone::relayed`](crate::Phone::relayed).
    Relay {
        /// Which call.
        call: CallId,
        /// Which step.
        step: RelayStep,
        /// A session description, where the step has one.
        body: Vec<u8>,
    },
    /// Somebody has sent a message.
    Message {
        /// Inside which call; `None`: outside of any.
        call: Option<CallId>,
        /// Who says to send it.
        from: String,
        /// What it is: a media type.
        kind: String,
        /// What it says.
        body: Vec<u8>,
    },
    /// Our name leads here now.
    Registered {
        /// The name.
        name: String,
    },
    /// Our name leads nowhere any more.
    Unregistered {
        /// The name.
        name: String,
    },
    /// Our name could not be published or withdrawn.
    RegistrationFailed(RegistrationError),
}
