//! One stream: what waits for it, what has come of it, and until when.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::time::Duration;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use rove_base::{Instant, StreamId, Transport};

use super::{Framer, Hop, Limits};

/// One stream of ours or of others.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: StreamId,
    pub(super) transport: Transport,
    /// Where others reach us, as far as it is known.
    pub(super) local: SocketAddr,
    /// The other end.
    pub(super) remote: SocketAddr,
    /// Whose certificate was asked for.
    pub(super) name: Option<String>,
    pub(super) state: State,
    pub(super) framer: Framer,
    /// Whether it has carried a message, or is our own.
    pub(super) heard: bool,
    /// When it last did.
    pub(super) used: Instant,
    /// When the message began that has not ended.
    pub(super) began: Option<Instant>,
    pub(super) keep: Option<Keep>,
}

/// How far a stream is.
#[derive(Debug)]
pub(super) enum State {
    /// Asked for; this waits for it.
    Opening {
        until: Instant,
        waiting: Vec<Arc<[u8]>>,
    },
    Open,
}

/// A stream whose other end is asked now and then whether it is there (RFC 5626 §4.4.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    pub(super) every: Duration,
    pub(super) next: Instant,
    /// Until when the answer must be here.
    pub(super) pong_by: Option<Instant>,
}

/// Where a stream stands among all: the first is closed first.
pub(super) type Age = (bool, Instant, StreamId);

/// What time asks of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Due {
    Nothing,
    /// It has taken too long for something: away with it.
    Close,
    Ping,
}

impl Connection {
    pub(super) const fn age(&self) -> Age {
        (self.heard, self.used, self.id)
    }

    /// Whether others have opened it (the driver's names are odd).
    pub(super) const fn is_accepted(&self) -> bool {
        self.id.0 % 2 == 1
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(super) const fn hop(&self) -> Hop {
        Hop::stream(self.id, self.transport, self.local, self.remote)
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(super) fn deadline(&self, limits: &Limits) -> Instant {
        if let State::Opening { until, .. } = self.state {
            return until;
        }
        let patience = if self.heard { limits.idle } else { limits.first_message };
        let mut at = self.used + patience;
        if let Some(keep) = self.keep {
            // Whoever answers pings is not idle.
            at = keep.pong_by.unwrap_or(keep.next);
        }
        self.began.map_or(at, |began| at.min(began + limits.message))
    }

    pub(super) fn tick(&mut self, now: Instant, limits: &Limits) -> Due {
        if now < self.deadline(limits) {
            return Due::Nothing;
        }
        if self.began.is_some_and(|began| began + limits.message <= now) {
            return Due::Close;
        }
        match &mut self.keep {
            Some(keep) if keep.pong_by.is_none() && self.state.is_open() => {
                keep.pong_by = Some(now + PONG);
                Due::Ping
            }
            _ => Due::Close,
        }
    }

    /// The other end is there.
    pub(super) fn pong(&mut self, now: Instant) {
        if let Some(keep) = &mut self.keep {
            keep.pong_by = None;
            keep.next = now + keep.every;
        }
    }

    /// What it costs: what has come of a message or waits to leave, and what it takes to carry it.
    pub(super) fn bytes(&self) -> usize {
        let waiting = match &self.state {
            State::Opening { waiting, .. } => waiting.iter().map(|bytes| bytes.len()).sum(),
            State::Open => 0,
        };
        let carried = match self.transport {
            Transport::Tls => BYTES_SECURED,
            Transport::Ws => BYTES_WEB,
            Transport::Wss => BYTES_SECURED.saturating_add(BYTES_WEB),
            _ => BYTES,
        };
        carried.saturating_add(self.framer.held()).saturating_add(waiting)
    }

    pub(super) fn waits_for_pong(&self) -> bool {
        self.keep.is_some_and(|keep| keep.pong_by.is_some())
    }
}

impl State {
    const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

/// What counts as one source: an address, or the /64 that one host of IPv6 has to itself.
pub(super) fn source(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        },
    }
}

/// What a stream takes beside its messages: a task with its buffer, its places in maps.
const BYTES: usize = 16 * 1_024;
/// The same with the state of TLS.
const BYTES_SECURED: usize = 48 * 1_024;
/// The same with the buffers of a WebSocket.
const BYTES_WEB: usize = 48 * 1_024;
/// How long a pong may take (RFC 5626 §4.4.1).
const PONG: Duration = Duration::from_secs(10);
