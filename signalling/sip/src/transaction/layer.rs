//! Finds the transaction a message belongs to, keeps its bytes and its timers (RFC 3261 §17.1.3, §17.2.3).

mod clients;
mod servers;

use std::{collections::VecDeque, sync::Arc};

use rove_base::Instant;

use super::{
    Client, ClientInvite, Server, ServerInvite,
    keyed::{Fingerprint, Keyed, KeyedMap},
    timers::Timers,
};
use crate::transport::Hop;

/// Names a client transaction: the number in its branch, and whether it is the CANCEL of another with that branch.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct ClientKey {
    pub(crate) branch: u64,
    pub(crate) cancel: bool,
}

/// Names a server transaction: stands for branch, sent-by and method of its request.
pub(crate) type ServerKey = Fingerprint;

/// Bytes on their way out.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) hop: Hop,
    pub(crate) bytes: Arc<[u8]>,
}

/// What a response asks of the user of its transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Heard {
    /// Nothing.
    Nothing,
    /// To be worked on.
    PassUp,
    /// To be worked on, and the ACK to be handed to [`Layer::acknowledge`].
    PassUpAndAck,
}

/// What time has done to a transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Expired<C> {
    /// Nothing that its user needs to know.
    Quietly,
    /// Nobody has answered. This is what the user kept with the transaction, which is gone.
    Lost(ClientKey, C),
    /// We have not answered this INVITE for 200 ms: the user is to send 100 (Trying).
    Unanswered(ServerKey),
}

/// All transactions of one agent. `C` and `S` are what their user keeps with each, and die with them.
#[derive(Debug)]
pub(crate) struct Layer<C, S> {
    clients: KeyedMap<ClientKey, ClientEntry<C>>,
    servers: KeyedMap<ServerKey, ServerEntry<S>>,
    invited: KeyedMap<Fingerprint, ServerKey>,
    timers: Timers<Key>,
    out: VecDeque<Outgoing>,
    max_servers: usize,
    /// Of all entries.
    bytes: usize,
}

#[derive(Debug)]
struct ClientEntry<C> {
    machine: ClientMachine,
    request: Outgoing,
    ack: Option<Outgoing>,
    user: C,
}

#[derive(Debug)]
struct ServerEntry<S> {
    machine: ServerMachine,
    hop: Hop,
    /// The last response.
    response: Option<Arc<[u8]>>,
    invited: Option<Fingerprint>,
    user: S,
}

#[derive(Clone, Copy, Debug)]
enum ClientMachine {
    Invite(ClientInvite),
    Other(Client),
}

#[derive(Clone, Copy, Debug)]
enum ServerMachine {
    Invite(ServerInvite),
    Other(Server),
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Key {
    Client(ClientKey),
    Server(ServerKey),
}

impl<C, S> Layer<C, S> {
    /// A layer that holds at most `max_servers` transactions that peers have opened.
    pub(crate) fn new(keyed: &Keyed, max_servers: usize) -> Self {
        Self {
            clients: KeyedMap::with_hasher(keyed.clone()),
            servers: KeyedMap::with_hasher(keyed.clone()),
            invited: KeyedMap::with_hasher(keyed.clone()),
            timers: Timers::default(),
            out: VecDeque::new(),
            max_servers,
            bytes: 0,
        }
    }

    /// More, or less, transactions that peers have opened; those that are there stay.
    pub(crate) const fn set_max_servers(&mut self, max: usize) {
        self.max_servers = max;
    }

    /// Sends bytes that no transaction repeats.
    pub(crate) fn send(&mut self, hop: Hop, bytes: Arc<[u8]>) {
        self.out.push_back(Outgoing { hop, bytes });
    }

    /// The next bytes to put on the wire.
    pub(crate) fn next_out(&mut self) -> Option<Outgoing> {
        self.out.pop_front()
    }

    /// The earliest instant at which [`expire`](Self::expire) has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// How many transactions there are.
    pub(crate) fn len(&self) -> usize {
        self.clients.len().saturating_add(self.servers.len())
    }

    /// How many bytes they hold, by their messages and what each costs beside them.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing at all is kept.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0 && self.invited.is_empty() && self.timers.next().is_none() && self.out.is_empty()
    }

    /// Whether every transaction has done its work, and at most answers or absorbs what comes once more.
    pub(crate) fn is_settled(&self) -> bool {
        self.clients.values().all(|entry| entry.machine.is_settled())
            && self.servers.values().all(|entry| entry.machine.is_settled())
    }

    /// Lets one transaction whose time has come do what is due. `None` when none is left.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Expired<C>> {
        Some(match self.timers.take_due(now)? {
            Key::Client(key) => match self.expire_client(now, key) {
                None => Expired::Quietly,
                Some(user) => Expired::Lost(key, user),
            },
            Key::Server(key) if self.expire_server(now, key) => Expired::Unanswered(key),
            Key::Server(_) => Expired::Quietly,
        })
    }
}

impl<C> ClientEntry<C> {
    fn bytes(&self) -> usize {
        let ack = self.ack.as_ref().map_or(0, |ack| ack.bytes.len());
        ENTRY_BYTES.saturating_add(self.request.bytes.len()).saturating_add(ack)
    }
}

impl<S> ServerEntry<S> {
    fn bytes(&self) -> usize {
        ENTRY_BYTES.saturating_add(self.response.as_ref().map_or(0, |bytes| bytes.len()))
    }
}

/// What a transaction costs beside its messages: its machine, its place in two maps, its timer.
const ENTRY_BYTES: usize = 512;

#[cfg(test)]
mod tests;
