//! Clients that come over TCP or TLS: messages cut out of streams, and streams that say nothing closed.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Arrival, Flow, Instant, Now, Scratch, Step, StreamId};
use rove_nat::stun::turn::{Frame, frame};

use super::TurnServer;
use crate::counts::Cause;

/// Streams that are open.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: HashMap<StreamId, Open>,
    /// Those that came in, oldest first, with the time at which they should have asked for something.
    young: VecDeque<(Instant, StreamId)>,
}

#[derive(Debug)]
struct Open {
    remote: SocketAddr,
    /// The beginning of a message.
    kept: Vec<u8>,
}

impl Streams {
    pub(super) fn wake(&self) -> Option<Instant> {
        self.young.front().map(|(due, _)| *due)
    }
}

impl TurnServer {
    /// Something happened on a stream; datagrams go to [`TurnServer::datagram`].
    pub fn stream(&mut self, now: Now, arrival: Arrival<'_>, out: &mut Scratch) {
        match arrival {
            Arrival::Connected { stream, remote, .. } => {
                if self.streams.open.len() >= self.limits.streams {
                    self.counts.refuse(Cause::Capacity);
                    return self.steps.push_back(Step::Close(stream));
                }
                self.streams.open.insert(stream, Open { remote, kept: Vec::new() });
                self.streams.young.push_back((now.mono.later(PATIENCE), stream));
            }
            Arrival::Stream { stream, bytes } => self.piece(now, stream, bytes, out),
            Arrival::Closed { stream, .. } => self.gone(stream),
            Arrival::Datagram { .. } | Arrival::Identified { .. } | Arrival::Durable { .. } => {}
        }
    }

    /// Deals with all that is whole, and keeps the rest.
    fn piece(&mut self, now: Now, stream: StreamId, bytes: &[u8], out: &mut Scratch) {
        let Some(open) = self.streams.open.get_mut(&stream) else { return };
        let (remote, mut kept) = (open.remote, core::mem::take(&mut open.kept));
        kept.extend_from_slice(bytes);
        let mut rest = kept.as_slice();
        loop {
            // Data before anything is lent is no data: most other protocols begin like that.
            let is_data = rest.first().is_some_and(|first| *first >= 0x40);
            let lent = !is_data || self.clients.contains_key(&Flow::Stream(stream));
            match if lent { frame(rest) } else { Frame::Lost } {
                Frame::Of(len) => {
                    let Some((message, behind)) = rest.split_at_checked(len) else { break };
                    self.heard(now, Flow::Stream(stream), remote, message, out);
                    rest = behind;
                }
                Frame::Short => break,
                Frame::Lost => {
                    self.counts.refuse(Cause::NotUnderstood);
                    self.gone(stream);
                    return self.steps.push_back(Step::Close(stream));
                }
            }
        }
        let done = kept.len().saturating_sub(rest.len());
        kept.drain(..done);
        if kept.is_empty() {
            // Most pieces are whole: the memory goes with them.
            kept = Vec::new();
        }
        if let Some(open) = self.streams.open.get_mut(&stream) {
            open.kept = kept;
        }
    }

    /// A stream is over, and what was lent over it.
    fn gone(&mut self, stream: StreamId) {
        self.streams.open.remove(&stream);
        if let Some(port) = self.clients.get(&Flow::Stream(stream)).copied() {
            self.take_back(port);
        }
    }

    /// Whoever has come and asked for nothing goes.
    pub(super) fn close_idle(&mut self, now: Instant) {
        while let Some((due, stream)) = self.streams.young.front().copied() {
            if due > now {
                break;
            }
            self.streams.young.pop_front();
            if !self.streams.open.contains_key(&stream) {
                continue;
            }
            if self.clients.contains_key(&Flow::Stream(stream)) {
                self.streams.young.push_back((now.later(PATIENCE), stream));
            } else {
                self.streams.open.remove(&stream);
                self.steps.push_back(Step::Close(stream));
            }
        }
    }
}

/// For a stream without anything lent.
const PATIENCE: Duration = Duration::from_secs(30);
