//! Accounts of a server that runs: the operator adds one, changes one, or takes one away. Whoever is registered by it and
//! could not register any more is dismissed; like a registration that is durable before it shows.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::BTreeMap;

use rove_base::{Now, UnixTime};

use super::{Account, Server, ServerEvent, register::Waits, watch::Topic};
use crate::{
    Identifier, Name, Number, Proof, Record, Uid, WireError,
    wire::{Reader, put_text},
};

/// A user whose claims up to this one count no more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Dismissal {
    name: Name,
    user: Uid,
    sequence: u64,
    /// Later none of them is taken anyway.
    until: UnixTime,
}

/// Those that may still matter. As many as there were registrations.
#[derive(Debug, Default)]
pub(super) struct Dismissals(BTreeMap<Uid, Dismissal>);

impl Dismissal {
    /// As it is kept: in place of the version of a claim is what it is.
    fn encode(&self, server: &[u8; 32]) -> Vec<u8> {
        let (sequence, until) = (self.sequence.to_be_bytes(), self.until.as_secs().to_be_bytes());
        let mut out = [&server[..], &[DISMISSAL], &self.user.0, &sequence, &until].concat();
        put_text(&mut out, self.name.as_str());
        out
    }

    /// `None` when a record of the journal says something else, or of another server.
    pub(super) fn decode(record: &[u8], server: &[u8; 32]) -> Result<Option<Self>, WireError> {
        let mut reader = Reader(record);
        if reader.array::<32>("server's key")? != *server || reader.u8("kind")? != DISMISSAL {
            return Ok(None);
        }
        let user = Uid(reader.array("user")?);
        let (sequence, until) = (reader.u64("sequence")?, reader.u64("expiry")?);
        // As a claim's.
        if until > u64::from(u32::MAX) {
            return Err(WireError::Value("expiry"));
        }
        let name = reader.name()?;
        reader.end()?;
        Ok(Some(Self { name, user, sequence, until: UnixTime::from_secs(until) }))
    }
}

impl Dismissals {
    /// Whether this claim of a user, by its number, counts no more.
    pub(super) fn has(&self, user: &Uid, sequence: u64) -> bool {
        self.0.get(user).is_some_and(|dismissal| sequence <= dismissal.sequence)
    }

    pub(super) fn remember(&mut self, dismissal: &Dismissal, wall: UnixTime) {
        self.0.retain(|_, known| known.until > wall);
        self.0.insert(dismissal.user, dismissal.clone());
    }

    /// Each as a record of the journal.
    pub(super) fn records(&self, server: &[u8; 32]) -> impl Iterator<Item = Vec<u8>> {
        self.0.values().map(|dismissal| dismissal.encode(server))
    }
}

impl Server {
    /// This is the account of `name` from now on; `None` takes it away. Answers whether somebody is registered by it whose
    /// time is over: because there is no account any more, because its key is none any more, or another one, or because
    /// the number is not its. [`ServerEvent::Dismissed`] tells when that is done; its terminal loses its link, so that it
    /// comes back and hears.
    pub fn set_account(&mut self, now: Now, name: &Name, account: Option<Account>) -> bool {
        self.now = now;
        let present = self.present(&Identifier::Name(name.clone()));
        let saw = present.as_ref().map(|record| self.views_of(record)).unwrap_or_default();
        let (listed, number) =
            account.as_ref().map_or((false, None), |account| (account.listed, account.number));
        let has_key = account.as_ref().is_some_and(|account| account.uid.is_some());
        let before = match account {
            Some(account) => self.config.accounts.insert(name.clone(), account),
            None => self.config.accounts.remove(name),
        };
        self.number_is(name, before.as_ref().and_then(|before| before.number), number);
        self.registry.lock().list(name, listed);
        let had_key = before.as_ref().is_some_and(|before| before.uid.is_some());
        let exists = self.config.accounts.contains_key(name);
        let over = before.is_some() && !exists || had_key && !has_key;
        let last = self.registry.lock().find(&Identifier::Name(name.clone()));
        match last.filter(|record| over || !self.bears(record)) {
            Some(record) => self.dismiss(&record),
            None => {
                self.tell_whose_view_changed(name, &saw);
                return false;
            }
        }
        true
    }

    /// Whoever has this key, and registered first, is the account's user from now on; `false` where the account has a key,
    /// or there is none.
    pub fn pin(&mut self, name: &Name, uid: Uid) -> bool {
        let free = self.config.accounts.get_mut(name).filter(|account| account.uid.is_none());
        free.map(|account| account.uid = Some(uid)).is_some()
    }

