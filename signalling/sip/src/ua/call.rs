//! One call: an enum of states that are moved, each of which knows its own deadline.

use rove_base::Instant;

use super::{
    CallId, Event, Failure, Party,
    caller::Calling,
    context::{Context, Invitation, LocalTag},
    pending::{Due, Pending},
    reply::Reply,
    talking::{Ending, Talking},
};
use crate::{
    dialog::Dialog,
    message::{Method, Request, Response, StatusCode},
    transaction::{ClientKey, ServerKey},
};

/// A call of ours or to us.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    /// Our end of it.
    pub(super) tag: LocalTag,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Our INVITE is out.
    Calling(Calling),
    /// We are being called.
    Alerting(Box<Alerting>),
    /// The session stands.
    Talking(Box<Talking>),
    /// Our BYE is out.
    Ending(Box<Ending>),
    Over,
}

/// An INVITE that the owner has not answered, and the early dialog it made.
#[derive(Debug)]
pub(super) struct Alerting {
    pub(super) dialog: Dialog,
    pub(super) pending: Pending,
}

/// What the owner wants.
impl Call {
    pub(super) fn ring(&mut self, cx: &mut Context, status: StatusCode, body: Option<Vec<u8>>) {
        if let State::Alerting(alerting) = &mut self.state {
            alerting.pending.ring(cx, status, body);
        }
    }

    pub(super) fn accept(&mut self, cx: &mut Context, body: Vec<u8>) {
        self.change(|state, _| match state {
            State::Alerting(alerting) => {
                let Alerting { dialog, mut pending } = *alerting;
                pending.accept(cx, body);
                State::Talking(Box::new(Talking::called(dialog, pending)))
            }
            State::Talking(mut talking) => {
                talking.accept(cx, body);
                State::Talking(talking)
            }
            other => other,
        });
    }

    pub(super) fn reject(&mut self, cx: &mut Context, status: StatusCode, why: Option<String>) {
        self.change(|state, call| match state {
            State::Alerting(alerting) => {
                alerting.pending.refuse(cx, status, why);
                cx.tell(Event::Ended { call, by: Party::Us, reason: None });
                State::Over
            }
            State::Talking(mut talking) => {
                talking.reject(cx, status, why);
                State::Talking(talking)
            }
            other => other,
        });
    }

    pub(super) fn hang_up(&mut self, cx: &mut Context) {
        self.change(|state, call| match state {
            State::Calling(calling) => State::Calling(calling.hang_up(cx)),
            State::Alerting(alerting) => {
                alerting.pending.refuse(cx, StatusCode::TEMPORARILY_UNAVAILABLE, None);
                cx.tell(Event::Ended { call, by: Party::Us, reason: None });
                State::Over
            }
            State::Talking(talking) => talking.hang_up(cx, call, None),
            other => other,
        });
    }
}

/// What becomes of our own requests.
impl Call {
    /// A provisional response to our INVITE.
    pub(super) fn progress(&mut self, cx: &mut Context, response: Response) {
        self.change(|state, call| match state {
            State::Calling(calling) => State::Calling(calling.progress(cx, call, response)),
            other => other,
        });
    }

    /// Our INVITE could not be sent the way its length asks for.
    pub(super) fn invited_again(&mut self, cx: &mut Context, invite: ClientKey, invitation: Box<Invitation>) {
        self.change(|state, call| match state {
            State::Calling(calling) if calling.invite == invite && calling.is_given_up() => {
                cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                State::Over
            }
            State::Calling(calling) if calling.invite == invite => {
                State::Calling(calling.start_again(cx, invitation))
            }
            other => other,
        });
    }

    /// A final response other than 2xx to our INVITE, or none at all.
    pub(super) fn failed(&mut self, cx: &mut Context, failure: Failure) {
        self.change(|state, call| match state {
            State::Calling(calling) => {
                let failure = if calling.is_given_up() { Failure::Cancelled } else { failure };
                cx.tell(Event::Failed { call, failure });
                State::Over
            }
            other => other,
        });
    }

    /// A 2xx to our INVITE, whose ACK is out. Answers the dialog when this call has no use for it: the call was given
    /// up, or another branch of a fork was first (RFC 3261 §13.2.2.4).
    pub(super) fn answered(
        &mut self,
        cx: &mut Context,
        invite: ClientKey,
        dialog: Dialog,
        body: Vec<u8>,
    ) -> Option<Dialog> {
        let mut unused = None;
        self.change(|state, call| match state {
            State::Calling(calling) if calling.invite == invite && calling.is_given_up() => {
                unused = Some(dialog);
                cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                State::Over
            }
            State::Calling(calling) if calling.invite == invite => {
                cx.tell(Event::Answered { call, body });
                State::Talking(Box::new(Talking::answered(dialog)))
            }
            other => {
                unused = Some(dialog);
                other
            }
        });
        unused
    }

