//! Messages on streams: two bytes of length, then the message (RFC 1035 §4.2.2, RFC 7766).

use core::time::Duration;
use std::{collections::BTreeMap, net::SocketAddr};

use rove_base::{Flow, Instant, StreamId};

use super::Peer;

/// The streams that clients opened.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: BTreeMap<StreamId, Stream>,
}

#[derive(Debug)]
struct Stream {
    remote: SocketAddr,
    /// The start of a message that is not whole yet.
    partial: Vec<u8>,
    /// When the last whole message came, or the stream was opened.
    active: Instant,
}

impl Stream {
    #[expect(clippy::arithmetic_side_effects, reason = "instants saturate")]
    fn idle_at(&self) -> Instant {
        self.active + IDLE
    }
}

impl Streams {
    /// Takes note of a new stream. The stream that was silent longest has to go when there are too many.
    pub(super) fn open(&mut self, now: Instant, id: StreamId, remote: SocketAddr) -> Option<StreamId> {
        let crowded = self.open.len() >= MAX_STREAMS;
        let oldest = self.open.iter().min_by_key(|(_, stream)| stream.active).map(|(id, _)| *id);
        let crowded_out = oldest.filter(|_| crowded);
        if let Some(id) = &crowded_out {
            self.open.remove(id);
        }
        self.open.insert(id, Stream { remote, partial: Vec::new(), active: now });
        crowded_out
    }

    pub(super) fn forget(&mut self, id: StreamId) {
        self.open.remove(&id);
    }

    pub(super) fn push(&mut self, id: StreamId, bytes: &[u8]) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.partial.extend_from_slice(bytes);
        }
    }

    /// The next whole message on stream `id`.
    pub(super) fn next_message(&mut self, now: Instant, id: StreamId) -> Option<(Peer, Vec<u8>)> {
        let stream = self.open.get_mut(&id)?;
        let (len, rest) = stream.partial.split_first_chunk::<2>()?;
        let message = rest.get(..usize::from(u16::from_be_bytes(*len)))?.to_vec();
        stream.partial.drain(..message.len().saturating_add(2));
        stream.active = now;
        Some((Peer { flow: Flow::Stream(id), address: stream.remote }, message))
    }

    /// When the next stream has been silent for too long.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.open.values().map(Stream::idle_at).min()
    }

    /// Forgets one stream that has been silent for too long.
    pub(super) fn take_idle(&mut self, now: Instant, is_busy: impl Fn(StreamId) -> bool) -> Option<StreamId> {
        for (_, stream) in self.open.iter_mut().filter(|(id, _)| is_busy(**id)) {
            stream.active = now;
        }
        let (id, _) = self.open.iter().find(|(_, stream)| stream.idle_at() <= now)?;
        let id = *id;
        self.open.remove(&id);
        Some(id)
    }
}

/// How long a stream may stay without a whole message (RFC 7766 §6.2.3 asks for "a few seconds").
const IDLE: Duration = Duration::from_secs(10);
/// Streams open at one time.
const MAX_STREAMS: usize = 256;
