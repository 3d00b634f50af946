//! Passing messages on without memory (RFC 3261 §16.11).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::SipServer;
use crate::{
    message::{Method, Request, StatusCode, Uri},
    proxy::{Copy, MAX_BREADTH, Passage, Target, groups},
    registrar::{Answer, RegistryStore},
    transport::Hop,
    ua::{reply::Reply, requests::server_key},
};

impl<R: RegistryStore> SipServer<R> {
    /// The store has answered where the user is that a request is for: the most preferred contact gets it, the same for
    /// each repetition.
    pub(super) fn stateless_found(&mut self, request: &Request, hop: Hop, answer: &Answer) {
        let now = self.core.now.mono;
        let live: Vec<_> = match answer {
            Answer::Bindings(bindings) => bindings.iter().filter(|binding| binding.until > now).collect(),
            Answer::Refused(_) | Answer::Unavailable => Vec::new(),
        };
        if let Some(target) = groups(&live, MAX_BREADTH).into_iter().flatten().next() {
            return self.send_statelessly(request, hop, &target);
        }
        if let Ok(via) = request.headers.via()
            && request.method != Method::Ack
        {
            let key = server_key(&self.core.keyed, request, &via, &request.method);
            let reply = Reply::to(request, via, hop);
            self.core.refuse(&reply, key, StatusCode::TEMPORARILY_UNAVAILABLE);
        }
    }

    /// Sends a copy to `target`. Its branch follows from that of the request, so that repetitions, ACK and CANCEL have
    /// the same.
    pub(super) fn send_statelessly(&mut self, request: &Request, hop: Hop, target: &Target) {
        let copy = Copy::of(request, target);
        let Uri::Sip(next) = copy.next() else { return };
        if copy.flow.is_none() && self.core.ours.is_address(&next) {
            return;
        }
        let Some(way) = copy.flow.or_else(|| self.core.hop_to(&next)) else { return };
        let branch = request.headers.via().ok().and_then(|via| via.branch().map(str::to_owned));
        let number = self.core.keyed.number(&("stateless", branch));
        let passage = Passage {
            ours: &self.core.ours,
            tokens: &self.core.tokens,
            from: hop,
            bound: false,
            record: false,
            mark: self.core.loops.mark(request),
            hidden: false,
        };
        let leave = copy.leave(&passage, way, number);
        let bytes = self.core.request_bytes(&leave.request);
        self.core.layer.send(leave.hop, bytes);
    }
}
