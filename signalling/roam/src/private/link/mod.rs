//! Streams to partners: opened and accepted, told apart by their certificates (those of SCTP, which has none, by their
//! addresses), kept alive, opened again.
//!
//! Both ends may open one at the same time. The one that stays is that of the end whose domain comes first, and of two
//! from the same end the newer; the other is read from for a moment more, so that nothing under way is lost. Where the
//! older is to stay it is first asked whether it is alive: its other end may have been started again.

mod association;
mod dialect;
mod framing;
mod m3ua;
mod outbox;

use core::{net::IpAddr, time::Duration};
use std::collections::{BTreeMap, VecDeque};

use rove_base::{Arrival, ClosedBy, Connect, Entropy, Instant, Now, StreamId, Transport};

use self::association::{Association, Heard, Phase};
pub(crate) use self::{
    dialect::{Dialect, Place, Sign},
    framing::pieces,
    m3ua::M3ua,
    outbox::Outbox,
};
use super::Partner;
use crate::NetworkName;

/// All streams to all partners.
#[derive(Debug)]
pub(crate) struct Link<D> {
    own: NetworkName,
    /// How the two ends of a stream greet each other.
    dialect: D,
    peers: Vec<Peer>,
    streams: BTreeMap<StreamId, Association>,
    /// The next name for a stream of ours.
    next: u64,
    entropy: Entropy,
    pub(crate) out: Outbox,
    news: VecDeque<News>,
    /// Not later than the earliest thing to do.
    wake: Instant,
}

#[derive(Debug)]
struct Peer {
    partner: Partner,
    /// The stream that carries what we ask.
    current: Option<StreamId>,
    /// Not before this is it dialled again.
    retry: Instant,
    failures: u32,
}

/// What happened to a partner, by its index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum News {
    Up(usize),
    Down(usize),
    Malformed(usize),
}

impl<D: Dialect> Link<D> {
    pub(crate) fn new(own: NetworkName, dialect: D, partners: Vec<Partner>, entropy: Entropy) -> Self {
        let peer = |partner| Peer { partner, current: None, retry: Instant::ZERO, failures: 0 };
        let peers = partners.into_iter().map(peer).collect();
        Self {
            own,
            dialect,
            peers,
            streams: BTreeMap::new(),
            next: 2,
            entropy,
            out: Outbox::default(),
            news: VecDeque::new(),
            wake: Instant::ZERO,
        }
    }

    /// The stream that carries what we ask this partner.
    pub(crate) fn current(&self, peer: usize) -> Option<StreamId> {
        self.peers.get(peer)?.current
    }

    /// `stream` while signalling can go on it, else the partner's current one.
    pub(crate) fn stream_or_current(&self, peer: usize, stream: StreamId) -> Option<StreamId> {
        let good = |association: &&Association| association.phase == Phase::Active;
        self.streams.get(&stream).filter(good).map(|_| stream).or_else(|| self.current(peer))
    }

    pub(crate) fn news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// When [`Link::tick`] may have something to do.
    pub(crate) const fn wake(&self) -> Instant {
        self.wake
    }

    /// Everything but bytes.
    pub(crate) fn arrived(&mut self, now: Now, arrival: Arrival<'_>) {
        match arrival {
            Arrival::Connected { stream, local, transport, .. } => {
                self.connected(now.mono, stream, local.ip(), transport);
            }
            Arrival::Identified { stream, name } => self.identified(now.mono, stream, name),
            Arrival::Closed { stream, by } => self.closed(now.mono, stream, by),
            Arrival::Stream { .. } | Arrival::Datagram { .. } | Arrival::Durable { .. } => {}
        }
    }

    /// What is kept of a message that is not whole, and whose it is. `None` for a stream that may not speak.
    pub(crate) fn take_inbox(&mut self, now: Instant, stream: StreamId) -> Option<(usize, Vec<u8>)> {
        let association = self.streams.get_mut(&stream)?;
        match (association.peer, association.phase) {
            (Some(peer), Phase::Starting { .. } | Phase::Waiting { .. } | Phase::Active) => {
                Some((peer, core::mem::take(&mut association.inbox)))
            }
            _ => {
                self.close(now, stream);
                None
            }
        }
    }

    pub(crate) fn put_inbox(&mut self, stream: StreamId, inbox: Vec<u8>) {
        if let Some(association) = self.streams.get_mut(&stream) {
            association.inbox = inbox;
        }
    }

