//! Terminals say where they are.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Now, StreamId, Ticket};

use super::{Server, ServerEvent, accounts::Dismissal, contacts::Admission};
use crate::{Claim, Conflict, Identifier, Listing, Message, Name, Proof, Reason, Record, WireError};

/// Something that waits for the journal.
#[derive(Debug)]
pub(super) struct Held {
    ticket: Ticket,
    /// Who waits for the answer, and its number there; `None` where the owner does.
    pub(super) asker: Option<(StreamId, u32)>,
    pub(super) waits: Waits,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Waits {
    Record(Box<Record>),
    Contact(Admission),
    Listing(Box<Listing>),
    Dismissal(Dismissal),
}

impl Server {
    pub(super) fn register(&mut self, stream: StreamId, id: u32, claim: Claim, signature: [u8; 64]) {
        match self.judge(stream, claim, signature) {
            Ok(record) => {
                self.hold((stream, id), record.encode(), Waits::Record(Box::new(record)));
            }
            Err(reason) => self.refuse(stream, id, reason),
        }
    }

    /// Nothing of it shows before its record is durable.
    pub(super) fn hold(&mut self, asker: (StreamId, u32), record: Vec<u8>, waits: Waits) {
        self.hold_for(Some(asker), record, waits);
    }

    pub(super) fn hold_for(&mut self, asker: Option<(StreamId, u32)>, record: Vec<u8>, waits: Waits) {
        let ticket = self.ticket();
        self.outbox.append(ticket, record);
        self.held.push_back(Held { ticket, asker, waits });
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
        let from = link.remote.ip().to_canonical();
        if claim.name.domain() != self.config.domain {
            return Err(Reason::Domain);
        }
        let longest = now.wall.as_secs().saturating_add(self.config.longest.as_secs());
        if claim.expires <= now.wall || claim.expires.as_secs() > longest {
            return Err(Reason::Lifetime);
        }
        if !self.may_have(&claim.name, &uid) {
            return Err(Reason::Taken);
        }
        if self.dismissals.has(&uid, claim.sequence) {
            return Err(Reason::Old);
        }
        let fixed = match claim.fixed {
            None => Proof::Nothing,
            // The handshake has sent there what only its receiver could answer.
            Some(ip) if ip == from => Proof::Routable,
            Some(_) => return Err(Reason::Unproved),
        };
        let number = self.behind_number(&claim).ok_or(Reason::Unproved)?;
        if !claim.is_signed(&signature) {
            return Err(Reason::Signature);
        }
        self.fits(Record::attest(claim, signature, (number, fixed), &self.key))
    }

    /// Whether a record goes with what stands, and with what waits to stand.
    fn fits(&self, record: Record) -> Result<Record, Reason> {
        self.registry.lock().admits(&record).map_err(|conflict| match conflict {
            Conflict::Old => Reason::Old,
            Conflict::Taken => Reason::Taken,
            Conflict::Full => Reason::Full,
        })?;
        let claim = &record.claim;
        for held in &self.held {
            let Waits::Record(other) = &held.waits else { continue };
            let other = &other.claim;
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
            match (held.waits, held.asker) {
                (Waits::Record(record), Some(asker)) => self.registered(asker, *record),
                (Waits::Contact(admission), Some(asker)) => self.admitted(asker, admission),
                (Waits::Listing(listing), Some(asker)) => self.listed(asker, *listing),
                (Waits::Dismissal(dismissal), _) => self.dismissed(&dismissal, true),
                (_, None) => {}
            }
        }
    }

    fn registered(&mut self, (stream, id): (StreamId, u32), record: Record) {
        if self.registry.lock().put(&record).is_err() {
            return self.refuse(stream, id, Reason::Full);
        }
        self.stands(stream, &record);
        self.say(stream, &Message::Registered { id, record });
    }

    fn stands(&mut self, stream: StreamId, record: &Record) {
        let uid = record.claim.uid();
        if record.claim.contacts.is_empty() {
            self.homes.remove(&uid);
            return self.gone(record);
        }
        if let Some(link) = self.links.get_mut(&stream) {
            if !link.users.contains(&uid) {
                link.users.push(uid);
            }
            self.homes.insert(uid, stream);
            let from = link.remote;
            self.outbox.event(ServerEvent::Registered { record: Box::new(record.clone()), from });
        }
        for identifier in record.claim.identifiers() {
            self.tell_watchers(&identifier, record, true);
        }
    }

    /// Takes in what another server of the domain, which signs with the same key, has acknowledged; `false` when it is older
    /// than what is known, or that key has not signed it. Nothing of it is kept here: whoever told it tells it again.
    ///
    /// # Errors
    ///
    /// [`WireError`] when it is no record.
    pub fn learned(&mut self, now: Now, bytes: &[u8]) -> Result<bool, WireError> {
        self.now = now;
        let record = Record::decode(bytes)?;
        let ours = record.claim.name.domain() == self.config.domain;
        let dismissed = self.dismissals.has(&record.claim.uid(), record.claim.sequence);
        let new = ours && !dismissed && self.registry.lock().admits(&record).is_ok();
        let good = new && record.verify(Some(&self.key.public()), now.wall).is_ok();
        if !good || self.registry.lock().put(&record).is_err() {
            return Ok(false);
        }
        // It is there now, or nowhere: no link of ours leads to it.
        self.homes.remove(&record.claim.uid());
        for identifier in record.claim.identifiers() {
            self.tell_watchers(&identifier, &record, !record.claim.contacts.is_empty());
        }
        Ok(true)
    }

    /// Another face knows something else of somebody now, which is told unless the user speaks for itself.
    pub(super) fn changed_elsewhere(&mut self, name: &[u8]) {
        let name = core::str::from_utf8(name).ok().and_then(|name| name.parse::<Name>().ok());
        let Some(name) = name else { return };
        let identifier = Identifier::Name(name.clone());
        if !self.watches.has(&identifier) || self.registry.lock().find(&identifier).is_some() {
            return;
        }
        match self.present(&identifier) {
            Some(record) => self.tell_watchers(&identifier, &record, true),
            None => self.tell_gone(&name),
        }
    }

    /// Somebody is not there any more.
    pub(super) fn gone(&mut self, record: &Record) {
        self.homes.remove(&record.claim.uid());
        self.directory.remove(&record.claim.uid());
        self.outbox.event(ServerEvent::Left { name: record.claim.name.clone() });
        for identifier in record.claim.identifiers() {
            self.tell_watchers(&identifier, record, false);
        }
    }
}
