//! Requests inside the dialogs of a call, in both directions (RFC 3261 §12.2).

use super::{
    Event, Failure,
    call::{Call, State},
    caller,
    context::{Context, Purpose},
    leg::{Leg, Verdict},
    reply::Reply,
    requests,
};
use crate::{
    message::{HeaderName, Method, Request, Response, StatusCode},
    transaction::{ClientKey, ServerKey},
};

/// What the other side wants.
impl Call {
    /// A request inside the dialog, other than ACK and CANCEL, to which there is no objection.
    pub(super) fn request(&mut self, cx: &mut Context, request: &Request, reply: Reply, key: ServerKey) {
        let headers = &request.headers;
        let (Ok(call_id), Ok(from), Ok(cseq)) = (headers.call_id(), headers.from(), headers.cseq()) else {
            return;
        };
        let leg = self.leg(from.tag().unwrap_or_default());
        let Some(leg) = leg.filter(|leg| leg.dialog.is_with(call_id, from.tag().unwrap_or_default())) else {
            return cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST);
        };
        if !leg.dialog.in_order(cseq.number) {
            return cx.answer_statelessly(&reply, key, StatusCode::SERVER_INTERNAL_ERROR);
        }
        match request.method {
            Method::Bye => self.bye(cx, request, &reply, key),
            Method::Invite => self.invite(cx, request, reply, key),
            Method::Update => self.update(cx, request, reply, key),
            _ => requests::answer_options(cx, &reply, key),
        }
    }

    /// The dialog with `tag` at the other end. The owner of a confirmed one checks that tag itself.
    fn leg(&mut self, tag: &str) -> Option<&mut Leg> {
        match &mut self.state {
            State::Calling(calling) => calling.fork.with_tag(tag).map(|early| &mut early.leg),
            State::Alerting(alerting) => Some(&mut alerting.leg),
            State::Talking(talking) => Some(&mut talking.leg),
            State::Ending(ending) => Some(&mut ending.leg),
            State::Over => None,
        }
    }

    fn bye(&mut self, cx: &mut Context, request: &Request, reply: &Reply, key: ServerKey) {
        if matches!(self.state, State::Calling(_)) {
            // Only who has called may end an early dialog by BYE (RFC 3261 §15).
            return cx.answer_statelessly(reply, key, StatusCode::CALL_DOES_NOT_EXIST);
        }
        let response = reply.response(StatusCode::OK, &self.tag.to_string());
        requests::answer_once(cx, reply, key, response, self.id, self.tag);
        let reason = request.headers.get(&HeaderName::Reason).map(str::to_owned);
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
            State::Alerting(_) => requests::answer_later(cx, &reply, key),
            State::Calling(_) => cx.answer_statelessly(&reply, key, StatusCode::REQUEST_PENDING),
            _ => cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    fn update(&mut self, cx: &mut Context, request: &Request, reply: Reply, key: ServerKey) {
        let whose = (self.id, self.tag);
        match &mut self.state {
            State::Talking(talking) => talking.update(cx, whose, request, reply, key),
            // The offer of the INVITE is not answered before the call is.
            State::Alerting(alerting) => alerting.leg.update(cx, whose, request, reply, key, (true, false)),
            State::Calling(calling) => calling.update(cx, whose, request, reply, key),
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
}

/// What becomes of our requests inside the dialogs.
impl Call {
    /// A final response to one of them, or none.
    pub(super) fn responded(
        &mut self,
        cx: &mut Context,
        key: ClientKey,
        purpose: Purpose,
        outcome: Result<Response, Failure>,
    ) {
        let verdict = match (&mut self.state, purpose) {
            (State::Calling(calling), Purpose::Change) => {
                let leg =
                    calling.fork.iter_mut().map(|early| &mut early.leg).find(|leg| leg.is_changed_by(key));
                leg.map_or(Verdict::Stands, |leg| leg.changed(cx, self.id, outcome))
            }
            (State::Talking(talking), Purpose::Change) if talking.leg.is_changed_by(key) => {
                talking.leg.changed(cx, self.id, outcome)
            }
            _ => Verdict::Stands,
        };
        if let Verdict::Gone(why) = verdict {
            self.change(|state, call| match state {
                State::Talking(talking) => talking.hang_up(cx, call, Some(why.into())),
                other => other,
            });
        }
    }

    /// A 2xx to our INVITE, whose ACK is out. Answers the dialog when this call has no use for it: the call was given
    /// up, or another branch of a fork was first (RFC 3261 §13.2.2.4).
    pub(super) fn answered(
        &mut self,
        cx: &mut Context,
        invite: ClientKey,
        leg: Leg,
        response: Response,
    ) -> Option<Leg> {
        let mut unused = None;
        self.change(|state, call| match state {
            State::Calling(calling) if calling.invite == invite => {
                let (next, not_wanted) = caller::answered(calling, cx, call, leg, response);
                unused = not_wanted;
                next
            }
            other => {
                unused = Some(leg);
                other
            }
        });
        unused
    }
}
