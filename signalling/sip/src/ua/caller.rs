//! Making a call: INVITE, its responses, and CANCEL (RFC 3261 §9.1, §13.2).

use core::time::Duration;

use rove_base::Instant;

use super::{
    CallId, Event, Failure, OutgoingInvite,
    call::State,
    context::{ALLOW, ClientUse, Context, Invitation, LocalTag, SDP, contact},
};
use crate::{
    message::{CSeq, HeaderName, Method, Request, Response, Uri},
    transaction::{ClientKey, Outgoing},
};

/// Our INVITE has no final answer.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) invite: ClientKey,
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
    pub(super) fn start(cx: &mut Context, call: CallId, tag: LocalTag, outgoing: OutgoingInvite) -> Self {
        let wanted = outgoing.hop;
        if let Some(name) = &outgoing.name {
            cx.connections.expect_name(wanted.transport, wanted.remote, name);
        }
        let mut request = invite(cx, tag, outgoing);
        let (key, outgoing) = cx.prepare(&mut request, wanted);
        let hop = outgoing.hop;
        let body = core::mem::take(&mut request.body);
        let spare = (hop.transport != wanted.transport).then_some((body, wanted));
        let invitation = Invitation { call, request, hop, spare, accepted: Vec::new() };
        cx.layer.invite(cx.now, key, outgoing, ClientUse::Invite(Box::new(invitation)));
        Self { invite: key, cancel: Cancel::No }
    }

    /// Sends the INVITE once more, as a datagram in spite of its length: there is no TCP at the other end
    /// (RFC 3261 §18.1.1).
    pub(super) fn start_again(self, cx: &mut Context, invitation: Box<Invitation>) -> Self {
        let Invitation { call, mut request, spare, accepted, .. } = *invitation;
        let Some((body, hop)) = spare.filter(|_| !self.is_given_up()) else { return self };
        request.body = body;
        request.headers.remove(&HeaderName::Via);
        let key = cx.stamp(&mut request, &hop);
        let bytes = cx.request_bytes(&request);
        request.body = Vec::new();
        let invitation = Invitation { call, request, hop, spare: None, accepted };
        let user = ClientUse::Invite(Box::new(invitation));
        cx.layer.invite(cx.now, key, Outgoing { hop, bytes }, user);
        Self { invite: key, ..self }
    }

    /// Whether the owner has hung up.
    pub(super) const fn is_given_up(&self) -> bool {
        !matches!(self.cancel, Cancel::No)
    }

    pub(super) fn hang_up(self, cx: &mut Context) -> Self {
        match self.cancel {
            Cancel::No if cx.layer.may_cancel(self.invite) => self.send_cancel(cx),
            Cancel::No => Self { cancel: Cancel::Wanted, ..self },
            Cancel::Wanted | Cancel::Sent { .. } => self,
        }
    }

    pub(super) fn progress(self, cx: &mut Context, call: CallId, response: Response) -> Self {
        match self.cancel {
            Cancel::No => {
                let Response { status, reason, body, .. } = response;
                let body = Some(body).filter(|body| !body.is_empty());
                cx.tell(Event::Progress { call, status, reason, body });
                self
            }
            Cancel::Wanted => self.send_cancel(cx),
            Cancel::Sent { .. } => self,
        }
    }

    pub(super) fn tick(self, cx: &mut Context, call: CallId) -> State {
        match self.cancel {
            Cancel::Sent { give_up } if give_up <= cx.now => {
                cx.layer.forget_client(self.invite);
                cx.tell(Event::Failed { call, failure: Failure::Cancelled });
                State::Over
            }
            _ => State::Calling(self),
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.cancel {
            Cancel::Sent { give_up } => Some(give_up),
            Cancel::No | Cancel::Wanted => None,
        }
    }

    /// CANCEL has the branch of its INVITE and goes the same way (RFC 3261 §9.1).
    fn send_cancel(self, cx: &mut Context) -> Self {
        if let Some(ClientUse::Invite(invitation)) = cx.layer.client_user(self.invite) {
            let hop = invitation.hop;
            let to = invitation.request.headers.get(&HeaderName::To).unwrap_or_default();
            let mut cancel = follow_up(&invitation.request, Method::Cancel, to);
            cx.sign_request(&mut cancel);
            let bytes = cx.request_bytes(&cancel);
            let key = ClientKey { cancel: true, ..self.invite };
            cx.layer.request(cx.now, key, Outgoing { hop, bytes }, ClientUse::Cancel);
        }
        Self { cancel: Cancel::Sent { give_up: cx.now + GIVE_UP }, ..self }
    }
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
    let OutgoingInvite { hop, mut uri, from, mut to, body, headers: more, .. } = outgoing;
    if let Uri::Sip(sip) = &mut uri {
        sip.clear_headers();
    }
    to.params.remove("tag");
    let mut request = Request::new(Method::Invite, uri);
    let headers = &mut request.headers;
    headers.push(HeaderName::MaxForwards, "70");
    let contact = contact(&from.uri, &hop, &request.uri);
    headers.push(HeaderName::From, from.with_tag(&tag.to_string()).to_string());
    headers.push(HeaderName::To, to.to_string());
    headers.push(HeaderName::CallId, cx.new_call_id());
    headers.push(HeaderName::CSeq, CSeq { number: 1, method: Method::Invite }.to_string());
    headers.push(HeaderName::Contact, contact);
    headers.push(HeaderName::Allow, ALLOW);
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
