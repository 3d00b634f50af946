//! Servers ask each other: `name@domain` leads to the server of the domain, over one link that is kept open.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Connect, Instant, StreamId, Transport};

use super::{Server, ServerEvent, Who};
use crate::{Identifier, Listing, Message, Record, WireError, Words};

/// Other servers by their domain.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: BTreeMap<String, Peer>,
    next_stream: u64,
}

#[derive(Debug)]
struct Peer {
    state: State,
    /// What goes out as soon as the link stands.
    waiting: VecDeque<Message>,
    failures: u32,
    /// Somebody of it is watched: it is tried again when its pause is over.
    watched: bool,
}

#[derive(Debug)]
enum State {
    /// Where it is, is being found out, until then.
    Resolving(Instant),
    /// The stream is asked for, or stands and the welcome has not come; then the next address.
    Connecting {
        stream: StreamId,
        rest: VecDeque<SocketAddr>,
        until: Instant,
    },
    Up {
        stream: StreamId,
        key: [u8; 32],
    },
    /// It is not tried before this.
    Down(Instant),
}

impl Peers {
    /// The domain that this stream was asked for.
    pub(super) fn dialled(&self, stream: StreamId) -> Option<String> {
        // Those that others have opened have odd numbers.
        if stream.0 & 1 == 1 {
            return None;
        }
        let ours =
            |peer: &Peer| matches!(peer.state, State::Connecting { stream: ours, .. } if ours == stream);
        self.known.iter().find(|(_, peer)| ours(peer)).map(|(domain, _)| domain.clone())
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let until = |peer: &Peer| match peer.state {
            State::Resolving(until) | State::Connecting { until, .. } => Some(until),
            State::Down(until) if peer.watched => Some(until),
            State::Down(_) | State::Up { .. } => None,
        };
        self.known.values().filter_map(until).min()
    }

    /// Where a domain's server is spoken with, and the key that its records are signed with.
    pub(super) fn up(&self, domain: &str) -> Option<(StreamId, [u8; 32])> {
        match self.known.get(domain)?.state {
            State::Up { stream, key } => Some((stream, key)),
            _ => None,
        }
    }

    /// Even, as machines name what they ask for.
    const fn stream(&mut self) -> StreamId {
        self.next_stream = self.next_stream.wrapping_add(2);
        StreamId(self.next_stream)
    }
}

impl Server {
    /// Says something to the server of `domain`, now or as soon as there is a link; `false` when it cannot wait.
    pub(super) fn tell_peer(&mut self, domain: &str, message: Message) -> bool {
        if let Some((stream, _)) = self.peers.up(domain) {
            self.say(stream, &message);
            return true;
        }
        let now = self.now.mono;
        if !self.peers.known.contains_key(domain) {
            if self.peers.known.len() >= self.config.limits.peers {
                // Whoever cannot be reached makes room.
                self.peers.known.retain(|_, peer| !matches!(peer.state, State::Down(_)));
            }
            if self.peers.known.len() >= self.config.limits.peers {
                return false;
            }
            let peer =
                Peer { state: State::Down(now), waiting: VecDeque::new(), failures: 0, watched: false };
            self.peers.known.insert(domain.to_owned(), peer);
        }
        let Some(peer) = self.peers.known.get_mut(domain) else { return false };
        let resting = matches!(peer.state, State::Down(until) if until > now);
        if resting || peer.waiting.len() >= MOST_WAITING {
            return false;
        }
        peer.waiting.push_back(message);
        if matches!(peer.state, State::Down(_)) {
            self.find(domain);
        }
        true
    }

    fn find(&mut self, domain: &str) {
        let until = self.now.mono.later(PATIENCE);
        if let Some(peer) = self.peers.known.get_mut(domain) {
            peer.state = State::Resolving(until);
            self.outbox.event(ServerEvent::Resolve { domain: domain.to_owned() });
        }
    }

    /// Where the server of a domain is, best first; nothing when nobody knows.
    pub fn resolved(&mut self, now: rove_base::Now, domain: &str, addresses: &[SocketAddr]) {
        self.now = now;
        let waits = |peer: &Peer| matches!(peer.state, State::Resolving(_));
        if self.peers.known.get(domain).is_some_and(waits) {
            let rest = addresses.iter().copied().take(MOST_ADDRESSES).collect();
            self.dial(domain, rest);
        }
    }

    fn dial(&mut self, domain: &str, mut rest: VecDeque<SocketAddr>) {
        let Some(remote) = rest.pop_front() else { return self.peer_failed(domain) };
        let (stream, until) = (self.peers.stream(), self.now.mono.later(DIAL));
        if let Some(peer) = self.peers.known.get_mut(domain) {
            peer.state = State::Connecting { stream, rest, until };
            let name = Some(domain.to_owned());
            self.outbox.connect(Connect { stream, remote, transport: Transport::Quic, name });
        }
    }

    /// A stream of ours did not come to stand, or broke before the welcome.
    pub(super) fn not_opened(&mut self, stream: StreamId) {
        if self.links.contains_key(&stream) {
            return;
        }
        if let Some(domain) = self.peers.dialled(stream) {
            self.try_next(&domain);
        }
    }

    fn try_next(&mut self, domain: &str) {
        let Some(peer) = self.peers.known.get_mut(domain) else { return };
        if let State::Connecting { rest, .. } = &mut peer.state {
            let rest = core::mem::take(rest);
            self.dial(domain, rest);
        }
    }

