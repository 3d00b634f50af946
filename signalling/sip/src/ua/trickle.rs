//! Candidates that follow the session description, by INFO (RFC 8838, RFC 8840).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Now;

use super::{
    CallId, UserAgent,
    context::{Context, Purpose},
    leg::Leg,
};
use crate::message::{HeaderName, Headers, Method};

impl UserAgent {
    /// Tells the other side of a call that stands of candidates it has not been told of: `body` is of type
    /// `application/trickle-ice-sdpfrag`. `false`, and nothing is sent, where the other side does not take them later, or the
    /// call does not stand. [`Event::InfoFailed`](super::Event::InfoFailed) follows when they did not arrive.
    pub fn trickle(&mut self, now: Now, call: CallId, body: Vec<u8>) -> bool {
        self.at(now);
        let mut sent = false;
        self.on_call(call, |call, cx| {
            let id = call.id;
            if let Some(leg) = call.talking_leg().filter(|leg| leg.trickles) {
                leg.trickle(cx, id, body);
                sent = true;
            }
        });
        sent
    }
}

impl Leg {
    fn trickle(&mut self, cx: &mut Context, call: CallId, body: Vec<u8>) {
        let mut request = self.request(cx, Method::Info);
        let headers = &mut request.headers;
        headers.push(HeaderName::InfoPackage, TRICKLE);
        headers.push(HeaderName::ContentType, FRAGMENT);
        headers.push(HeaderName::ContentDisposition, "Info-Package");
        request.body = body;
        self.send(cx, call, request, Purpose::Info);
    }
}

/// Whether whoever says this takes candidates later: the option tag, or the package in Recv-Info (RFC 8840 §5).
/// `None` when it says nothing of the kind.
pub(super) fn told(headers: &Headers) -> Option<bool> {
    let mut said = false;
    let mut takes = false;
    for name in [HeaderName::RecvInfo, HeaderName::Supported] {
        for value in headers.all(&name) {
            said = true;
            takes |= value.split(',').any(|word| word.trim().eq_ignore_ascii_case(TRICKLE));
        }
    }
    said.then_some(takes)
}

/// The option tag, and the name of the package (RFC 8840 §10).
pub const TRICKLE: &str = "trickle-ice";
/// The type of its body.
pub(super) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
