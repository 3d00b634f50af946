//! A TURN client (RFC 8656), sans I/O: an address at a server, and peers that reach it there. What it writes are datagrams; whoever
//! carries them in a stream pads them.
//!
//! Peers are let in and given a number in one question, so that data costs four bytes more and no look-up at the server.
//! What was lent, let in and numbered is asked for again in time, as long as [`TurnClient::next_datagram`] is asked.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod request;

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::{collections::VecDeque, net::SocketAddr};

use rove_base::{Entropy, Instant};
use zeroize::Zeroizing;

use self::request::{Request, Wish};
use crate::stun::{
    Class, Transaction,
    turn::{Algorithm, ChannelData, LongTermKey, Method, Seal, TurnMessage, TurnWriter},
};

/// Who asks a server.
#[derive(Clone)]
pub struct TurnCredentials {
    /// The user.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
}

// The password is not shown.
impl core::fmt::Debug for TurnCredentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TurnCredentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What became of what was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TurnNews {
    /// An address was lent.
    Lent {
        /// The address.
        relayed: SocketAddr,
        /// How the server sees this client.
        mapped: Option<SocketAddr>,
    },
    /// A peer is let in.
    Reached(SocketAddr),
    /// A peer is not, or not any more; with the server's code, if it has said one.
    Unreachable(SocketAddr, Option<u16>),
    /// There is no address, or not any more; with the server's code, if it has said one.
    Ended(Option<u16>),
}

/// What came in from the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FromServer<'a> {
    /// What a peer has sent.
    Data {
        /// Which one.
        peer: SocketAddr,
        /// What.
        bytes: &'a [u8],
    },
    /// An answer, which was dealt with.
    Answer,
    /// Nothing that a server sends, or nothing that is believed.
    Other,
}

/// A client with an address at a server, or about to have one.
#[derive(Debug)]
pub struct TurnClient {
    credentials: TurnCredentials,
    entropy: Entropy,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: Option<LongTermKey>,
    algorithms: Option<Vec<u8>>,
    asked: Vec<Request>,
    peers: Vec<Peer>,
    relayed: Option<SocketAddr>,
    refresh: Option<Instant>,
    news: VecDeque<TurnNews>,
}

#[derive(Debug)]
struct Peer {
    address: SocketAddr,
    number: u16,
    reached: bool,
    refresh: Option<Instant>,
}

impl TurnClient {
    /// Asks for an address.
    #[must_use]
    pub fn new(now: Instant, credentials: TurnCredentials, entropy: Entropy) -> Self {
        let mut client = Self {
            credentials,
            entropy,
            realm: Vec::new(),
            nonce: Vec::new(),
            key: None,
            algorithms: None,
            asked: Vec::new(),
            peers: Vec::new(),
            relayed: None,
            refresh: None,
            news: VecDeque::new(),
        };
        client.ask(now, Wish::Address);
        client
    }

    /// Lets a peer in. `false`: there are as many as there may be.
    pub fn reach(&mut self, now: Instant, peer: SocketAddr) -> bool {
        if self.peers.iter().any(|one| one.address == peer) {
            return true;
        }
        let number = (FIRST_NUMBER..).find(|number| self.peers.iter().all(|one| one.number != *number));
        let Some(number) = number.filter(|_| self.peers.len() < PEERS) else { return false };
        self.peers.push(Peer { address: peer, number, reached: false, refresh: None });
        self.ask(now, Wish::Peer(peer, number));
        true
    }

    /// Gives the address back.
    pub fn end(&mut self, now: Instant) {
        self.asked.clear();
        self.peers.clear();
        (self.refresh, self.relayed) = (None, None);
        self.ask(now, Wish::Longer(0));
    }

    /// The address, once it is lent.
    #[must_use]
    pub const fn relayed(&self) -> Option<SocketAddr> {
        self.relayed
    }

    /// Writes `bytes` for `peer` as they go to the server. `false`: it is not let in yet.
    #[must_use]
    pub fn write(&self, peer: SocketAddr, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(channel) = self.channel(peer) else { return false };
        ChannelData { channel, data: bytes }.write(out, false);
        true
    }

    /// The number by which the server knows `peer`; `None`: it is not let in yet.
    #[must_use]
    pub fn channel(&self, peer: SocketAddr) -> Option<u16> {
        let found = self.peers.iter().find(|one| one.address == peer && one.reached);
        found.map(|peer| peer.number)
    }

