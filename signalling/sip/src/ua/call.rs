//! One call: an enum of states that are moved, each of which knows its own deadline.

use std::net::IpAddr;

use rove_base::Instant;

use super::{
    CallId, Event, Failure, Party, SessionChange,
    caller::Calling,
    context::{Context, Invitation, LocalTag},
    leg::{Leg, May},
    pending::{Due, Pending},
    talking::{Ending, Talking},
};
use crate::{
    message::{NameAddr, Response, StatusCode},
    transaction::{ClientKey, ServerKey},
};

/// A call of ours or to us.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    /// Our end of it.
    pub(super) tag: LocalTag,
    pub(super) state: State,
    /// Who waits for our answer, as long as somebody does.
    pub(super) rings_for: Option<IpAddr>,
}

#[derive(Debug)]
pub(super) enum State {
    /// Our INVITE is out.
    Calling(Box<Calling>),
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
    pub(super) leg: Leg,
    pub(super) pending: Pending,
    /// The owner has accepted, but what is on its way must arrive first.
    pub(super) accepted: Option<Vec<u8>>,
    /// The call whose place this one takes.
    pub(super) replaces: Option<CallId>,
}

impl Alerting {
    /// Takes what the owner has accepted with, once the 2xx may go out.
    fn take_accepted(&mut self) -> Option<Vec<u8>> {
        self.accepted.take_if(|_| self.pending.may_accept() && !self.leg.is_busy())
    }
}

/// What the owner wants.
impl Call {
    pub(super) fn ring(&mut self, cx: &mut Context, status: StatusCode, body: Option<Vec<u8>>) {
        if let State::Alerting(alerting) = &mut self.state {
            alerting.pending.ring(cx, status, body);
        }
    }

    /// Answers the call whose place this one takes.
    pub(super) fn accept(&mut self, body: Vec<u8>) -> Option<CallId> {
        let State::Alerting(alerting) = &mut self.state else { return None };
        alerting.accepted = Some(body);
        alerting.replaces.take()
    }

    pub(super) fn redirect(&mut self, cx: &mut Context, contacts: &[NameAddr]) {
        self.change(|state, call| match state {
            State::Alerting(alerting) => {
                alerting.pending.redirect(cx, contacts);
                cx.tell(Event::Ended { call, by: Party::Us, reason: None });
                State::Over
            }
            other => other,
        });
    }

    /// Sends the 2xx.
    fn accept_now(&mut self, cx: &mut Context, body: Vec<u8>) {
        self.change(|state, _| match state {
            State::Alerting(alerting) => {
                let Alerting { mut leg, mut pending, .. } = *alerting;
                pending.accept(cx, body, &mut leg);
                State::Talking(Box::new(Talking::called(leg, pending)))
            }
            other => other,
        });
    }

    pub(super) fn reject(&mut self, cx: &mut Context, status: StatusCode, why: Option<&str>) {
        self.change(|state, call| match state {
            State::Alerting(alerting) => {
                alerting.pending.refuse(cx, status, why);
                cx.tell(Event::Ended { call, by: Party::Us, reason: None });
                State::Over
            }
            other => other,
        });
    }

    /// Accepts what the other side wants to change.
    pub(super) fn accept_change(&mut self, cx: &mut Context, mut body: Vec<u8>) {
        match &mut self.state {
            State::Talking(talking) => talking.accept(cx, body),
            State::Alerting(alerting) => drop(alerting.leg.accept(cx, &mut body)),
            State::Calling(calling) => {
                let _ = calling.fork.iter_mut().any(|early| early.leg.accept(cx, &mut body));
            }
            State::Ending(_) | State::Over => {}
        }
    }

    /// Refuses it.
    pub(super) fn reject_change(&mut self, cx: &mut Context, status: StatusCode, why: Option<&str>) {
        match &mut self.state {
            State::Talking(talking) => talking.reject(cx, status, why),
            State::Alerting(alerting) => drop(alerting.leg.refuse(cx, status, why)),
            State::Calling(calling) => {
                let _ = calling.fork.iter_mut().any(|early| early.leg.refuse(cx, status, why));
            }
            State::Ending(_) | State::Over => {}
        }
    }

    /// What we want to change; goes out by [`settle`](Self::settle).
    pub(super) fn want(&mut self, change: SessionChange) {
        match &mut self.state {
            State::Calling(calling) => calling.want(change),
            State::Alerting(alerting) => alerting.leg.want(change),
            State::Talking(talking) => talking.leg.want(change),
            State::Ending(_) | State::Over => {}
        }
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
        if let State::Calling(calling) = &mut self.state {
            calling.progress(cx, self.id, response);
        }
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

    /// Our INVITE was challenged, and is out again with an answer to that.
    pub(super) fn challenged(&mut self, cx: &mut Context, invite: ClientKey) {
        self.change(|state, call| match state {
            State::Calling(calling) if calling.is_given_up() => {
                cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                cx.layer.forget_client(invite);
                State::Over
            }
            State::Calling(calling) => State::Calling(calling.again(invite)),
            other => other,
        });
    }

    /// Our BYE was answered, or never will be.
    pub(super) fn bye_done(&mut self, cx: &mut Context) {
        self.change(|state, call| match state {
            State::Ending(ending) => ending.done(cx, call),
            other => other,
        });
    }
}

/// What the other side wants of an INVITE of its own.
impl Call {
    /// The INVITE of transaction `server` was cancelled before it was answered.
    pub(super) fn cancelled(&mut self, cx: &mut Context, server: ServerKey, failure: Failure) {
        self.change(|state, call| match state {
            State::Alerting(alerting) if alerting.pending.is_of(server) => {
                alerting.pending.refuse(cx, StatusCode::REQUEST_TERMINATED, None);
                cx.tell(Event::Failed { call, failure });
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
            State::Alerting(mut alerting) => {
                // Before the call stands there is no session that could expire.
                let _ = alerting.leg.tick(cx);
                match alerting.pending.tick(cx) {
                    Due::Expired => {
                        alerting.pending.refuse(cx, StatusCode::REQUEST_TERMINATED, None);
                        cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                        State::Over
                    }
                    Due::Unheard => {
                        alerting.pending.refuse(cx, StatusCode::SERVER_TIMEOUT, None);
                        cx.tell(Event::Failed { call, failure: Failure::Timeout });
                        State::Over
                    }
                    Due::Nothing | Due::Unacknowledged => State::Alerting(alerting),
                }
            }
            State::Talking(talking) => talking.tick(cx, call),
            other => other,
        });
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling(calling) => calling.deadline(),
            State::Alerting(alerting) => {
                Instant::earliest(alerting.pending.deadline(), alerting.leg.deadline())
            }
            State::Talking(talking) => talking.deadline(),
            State::Ending(_) | State::Over => None,
        }
    }

    /// Sends what has waited until it may be sent.
    pub(super) fn settle(&mut self, cx: &mut Context) {
        if let State::Alerting(alerting) = &mut self.state
            && let Some(body) = alerting.take_accepted()
        {
            self.accept_now(cx, body);
        }
        match &mut self.state {
            State::Calling(calling) => calling.settle(cx, self.id),
            State::Alerting(alerting) => {
                let may = if alerting.pending.has_answered() { May::Update } else { May::Wait };
                alerting.leg.settle(cx, self.id, may);
            }
            State::Talking(talking) => talking.settle(cx, self.id),
            State::Ending(_) | State::Over => {}
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

    pub(super) fn change(&mut self, next: impl FnOnce(State, CallId) -> State) {
        let state = core::mem::replace(&mut self.state, State::Over);
        self.state = next(state, self.id);
    }
}
