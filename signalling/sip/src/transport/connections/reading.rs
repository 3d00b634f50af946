//! Bytes of a stream as messages, and the refusal of what is none.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Connections, Flow, News, Out, PONG, StreamId};
use crate::{
    message::{HeaderName, Message, Method, Response, StatusCode},
    transport::{Framer, Piece},
};

impl Connections {
    /// Bytes have come. WebSockets bring whole messages (RFC 7118 §5); other streams bring pieces.
    pub(super) fn read(&mut self, id: StreamId, bytes: &[u8]) {
        let Some(one) = self.streams.get(&id) else { return };
        let whole = matches!(one.transport, rove_base::Transport::Ws | rove_base::Transport::Wss);
        if whole {
            return self.read_whole(id, bytes);
        }
        // Taken out for a moment, since what it yields changes everything else.
        let Some(mut framer) = self.change(id, |one| core::mem::take(&mut one.framer)) else { return };
        framer.push(bytes);
        while let Some(piece) = framer.next_piece() {
            match piece {
                Piece::Message(bytes) => self.message(id, bytes),
                Piece::Ping => self.ping(id),
                Piece::Pong => self.pong(id),
                Piece::Unframeable { head, status } => {
                    return self.refuse(id, head, status);
                }
            }
        }
        let waits = self.streams.get(&id).is_some_and(super::Connection::waits_for_pong);
        if waits && framer.take_line_end() {
            self.pong(id);
        }
        self.put_back(id, framer);
    }

    fn put_back(&mut self, id: StreamId, mut framer: Framer) {
        let now = self.now;
        framer.tidy();
        let held = framer.held();
        self.change(id, |one| {
            one.began = framer.is_inside().then(|| one.began.unwrap_or(now));
            one.framer = framer;
        });
        // A message that comes in pieces for which there is no room: those with longer ones first.
        if held > LONG && !self.has_memory(0) {
            self.close(id);
        }
    }

    fn read_whole(&mut self, id: StreamId, bytes: &[u8]) {
        match bytes {
            b"\r\n\r\n" => self.ping(id),
            b"\r\n" => self.pong(id),
            _ => self.message(id, bytes),
        }
    }

    fn message(&mut self, id: StreamId, bytes: &[u8]) {
        let now = self.now;
        let hop = self.change(id, |one| {
            (one.heard, one.used, one.began) = (true, now, None);
            one.pong(now);
            one.hop()
        });
        if let Some(hop) = hop {
            self.news.push_back(News::Message { hop, bytes: bytes.to_vec() });
        }
    }

    fn ping(&mut self, id: StreamId) {
        let now = self.now;
        if self.change(id, |one| one.used = now).is_some() {
            self.out.push_back(Out::Send(Flow::Stream(id), PONG.into()));
        }
    }

    fn pong(&mut self, id: StreamId) {
        let now = self.now;
        self.change(id, |one| one.pong(now));
    }

    /// Refuses what cannot be framed, if it can be answered at all, and closes the stream: where the next message
    /// begins nobody knows (RFC 3261 §18.3).
    fn refuse(&mut self, id: StreamId, head: &[u8], status: StatusCode) {
        if let Some(mut response) = refusal(head, status) {
            let tag = self.keyed.number(&("tag", head));
            if let Some(to) = response.headers.get(&HeaderName::To).map(str::to_owned)
                && response.headers.to().is_ok_and(|to| to.tag().is_none())
            {
                response.headers.set(HeaderName::To, format!("{to};tag={tag:016x}"));
            }
            let mut bytes = Vec::new();
            response.write(&mut bytes);
            self.out.push_back(Out::Send(Flow::Stream(id), bytes.into()));
        }
        self.close(id);
    }
}

/// A message that has come this far without its end is long.
const LONG: usize = 2 * 1_024;

fn refusal(head: &[u8], status: StatusCode) -> Option<Response> {
    let unframed = |mut response: Response| {
        response.status = status;
        response.reason = match status {
            StatusCode::BAD_REQUEST => "no valid Content-Length".to_owned(),
            other => other.default_reason().to_owned(),
        };
        response
    };
    match Message::parse(head) {
        Ok(Message::Request(request)) if request.method != Method::Ack => {
            Some(unframed(request.response(status)))
        }
        Ok(_) => None,
        Err(error) => error.rejection.map(|rejection| unframed(rejection.response())),
    }
}
