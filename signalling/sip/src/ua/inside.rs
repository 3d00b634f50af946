//! Requests inside the dialogs of a call, in both directions (RFC 3261 §12.2).

use super::{
    Event, Failure,
    call::{Call, State},
    caller,
    context::{Context, Purpose},
    info,
    leg::{Leg, Verdict},
    page,
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
            Method::Prack => self.prack(cx, request, reply, key),
            Method::Info => self.info(cx, request, &reply, key),
            Method::Refer | Method::Notify => self.refer(cx, request, reply, key),
            Method::Message => page::receive(cx, Some(self.id), request, &reply, key),
            _ => requests::answer_options(cx, &reply, key),
        }
    }

    /// The dialog with `tag` at the other end. The owner of a confirmed one checks that tag itself.
    pub(super) fn leg(&mut self, tag: &str) -> Option<&mut Leg> {
        match &mut self.state {
            State::Calling(calling) => calling.fork.with_tag(tag).map(|early| &mut early.leg),
            State::Alerting(alerting) => Some(&mut alerting.leg),
            State::Talking(talking) => Some(&mut talking.leg),
            State::Ending(ending) => Some(&mut ending.leg),
            State::Over => None,
        }
    }

    /// The first of its dialogs, where it has any.
    pub(super) fn first_leg(&mut self) -> Option<&mut Leg> {
        self.legs().next()
    }

    /// All its dialogs.
    fn legs(&mut self) -> Box<dyn Iterator<Item = &mut Leg> + '_> {
        match &mut self.state {
            State::Calling(calling) => Box::new(calling.fork.iter_mut().map(|early| &mut early.leg)),
            State::Alerting(alerting) => Box::new(core::iter::once(&mut alerting.leg)),
            State::Talking(talking) => Box::new(core::iter::once(&mut talking.leg)),
            State::Ending(_) | State::Over => Box::new(core::iter::empty()),
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
            State::Alerting(alerting) => {
                let undecided = !alerting.pending.has_answered();
                alerting.leg.update(cx, whose, request, reply, key, (undecided, false));
            }
            State::Calling(calling) => calling.update(cx, whose, request, reply, key),
            _ => cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    /// PRACK; an offer in it is as good as one in UPDATE (RFC 3262 §5).
    fn prack(&mut self, cx: &mut Context, request: &Request, reply: Reply, key: ServerKey) {
        let known = match &mut self.state {
            State::Alerting(alerting) => alerting.pending.acknowledged(cx, request),
            State::Talking(talking) => talking.heard(cx, request),
            _ => false,
        };
        let status = if known { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
        if let (State::Alerting(alerting), true, false) = (&mut self.state, known, request.body.is_empty()) {
            return alerting.leg.ask(cx, (self.id, self.tag), request, reply, key);
        }
        let response = reply.response(status, &self.tag.to_string());
        requests::answer_once(cx, &reply, key, response, self.id, self.tag);
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
        let call = self.id;
        let changes = |leg: &&mut Leg| leg.is_changed_by(key);
        let verdict = match purpose {
            Purpose::Prack | Purpose::Notify => Verdict::Stands,
            Purpose::Info => {
                info::answered(cx, call, outcome);
                Verdict::Stands
            }
            Purpose::Write => {
                page::answered(cx, call, outcome);
                Verdict::Stands
            }
            Purpose::Refer => {
                if let Some(leg) = self.talking_leg() {
                    leg.referred(cx, call, key, outcome);
                }
                Verdict::Stands
            }
            Purpose::Change => match self.legs().find(changes) {
                Some(leg) => leg.changed(cx, call, outcome),
                None => Verdict::Stands,
            },
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
