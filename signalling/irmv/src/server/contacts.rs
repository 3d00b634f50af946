//! Who may see whom: a user is shown to whom it admits, and to everybody where it is listed or the server says so.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::{BTreeMap, BTreeSet};

use rove_base::StreamId;

use super::{Server, register::Waits, watch::Topic};
use crate::{
    Identifier, Message, Name, Reason, Record, Speaker, Uid, WireError,
    wire::{Reader, put_text},
};

/// Whom users admit, as they have said.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    of: BTreeMap<Uid, BTreeSet<Name>>,
    len: usize,
}

/// One change of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Admission {
    pub(super) user: Uid,
    pub(super) whom: Name,
    pub(super) may: bool,
}

impl Contacts {
    fn has(&self, user: &Uid, whom: &Name) -> bool {
        self.of.get(user).is_some_and(|admitted| admitted.contains(whom))
    }

    pub(super) fn apply(&mut self, admission: Admission) {
        let Admission { user, whom, may } = admission;
        let admitted = self.of.entry(user).or_default();
        let before = admitted.len();
        let _ = if may { admitted.insert(whom) } else { admitted.remove(&whom) };
        self.len = self.len.saturating_sub(before).saturating_add(admitted.len());
        if admitted.is_empty() {
            self.of.remove(&user);
        }
    }

    /// Each that is admitted, as a record of the journal.
    pub(super) fn records(&self, server: &[u8; 32]) -> impl Iterator<Item = Vec<u8>> {
        let all = self.of.iter().flat_map(|(user, admitted)| admitted.iter().map(move |whom| (*user, whom)));
        all.map(move |(user, whom)| Admission { user, whom: whom.clone(), may: true }.encode(server))
    }
}

impl Admission {
    /// As it is kept: in place of the version of a claim is what it is.
    pub(super) fn encode(&self, server: &[u8; 32]) -> Vec<u8> {
        let mut out = [&server[..], &[ADMISSION], &self.user.0, &[u8::from(self.may)]].concat();
        put_text(&mut out, self.whom.as_str());
        out
    }

    /// `None` when a record of the journal says something else, or of another server.
    pub(super) fn decode(record: &[u8], server: &[u8; 32]) -> Result<Option<Self>, WireError> {
        let mut reader = Reader(record);
        if reader.array::<32>("server's key")? != *server || reader.u8("kind")? != ADMISSION {
            return Ok(None);
        }
        let user = Uid(reader.array("user")?);
        let (may, whom) = (reader.u8("may")? == 1, reader.name()?);
        reader.end()?;
        Ok(Some(Self { user, whom, may }))
    }
}

impl Server {
    /// A user says who may see it.
    pub(super) fn admit(&mut self, stream: StreamId, id: u32, user: &Name, whom: Name, may: bool) {
        let (now, limits) = (self.now.mono, self.config.limits);
        let Some(link) = self.links.get_mut(&stream) else { return };
        if !link.may_ask(now, limits.questions) || self.held.len() >= limits.held {
            return self.refuse(stream, id, Reason::Full);
        }
        if self.broken {
            return self.refuse(stream, id, Reason::Broken);
        }
        let Some(uid) = self.user_at(stream, user) else { return self.refuse(stream, id, Reason::Taken) };
        let has = self.contacts.of.get(&uid).map_or(0, BTreeSet::len);
        if may && (has >= limits.contacts_each || self.contacts.len >= limits.contacts) {
            return self.refuse(stream, id, Reason::Full);
        }
        let admission = Admission { user: uid, whom, may };
        self.hold((stream, id), admission.encode(&self.key.public()), Waits::Contact(admission));
    }

    /// It is durable: whoever watches sees more now, or nothing.
    pub(super) fn admitted(&mut self, (stream, id): (StreamId, u32), admission: Admission) {
        let (user, whom) = (Identifier::Uid(admission.user), admission.whom.clone());
        self.contacts.apply(admission);
        self.say(stream, &Message::Admitted { id });
        let record = self.present(&user);
        let Some(record) = record else { return };
        for identifier in record.claim.identifiers() {
            let asker = Some(whom.clone());
            let sees = self.shows_record(&record, asker.as_ref());
            self.tell_topic(&Topic { identifier, asker }, Some(&record).filter(|_| sees));
        }
    }

