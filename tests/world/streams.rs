//! Streams between hosts: in order, without loss, at a fixed latency. Not a model of TCP but what TCP promises.

use core::time::Duration;
use std::{collections::HashMap, net::SocketAddr};

use rove_base::{Arrival, ClosedBy, StreamId, Transport};

/// One end of a stream: the host and its name for it.
pub(crate) type End = (usize, StreamId);

#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Each open end with its peer and how long bytes take there.
    ends: HashMap<End, (End, Duration)>,
    deliveries: HashMap<u64, Delivery>,
    count: u64,
    accepted: u64,
}

/// Something that will happen to one end.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) to: End,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Connected { local: SocketAddr, remote: SocketAddr, transport: Transport },
    Identified(String),
    Bytes(Vec<u8>),
    Closed(ClosedBy),
}

impl Streams {
    /// Joins two ends; answers the accepting host's name for its own, which is odd.
    pub(crate) fn join(
        &mut self,
        asking: End,
        accepting: usize,
        there: Duration,
        back: Duration,
    ) -> StreamId {
        let stream = StreamId(2 * self.accepted + 1);
        self.accepted += 1;
        self.ends.insert(asking, ((accepting, stream), there));
        self.ends.insert((accepting, stream), (asking, back));
        stream
    }

    /// The peer of an end that is open, and how long bytes take there.
    pub(crate) fn peer(&self, end: End) -> Option<(End, Duration)> {
        self.ends.get(&end).copied()
    }

    /// Closes one end; nothing more arrives there but the news of it.
    pub(crate) fn close(&mut self, end: End) -> Option<(End, Duration)> {
        self.ends.remove(&end)
    }

    /// Keeps a delivery until its time; answers its name.
    pub(crate) fn keep(&mut self, to: End, what: What) -> u64 {
        self.count += 1;
        self.deliveries.insert(self.count, Delivery { to, what });
        self.count
    }

    /// Takes the delivery whose time has come, unless its end has been closed meanwhile.
    pub(crate) fn take(&mut self, name: u64) -> Option<Delivery> {
        let delivery = self.deliveries.remove(&name)?;
        match delivery.what {
            What::Bytes(_) | What::Identified(_) | What::Connected { .. }
                if !self.ends.contains_key(&delivery.to) =>
            {
                None
            }
            What::Closed(ClosedBy::Peer) => self.ends.remove(&delivery.to).map(|_| delivery),
            _ => Some(delivery),
        }
    }

    /// All ends of a host.
    pub(crate) fn of_host(&self, host: usize) -> Vec<End> {
        let mut ends: Vec<End> = self.ends.keys().filter(|(owner, _)| *owner == host).copied().collect();
        ends.sort_unstable_by_key(|(_, stream)| *stream);
        ends
    }
}

impl Delivery {
    /// What the host is told.
    pub(crate) fn arrival(&self) -> Arrival<'_> {
        let stream = self.to.1;
        match &self.what {
            What::Connected { local, remote, transport } => {
                Arrival::Connected { stream, local: *local, remote: *remote, transport: *transport }
            }
            What::Identified(name) => Arrival::Identified { stream, name },
            What::Bytes(bytes) => Arrival::Stream { stream, bytes },
            What::Closed(by) => Arrival::Closed { stream, by: *by },
        }
    }
}

/// How long a host tries to reach another that does not answer at all.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
