//! Making a call: INVITE, its responses, and CANCEL (RFC 3261 §9.1, §13.2).

use core::time::Duration;

use rove_base::Instant;

use super::{
    CallId, Event, Failure, OutgoingInvite, SessionChange,
    call::State,
    context::{ALLOW, ClientUse, Context, EXTENSIONS, Invitation, LocalTag, Purpose, SDP, contact},
    early::{Early, Fork},
    leg::{Leg, May},
    reliable::RELIABLE,
    reply::Reply,
    talking::Talking,
    timer,
    trickle::TRICKLE,
    trust,
};
use crate::{
    message::{CSeq, HeaderName, Method, Request, Response, Uri},
    transaction::{ClientKey, Outgoing, ServerKey},
};

/// Our INVITE has no final answer.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) invite: ClientKey,
    /// Whom it has reached.
    pub(super) fork: Fork,
    /// What we want to change once somebody has answered.
    wish: Option<SessionChange>,
    cancel: Cancel,
}

#[derive(Clone, Copy, Debug)]
enum Cancel {
    No,
    /// As soon as a provisional response has come, before which CANCEL may not be sent.
    Wanted,
    /// The callee that does not even answer then is given up at this instant.
    Sent {
        give_up: Instant,
    },
}

impl Calling {
    /// Sends the INVITE.
    pub(super) fn start(
        cx: &mut Context,
        call: CallId,
        tag: LocalTag,
        outgoing: OutgoingInvite,
    ) -> Box<Self> {
        let wanted = outgoing.hop;
        if let Some(name) = &outgoing.name {
            cx.connections.expect_name(wanted.transport, wanted.remote, name);
        }
        let mut request = invite(cx, tag, outgoing);
        cx.keyring.authorise(&mut request, &wanted);
        let (key, outgoing) = cx.prepare(&mut request, wanted);
        let hop = outgoing.hop;
        let body = core::mem::take(&mut request.body);
        let again = body.clone();
        let spare = (hop.transport != wanted.transport).then_some((body, wanted));
        let accepted = Vec::new();
        let invitation =
            Invitation { call, request, hop, spare, dialog: None, again, challenges: 0, accepted };
        cx.layer.invite(cx.now, key, outgoing, ClientUse::Invite(Box::new(invitation)));
        Box::new(Self { invite: key, fork: Fork::default(), wish: None, cancel: Cancel::No })
    }

    /// Sends the INVITE once more, as a datagram in spite of its length: there is no TCP at the other end
    /// (RFC 3261 §18.1.1).
    pub(super) fn start_again(
        mut self: Box<Self>,
        cx: &mut Context,
        invitation: Box<Invitation>,
    ) -> Box<Self> {
        let Invitation { call, mut request, spare, again, challenges, accepted, .. } = *invitation;
        let Some((body, hop)) = spare.filter(|_| !self.is_given_up()) else { return self };
        request.body = body;
        request.headers.remove(&HeaderName::Via);
        let key = cx.stamp(&mut request, &hop);
        let bytes = cx.request_bytes(&request);
        request.body = Vec::new();
        let invitation =
            Invitation { call, request, hop, spare: None, dialog: None, again, challenges, accepted };
        let user = ClientUse::Invite(Box::new(invitation));
        cx.layer.invite(cx.now, key, Outgoing { hop, bytes }, user);
        self.invite = key;
        self
    }

    /// The same, asked by another INVITE.
    pub(super) fn again(mut self: Box<Self>, invite: ClientKey) -> Box<Self> {
        self.invite = invite;
        self.fork = Fork::default();
        self
    }

    /// Whether the owner has hung up.
    pub(super) const fn is_given_up(&self) -> bool {
        !matches!(self.cancel, Cancel::No)
    }

    pub(super) fn hang_up(mut self: Box<Self>, cx: &mut Context) -> Box<Self> {
        match self.cancel {
            Cancel::No if cx.layer.may_cancel(self.invite) => self.send_cancel(cx),
            Cancel::No => self.cancel = Cancel::Wanted,
            Cancel::Wanted | Cancel::Sent { .. } => {}
        }
        self
    }

