//! Transactions that peers have opened.

use std::{collections::hash_map::Entry, sync::Arc};

use rove_base::Instant;

use super::{Fingerprint, Key, Layer, Outgoing, ServerEntry, ServerKey, ServerMachine};
use crate::{
    transaction::{AckFor, Fired, Server, ServerInvite},
    transport::Hop,
};

impl<C, S> Layer<C, S> {
    /// A request other than ACK has come. `true` when its transaction exists already, which then has answered as it
    /// should.
    pub(crate) fn absorbs(&mut self, key: ServerKey) -> bool {
        let Some(entry) = self.servers.get(&key) else { return false };
        let again = match &entry.machine {
            ServerMachine::Invite(machine) => machine.request_again(),
            ServerMachine::Other(machine) => machine.request_again(),
        };
        if let Some(bytes) = entry.response.clone().filter(|_| again) {
            self.out.push_back(Outgoing { hop: entry.hop, bytes });
        }
        true
    }

    /// Whether an INVITE with this From tag, Call-ID and CSeq is being worked on, so that one more of them has come
    /// here along another way (RFC 3261 §8.2.2.2).
    pub(crate) fn is_merged(&self, invited: Fingerprint) -> bool {
        self.invited.contains_key(&invited)
    }

    /// Whether no more transactions may be opened by peers.
    pub(crate) fn is_full(&self) -> bool {
        self.servers.len() >= self.max_servers
    }

    /// Opens the transaction of an INVITE, whose responses go along `hop`.
    pub(crate) fn invited(&mut self, now: Instant, key: ServerKey, invited: Fingerprint, hop: Hop, user: S) {
        let machine = ServerMachine::Invite(ServerInvite::start(now, hop.delivery()));
        self.timers.change(Key::Server(key), None, machine.deadline());
        self.invited.insert(invited, key);
        self.open_server(key, ServerEntry { machine, hop, response: None, invited: Some(invited), user });
    }

    /// Opens the transaction of any other request but ACK, to be answered along `hop` later.
    pub(crate) fn asked(&mut self, key: ServerKey, hop: Hop, user: S) {
        let machine = ServerMachine::Other(Server::start(hop.delivery()));
        self.open_server(key, ServerEntry { machine, hop, response: None, invited: None, user });
    }

    fn open_server(&mut self, key: ServerKey, entry: ServerEntry<S>) {
        self.bytes = self.bytes.saturating_add(entry.bytes());
        if let Some(before) = self.servers.insert(key, entry) {
            self.bytes = self.bytes.saturating_sub(before.bytes());
        }
    }

    /// Gives a server transaction up, unanswered.
    pub(crate) fn forget_server(&mut self, key: ServerKey) {
        if let Some(entry) = self.servers.get(&key) {
            self.timers.change(Key::Server(key), entry.machine.deadline(), None);
            self.close_server(key);
        }
    }

    /// Opens the transaction of any other request but ACK, and answers it with a final response.
    pub(crate) fn answered(
        &mut self,
        now: Instant,
        key: ServerKey,
        status: u16,
        response: Outgoing,
        user: S,
    ) {
        let mut machine = Server::start(response.hop.delivery());
        if let Entry::Vacant(place) = self.servers.entry(key)
            && machine.respond(now, status)
        {
            self.out.push_back(response.clone());
            if machine.is_terminated() {
                return;
            }
            self.timers.change(Key::Server(key), None, machine.deadline());
            let machine = ServerMachine::Other(machine);
            let (hop, response) = (response.hop, Some(response.bytes));
            let entry = place.insert(ServerEntry { machine, hop, response, invited: None, user });
            self.bytes = self.bytes.saturating_add(entry.bytes());
        }
    }

    /// Answers an INVITE. `false` when it is too late for that.
    pub(crate) fn respond(&mut self, now: Instant, key: ServerKey, status: u16, bytes: Arc<[u8]>) -> bool {
        let Some(entry) = self.servers.get_mut(&key) else { return false };
        let before = entry.machine.deadline();
        let may = match &mut entry.machine {
            ServerMachine::Invite(machine) => machine.respond(now, status),
            ServerMachine::Other(machine) => machine.respond(now, status),
        };
        self.timers.change(Key::Server(key), before, entry.machine.due(now));
        if may {
            // The user repeats the 2xx of an INVITE itself.
            let users = matches!(entry.machine, ServerMachine::Invite(_)) && (200..=299).contains(&status);
            let before = entry.bytes();
            entry.response = (!users).then(|| bytes.clone());
            self.bytes = self.bytes.saturating_add(entry.bytes()).saturating_sub(before);
            self.out.push_back(Outgoing { hop: entry.hop, bytes });
        }
        may
    }

    /// An ACK has come whose branch is that of `key`. `true` when it is the user's, or nobody's here.
    pub(crate) fn ack(&mut self, now: Instant, key: ServerKey) -> bool {
        let Some(entry) = self.servers.get_mut(&key) else { return true };
        let before = entry.machine.deadline();
        let whose = match &mut entry.machine {
            ServerMachine::Invite(machine) => machine.ack(now),
            ServerMachine::Other(_) => AckFor::Transaction,
        };
        self.timers.change(Key::Server(key), before, entry.machine.due(now));
        whose == AckFor::User
    }

    /// What the user keeps with a server transaction, and whether its INVITE still waits for a final response.
    pub(crate) fn server_user(&self, key: ServerKey) -> Option<(&S, bool)> {
        let entry = self.servers.get(&key)?;
        let pending = matches!(&entry.machine, ServerMachine::Invite(machine) if machine.is_proceeding());
        Some((&entry.user, pending))
    }

    /// `true` when the user is to send 100 (Trying).
    pub(super) fn expire_server(&mut self, now: Instant, key: ServerKey) -> bool {
        let Some(entry) = self.servers.get_mut(&key) else { return false };
        if entry.machine.is_terminated() {
            self.close_server(key);
            return false;
        }
        let fired = match &mut entry.machine {
            ServerMachine::Invite(machine) => machine.tick(now),
            ServerMachine::Other(machine) => machine.tick(now),
        };
        self.timers.change(Key::Server(key), None, entry.machine.deadline());
        match fired {
            Fired::Resend => {
                self.out.extend(entry.response.clone().map(|bytes| Outgoing { hop: entry.hop, bytes }));
            }
            Fired::TimedOut | Fired::Finished => self.close_server(key),
            Fired::SendTrying | Fired::Nothing => {}
        }
        fired == Fired::SendTrying
    }

    fn close_server(&mut self, key: ServerKey) {
        let Some(entry) = self.servers.remove(&key) else { return };
        self.bytes = self.bytes.saturating_sub(entry.bytes());
        if let Some(invited) = entry.invited {
            self.invited.remove(&invited);
        }
    }
}

impl ServerMachine {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Invite(machine) => machine.deadline(),
            Self::Other(machine) => machine.deadline(),
        }
    }

    /// The deadline; one that is over is cleared away at once, as those over a reliable transport are.
    fn due(&self, now: Instant) -> Option<Instant> {
        if self.is_terminated() { Some(now) } else { self.deadline() }
    }

    fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_terminated(),
            Self::Other(machine) => machine.is_terminated(),
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_settled(),
            Self::Other(machine) => machine.is_settled(),
        }
    }
}
