//! Transactions that we have opened.

use std::{net::IpAddr, sync::Arc};

use rove_base::Instant;

use super::{ClientEntry, ClientKey, ClientMachine, Heard, Key, Layer, Outgoing};
use crate::{
    transaction::{Client, ClientInvite, Fired, InviteReply},
    transport::Hop,
};

impl<C, S> Layer<C, S> {
    /// Sends an INVITE and waits for its responses.
    pub(crate) fn invite(&mut self, now: Instant, key: ClientKey, request: Outgoing, user: C) {
        let machine = ClientMachine::Invite(ClientInvite::start(now, request.hop.delivery()));
        self.open_client(key, machine, request, user);
    }

    /// Sends any other request but ACK and waits for its responses.
    pub(crate) fn request(&mut self, now: Instant, key: ClientKey, request: Outgoing, user: C) {
        let machine = ClientMachine::Other(Client::start(now, request.hop.delivery()));
        self.open_client(key, machine, request, user);
    }

    fn open_client(&mut self, key: ClientKey, machine: ClientMachine, request: Outgoing, user: C) {
        self.out.push_back(request.clone());
        self.timers.change(Key::Client(key), None, machine.deadline());
        let entry = ClientEntry { machine, request, ack: None, user };
        self.bytes = self.bytes.saturating_add(entry.bytes());
        if let Some(before) = self.clients.insert(key, entry) {
            self.bytes = self.bytes.saturating_sub(before.bytes());
        }
    }

    fn remove_client(&mut self, key: ClientKey) -> Option<ClientEntry<C>> {
        let entry = self.clients.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes());
        Some(entry)
    }

    /// A response has come for `key`, whose Via says it was sent by `sent_by`; `to_invite` tells the method in its
    /// CSeq. One that names another sender than ours is not for us (RFC 3261 §18.1.2).
    pub(crate) fn response(
        &mut self,
        now: Instant,
        key: ClientKey,
        sent_by: (Option<IpAddr>, u16),
        to_invite: bool,
        status: u16,
    ) -> Heard {
        let Some(entry) = self.clients.get_mut(&key) else { return Heard::Nothing };
        let local = entry.request.hop.local;
        if sent_by != (Some(local.ip()), local.port()) {
            return Heard::Nothing;
        }
        let before = entry.machine.deadline();
        let heard = match &mut entry.machine {
            ClientMachine::Invite(machine) if to_invite => match machine.response(now, status) {
                InviteReply::Ignore => Heard::Nothing,
                InviteReply::PassUp => Heard::PassUp,
                InviteReply::PassUpAndAck => Heard::PassUpAndAck,
                InviteReply::AckAgain => {
                    self.out.extend(entry.ack.clone());
                    Heard::Nothing
                }
            },
            ClientMachine::Other(machine) if !to_invite => match machine.response(now, status) {
                true => Heard::PassUp,
                false => Heard::Nothing,
            },
            _ => Heard::Nothing,
        };
        self.timers.change(Key::Client(key), before, entry.machine.due(now));
        heard
    }

    /// Sends the ACK of a final response other than 2xx, now and whenever that response comes again
    /// (RFC 3261 §17.1.1.3).
    pub(crate) fn acknowledge(&mut self, key: ClientKey, ack: Arc<[u8]>) {
        if let Some(entry) = self.clients.get_mut(&key) {
            let ack = Outgoing { hop: entry.request.hop, bytes: ack };
            self.out.push_back(ack.clone());
            let before = entry.bytes();
            entry.ack = Some(ack);
            self.bytes = self.bytes.saturating_add(entry.bytes()).saturating_sub(before);
        }
    }

    /// What the user keeps with a client transaction.
    pub(crate) fn client_user(&mut self, key: ClientKey) -> Option<&mut C> {
        self.clients.get_mut(&key).map(|entry| &mut entry.user)
    }

    /// The way the request of a client transaction went.
    pub(crate) fn client_hop(&self, key: ClientKey) -> Option<Hop> {
        self.clients.get(&key).map(|entry| entry.request.hop)
    }

    /// Takes what the user keeps with a client transaction, and leaves `instead`.
    pub(crate) fn settle(&mut self, key: ClientKey, instead: C) -> Option<C> {
        self.clients.get_mut(&key).map(|entry| core::mem::replace(&mut entry.user, instead))
    }

    /// Whether CANCEL may be sent for this INVITE now (RFC 3261 §9.1).
    pub(crate) fn may_cancel(&self, key: ClientKey) -> bool {
        matches!(self.clients.get(&key).map(|entry| entry.machine), Some(ClientMachine::Invite(m)) if m.is_proceeding())
    }

    /// Gives a client transaction up.
    pub(crate) fn forget_client(&mut self, key: ClientKey) -> Option<C> {
        let entry = self.remove_client(key)?;
        self.timers.change(Key::Client(key), entry.machine.deadline(), None);
        Some(entry.user)
    }

    /// Nothing can be sent along the hops that `is_dead` names: gives up what waits there for an answer.
    pub(crate) fn transport_failed(&mut self, is_dead: impl Fn(&Hop) -> bool) -> Vec<(ClientKey, C)> {
        let mut failed = Vec::new();
        for (key, entry) in &mut self.clients {
            let before = entry.machine.deadline();
            if is_dead(&entry.request.hop) && entry.machine.transport_failed() {
                self.timers.change(Key::Client(*key), before, None);
                failed.push(*key);
            }
        }
        failed.sort_unstable();
        failed.into_iter().filter_map(|key| Some((key, self.remove_client(key)?.user))).collect()
    }

    pub(super) fn expire_client(&mut self, now: Instant, key: ClientKey) -> Option<C> {
        let entry = self.clients.get_mut(&key)?;
        if entry.machine.is_terminated() {
            self.remove_client(key);
            return None;
        }
        let fired = entry.machine.tick(now);
        self.timers.change(Key::Client(key), None, entry.machine.deadline());
        match fired {
            Fired::Resend => self.out.push_back(entry.request.clone()),
            Fired::TimedOut => return self.remove_client(key).map(|entry| entry.user),
            Fired::Finished => drop(self.remove_client(key)),
            Fired::SendTrying | Fired::Nothing => {}
        }
        None
    }
}

impl ClientMachine {
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

    pub(super) fn tick(&mut self, now: Instant) -> Fired {
        match self {
            Self::Invite(machine) => machine.tick(now),
            Self::Other(machine) => machine.tick(now),
        }
    }

    pub(super) fn transport_failed(&mut self) -> bool {
        match self {
            Self::Invite(machine) => machine.transport_failed(),
            Self::Other(machine) => machine.transport_failed(),
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_settled(),
            Self::Other(machine) => machine.is_settled(),
        }
    }
}
