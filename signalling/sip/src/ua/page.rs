//! Instant messages of peers (RFC 3428 §7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    Event,
    context::{Context, ServerUse},
    reply::Reply,
};
use crate::{
    message::{HeaderName, MediaType, Request, StatusCode},
    transaction::{Outgoing, ServerKey},
};

/// A MESSAGE, inside a dialog or outside, to which there is no objection: told the owner, and answered with 200 by a
/// transaction, so that a repeated one is not told twice.
pub(super) fn receive(cx: &mut Context, request: &Request, reply: &Reply, key: ServerKey) {
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
    cx.tell(Event::Message { hop: reply.hop(), uri: request.uri.clone(), from, to, kind, body });
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
