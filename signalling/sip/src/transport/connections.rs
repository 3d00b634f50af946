//! All streams of one user agent or server: opened when needed, used again, cut into messages, kept within bounds
//! (RFC 3261 §18, RFC 5626 §4.4, RFC 5923, RFC 7118).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod reading;
mod sending;

use core::time::Duration;
use std::{
    collections::{BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use rove_base::{
    Arrival, ClosedBy, Connect, Dscp, Entropy, Flow, Instant, Machine, Now, Scratch, Step, StreamId,
    Transmit, Transport, UdpFlow,
};

use super::{
    Hop, Limits,
    connection::{Age, Connection, Due, Keep, State, source},
    datagrams::Datagrams,
};
use crate::transaction::{Keyed, KeyedMap, Timers};

/// The streams of one agent, and what is no message among its datagrams.
///
/// Hand it every arrival; it tells which messages came which way, and which ways are lost. Messages of datagrams stay
/// with the caller, who asks [`is_keep_alive`](Self::is_keep_alive) first. Its own streams have even names from 2 on.
///
/// Bounded by its [`Limits`]: neither streams that say nothing nor messages that never end keep others out.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    now: Instant,
    keyed: Keyed,
    streams: KeyedMap<StreamId, Connection>,
    /// Which stream leads where (RFC 5923).
    routes: KeyedMap<(Transport, SocketAddr), StreamId>,
    /// Whose certificate is expected where.
    names: KeyedMap<(Transport, SocketAddr), String>,
    ages: BTreeSet<Age>,
    sources: KeyedMap<IpAddr, BTreeSet<Age>>,
    timers: Timers<StreamId>,
    datagrams: Datagrams,
    out: VecDeque<Out>,
    news: VecDeque<News>,
    next_stream: u64,
    /// What all streams cost.
    bytes: usize,
}

/// What [`Connections`] tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum News {
    /// A whole message has come along a stream.
    Message {
        /// The way it came.
        hop: Hop,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Nothing that was sent this way is known to have arrived: the stream could not be opened, or is gone.
    Lost {
        /// The way: its stream, and where a new one would lead.
        hop: Hop,
    },
    /// A way that was kept alive does not answer any more, or leads out of another address than before
    /// (RFC 5626 §4.4.2).
    FlowFailed {
        /// The way.
        hop: Hop,
    },
}

#[derive(Debug)]
enum Out {
    Send(Flow, Arc<[u8]>),
    Connect(Connect),
    Close(StreamId),
}

impl Connections {
    /// No streams yet. `entropy` must be unpredictable.
    #[must_use]
    pub fn new(limits: Limits, mut entropy: Entropy) -> Self {
        let keyed = Keyed::new(&mut entropy);
        Self {
            limits,
            now: Instant::ZERO,
            streams: KeyedMap::with_hasher(keyed.clone()),
            routes: KeyedMap::with_hasher(keyed.clone()),
            names: KeyedMap::with_hasher(keyed.clone()),
            ages: BTreeSet::new(),
            sources: KeyedMap::with_hasher(keyed.clone()),
            timers: Timers::default(),
            datagrams: Datagrams::new(entropy.fork(), &keyed),
            out: VecDeque::new(),
            news: VecDeque::new(),
            next_stream: FIRST_STREAM,
            bytes: 0,
            keyed,
        }
    }

    /// How many streams there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// How many bytes they cost.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is no stream.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Whether a message can be sent this way without opening a stream.
    #[must_use]
    pub fn is_open(&self, hop: &Hop) -> bool {
        match hop.flow {
            Flow::Udp(_) => true,
            Flow::Stream(_) => {
                self.lead(hop).is_some_and(|id| self.streams.get(&id).is_some_and(Connection::is_open))
            }
        }
    }

    /// The next that has happened.
    pub fn next_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Requests and responses to `remote` may go back along `hop`, whose other end has said that it listens there
    /// (RFC 5923 §4). Believed of the address that the stream comes from alone: else anybody could draw away what is
    /// meant for another.
    pub fn alias(&mut self, hop: &Hop, remote: SocketAddr) {
        let Some(id) = hop.stream_id().filter(|_| hop.remote.ip() == remote.ip()) else { return };
        if self.streams.get(&id).is_some_and(Connection::is_open) {
            self.routes.entry((hop.transport, remote)).or_insert(id);
        }
    }

    /// Asks the other end of `hop` every so often whether it is there: by empty lines on a stream, by STUN over UDP
    /// (RFC 5626 §4.4). [`News::FlowFailed`] tells when it is not.
    pub fn keep_alive(&mut self, now: Instant, hop: &Hop, every: Duration) {
        self.at(now);
        match hop.flow {
            Flow::Udp(flow) => self.datagrams.keep(self.now, flow, every),
            Flow::Stream(_) => {
                if let Some(id) = self.lead(hop) {
                    let next = self.now + every;
                    self.change(id, |one| one.keep = Some(Keep { every, next, pong_by: None }));
                }
            }
        }
    }

    /// Ends that.
    pub fn let_go(&mut self, hop: &Hop) {
        match hop.flow {
            Flow::Udp(flow) => self.datagrams.let_go(flow),
            Flow::Stream(_) => {
                if let Some(id) = self.lead(hop) {
                    self.change(id, |one| one.keep = None);
                }
            }
        }
    }

    /// Whether a datagram is none of the messages: an empty one, or STUN, whose questions are answered.
    pub fn is_keep_alive(&mut self, now: Instant, flow: UdpFlow, bytes: &[u8]) -> bool {
        self.at(now);
        let Some(answer) = self.datagrams.heard(self.now, flow, bytes) else { return false };
        if let Some(answer) = answer {
            self.out.push_back(Out::Send(Flow::Udp(flow), answer));
        }
        true
    }

    fn at(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// The stream that a message this way goes along.
    fn lead(&self, hop: &Hop) -> Option<StreamId> {
        let own = hop.stream_id().filter(|id| self.streams.contains_key(id));
        own.or_else(|| self.routes.get(&(hop.transport, hop.remote)).copied())
    }

    /// Changes a stream, and what depends on its age and deadline.
    fn change<R>(&mut self, id: StreamId, change: impl FnOnce(&mut Connection) -> R) -> Option<R> {
        let one = self.streams.get_mut(&id)?;
        let (age, due, bytes) = (one.age(), one.deadline(&self.limits), one.bytes());
        let answer = change(one);
        self.bytes = self.bytes.saturating_add(one.bytes()).saturating_sub(bytes);
        let (new_age, new_due, ip) = (one.age(), one.deadline(&self.limits), source(one.remote.ip()));
        let accepted = one.is_accepted();
        self.timers.change(id, Some(due), Some(new_due));
        if age != new_age {
            self.ages.remove(&age);
            self.ages.insert(new_age);
            if let Some(ages) = self.sources.get_mut(&ip).filter(|_| accepted) {
                ages.remove(&age);
                ages.insert(new_age);
            }
        }
        Some(answer)
    }

    fn add(&mut self, one: Connection) {
        let (id, age) = (one.id, one.age());
        self.timers.change(id, None, Some(one.deadline(&self.limits)));
        self.ages.insert(age);
        self.bytes = self.bytes.saturating_add(one.bytes());
        if one.is_accepted() {
            self.sources.entry(source(one.remote.ip())).or_default().insert(age);
        }
        self.streams.insert(id, one);
    }

    fn remove(&mut self, id: StreamId) -> Option<Connection> {
        let one = self.streams.remove(&id)?;
        self.bytes = self.bytes.saturating_sub(one.bytes());
        self.timers.change(id, Some(one.deadline(&self.limits)), None);
        self.ages.remove(&one.age());
        let ip = source(one.remote.ip());
        if one.is_accepted()
            && let Some(ages) = self.sources.get_mut(&ip)
        {
            ages.remove(&one.age());
            if ages.is_empty() {
                self.sources.remove(&ip);
            }
        }
        if !self.routes.is_empty() {
            self.routes.retain(|_, stream| *stream != id);
        }
        Some(one)
    }

    /// Closes a stream, and tells whoever may still wait for something on it.
    fn close(&mut self, id: StreamId) {
        if let Some(one) = self.remove(id) {
            self.out.push_back(Out::Close(id));
            self.mourn(&one);
        }
    }

    fn mourn(&mut self, one: &Connection) {
        self.news.push_back(News::Lost { hop: one.hop() });
        if one.keep.is_some() {
            self.news.push_back(News::FlowFailed { hop: one.hop() });
        }
    }

    /// Makes room for one more stream, from `source` if others open it.
    fn make_room(&mut self, source: Option<IpAddr>) {
        let crowd = source.and_then(|ip| self.sources.get(&ip));
        if let Some(&(.., oldest)) =
            crowd.filter(|ages| ages.len() >= self.limits.per_source).and_then(BTreeSet::first)
        {
            self.close(oldest);
        }
        while self.streams.len() >= self.limits.total.max(1) {
            let Some(&(.., oldest)) = self.ages.first() else { return };
            self.close(oldest);
        }
    }

    /// Whether there is memory for `more` bytes, once streams that never carried a message have given way.
    fn has_memory(&mut self, more: usize) -> bool {
        while self.bytes.saturating_add(more) > self.limits.memory {
            match self.ages.first() {
                Some(&(false, _, oldest)) => self.close(oldest),
                _ => return false,
            }
        }
        true
    }

    fn expire(&mut self) {
        while let Some(id) = self.timers.take_due(self.now) {
            let (now, limits) = (self.now, self.limits);
            let Some(one) = self.streams.get_mut(&id) else { continue };
            let due = one.tick(now, &limits);
            self.timers.change(id, None, Some(one.deadline(&limits)));
            match due {
                Due::Nothing => {}
                Due::Ping => self.out.push_back(Out::Send(Flow::Stream(id), PING.into())),
                Due::Close => self.close(id),
            }
        }
        while let Some(next) = self.datagrams.expire(self.now) {
            match next {
                Ok((flow, bytes)) => self.out.push_back(Out::Send(Flow::Udp(flow), bytes)),
                Err(flow) => self.news.push_back(News::FlowFailed { hop: flow.into() }),
            }
        }
    }
}

impl Machine for Connections {
    type Input<'a> = Arrival<'a>;
    type Event = News;

    fn handle(&mut self, now: Now, arrival: Arrival<'_>) {
        self.at(now.mono);
        match arrival {
            Arrival::Connected { stream, local, remote, transport } => {
                self.connected(stream, local, remote, transport);
            }
            Arrival::Stream { stream, bytes } => self.read(stream, bytes),
            Arrival::Closed { stream, by } => {
                if let Some(one) = self.remove(stream)
                    && by != ClosedBy::Us
                {
                    self.mourn(&one);
                }
            }
            Arrival::Datagram { flow: Flow::Udp(flow), bytes } => {
                if !self.is_keep_alive(now.mono, flow, bytes) {
                    self.news.push_back(News::Message { hop: flow.into(), bytes: bytes.to_vec() });
                }
            }
            Arrival::Datagram { .. } | Arrival::Identified { .. } | Arrival::Durable { .. } => {}
        }
        self.expire();
    }

    fn tick(&mut self, now: Now) {
        self.at(now.mono);
        self.expire();
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<News> {
        match self.out.pop_front() {
            Some(Out::Send(flow, bytes)) => {
                return Step::Send(Transmit { flow, range: out.push(&bytes), dscp: Dscp::CS3 });
            }
            Some(Out::Connect(connect)) => return Step::Connect(connect),
            Some(Out::Close(stream)) => return Step::Close(stream),
            None => {}
        }
        match self.news.pop_front() {
            Some(news) => Step::Event(news),
            None => Step::Wait(Instant::earliest(self.timers.next(), self.datagrams.deadline())),
        }
    }
}

/// An empty line twice (RFC 5626 §3.5.1).
const PING: &[u8] = b"\r\n\r\n";
/// The answer to that.
const PONG: &[u8] = b"\r\n";
/// Names of streams that we ask for are even, and 0 is taken by [`Hop::ANY_STREAM`].
const FIRST_STREAM: u64 = 2;

#[cfg(test)]
mod tests;