    pub(super) fn progress(&mut self, cx: &mut Context, call: CallId, response: Response) {
        match self.cancel {
            Cancel::No => {
                let Some(callee) = self.hear(cx, call, &response) else { return };
                let Response { status, reason, body, .. } = response;
                let body = Some(body).filter(|body| !body.is_empty());
                cx.tell(Event::Progress { call, callee, status, reason, body });
            }
            Cancel::Wanted => self.send_cancel(cx),
            Cancel::Sent { .. } => {}
        }
    }

    /// Notes who has sent a provisional response, and acknowledges it when it is reliable (RFC 3262 §4). Answers the
    /// callee's place; `None` when the owner is not to hear of it.
    fn hear(&mut self, cx: &mut Context, call: CallId, response: &Response) -> Option<Option<usize>> {
        let Some(ClientUse::Invite(invitation)) = cx.layer.client_user(self.invite) else {
            return Some(None);
        };
        let Some(heard) = self.fork.hear(invitation, response)? else { return Some(None) };
        if let Some(number) = heard.number {
            let mut prack = heard.early.leg.dialog.request(Method::Prack);
            let invite = response.headers.cseq().map_or(1, |cseq| cseq.number);
            prack.headers.push(HeaderName::RAck, format!("{number} {invite} INVITE"));
            heard.early.leg.send(cx, call, prack, Purpose::Prack);
        }
        Some(Some(heard.place))
    }

    /// UPDATE of a callee that has not accepted yet.
    pub(super) fn update(
        &mut self,
        cx: &mut Context,
        whose: (CallId, LocalTag),
        request: &Request,
        reply: Reply,
        key: ServerKey,
    ) {
        let from = request.headers.from().ok();
        let tag = from.as_ref().and_then(|from| from.tag()).unwrap_or_default();
        if let Some(early) = self.fork.with_tag(tag) {
            let unanswered = early.answer.is_none();
            early.leg.update(cx, whose, request, reply, key, (false, unanswered));
        }
    }

    /// What the owner wants to change.
    pub(super) fn want(&mut self, change: SessionChange) {
        self.wish = Some(change);
    }

    /// Sends it to the one callee that has answered our offer, if there is just one; else it waits until one accepts.
    pub(super) fn settle(&mut self, cx: &mut Context, call: CallId) {
        if self.is_given_up() {
            return;
        }
        let mut callees = self.fork.iter_mut();
        if let (Some(early), None) = (callees.next(), callees.next())
            && early.agreed
        {
            early.leg.inherit(self.wish.take());
            early.leg.settle(cx, call, May::Update);
        }
    }