    /// One whole message; what it carries, where that is not for the two ends of the stream alone.
    pub(crate) fn message<'a>(
        &mut self,
        now: Instant,
        stream: StreamId,
        message: &'a [u8],
    ) -> Option<D::Data<'a>> {
        let association = self.streams.get_mut(&stream)?;
        let peer = association.peer?;
        let at = association.place(stream);
        let active = association.phase == Phase::Active;
        let sign = self.dialect.hear(at, active, message, &mut self.out);
        if let Sign::Data(data) = sign {
            association.hears(now);
            return Some(data);
        }
        match association.sign(now, stream, &sign, &mut self.dialect, &mut self.out) {
            Heard::Nothing => {}
            Heard::Malformed => self.news.push_back(News::Malformed(peer)),
            Heard::Activated => self.activated(now, peer, stream),
            Heard::Deactivated => self.replace(now, peer, stream),
            Heard::Leave => self.close(now, stream),
        }
        self.note(stream);
        None
    }

    /// Something came from this partner that makes no sense.
    pub(crate) fn note_malformed(&mut self, peer: usize) {
        self.news.push_back(News::Malformed(peer));
    }

    /// Ends a stream on which something came that cannot be.
    pub(crate) fn fail(&mut self, now: Instant, stream: StreamId) {
        if let Some(peer) = self.streams.get(&stream).and_then(|association| association.peer) {
            self.news.push_back(News::Malformed(peer));
        }
        self.close(now, stream);
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        if now < self.wake {
            return;
        }
        let due = self.streams.iter().filter(|(_, association)| association.due() <= now);
        let due: Vec<StreamId> = due.map(|(stream, _)| *stream).collect();
        // Those that serve first: where one of them is dead, its spare takes over instead of retiring.
        let serves = |stream: &StreamId| self.peers.iter().any(|peer| peer.current == Some(*stream));
        let (serving, spare): (Vec<_>, Vec<_>) = due.into_iter().partition(serves);
        for stream in serving.into_iter().chain(spare) {
            let association = self.streams.get_mut(&stream);
            let (dialect, out) = (&mut self.dialect, &mut self.out);
            if association.is_some_and(|association| !association.tick(now, stream, dialect, out)) {
                self.close(now, stream);
            }
        }
        (0..self.peers.len()).for_each(|peer| self.dial(now, peer));
        let dials = self.peers.iter().filter(|peer| peer.is_dialled()).map(|peer| peer.retry);
        let dials = dials.filter(|&retry| retry > now);
        let next = self.streams.values().map(Association::due).chain(dials).min();
        self.wake = next.unwrap_or(now.later(IDLE));
    }

    fn dial(&mut self, now: Instant, index: usize) {
        let under_way = self.streams.values().any(|association| association.peer == Some(index));
        let Some(peer) = self.peers.get_mut(index) else { return };
        let (Some(remote), false, true) = (peer.partner.address, under_way, peer.retry <= now) else {
            return;
        };
        let stream = StreamId(self.next);
        self.next = self.next.wrapping_add(2);
        let Partner { name, transport, .. } = &peer.partner;
        let (name, transport) = (Some(name.as_str().to_owned()), *transport);
        self.out.connect(Connect { stream, remote, transport, name });
        let association = Association::new(now, Some(index), true, now.later(OPENING));
        self.streams.insert(stream, association);
    }

    fn connected(&mut self, now: Instant, stream: StreamId, local: IpAddr, transport: Transport) {
        if let Some(association) = self.streams.get_mut(&stream) {
            association.local = local;
            association.stands(now, stream, &mut self.dialect, &mut self.out);
        } else {
            let strangers = self.streams.values().filter(|association| association.peer.is_none()).count();
            // SCTP in UDP is only let in from a partner's address.
            if strangers >= MAX_STRANGERS || !(transport.is_secure() || transport == Transport::Udp) {
                self.out.close(stream);
                return;
            }
            let mut association = Association::new(now, None, false, now.later(NAMELESS));
            association.local = local;
            association.secure = transport.is_secure();
            self.streams.insert(stream, association);
        }
        self.note(stream);
    }

    fn identified(&mut self, now: Instant, stream: StreamId, name: &str) {
        let Some(association) = self.streams.get_mut(&stream) else { return };
        // The certificate of a stream that we opened was asked for the partner's name already.
        if association.peer.is_some() {
            return;
        }
        // Without a certificate only he is believed who is said to have none.
        let secure = association.secure;
        let is = |peer: &Peer| {
            peer.partner.name.as_str() == name && (secure || peer.partner.transport == Transport::Udp)
        };
        let Some(peer) = self.peers.iter().position(is) else {
            self.close(now, stream);
            return;
        };
        association.peer = Some(peer);
        association.stands(now, stream, &mut self.dialect, &mut self.out);
        self.note(stream);
        self.make_room(now, peer, stream);
    }

    /// A partner has [`MAX_STREAMS`] at most; the oldest that does not serve goes.
    fn make_room(&mut self, now: Instant, peer: usize, newest: StreamId) {
        let serving = self.current(peer);
        let theirs = self.streams.iter().filter(|(_, association)| association.peer == Some(peer));
        if theirs.clone().count() > MAX_STREAMS {
            let mut idle = theirs.map(|(stream, _)| *stream);
            let oldest = idle.find(|stream| *stream != newest && Some(*stream) != serving);
            oldest.into_iter().for_each(|stream| self.close(now, stream));
        }
    }

    /// Signalling can go on `stream`: chooses between it and the one that served so far.
    fn activated(&mut self, now: Instant, index: usize, stream: StreamId) {
        let Some(peer) = self.peers.get_mut(index) else { return };
        peer.failures = 0;
        let Some(old) = peer.current.filter(|old| *old != stream) else {
            peer.current = Some(stream);
            self.news.push_back(News::Up(index));
            return;
        };
        let ours = |stream| self.streams.get(&stream).is_some_and(|association| association.ours);
        let same_end = ours(stream) == ours(old);
        let ours_stays = self.own < peer.partner.name;
        let (stays, goes) =
            if same_end || ours(stream) == ours_stays { (stream, old) } else { (old, stream) };
        peer.current = Some(stays);
        if let Some(association) = self.streams.get_mut(&goes) {
            association.retires = Some(now.later(RETIRE));
        }
        if let Some(association) = self.streams.get_mut(&stays).filter(|_| stays == old) {
            association.probe(now, stays, PROBE, &mut self.dialect, &mut self.out);
        }
        self.note(goes);
        self.note(stays);
    }

    /// `stream` serves no more: another of the partner's takes its place, or none.
    fn replace(&mut self, now: Instant, index: usize, stream: StreamId) {
        let other = self.streams.iter().find(|(other, association)| {
            **other != stream && association.peer == Some(index) && association.phase == Phase::Active
        });
        let other = other.map(|(other, _)| *other);
        let Some(peer) = self.peers.get_mut(index).filter(|peer| peer.current == Some(stream)) else {
            return;
        };
        peer.current = other;
        match other.and_then(|other| self.streams.get_mut(&other)) {
            Some(association) => association.retires = None,
            None => {
                peer.retry = now.later(FIRST_RETRY);
                self.news.push_back(News::Down(index));
            }
        }
    }

    fn close(&mut self, now: Instant, stream: StreamId) {
        if let Some(association) = self.streams.get(&stream) {
            if association.phase == Phase::Active {
                self.dialect.leave(association.place(stream), &mut self.out);
            }
            self.out.close(stream);
            self.closed(now, stream, ClosedBy::Us);
        }
    }

    fn closed(&mut self, now: Instant, stream: StreamId, _by: ClosedBy) {
        let Some(index) = self.streams.remove(&stream).and_then(|association| association.peer) else {
            return;
        };
        self.replace(now, index, stream);
        let factor = self.entropy.unit();
        let Some(peer) = self.peers.get_mut(index).filter(|peer| peer.current.is_none()) else { return };
        let back_off = FIRST_RETRY.saturating_mul(1 << peer.failures.min(5)).min(LAST_RETRY);
        peer.retry = now.later(back_off.mul_f64(0.5 + factor));
        peer.failures = peer.failures.saturating_add(1);
        self.wake = self.wake.min(peer.retry);
    }

    fn note(&mut self, stream: StreamId) {
        if let Some(association) = self.streams.get(&stream) {
            self.wake = self.wake.min(association.due());
        }
    }
}

impl Peer {
    const fn is_dialled(&self) -> bool {
        self.partner.address.is_some() && self.current.is_none()
    }
}

/// Until a stream that was asked for stands.
const OPENING: Duration = Duration::from_secs(10);
/// Until an accepted stream has shown a certificate.
const NAMELESS: Duration = Duration::from_secs(5);
/// How many may be without one.
const MAX_STRANGERS: usize = 64;
/// One that serves, its replacement, and two that fail.
const MAX_STREAMS: usize = 4;
/// How long the older of two streams has to show that it is alive.
const PROBE: Duration = Duration::from_secs(2);
/// How long the one that goes is still read from; longer than [`PROBE`].
const RETIRE: Duration = Duration::from_millis(2_500);
/// Half to three halves of this, doubled with each failure.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// Where nobody is to be dialled and nobody is there.
const IDLE: Duration = Duration::from_secs(3_600);
