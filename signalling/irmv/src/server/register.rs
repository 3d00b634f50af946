//! Terminals say where they are.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{Now, StreamId, Ticket, UnixTime};

use super::{Server, ServerEvent};
use crate::{Claim, Conflict, Contact, Identifier, Message, Name, Proof, Reason, Record, Status};

/// A registration that waits for the journal.
#[derive(Debug)]
pub(super) struct Held {
    ticket: Ticket,
    /// Who waits for the answer, and its number there; nobody when another face of the server has registered.
    pub(super) asker: Option<(StreamId, u32)>,
    record: Record,
}

impl Server {
    pub(super) fn register(&mut self, stream: StreamId, id: u32, claim: Claim, signature: [u8; 64]) {
        match self.judge(stream, claim, signature) {
            Ok(record) => {
                let ticket = self.ticket();
                self.outbox.append(ticket, record.encode());
                self.held.push_back(Held { ticket, asker: Some((stream, id)), record });
            }
            Err(reason) => self.refuse(stream, id, reason),
        }
    }

    /// Somebody has registered by another face of this server, which has seen to who it is: the server speaks for it. A user
    /// that speaks for itself is not spoken for.
    pub fn vouch(&mut self, now: Now, name: Name, mut contacts: Vec<Contact>, lifetime: Duration) {
        self.now = now;
        if name.domain() != self.config.domain || self.broken || self.held.len() >= self.config.limits.held {
            return;
        }
        contacts.truncate(Claim::CONTACTS);
        let key = self.key.of_guest(name.as_str());
        let lasts = lifetime.min(self.config.longest).as_secs().max(1);
        let before =
            self.registry.find(&Identifier::Uid(key.uid())).map_or(0, |record| record.claim.sequence);
        let waits = |held: &&Held| held.record.claim.key == key.public();
        let before =
            self.held.iter().filter(waits).map(|held| held.record.claim.sequence).fold(before, u64::max);
        let claim = Claim {
            key: key.public(),
            sequence: (now.wall.as_nanos() / 1_000_000).max(before.saturating_add(1)),
            expires: UnixTime::from_secs(now.wall.as_secs().saturating_add(lasts)),
            status: if contacts.is_empty() { Status::Offline } else { Status::Online },
            name,
            number: None,
            fixed: None,
            contacts,
        };
        let signature = claim.sign(&key);
        let record = Record::attest(claim, signature, (Proof::Nothing, Proof::Nothing), &self.key);
        if let Ok(record) = self.fits(record) {
            let ticket = self.ticket();
            self.outbox.append(ticket, record.encode());
            self.held.push_back(Held { ticket, asker: None, record });
        }
    }

    /// Whether a claim may stand, with this server's signature if so.
    fn judge(&mut self, stream: StreamId, claim: Claim, signature: [u8; 64]) -> Result<Record, Reason> {
        let limits = self.config.limits;
        let now = self.now;
        let Some(link) = self.links.get_mut(&stream) else { return Err(Reason::Broken) };
        if self.broken {
            return Err(Reason::Broken);
        }
        if !link.may_ask(now.mono, limits.questions) || self.held.len() >= limits.held {
            return Err(Reason::Full);
        }
        let uid = claim.uid();
        if !link.users.contains(&uid) && link.users.len() >= limits.users {
            return Err(Reason::Full);
        }
        if claim.name.domain() != self.config.domain {
            return Err(Reason::Domain);
        }
        let longest = now.wall.as_secs().saturating_add(self.config.longest.as_secs());
        if claim.expires <= now.wall || claim.expires.as_secs() > longest {
            return Err(Reason::Lifetime);
        }
        let account = self.config.accounts.get(&claim.name);
        match account {
            Some(account) if account.uid.is_some_and(|owner| owner != uid) => return Err(Reason::Taken),
            None if !self.config.open => return Err(Reason::Taken),
            _ => {}
        }
        let number = match claim.number {
            None => Proof::Nothing,
            Some(number) if account.is_some_and(|account| account.number == Some(number)) => Proof::Attested,
            Some(_) => return Err(Reason::Unproved),
        };
        let fixed = match claim.fixed {
            None => Proof::Nothing,
            // The handshake has sent there what only its receiver could answer.
            Some(ip) if ip == link.remote.ip().to_canonical() => Proof::Routable,
            Some(_) => return Err(Reason::Unproved),
        };
        if !claim.is_signed(&signature) {
            return Err(Reason::Signature);
        }
        self.fits(Record::attest(claim, signature, (number, fixed), &self.key))
    }

    /// Whether a record goes with what stands, and with what waits to stand.
    fn fits(&self, record: Record) -> Result<Record, Reason> {
        self.registry.admits(&record).map_err(|conflict| match conflict {
            Conflict::Old => Reason::Old,
            Conflict::Taken => Reason::Taken,
            Conflict::Full => Reason::Full,
        })?;
        let claim = &record.claim;
        for held in &self.held {
            let other = &held.record.claim;
            let same_number = claim.number.is_some() && other.number == claim.number;
            let same_address = claim.fixed.is_some() && other.fixed == claim.fixed;
            if other.key == claim.key {
                if other.sequence >= claim.sequence {
                    return Err(Reason::Old);
                }
            } else if other.name == claim.name || same_number || same_address {
                return Err(Reason::Taken);
            }
        }
        Ok(record)
    }

    /// Everything up to `ticket` is on stable storage: now it shows, and is acknowledged.
    pub(super) fn durable(&mut self, ticket: Ticket) {
        while let Some(held) = self.held.pop_front_if(|held| held.ticket <= ticket) {
            let Held { asker, record, .. } = held;
            if self.registry.put(&record).is_err() {
                if let Some((stream, id)) = asker {
                    self.refuse(stream, id, Reason::Full);
                }
                continue;
            }
            self.stands(asker.map(|(stream, _)| stream), &record);
            if let Some((stream, id)) = asker {
                self.say(stream, &Message::Registered { id, record });
            }
        }
    }

    fn stands(&mut self, stream: Option<StreamId>, record: &Record) {
        let uid = record.claim.uid();
        if record.claim.contacts.is_empty() {
            self.homes.remove(&uid);
            return self.gone(record);
        }
        if let Some(stream) = stream
            && let Some(link) = self.links.get_mut(&stream)
        {
            if !link.users.contains(&uid) {
                link.users.push(uid);
            }
            self.homes.insert(uid, stream);
            let from = link.remote;
            self.outbox.event(ServerEvent::Registered { record: Box::new(record.clone()), from });
        }
        for identifier in record.claim.identifiers() {
            self.tell_watchers(&identifier, Some(record));
        }
    }

    /// Somebody is not there any more.
    pub(super) fn gone(&mut self, record: &Record) {
        self.homes.remove(&record.claim.uid());
        self.outbox.event(ServerEvent::Left { name: record.claim.name.clone() });
        for identifier in record.claim.identifiers() {
            self.tell_watchers(&identifier, None);
        }
    }
}