    /// Something came in from the server.
    pub fn receive<'a>(&mut self, now: Instant, bytes: &'a [u8]) -> FromServer<'a> {
        if let Some(ChannelData { channel, data }) = ChannelData::parse(bytes) {
            let peer = self.peers.iter().find(|one| one.number == channel);
            return peer
                .map_or(FromServer::Other, |peer| FromServer::Data { peer: peer.address, bytes: data });
        }
        let Ok(message) = TurnMessage::parse(bytes) else { return FromServer::Other };
        match (message.class(), message.method()) {
            (Class::Indication, Method::Data) => {
                let told = message.attributes();
                // A server passes nothing on that was not let in; neither do we.
                let known = |peer: &SocketAddr| self.peers.iter().any(|one| one.address.ip() == peer.ip());
                match (told.peer.filter(known), told.data) {
                    (Some(peer), Some(bytes)) => FromServer::Data { peer, bytes },
                    _ => FromServer::Other,
                }
            }
            (Class::Success | Class::Error, _) => self.answered(now, &message),
            _ => FromServer::Other,
        }
    }

    /// The next datagram for the server that is due.
    pub fn next_datagram(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.renew(now);
        self.give_up(now);
        let request = self.asked.iter_mut().find_map(|one| one.take(now).then_some(&*one))?;
        Some(request.bytes.clone())
    }

    /// What became of what was asked.
    pub fn news(&mut self) -> Option<TurnNews> {
        self.news.pop_front()
    }

    /// When [`TurnClient::next_datagram`] is to be asked again, at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let asked = self.asked.iter().map(|one| one.due);
        let peers = self.peers.iter().filter_map(|one| one.refresh);
        asked.chain(peers).chain(self.refresh).min()
    }

    fn renew(&mut self, now: Instant) {
        if self.refresh.take_if(|at| *at <= now).is_some() {
            self.ask(now, Wish::Longer(LIFE));
        }
        let due = |one: &mut Peer| {
            one.refresh.take_if(|at| *at <= now).map(|_| Wish::Peer(one.address, one.number))
        };
        let wishes: Vec<_> = self.peers.iter_mut().filter_map(due).collect();
        wishes.into_iter().for_each(|wish| self.ask(now, wish));
    }

    fn give_up(&mut self, now: Instant) {
        while let Some(index) = self.asked.iter().position(|one| one.is_over(now)) {
            let wish = self.asked.remove(index).wish;
            self.failed(wish, None);
        }
    }

    fn failed(&mut self, wish: Wish, code: Option<u16>) {
        match wish {
            // Nothing is left to give back.
            Wish::Longer(0) => {}
            Wish::Address | Wish::Longer(_) => {
                self.asked.clear();
                self.peers.clear();
                (self.refresh, self.relayed) = (None, None);
                self.news.push_back(TurnNews::Ended(code));
            }
            Wish::Peer(peer, _) => {
                self.peers.retain(|one| one.address != peer);
                self.news.push_back(TurnNews::Unreachable(peer, code));
            }
        }
    }

    fn ask(&mut self, now: Instant, wish: Wish) {
        let (transaction, bytes) = self.write_request(wish);
        self.asked.push(Request::new(now, wish, transaction, bytes));
    }

    /// A question, sealed as soon as it is known how.
    fn write_request(&mut self, wish: Wish) -> (Transaction, Vec<u8>) {
        let mut transaction = [0; 12];
        self.entropy.fill(&mut transaction);
        let mut bytes = Vec::with_capacity(256);
        let method = match wish {
            Wish::Address => Method::Allocate,
            Wish::Longer(_) => Method::Refresh,
            Wish::Peer(..) => Method::ChannelBind,
        };
        let ask = TurnWriter::new(&mut bytes, Class::Request, method, transaction);
        let ask = match wish {
            Wish::Address => ask.transport(UDP).lifetime(LIFE),
            Wish::Longer(secs) => ask.lifetime(secs),
            Wish::Peer(peer, number) => ask.channel(number).peer(peer),
        };
        match self.seal() {
            None => ask.done(),
            Some(seal) => {
                let mut ask =
                    ask.username(self.credentials.user.as_bytes()).realm(&self.realm).nonce(&self.nonce);
                if let Some(offered) = &self.algorithms {
                    ask = ask.attribute(PASSWORD_ALGORITHMS, offered).algorithm(Algorithm::Sha256);
                }
                ask.sealed(seal).done();
            }
        }
        (transaction, bytes)
    }

    fn seal(&self) -> Option<Seal<'_>> {
        let key = self.key.as_ref()?;
        match self.algorithms {
            Some(_) => key.by(Algorithm::Sha256).map(Seal::Sha256),
            None => key.by(Algorithm::Md5).map(Seal::Sha1),
        }
    }

    fn answered(&mut self, now: Instant, message: &TurnMessage<'_>) -> FromServer<'static> {
        let asked = |one: &Request| one.transaction == message.transaction();
        let Some(index) = self.asked.iter().position(asked) else { return FromServer::Other };
        let told = message.attributes();
        let code = if message.class() == Class::Error { told.error } else { None };
        let challenged = matches!(code, Some(401 | 438));
        let (Some(Seal::Sha1(key) | Seal::Sha256(key)), false) = (self.seal(), challenged) else {
            return self.challenged(now, index, message);
        };
        // Whoever does not know the password has not answered.
        if message.is_sealed_by(key).is_none() {
            return FromServer::Other;
        }
        let wish = self.asked.remove(index).wish;
        if message.class() == Class::Error {
            self.failed(wish, code);
        } else {
            self.granted(now, wish, message);
        }
        FromServer::Answer
    }

    /// The server wants to know who asks, or has changed its nonce.
    fn challenged(&mut self, now: Instant, index: usize, message: &TurnMessage<'_>) -> FromServer<'static> {
        let told = message.attributes();
        let first = self.key.is_none();
        let (Some(realm), Some(nonce), Some(code)) = (told.realm, told.nonce, told.error) else {
            // An error before there is a key, which nobody could seal.
            if let (true, Some(code)) = (first, told.error) {
                let wish = self.asked.remove(index).wish;
                self.failed(wish, Some(code));
                return FromServer::Answer;
            }
            return FromServer::Other;
        };
        let request = self.asked.remove(index);
        let stale = request.stale.saturating_add(1);
        if !first && (code == 401 || stale > MOST_STALE) {
            self.failed(request.wish, Some(code));
            return FromServer::Answer;
        }
        if first {
            let (user, password) = (self.credentials.user.as_bytes(), self.credentials.password.as_bytes());
            self.key = Some(LongTermKey::new(user, realm, password));
            self.realm = realm.to_vec();
            let better = told.algorithms.filter(|all| nonce.starts_with(COOKIE) && offers_sha256(all));
            self.algorithms = better.map(<[u8]>::to_vec);
        }
        self.nonce = nonce.to_vec();
        let (transaction, bytes) = self.write_request(request.wish);
        let mut again = Request::new(now, request.wish, transaction, bytes);
        again.stale = stale;
        self.asked.push(again);
        FromServer::Answer
    }

    fn granted(&mut self, now: Instant, wish: Wish, message: &TurnMessage<'_>) {
        let told = message.attributes();
        match wish {
            Wish::Longer(0) => {}
            Wish::Address | Wish::Longer(_) => {
                let life = told.lifetime.unwrap_or(LIFE);
                // A minute before it is over, or half of it.
                let early = (life / 2).min(60);
                self.refresh = Some(now.later(Duration::from_secs(life.saturating_sub(early).into())));
                if let (Wish::Address, Some(relayed)) = (wish, told.relayed) {
                    self.relayed = Some(relayed);
                    self.news.push_back(TurnNews::Lent { relayed, mapped: told.mapped });
                }
            }
            Wish::Peer(peer, _) => {
                let Some(found) = self.peers.iter_mut().find(|one| one.address == peer) else { return };
                found.refresh = Some(now.later(PERMISSION));
                if !core::mem::replace(&mut found.reached, true) {
                    self.news.push_back(TurnNews::Reached(peer));
                }
            }
        }
    }
}

/// Whether a list of PASSWORD-ALGORITHMS, none of which takes parameters, has SHA-256.
fn offers_sha256(all: &[u8]) -> bool {
    all.chunks(4).any(|one| one == [0, 2, 0, 0])
}

/// UDP's number among the protocols of IP.
const UDP: u8 = 17;
const PASSWORD_ALGORITHMS: u16 = 0x8002;
/// How a nonce begins that says that passwords may become keys in more ways than one (RFC 8489 §9.2): the bit is the first
/// of the four characters behind.
const COOKIE: &[u8] = b"obMatJos2g";
/// Seconds for which an address is asked for.
const LIFE: u32 = 600;
/// A permission is good for five minutes (RFC 8656 §9), a number for ten: one question renews both.
const PERMISSION: Duration = Duration::from_secs(240);
/// The first number that a peer may have.
const FIRST_NUMBER: u16 = 0x4000;
/// Peers at once.
const PEERS: usize = 32;
/// A server that finds every nonce too old is given up.
const MOST_STALE: u8 = 3;