    /// Who asks, if it has been seen to be that: a user that is there on this stream, or whom the server of its domain
    /// names.
    pub(super) fn proven(&self, stream: StreamId, asker: Option<Name>) -> Option<Name> {
        let asker = asker?;
        let proven = match self.peer_of(stream) {
            Some(domain) => asker.domain() == domain,
            None => self.user_at(stream, &asker).is_some(),
        };
        proven.then_some(asker)
    }

    /// Whose name it is, if that user speaks on this stream.
    pub(super) fn user_at(&self, stream: StreamId, name: &Name) -> Option<Uid> {
        let registered = self.present(&Identifier::Name(name.clone())).map(|record| record.claim.uid());
        let link = self.links.get(&stream)?;
        let speaks = link.speakers.iter().find(|(speaker, _)| speaker == name).map(|(_, uid)| *uid);
        let here = registered.filter(|uid| self.homes.get(uid) == Some(&stream));
        here.or_else(|| speaks.filter(|uid| self.is_name_of(name, uid)))
    }

    /// Whether a name is this user's: it has registered it, or the operator says so.
    fn is_name_of(&self, name: &Name, uid: &Uid) -> bool {
        let record = self.registry.lock().find(&Identifier::Name(name.clone()));
        let account = self.config.accounts.get(name).and_then(|account| account.uid);
        record.map_or(account == Some(*uid), |record| record.claim.uid() == *uid)
    }

    /// A user says that it speaks on this stream, too.
    pub(super) fn speak(&mut self, stream: StreamId, id: u32, speaker: Speaker) {
        let (now, limits) = (self.now, self.config.limits);
        let Some(link) = self.links.get_mut(&stream) else { return };
        if !link.may_ask(now.mono, limits.questions) || link.speakers.len() >= limits.users {
            return self.refuse(stream, id, Reason::Full);
        }
        if !speaker.verify(&self.key.public(), now.wall) {
            return self.refuse(stream, id, Reason::Signature);
        }
        let uid = speaker.uid();
        if !self.is_name_of(&speaker.name, &uid) {
            return self.refuse(stream, id, Reason::Taken);
        }
        if let Some(link) = self.links.get_mut(&stream) {
            link.speakers.retain(|(name, _)| *name != speaker.name);
            link.speakers.push((speaker.name, uid));
        }
        self.say(stream, &Message::Known { id });
    }

    /// Whether what is known of whoever is called this is for this asker. As much is done where nobody is called this.
    pub(super) fn shows(&self, identifier: &Identifier, asker: Option<&Name>) -> bool {
        if self.config.shown_to_all {
            return true;
        }
        let owner = self.registry.lock().owner(identifier);
        let known = owner.is_some();
        let (uid, name, listed) = owner
            .unwrap_or_else(|| (Some(Uid::of(&NOBODY.0)), format!("nobody@{}", self.config.domain), false));
        let Ok(name) = name.parse::<Name>() else { return false };
        let sees = self.sees(&uid.unwrap_or(NOBODY), &name, listed, asker);
        known && sees
    }

    /// The same of a record that is there, or was.
    pub(super) fn shows_record(&self, record: &Record, asker: Option<&Name>) -> bool {
        let claim = &record.claim;
        self.sees(&claim.uid(), &claim.name, claim.listed, asker)
    }

    /// Whether a user of this name, that speaks for itself with this id, is shown to somebody.
    fn sees(&self, uid: &Uid, name: &Name, listed: bool, asker: Option<&Name>) -> bool {
        let account = self.config.accounts.get(name);
        let admits = |asker: &Name| {
            let by_operator = account.is_some_and(|account| account.contacts.contains(asker));
            self.contacts.has(uid, asker) || by_operator || name == asker
        };
        let listed = listed || account.is_some_and(|account| account.listed);
        asker.is_some_and(admits) || listed || self.config.shown_to_all
    }

    /// Whether a user that the server spoke for, and that is not there any more, was shown to somebody.
    pub(super) fn showed(&self, name: &Name, asker: Option<&Name>) -> bool {
        self.sees(&NOBODY, name, false, asker)
    }
}

/// No key has this id that anybody knows.
const NOBODY: Uid = Uid([0; 32]);
/// In place of the version of a claim.
const ADMISSION: u8 = 0x41;