    pub(super) fn tick(mut self: Box<Self>, cx: &mut Context, call: CallId) -> State {
        self.fork.iter_mut().for_each(|early| {
            let _ = early.leg.tick(cx);
        });
        match self.cancel {
            Cancel::Sent { give_up } if give_up <= cx.now => {
                cx.layer.forget_client(self.invite);
                cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                State::Over
            }
            _ => State::Calling(self),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let give_up = match self.cancel {
            Cancel::Sent { give_up } => Some(give_up),
            Cancel::No | Cancel::Wanted => None,
        };
        let legs = self.fork.iter().filter_map(|early| early.leg.deadline());
        legs.chain(give_up).min()
    }

    /// CANCEL has the branch of its INVITE and goes the same way (RFC 3261 §9.1).
    fn send_cancel(&mut self, cx: &mut Context) {
        if let Some(ClientUse::Invite(invitation)) = cx.layer.client_user(self.invite) {
            let hop = invitation.hop;
            let to = invitation.request.headers.get(&HeaderName::To).unwrap_or_default();
            let mut cancel = follow_up(&invitation.request, Method::Cancel, to);
            cx.sign_request(&mut cancel);
            let bytes = cx.request_bytes(&cancel);
            let key = ClientKey { cancel: true, ..self.invite };
            cx.layer.request(cx.now, key, Outgoing { hop, bytes }, ClientUse::Cancel);
        }
        self.cancel = Cancel::Sent { give_up: cx.now + GIVE_UP };
    }
}

/// A 2xx to our INVITE, in the dialog `leg`: the state that follows, and the dialog when it is not wanted.
pub(super) fn answered(
    mut calling: Box<Calling>,
    cx: &mut Context,
    call: CallId,
    leg: Leg,
    response: Response,
) -> (State, Option<Leg>) {
    let Early { mut leg, answer, .. } = calling.fork.take(leg, &response);
    if calling.is_given_up() {
        cx.tell(Event::Failed { call, failure: Failure::Cancelled });
        return (State::Over, Some(leg));
    }
    leg.confirmed = true;
    let answer = answer.unwrap_or(response.body);
    let Calling { wish, fork, .. } = *calling;
    leg.timer = timer::SessionTimer::answered(&response.headers, cx.now);
    leg.inherit(wish.or_else(|| fork.unsent()));
    cx.tell(Event::Answered { call, body: answer });
    (State::Talking(Box::new(Talking::answered(leg))), None)
}

/// The ACK for a final response other than 2xx (RFC 3261 §17.1.1.3).
pub(super) fn ack(invite: &Request, response: &Response) -> Request {
    follow_up(invite, Method::Ack, response.headers.get(&HeaderName::To).unwrap_or_default())
}

/// Why a response other than 2xx says the call failed.
pub(super) fn refusal(response: Response) -> Failure {
    let headers = &response.headers;
    Failure::Status {
        code: response.status,
        warning: headers.warning().ok().flatten().map(|warning| warning.text),
        retry_after: headers.retry_after().ok().flatten(),
        contacts: if response.status.is_redirect() {
            headers.contacts().unwrap_or_default()
        } else {
            Vec::new()
        },
        reason: response.reason,
    }
}

/// An INVITE without Via.
fn invite(cx: &mut Context, tag: LocalTag, outgoing: OutgoingInvite) -> Request {
    let OutgoingInvite { hop, mut uri, mut from, mut to, body, private, headers: more, .. } = outgoing;
    if let Uri::Sip(sip) = &mut uri {
        sip.clear_headers();
    }
    to.params.remove("tag");
    let mut request = Request::new(Method::Invite, uri);
    let headers = &mut request.headers;
    headers.push(HeaderName::MaxForwards, "70");
    if private {
        from = trust::hide(&cx.config, &hop, from, headers);
    }
    let contact = contact(&from.uri, &hop, &request.uri);
    headers.push(HeaderName::From, from.with_tag(&tag.to_string()).to_string());
    headers.push(HeaderName::To, to.to_string());
    headers.push(HeaderName::CallId, cx.new_call_id());
    headers.push(HeaderName::CSeq, CSeq { number: 1, method: Method::Invite }.to_string());
    headers.push(HeaderName::Contact, contact);
    headers.push(HeaderName::Allow, ALLOW);
    // An offer in a provisional response would want our answer in PRACK.
    let supported = EXTENSIONS.iter().filter(|tag| !body.is_empty() || **tag != RELIABLE);
    headers.push(HeaderName::Supported, supported.copied().collect::<Vec<_>>().join(", "));
    headers.push(HeaderName::RecvInfo, TRICKLE);
    timer::propose(&cx.config, headers, None);
    for (name, value) in more {
        headers.push(name, value);
    }
    if !body.is_empty() {
        headers.push(HeaderName::ContentType, SDP);
    }
    request.body = body;
    cx.sign_request(&mut request);
    request
}

/// A request that hop by hop follows its INVITE: the same Via, Route, From, Call-ID and number.
fn follow_up(invite: &Request, method: Method, to: &str) -> Request {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    let headers = &mut request.headers;
    for name in
        [HeaderName::Via, HeaderName::Route, HeaderName::MaxForwards, HeaderName::From, HeaderName::CallId]
    {
        headers.copy(&name, &invite.headers);
    }
    headers.push(HeaderName::To, to);
    let number = invite.headers.cseq().map_or(1, |cseq| cseq.number);
    headers.push(HeaderName::CSeq, CSeq { number, method }.to_string());
    request
}

/// How long after CANCEL a final answer is waited for: 64·T1 (RFC 3261 §9.1).
const GIVE_UP: Duration = Duration::from_secs(32);
