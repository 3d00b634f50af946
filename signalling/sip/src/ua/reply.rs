//! How a request is answered: what its responses copy, and the way they take (RFC 3261 §8.2.6, §18.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    message::{HeaderName, Headers, Request, Response, StatusCode, Via, ViaTransport},
    transport::Hop,
};

/// All that is needed to answer one request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    hop: Hop,
    headers: Headers,
    has_tag: bool,
}

impl Reply {
    /// For a request that came along `arrival`, whose topmost Via is `via`.
    pub(crate) fn to(request: &Request, via: Via, arrival: Hop) -> Self {
        let has_tag = request.headers.to_tag().is_ok_and(|tag| tag.is_some());
        let mut reply = Self { hop: arrival, headers: request.copied(StatusCode::OK), has_tag };
        reply.route(via);
        reply
    }

    /// For a request that could not be read, of which these headers are left. It goes back to where it came from when
    /// not even its topmost Via can be read. `None` when it has none.
    pub(crate) fn to_flawed(headers: Headers, arrival: Hop) -> Option<Self> {
        headers.get(&HeaderName::Via)?;
        let has_tag = headers.to().map_or(true, |to| to.tag().is_some());
        let mut reply = Self { hop: arrival, headers, has_tag };
        if let Ok(via) = reply.headers.via() {
            reply.route(via);
        }
        Some(reply)
    }

    /// Notes the source in the topmost Via and sends the response there: to the port the request came from when
    /// `rport` asks for that, else to the port that Via names (RFC 3581 §4, RFC 3261 §18.2.2). Over a stream it goes
    /// back along that stream, and only should that be gone to the port that Via names. `maddr` is not obeyed, since
    /// it would let anybody aim our answers.
    fn route(&mut self, mut via: Via) {
        let source = self.hop.remote;
        let port = via.port.unwrap_or_else(|| ViaTransport::from(self.hop.transport).default_port());
        if self.hop.transport.is_reliable() {
            self.hop.remote.set_port(port);
        } else if !via.wants_rport() {
            self.hop.remote.set_port(port);
            self.hop = Hop::udp(self.hop.local, self.hop.remote);
        }
        via.note_source(source);
        // Fails only when a lower Via cannot be read; then it is sent back as it came.
        let _ = self.headers.replace_top_via(&via);
    }

    /// The way the responses take.
    pub(crate) const fn hop(&self) -> Hop {
        self.hop
    }

    /// A response; `tag` is ours, for when the request has none in To. 100 (Trying) does without.
    pub(crate) fn response(&self, status: StatusCode, tag: &str) -> Response {
        let mut response = Response { headers: self.headers.clone_with_room(), ..Response::new(status) };
        if !self.has_tag
            && status != StatusCode::TRYING
            && let Some(to) = self.headers.get(&HeaderName::To)
        {
            let to = format!("{to};tag={tag}");
            response.headers.set(HeaderName::To, to);
        }
        response
    }
}