    /// The server that we have connected to says who it is: its certificate has been verified as its domain's.
    pub(super) fn welcomed(
        &mut self,
        stream: StreamId,
        domain: &str,
        key: [u8; 32],
    ) -> Result<(), WireError> {
        let Some(link) = self.links.get_mut(&stream) else { return Ok(()) };
        if link.who != Who::Asked(domain.to_owned()) {
            return Err(WireError::Value("the domain of a server"));
        }
        link.who = Who::Peer(domain.to_owned());
        self.stands_with(domain, stream, key);
        Ok(())
    }

    /// A server has connected to us. Its link serves both ways, where there is none of ours.
    pub(super) fn peer_came(&mut self, stream: StreamId, domain: &str, key: [u8; 32]) {
        if self.peers.up(domain).is_some() {
            return;
        }
        if !self.peers.known.contains_key(domain) && self.peers.known.len() >= self.config.limits.peers {
            return;
        }
        let (state, waiting) = (State::Down(self.now.mono), VecDeque::new());
        self.peers.known.entry(domain.to_owned()).or_insert(Peer {
            state,
            waiting,
            failures: 0,
            watched: false,
        });
        self.stands_with(domain, stream, key);
    }

    fn stands_with(&mut self, domain: &str, stream: StreamId, key: [u8; 32]) {
        let Some(peer) = self.peers.known.get_mut(domain) else { return };
        peer.state = State::Up { stream, key };
        peer.failures = 0;
        let waiting = core::mem::take(&mut peer.waiting);
        self.outbox.event(ServerEvent::Peer { domain: domain.to_owned(), up: true });
        waiting.iter().for_each(|message| self.say(stream, message));
        self.watch_again(domain);
    }

    pub(super) fn peer_lost(&mut self, stream: StreamId, domain: &str) {
        let Some(peer) = self.peers.known.get(domain) else { return };
        match peer.state {
            State::Up { stream: ours, .. } if ours == stream => {
                self.outbox.event(ServerEvent::Peer { domain: domain.to_owned(), up: false });
                self.peer_failed(domain);
            }
            State::Connecting { stream: ours, .. } if ours == stream => self.try_next(domain),
            _ => {}
        }
    }

    /// There is no way to the server of a domain, for now.
    fn peer_failed(&mut self, domain: &str) {
        let Some(peer) = self.peers.known.get_mut(domain) else { return };
        let pause = Duration::from_millis(RETURN.saturating_mul(1 << peer.failures.min(5)));
        peer.failures = peer.failures.saturating_add(1);
        peer.state = State::Down(self.now.mono.later(pause));
        peer.waiting.clear();
        self.asks_lost(domain);
        self.watches_wait(domain);
    }

    pub(super) fn peers_tick(&mut self) {
        let now = self.now.mono;
        let (mut due, mut rested) = (Vec::new(), false);
        for (domain, peer) in &mut self.peers.known {
            match peer.state {
                // Whether it is tried again is for those to say who watch.
                State::Down(until) if until <= now => rested |= core::mem::take(&mut peer.watched),
                State::Resolving(until) if until <= now => due.push((domain.clone(), None)),
                State::Connecting { stream, until, .. } if until <= now => {
                    due.push((domain.clone(), Some(stream)));
                }
                _ => {}
            }
        }
        for (domain, stream) in due {
            match stream {
                None => self.peer_failed(&domain),
                Some(stream) => {
                    self.outbox.close(stream);
                    self.links.remove(&stream);
                    self.try_next(&domain);
                }
            }
        }
        if rested {
            self.watch_those_that_wait();
        }
    }

    /// Notes whether somebody of a domain is watched; answers whether its server may be tried now.
    pub(super) fn may_try(&mut self, domain: &str, watched: bool) -> bool {
        let now = self.now.mono;
        let Some(peer) = self.peers.known.get_mut(domain) else { return watched };
        peer.watched = watched;
        !matches!(peer.state, State::Down(until) if until > now)
    }

    pub(super) fn peer_of(&self, stream: StreamId) -> Option<String> {
        match &self.links.get(&stream)?.who {
            Who::Peer(domain) => Some(domain.clone()),
            _ => None,
        }
    }

    /// Whether a record is about whom it should be, and as its server said.
    pub(super) fn is_believed(&self, domain: &str, identifier: &Identifier, record: &Record) -> bool {
        let Some((_, key)) = self.peers.up(domain) else { return false };
        record.claim.name.domain() == domain
            && record.claim.is_about(identifier)
            && record.verify(Some(&key), self.now.wall).is_ok()
    }

    /// Whether somebody may be found by these words, and its server says so.
    pub(super) fn is_listed_there(&self, domain: &str, words: &Words, listing: &Listing) -> bool {
        let Some((_, key)) = self.peers.up(domain) else { return false };
        listing.card.name.domain() == domain
            && listing.card.words.has_all(words)
            && listing.verify(Some(&key), self.now.wall).is_ok()
    }
}

/// How long another server may take for an answer, and the resolver for its address.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// For the stream and the welcome at one address.
const DIAL: Duration = Duration::from_secs(3);
/// First pause before a server is tried again, in milliseconds; doubles five times.
const RETURN: u64 = 500;
/// Addresses of one server that are tried.
const MOST_ADDRESSES: usize = 8;
/// Messages that wait for one link.
const MOST_WAITING: usize = 1_000;
