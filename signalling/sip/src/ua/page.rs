//! Instant messages of peers (RFC 3428 §7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    CallId, Event, Failure, caller,
    context::{Context, Purpose, ServerUse},
    leg::Leg,
    reply::Reply,
};
use crate::{
    message::{HeaderName, MediaType, Method, Request, Response, StatusCode},
    transaction::{Outgoing, ServerKey},
};

impl Leg {
    /// Writes to the other side inside of the call (RFC 3428 §4).
    pub(super) fn write(&mut self, cx: &mut Context, call: CallId, kind: &str, body: Vec<u8>) {
        let mut request = self.request(cx, Method::Message);
        request.headers.push(HeaderName::ContentType, kind);
        request.body = body;
        self.send(cx, call, request, Purpose::Write);
    }
}

/// What we wrote was taken, or not.
pub(super) fn answered(cx: &mut Context, call: CallId, outcome: Result<Response, Failure>) {
    let failure = match outcome {
        Ok(response) if response.status.is_success() => return,
        Ok(response) => caller::refusal(response),
        Err(failure) => failure,
    };
    cx.tell(Event::MessageFailed { call, failure });
}

/// A MESSAGE, inside the dialog of `call` or outside, to which there is no objection: told the owner, and answered with 200 by a
/// transaction, so that a repeated one is not told twice.
pub(super) fn receive(
    cx: &mut Context,
    call: Option<CallId>,
    request: &Request,
    reply: &Reply,
    key: ServerKey,
) {
    let kind = match request.headers.content_type() {
        Ok(Some(kind)) if is_readable(&kind) => kind,
        Ok(None) if request.body.is_empty() => return answer(cx, reply, key),
        _ => {
            let mut response = cx.plain(reply, key, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            response.headers.push(HeaderName::Accept, READABLE);
            return cx.send_statelessly(reply, response);
        }
    };
    if cx.layer.is_full() {
        return cx.answer_unavailable(reply, key);
    }
    let (Ok(from), Ok(to)) = (request.headers.from(), request.headers.to()) else { return };
    answer(cx, reply, key);
    let body = request.body.clone();
    cx.tell(Event::Message { call, hop: reply.hop(), uri: request.uri.clone(), from, to, kind, body });
}

fn answer(cx: &mut Context, reply: &Reply, key: ServerKey) {
    let mut response = cx.plain(reply, key, StatusCode::OK);
    if cx.layer.is_full() {
        return cx.send_statelessly(reply, response);
    }
    cx.sign_response(&mut response);
    let response = Outgoing { hop: reply.hop(), bytes: cx.response_bytes(&response) };
    let user = ServerUse::of_nobody(cx.new_tag());
    cx.layer.answered(cx.now, key, StatusCode::OK.code(), response, user);
}

fn is_readable(kind: &MediaType) -> bool {
    let main = kind.kind.as_str();
    main.eq_ignore_ascii_case("text")
        || main.eq_ignore_ascii_case("multipart")
        || kind.is("message", "cpim")
        || kind.is("application", "im-iscomposing+xml")
}

/// What Accept says of the bodies of messages.
pub(super) const READABLE: &str = "text/*, multipart/*, message/cpim, application/im-iscomposing+xml";
