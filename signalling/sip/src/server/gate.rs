//! What keeps a request from being worked on (RFC 3261 §16.3, RFC 5393).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::shared::Core;
use crate::{
    message::{HeaderName, Method, Request, Response, StatusCode, Uri, Via},
    proxy::{Loops, MAX_BREADTH},
    transaction::ServerKey,
    ua::reply::Reply,
};

/// A request that may go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    /// What it is routed by.
    pub(super) mark: u64,
    /// Copies it may become.
    pub(super) breadth: u32,
}

/// Whether a request that is not for the server itself may go on.
pub(super) fn pass(
    cx: &Core,
    request: &Request,
    vias: &[Via],
    reply: &Reply,
    key: ServerKey,
) -> Result<Passed, Response> {
    let refuse = |status| cx.plain(reply, key, status);
    // Whom a number belongs to is for the owner to say.
    let number = matches!(request.uri, Uri::Tel(_)) && cx.config.services && request.method == Method::Invite;
    if !matches!(request.uri, Uri::Sip(_)) && !number {
        return Err(refuse(StatusCode::UNSUPPORTED_URI_SCHEME));
    }
    if request.headers.max_forwards() == Ok(Some(0)) {
        return Err(refuse(StatusCode::TOO_MANY_HOPS));
    }
    let mark = cx.loops.mark(request);
    if Loops::is_loop(vias, mark, &cx.ours) {
        return Err(refuse(StatusCode::LOOP_DETECTED));
    }
    let breadth = breadth(request).ok_or_else(|| refuse(StatusCode::BAD_REQUEST))?;
    if breadth == 0 && !matches!(request.method, Method::Cancel) {
        return Err(refuse(StatusCode::MAX_BREADTH_EXCEEDED));
    }
    match request.headers.tokens(&HeaderName::ProxyRequire) {
        Ok(required) if required.is_empty() => Ok(Passed { mark, breadth }),
        Ok(required) => {
            let mut response = refuse(StatusCode::BAD_EXTENSION);
            response.headers.push(HeaderName::Unsupported, required.join(", "));
            Err(response)
        }
        Err(_) => Err(refuse(StatusCode::BAD_REQUEST)),
    }
}

/// Max-Breadth (RFC 5393 §5.3.3). `None` when it is no number.
fn breadth(request: &Request) -> Option<u32> {
    let name = "Max-Breadth".parse().ok()?;
    match request.headers.get(&name) {
        None => Some(MAX_BREADTH),
        Some(text) => Some(text.trim().parse::<u32>().ok()?.min(MAX_BREADTH)),
    }
}
