//! Who may be found by words: a server asks its own directory, the servers that the operator names, and those of the search
//! network.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::{BTreeMap, BTreeSet};

use rove_base::{StreamId, UnixTime};

use super::{
    Server, ServerEvent,
    asks::{Ask, Question},
    register::Waits,
};
use crate::{Card, Identifier, Listing, Message, Name, Reason, Uid, Words};

/// What users have said, by user and by word.
#[derive(Debug, Default)]
pub(super) struct Directory {
    of: BTreeMap<Uid, Listing>,
    by: BTreeMap<Box<str>, BTreeSet<Uid>>,
}

impl Directory {
    /// What a user says takes the place of what it has said; without words nothing does.
    fn put(&mut self, listing: Listing) {
        let uid = listing.card.uid();
        self.remove(&uid);
        if listing.card.words.is_empty() {
            return;
        }
        for word in listing.card.words.iter() {
            self.by.entry(word.into()).or_default().insert(uid);
        }
        self.of.insert(uid, listing);
    }

    pub(super) fn remove(&mut self, uid: &Uid) {
        let Some(before) = self.of.remove(uid) else { return };
        for word in before.card.words.iter() {
            if let Some(users) = self.by.get_mut(word) {
                users.remove(uid);
                if users.is_empty() {
                    self.by.remove(word);
                }
            }
        }
    }

    /// Who may be found by all of these: those of the rarest are looked at, a thousand at most.
    fn with<'a>(&'a self, words: &'a Words) -> impl Iterator<Item = &'a Listing> {
        let users = |word: &str| self.by.get(word);
        let rarest = words.iter().min_by_key(|word| users(word).map_or(0, BTreeSet::len));
        let looked_at = rarest.and_then(users).into_iter().flatten().take(MOST_LOOKED_AT);
        let listings = looked_at.filter_map(|uid| self.of.get(uid));
        listings.filter(move |listing| listing.card.words.has_all(words))
    }

    /// What is out of date makes room.
    fn sweep(&mut self, wall: UnixTime) {
        let ended = self.of.iter().filter(|(_, listing)| listing.card.expires <= wall);
        let ended: Vec<Uid> = ended.map(|(uid, _)| *uid).collect();
        ended.iter().for_each(|uid| self.remove(uid));
    }
}

impl Server {
    /// A user says by which words it may be found.
    pub(super) fn list(&mut self, stream: StreamId, id: u32, card: Card, signature: [u8; 64]) {
        match self.may_list(stream, card, signature) {
            Ok(listing) => {
                self.hold((stream, id), listing.encode(), Waits::Listing(Box::new(listing)));
            }
            Err(reason) => self.refuse(stream, id, reason),
        }
    }

    fn may_list(&mut self, stream: StreamId, card: Card, signature: [u8; 64]) -> Result<Listing, Reason> {
        let (now, limits) = (self.now, self.config.limits);
        let Some(link) = self.links.get_mut(&stream) else { return Err(Reason::Broken) };
        if self.broken {
            return Err(Reason::Broken);
        }
        if !link.may_ask(now.mono, limits.questions) || self.held.len() >= limits.held {
            return Err(Reason::Full);
        }
        let uid = card.uid();
        if self.user_at(stream, &card.name) != Some(uid) {
            return Err(Reason::Taken);
        }
        let longest = now.wall.as_secs().saturating_add(self.config.longest.as_secs());
        if card.expires <= now.wall || card.expires.as_secs() > longest {
            return Err(Reason::Lifetime);
        }
        let waiting = self.held.iter().filter_map(|held| match &held.waits {
            Waits::Listing(other) if other.card.key == card.key => Some(&**other),
            _ => None,
        });
        if waiting.chain(self.directory.of.get(&uid)).any(|other| other.card.sequence >= card.sequence) {
            return Err(Reason::Old);
        }
        if !card.words.is_empty() && !self.directory.of.contains_key(&uid) {
            if self.directory.of.len() >= limits.listings {
                self.directory.sweep(now.wall);
            }
            if self.directory.of.len() >= limits.listings {
                return Err(Reason::Full);
            }
        }
        if !card.is_signed(&signature) {
            return Err(Reason::Signature);
        }
        Ok(Listing::attest(card, signature, &self.key))
    }

    /// It is durable: anybody may find the user by that from now on.
    pub(super) fn listed(&mut self, (stream, id): (StreamId, u32), listing: Listing) {
        let (name, words) = (listing.card.name.clone(), listing.card.words.clone());
        self.directory.put(listing);
        self.outbox.event(ServerEvent::Listed { name, words });
        self.say(stream, &Message::Listed { id });
    }

    /// What the journal says that a user has said.
    pub(super) fn relist(&mut self, listing: Listing) -> bool {
        let ours = listing.server == self.key.public() && listing.card.name.domain() == self.config.domain;
        if ours {
            self.directory.put(listing);
        }
        ours
    }

    /// Who may be found by words here, and is registered.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.directory.of.values().filter(|listing| self.may_be_found(listing))
    }

    /// Whether whoever said it is there, goes by that name, and says in its record as well that anybody may find it.
    fn may_be_found(&self, listing: &Listing) -> bool {
        let record = self.present(&Identifier::Uid(listing.card.uid()));
        let is_there =
            record.is_some_and(|record| record.claim.listed && record.claim.name == listing.card.name);
        is_there && listing.card.expires > self.now.wall
    }

    /// Who may be found by all of these words? Each may ask so often a minute.
    pub(super) fn search(&mut self, stream: StreamId, id: u32, words: Words, asker: Option<Name>) {
        let (now, limits) = (self.now.mono, self.config.limits);
        if self.links.get_mut(&stream).is_some_and(|link| !link.may_ask(now, limits.questions)) {
            return self.refuse(stream, id, Reason::Full);
        }
        let asker = self.proven(stream, asker);
        let Some(source) = self.source(stream, asker.clone()) else { return };
        if !self.searchers.may_ask(source, now, limits.searches) {
            return self.refuse(stream, id, Reason::Full);
        }
        let here = self.directory.with(&words).filter(|listing| self.may_be_found(listing));
        let listings: Vec<Listing> = here.take(Listing::TOGETHER).cloned().collect();
        // A question of another server is not passed on.
        let passes = self.links.get(&stream).is_some_and(super::Link::is_terminal);
        if !passes || !self.knows_others() {
            return self.say(stream, &Message::Found { id, last: true, listings });
        }
        if !listings.is_empty() {
            self.say(stream, &Message::Found { id, last: false, listings });
        }
        self.ask_round(Ask { stream, id, question: Question::By(words), asker, round: None });
    }
}

/// Users that one search looks at.
const MOST_LOOKED_AT: usize = 1_000;
