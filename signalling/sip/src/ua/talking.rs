//! A call that stands: changes of its session, and BYE (RFC 3261 §14.2, §15).

use rove_base::Instant;

use super::{
    CallId, Event, Party,
    call::State,
    context::{Context, LocalTag},
    leg::{Leg, May, Verdict},
    pending::{Due, Pending},
    reply::Reply,
    requests,
};
use crate::{
    message::{Request, StatusCode},
    transaction::ServerKey,
};

/// Both sides have agreed.
#[derive(Debug)]
pub(super) struct Talking {
    pub(super) leg: Leg,
    /// The INVITE that made the call until its ACK is here, then the one that wants to change it.
    pending: Option<Pending>,
    /// Whether the ACK of the INVITE that made the call is still missing, before which BYE may not be sent.
    unconfirmed: bool,
    hang_up: bool,
}

/// Our BYE waits for its answer.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) leg: Leg,
    reason: Option<String>,
}

impl Talking {
    /// We were called, and have accepted.
    pub(super) const fn called(leg: Leg, pending: Pending) -> Self {
        Self { leg, pending: Some(pending), unconfirmed: true, hang_up: false }
    }

    /// We have called, and were answered.
    pub(super) const fn answered(leg: Leg) -> Self {
        Self { leg, pending: None, unconfirmed: false, hang_up: false }
    }

    /// Accepts their change.
    pub(super) fn accept(&mut self, cx: &mut Context, mut body: Vec<u8>) {
        if self.leg.accept(cx, &mut body) {
            return;
        }
        if let Some(pending) = &mut self.pending
            && pending.is_undecided()
        {
            pending.accept(cx, body, &mut self.leg);
            self.leg.refresh_target(pending.take_target());
        }
    }

    /// Refuses their change.
    pub(super) fn reject(&mut self, cx: &mut Context, status: StatusCode, why: Option<&str>) {
        if self.leg.refuse(cx, status, why) {
            return;
        }
        if let Some(pending) = self.pending.take_if(|pending| pending.is_undecided()) {
            pending.refuse(cx, status, why);
        }
    }

    /// Sends the change that we want, when nothing else is under way.
    pub(super) fn settle(&mut self, cx: &mut Context, call: CallId) {
        let free = self.pending.is_none() && !self.unconfirmed && !self.hang_up;
        self.leg.settle(cx, call, if free { May::Reinvite } else { May::Wait });
    }

    /// UPDATE inside the dialog.
    pub(super) fn update(
        &mut self,
        cx: &mut Context,
        whose: (CallId, LocalTag),
        request: &Request,
        reply: Reply,
        key: ServerKey,
    ) {
        let undecided = self.pending.as_ref().is_some_and(Pending::is_undecided);
        let unanswered = self.pending.as_ref().is_some_and(Pending::offers);
        self.leg.update(cx, whose, request, reply, key, (undecided, unanswered));
    }

    pub(super) fn hang_up(
        mut self: Box<Self>,
        cx: &mut Context,
        call: CallId,
        reason: Option<String>,
    ) -> State {
        if self.unconfirmed && reason.is_none() {
            self.hang_up = true;
            return State::Talking(self);
        }
        self.reject(cx, StatusCode::REQUEST_TERMINATED, None);
        let mut leg = self.leg;
        cx.send_bye(&mut leg.dialog, Some(call), reason.as_deref());
        State::Ending(Box::new(Ending { leg, reason }))
    }

    pub(super) fn ended_by_peer(
        mut self: Box<Self>,
        cx: &mut Context,
        call: CallId,
        reason: Option<String>,
    ) -> State {
        self.reject(cx, StatusCode::REQUEST_TERMINATED, None);
        cx.tell(Event::Ended { call, by: Party::Peer, reason });
        State::Over
    }

    /// INVITE inside the dialog.
    pub(super) fn reinvited(
        &mut self,
        cx: &mut Context,
        call: CallId,
        tag: LocalTag,
        request: &Request,
        reply: Reply,
        key: ServerKey,
    ) {
        if self.leg.is_offering() {
            return cx.answer_statelessly(&reply, key, StatusCode::REQUEST_PENDING);
        }
        if self.pending.is_some() || self.leg.is_busy() || self.hang_up {
            return requests::answer_later(cx, &reply, key);
        }
        self.leg.hear(&request.headers);
        if requests::open_invite(cx, request, &reply, key, call, tag) {
            self.pending = Some(Pending::new(request, key, reply, tag, cx));
            cx.tell(Event::Reoffered { call, body: request.body.clone() });
        }
    }

    /// A PRACK has come. `false` when it acknowledges nothing: what was provisional is said no more.
    pub(super) fn heard(&mut self, cx: &mut Context, prack: &Request) -> bool {
        self.pending.as_mut().is_some_and(|pending| pending.acknowledged(cx, prack))
    }

    pub(super) fn acknowledged(mut self: Box<Self>, cx: &mut Context, call: CallId, ack: Request) -> State {
        let headers = &ack.headers;
        let (Ok(call_id), Ok(from), Ok(cseq)) = (headers.call_id(), headers.from(), headers.cseq()) else {
            return State::Talking(self);
        };
        let ours = self.leg.dialog.is_with(call_id, from.tag().unwrap_or_default());
        if !ours || self.pending.take_if(|pending| pending.waits_for_ack(cseq.number)).is_none() {
            return State::Talking(self);
        }
        self.unconfirmed = false;
        let body = Some(ack.body).filter(|body| !body.is_empty());
        cx.tell(Event::Confirmed { call, body });
        if self.hang_up { self.hang_up(cx, call, None) } else { State::Talking(self) }
    }

    pub(super) fn cancelled(&mut self, cx: &mut Context, server: ServerKey) {
        if self.pending.as_ref().is_some_and(|pending| pending.is_of(server)) {
            self.reject(cx, StatusCode::REQUEST_TERMINATED, None);
        }
    }

    pub(super) fn tick(mut self: Box<Self>, cx: &mut Context, call: CallId) -> State {
        if let Verdict::Gone(why) = self.leg.tick(cx) {
            return self.hang_up(cx, call, Some(why.into()));
        }
        match self.pending.as_mut().map_or(Due::Nothing, |pending| pending.tick(cx)) {
            Due::Nothing => State::Talking(self),
            Due::Expired | Due::Unheard => {
                self.reject(cx, StatusCode::REQUEST_TERMINATED, None);
                State::Talking(self)
            }
            Due::Unacknowledged => self.hang_up(cx, call, Some("no ACK".into())),
        }
    }

    pub(super) fn trying(&self, cx: &mut Context) {
        if let Some(pending) = &self.pending {
            pending.trying(cx);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.leg.deadline(), self.pending.as_ref().and_then(Pending::deadline))
    }
}

impl Ending {
    /// The BYE is answered, or the other side's has crossed it.
    pub(super) fn done(self: Box<Self>, cx: &mut Context, call: CallId) -> State {
        cx.tell(Event::Ended { call, by: Party::Us, reason: self.reason });
        State::Over
    }
}