    /// Whether this may be registered here by what the accounts say: its name, its key, and the number that the server
    /// vouches for.
    #[must_use]
    pub fn bears(&self, record: &Record) -> bool {
        let claim = &record.claim;
        let vouched = record.attestation.number == Proof::Attested;
        let number = self.config.accounts.get(&claim.name).and_then(|account| account.number);
        self.may_have(&claim.name, &claim.uid()) && (!vouched || number == claim.number)
    }

    /// Forgets whoever is registered, as the journal says, though the accounts do not bear it; how many. It is for the time
    /// before anybody is heard.
    pub fn hold_to_accounts(&mut self) -> usize {
        let all = {
            let registry = self.registry.lock();
            let others = registry.iter().filter(|record| !self.bears(record));
            others.map(|record| Dismissal::of(&record)).collect::<Vec<_>>()
        };
        for dismissal in &all {
            self.dismissals.remember(dismissal, self.now.wall);
            self.forget(dismissal);
        }
        all.len()
    }

    /// Whose a number is, as the operator says.
    #[must_use]
    pub fn whose_number(&self, number: &Number) -> Option<&Name> {
        self.numbers.get(number)
    }

    /// Whether a key may register by a name.
    pub(super) fn may_have(&self, name: &Name, uid: &Uid) -> bool {
        match self.config.accounts.get(name) {
            Some(account) => account.uid.is_none_or(|owner| owner == *uid),
            None => self.config.open,
        }
    }

    /// Forgets a user, unless it has said something since; answers with what it has said.
    pub(super) fn forget(&self, dismissal: &Dismissal) -> Option<Record> {
        let mut registry = self.registry.lock();
        let last = registry.find(&Identifier::Uid(dismissal.user));
        let since = last.is_some_and(|last| last.claim.sequence > dismissal.sequence);
        if since { None } else { registry.forget(&dismissal.user) }
    }

    /// It is durable that somebody is not registered any more; or, where not `kept`, nothing can be.
    pub(super) fn dismissed(&mut self, dismissal: &Dismissal, kept: bool) {
        let home = self.homes.get(&dismissal.user).copied();
        self.dismissals.remember(dismissal, self.now.wall);
        // Of who has left nobody has to be told.
        if let Some(record) = self.forget(dismissal).filter(|record| !record.claim.contacts.is_empty()) {
            self.gone(&record);
            // It may be known by another face.
            if self.present(&Identifier::Name(dismissal.name.clone())).is_some() {
                self.changed_elsewhere(dismissal.name.as_str().as_bytes());
            }
        }
        if let Some(stream) = home {
            self.outbox.close(stream);
            self.lost(stream);
        }
        self.outbox.event(ServerEvent::Dismissed { name: dismissal.name.clone(), kept });
    }

    fn dismiss(&mut self, record: &Record) {
        let dismissal = Dismissal::of(record);
        if self.broken {
            return self.dismissed(&dismissal, false);
        }
        self.hold_for(None, dismissal.encode(&self.key.public()), Waits::Dismissal(dismissal));
    }

    fn number_is(&mut self, name: &Name, before: Option<Number>, after: Option<Number>) {
        if let Some(before) = before.filter(|before| self.numbers.get(before) == Some(name)) {
            self.numbers.remove(&before);
        }
        if let Some(after) = after {
            self.numbers.insert(after, name.clone());
        }
    }

    /// Who watches somebody, and whether it is shown.
    fn views_of(&self, record: &Record) -> BTreeMap<Topic, bool> {
        let topics = record
            .claim
            .identifiers()
            .flat_map(|identifier| self.watches.about(&identifier).cloned().collect::<Vec<_>>());
        topics.map(|topic| (topic.clone(), self.shows_record(record, topic.asker.as_ref()))).collect()
    }

    /// Who watches somebody and sees it now, or does not any more, is told.
    fn tell_whose_view_changed(&mut self, name: &Name, saw: &BTreeMap<Topic, bool>) {
        let Some(record) = self.present(&Identifier::Name(name.clone())) else { return };
        for (topic, sees) in self.views_of(&record) {
            if saw.get(&topic) != Some(&sees) {
                self.tell_topic(&topic, Some(&record).filter(|_| sees));
            }
        }
    }
}

impl Dismissal {
    fn of(record: &Record) -> Self {
        let claim = &record.claim;
        Self { name: claim.name.clone(), user: claim.uid(), sequence: claim.sequence, until: claim.expires }
    }
}

/// In place of the version of a claim.
const DISMISSAL: u8 = 0x44;