    /// Our BYE was answered, or never will be.
    pub(super) fn bye_done(&mut self, cx: &mut Context) {
        self.change(|state, call| match state {
            State::Ending(ending) => ending.done(cx, call),
            other => other,
        });
    }
}

/// What the other side wants.
impl Call {
    /// A request inside the dialog, other than ACK and CANCEL, to which there is no objection.
    pub(super) fn request(&mut self, cx: &mut Context, request: &Request, reply: Reply, key: ServerKey) {
        let dialog = match &mut self.state {
            State::Alerting(alerting) => &mut alerting.dialog,
            State::Talking(talking) => &mut talking.dialog,
            State::Ending(ending) => &mut ending.dialog,
            State::Calling(_) | State::Over => {
                return cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST);
            }
        };
        let headers = &request.headers;
        let (Ok(call_id), Ok(from), Ok(cseq)) = (headers.call_id(), headers.from(), headers.cseq()) else {
            return;
        };
        if !dialog.is_with(call_id, from.tag().unwrap_or_default()) {
            return cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST);
        }
        if !dialog.in_order(cseq.number) {
            return cx.answer_statelessly(&reply, key, StatusCode::SERVER_INTERNAL_ERROR);
        }
        match request.method {
            Method::Bye => self.bye(cx, request, &reply, key),
            Method::Invite => self.invite(cx, request, reply, key),
            _ => super::requests::answer_options(cx, &reply, key),
        }
    }

    fn bye(&mut self, cx: &mut Context, request: &Request, reply: &Reply, key: ServerKey) {
        super::requests::answer_bye(cx, reply, key, self.id, self.tag);
        let reason = request.headers.get(&crate::message::HeaderName::Reason).map(str::to_owned);
        self.change(|state, call| match state {
            State::Alerting(alerting) => {
                alerting.pending.refuse(cx, StatusCode::REQUEST_TERMINATED, None);
                cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                State::Over
            }
            State::Talking(talking) => talking.ended_by_peer(cx, call, reason),
            State::Ending(ending) => ending.done(cx, call),
            other => other,
        });
    }

    fn invite(&mut self, cx: &mut Context, request: &Request, reply: Reply, key: ServerKey) {
        match &mut self.state {
            State::Talking(talking) => talking.reinvited(cx, self.id, self.tag, request, reply, key),
            State::Alerting(_) => super::requests::answer_later(cx, &reply, key),
            _ => cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    /// An ACK inside the dialog.
    pub(super) fn ack(&mut self, cx: &mut Context, request: Request) {
        self.change(|state, call| match state {
            State::Talking(talking) => talking.acknowledged(cx, call, request),
            other => other,
        });
    }

    /// The INVITE of transaction `server` was cancelled before it was answered.
    pub(super) fn cancelled(&mut self, cx: &mut Context, server: ServerKey) {
        self.change(|state, call| match state {
            State::Alerting(alerting) if alerting.pending.is_of(server) => {
                alerting.pending.refuse(cx, StatusCode::REQUEST_TERMINATED, None);
                cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                State::Over
            }
            State::Talking(mut talking) => {
                talking.cancelled(cx, server);
                State::Talking(talking)
            }
            other => other,
        });
    }
}

/// Time and bookkeeping.
impl Call {
    pub(super) fn tick(&mut self, cx: &mut Context) {
        self.change(|state, call| match state {
            State::Calling(calling) => calling.tick(cx, call),
            State::Alerting(mut alerting) => match alerting.pending.tick(cx) {
                Due::Expired => {
                    alerting.pending.refuse(cx, StatusCode::REQUEST_TERMINATED, None);
                    cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                    State::Over
                }
                Due::Nothing | Due::Unacknowledged => State::Alerting(alerting),
            },
            State::Talking(talking) => talking.tick(cx, call),
            other => other,
        });
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling(calling) => calling.deadline(),
            State::Alerting(alerting) => alerting.pending.deadline(),
            State::Talking(talking) => talking.deadline(),
            State::Ending(_) | State::Over => None,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// The owner has been silent for 200 ms.
    pub(super) fn trying(&mut self, cx: &mut Context) {
        match &self.state {
            State::Alerting(alerting) => alerting.pending.trying(cx),
            State::Talking(talking) => talking.trying(cx),
            State::Calling(_) | State::Ending(_) | State::Over => {}
        }
    }

    fn change(&mut self, next: impl FnOnce(State, CallId) -> State) {
        let state = core::mem::replace(&mut self.state, State::Over);
        self.state = next(state, self.id);
    }
}
