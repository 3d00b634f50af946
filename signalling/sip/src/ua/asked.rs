//! What the other end wants to change without an INVITE: by UPDATE, or by an offer in PRACK (RFC 3311 §5.2).

use core::time::Duration;

use rove_base::Instant;

use super::{
    CallId, Event,
    context::{ALLOW, Context, LocalTag, ServerUse},
    leg::Leg,
    pending::put_body,
    reply::Reply,
    timer::SessionTimer,
};
use crate::{
    message::{HeaderName, Request, Response, StatusCode, Uri},
    transaction::ServerKey,
};

/// A request other than INVITE with an offer, which waits for the owner.
#[derive(Debug)]
pub(super) struct Asked {
    server: ServerKey,
    reply: Reply,
    contact: String,
    target: Option<Uri>,
    timer: Option<SessionTimer>,
    pub(super) give_up: Instant,
}

impl Leg {
    /// UPDATE. With an offer it waits for the owner, unless another exchange is under way: `undecided` is one of an
    /// INVITE of theirs, `unanswered` one whose offer was ours (RFC 3311 §5.2).
    pub(super) fn update(
        &mut self,
        cx: &mut Context,
        (call, tag): (CallId, LocalTag),
        request: &Request,
        reply: Reply,
        key: ServerKey,
        (undecided, unanswered): (bool, bool),
    ) {
        self.hear(&request.headers);
        let target = request.headers.contact().ok().flatten().map(|contact| contact.uri);
        if request.body.is_empty() {
            self.refresh_target(target);
            let mut response = reply.response(StatusCode::OK, &tag.to_string());
            response.headers.push(HeaderName::Contact, self.contact(&reply.hop(), &request.uri));
            response.headers.push(HeaderName::Allow, ALLOW);
            let timer = self.answering(cx, request);
            self.refreshed(cx, timer, &mut response);
            return super::requests::answer_once(cx, &reply, key, response, call, tag);
        }
        if undecided || self.asked.is_some() {
            return super::requests::answer_later(cx, &reply, key);
        }
        if unanswered || self.is_offering() {
            return cx.answer_statelessly(&reply, key, StatusCode::REQUEST_PENDING);
        }
        self.ask(cx, (call, tag), request, reply, key);
    }

    /// Lets the owner decide about an offer that came in `request`.
    pub(super) fn ask(
        &mut self,
        cx: &mut Context,
        (call, tag): (CallId, LocalTag),
        request: &Request,
        reply: Reply,
        key: ServerKey,
    ) {
        if cx.layer.is_full() {
            return cx.answer_unavailable(&reply, key);
        }
        cx.layer.asked(key, reply.hop(), ServerUse { call, tag });
        self.asked = Some(Asked {
            server: key,
            contact: self.contact(&reply.hop(), &request.uri),
            target: request.headers.contact().ok().flatten().map(|contact| contact.uri),
            timer: self.answering(cx, request),
            reply,
            give_up: cx.now + PROMPT,
        });
        cx.tell(Event::Reoffered { call, body: request.body.clone() });
    }

    /// Accepts what was asked with `body`. `false` when nothing was.
    pub(super) fn accept(&mut self, cx: &mut Context, body: &mut Vec<u8>) -> bool {
        let Some(asked) = self.asked.take() else { return false };
        let mut response = asked.reply.response(StatusCode::OK, "");
        response.headers.push(HeaderName::Contact, asked.contact);
        response.headers.push(HeaderName::Allow, ALLOW);
        self.refreshed(cx, asked.timer, &mut response);
        self.said.clone_from(body);
        cx.sign_response(&mut response);
        put_body(&mut response, core::mem::take(body));
        let bytes = cx.response_bytes(&response);
        cx.layer.respond(cx.now, asked.server, StatusCode::OK.code(), bytes);
        self.refresh_target(asked.target);
        true
    }

    /// Refuses what was asked. `false` when nothing was.
    pub(super) fn refuse(&mut self, cx: &mut Context, status: StatusCode, why: Option<&str>) -> bool {
        let Some(asked) = self.asked.take() else { return false };
        let mut response = asked.reply.response(status, "");
        super::pending::put_warning(&mut response, asked.reply.hop(), why);
        cx.sign_response(&mut response);
        let bytes = cx.response_bytes(&response);
        cx.layer.respond(cx.now, asked.server, status.code(), bytes);
        true
    }

    /// The timer that a 2xx to `request` says.
    fn answering(&self, cx: &Context, request: &Request) -> Option<SessionTimer> {
        SessionTimer::answering(&cx.config, &request.headers).filter(|_| self.confirmed)
    }

    /// The session was refreshed, as `response` says.
    fn refreshed(&mut self, cx: &Context, timer: Option<SessionTimer>, response: &mut Response) {
        if let Some(timer) = &timer {
            timer.put_into_response(response);
        }
        if self.confirmed {
            self.timer = timer.map(|timer| timer.started(cx.now));
        }
    }
}

/// How long the owner may think about an offer outside of INVITE, whose sender gives up after 32 s (RFC 3311 §5.2).
const PROMPT: Duration = Duration::from_secs(20);
