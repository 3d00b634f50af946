//! What an agent tells its owner.

use core::time::Duration;
use std::net::SocketAddr;

use super::Key;
use crate::{
    message::{MediaType, NameAddr, Response, StatusCode, Uri},
    transport::Hop,
};

/// Names one call of an agent, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u64);

/// Names one OPTIONS request of an agent, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OptionsId(pub u64);

/// Names one request of an agent outside of calls, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub u64);

/// Names one registration of an agent, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RegistrationId(pub u64);

/// Names one subscription of an agent, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SubscriptionId(pub u64);

/// Names one published state of an agent, for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PublicationId(pub u64);

/// What a dialog is named by, so that another may take its place (RFC 3891).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DialogNames {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of this end.
    pub local_tag: String,
    /// The tag of the other end.
    pub remote_tag: String,
}

/// What has happened. Each call ends by exactly one [`Event::Failed`] or [`Event::Ended`], after which its name means
/// nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
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
        /// Who it is on the word of our trust domain (RFC 3325).
        asserted: Option<NameAddr>,
        /// Whether the caller does not want to be shown (RFC 3323).
        private: bool,
        /// The call whose place this one is to take, because somebody hands it over (RFC 3891): it is meant to be
        /// accepted without asking anybody.
        replaces: Option<CallId>,
    },
    /// The other side is working on it.
    Progress {
        /// Which call.
        call: CallId,
        /// Which of the callees that a forked INVITE has reached, counted from 0 in the order they were heard. `None`
        /// when that cannot be told.
        callee: Option<usize>,
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
    /// The other side wants to change the session. To be answered with `accept_change` or `reject_change`; the call goes
    /// on.
    Reoffered {
        /// Which call.
        call: CallId,
        /// The offer; empty when the other side wants ours.
        body: Vec<u8>,
    },
    /// The other side has accepted our change of the session.
    Changed {
        /// Which call.
        call: CallId,
        /// The answer to our offer.
        body: Vec<u8>,
    },
    /// Our change of the session did not take place; the call goes on as it was.
    ChangeFailed {
        /// Which call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// The other side wants us to call somebody. To be answered with `answer_refer`.
    Referred {
        /// Which call.
        call: CallId,
        /// Whom; headers of the URI are meant for the new INVITE.
        to: NameAddr,
        /// Who is said to want it.
        by: Option<NameAddr>,
    },
    /// How the call goes that the other side was to make.
    Transfer {
        /// Which call.
        call: CallId,
        /// How the new call is doing; 202 (Accepted) when nothing will be told.
        status: StatusCode,
        /// Whether that was the last word.
        last: bool,
    },
    /// The other side does not call whom it was to call.
    TransferFailed {
        /// Which call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// The other side tells by INFO that a key was pressed.
    KeyPressed {
        /// Which call.
        call: CallId,
        /// Which key.
        key: Key,
    },
    /// The other side tells by INFO of candidates that it had not told of before (RFC 8840).
    Trickled {
        /// Which call.
        call: CallId,
        /// The body, of type `application/trickle-ice-sdpfrag`.
        body: Vec<u8>,
    },
    /// The other side did not take an INFO of ours.
    InfoFailed {
        /// Which call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// The other side did not take what we wrote inside of a call.
    MessageFailed {
        /// Which call.
        call: CallId,
        /// Why.
        failure: Failure,
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
    /// Somebody has sent a message (RFC 3428), which was confirmed already.
    Message {
        /// Inside which call; `None`: outside of any.
        call: Option<CallId>,
        /// The way that answers take.
        hop: Hop,
        /// For whom: the Request-URI.
        uri: Uri,
        /// Who says to send it.
        from: NameAddr,
        /// For whom it was in the first place.
        to: NameAddr,
        /// What its body is.
        kind: MediaType,
        /// What it says.
        body: Vec<u8>,
    },
    /// A request of ours outside of calls got its final response.
    Responded {
        /// Which request.
        request: RequestId,
        /// The response.
        response: Response,
    },
    /// A request of ours outside of calls got no response.
    RequestFailed {
        /// Which request.
        request: RequestId,
        /// Why.
        failure: Failure,
    },
    /// A binding stands, for the first time or anew.
    Registered {
        /// Of which registration.
        registration: RegistrationId,
        /// Which flow of it, from 0.
        flow: usize,
        /// The way it takes.
        hop: Hop,
        /// How long the registrar keeps it.
        expires: Duration,
        /// The route that our requests to others take, first hop first (RFC 3608).
        route: Vec<NameAddr>,
        /// The address that the registrar sees us at, when it is another than ours.
        public: Option<SocketAddr>,
        /// A name that reaches this very phone (RFC 5627).
        gruu: Option<Uri>,
        /// The push service by which it is woken (RFC 8599); `None`: by none.
        push: Option<String>,
    },
    /// A binding does not stand.
    RegistrationFailed {
        /// Of which registration.
        registration: RegistrationId,
        /// Which flow of it, from 0.
        flow: usize,
        /// Why.
        failure: Failure,
        /// When it is tried again. `None`: it is given up.
        retry_in: Option<Duration>,
    },
    /// Something that we watch has been told, for the first time or anew.
    Notified {
        /// By which subscription.
        subscription: SubscriptionId,
        /// How that stands.
        state: crate::event::State,
        /// What the document is; `None` when there is none.
        kind: Option<MediaType>,
        /// The document.
        body: Vec<u8>,
    },
    /// Nothing more comes of a subscription.
    SubscriptionEnded {
        /// Which one.
        subscription: SubscriptionId,
        /// What the notifier says.
        reason: Option<crate::event::Reason>,
        /// When it may be asked for again, by the notifier.
        retry_after: Option<Duration>,
        /// Why, when it was not the notifier's wish.
        failure: Option<Failure>,
    },
    /// Somebody watches an event of ours.
    Watched {
        /// Which event package.
        package: String,
        /// Who says to do so.
        by: NameAddr,
    },
    /// What we publish stands at the server.
    Published {
        /// Which state.
        publication: PublicationId,
        /// How long, unless it is refreshed; which happens by itself.
        expires: Duration,
    },
    /// What we publish does not stand, and is not tried again.
    PublicationFailed {
        /// Which state.
        publication: PublicationId,
        /// Why.
        failure: Failure,
    },
    /// What we have published was taken back, as far as the server could be reached.
    Unpublished {
        /// Which state.
        publication: PublicationId,
    },
    /// All bindings of a registration were taken back, as far as the registrar could be reached.
    Unregistered {
        /// Which registration.
        registration: RegistrationId,
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
    /// Another of the caller's callees has answered (RFC 3326 §3.1).
    AnsweredElsewhere,
    /// The registrar says that all is well, but its answer does not have our contact.
    NotBound,
}

/// One of the two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Party {
    /// This side.
    Us,
    /// The other side.
    Peer,
}
