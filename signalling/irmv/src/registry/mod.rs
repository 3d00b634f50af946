//! Who is where: one store for all faces of a server, found by each of four identifiers.
//!
//! What is known of a user lies as bytes in a slot, and each index holds the slot's number alone, so that a registration
//! costs little more than what it says. IRMV puts records there, signed by their users; SIP the ways that it knows, which
//! the server speaks for when IRMV is asked.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod change;
mod index;
mod news;
mod others;
mod shared;
mod shelf;
mod slot;
mod spoken;
mod way;
mod wheel;

use core::fmt;

use rove_base::{Entropy, UnixTime};

use self::{
    change::{Changes, GONE},
    index::{Indexes, Key, place},
    news::Newsstand,
    slot::{Parts, Slot},
    spoken::Speaker,
    wheel::Wheel,
};
pub use self::{
    news::{Face, News},
    shared::SharedRegistry,
    shelf::{Shelf, Signatures},
    way::{Way, Ways},
};
use crate::{Identifier, Record, Uid, UserKey, server::ServerConfig};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct RegistryLimits {
    /// Users.
    pub records: usize,
    /// Bytes of what they say.
    pub bytes: usize,
}

impl Default for RegistryLimits {
    /// A million users, 512 MiB.
    fn default() -> Self {
        Self { records: 1_000_000, bytes: 512 << 20 }
    }
}

/// Why a record is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Conflict {
    /// A later record of the user stands.
    #[error("a later record stands")]
    Old,
    /// Name, number or address are somebody else's.
    #[error("somebody else has that name, number or address")]
    Taken,
    /// There is no room.
    #[error("the registry is full")]
    Full,
}

/// All registrations of one server.
pub struct Registry {
    limits: RegistryLimits,
    /// The key that all records are signed with.
    server: [u8; 32],
    speaker: Option<Speaker>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    indexes: Indexes,
    wheel: Wheel,
    news: Newsstand,
    /// Where signatures are, if not in the slots.
    shelf: Option<Box<dyn Shelf>>,
    /// A record whose signatures come from there, put together.
    together: Vec<u8>,
    bytes: usize,
    /// Ways of all users.
    ways: usize,
}

impl Registry {
    /// Holds nothing yet. Every record in it is attested by `key`; `entropy` keeps peers from predicting where it lies.
    #[must_use]
    pub fn new(limits: RegistryLimits, key: &UserKey, entropy: &mut Entropy) -> Self {
        Self {
            limits,
            server: key.public(),
            speaker: None,
            slots: Vec::new(),
            free: Vec::new(),
            indexes: Indexes::new(entropy),
            wheel: Wheel::new(),
            news: Newsstand::default(),
            shelf: None,
            together: Vec::new(),
            bytes: 0,
            ways: 0,
        }
    }

    /// From now on the server speaks with `key` for users of its domain that have registered by other faces.
    #[must_use]
    pub fn speaking(mut self, key: &UserKey, config: &ServerConfig) -> Self {
        let listed = config.listed();
        let (key, domain, longest) = (key.clone(), config.domain.clone(), config.longest);
        self.speaker = Some(Speaker { key, domain, longest, listed });
        self
    }

    /// News are kept for this face from now on.
    pub fn listen(&mut self, face: Face) {
        self.news.listen(face);
    }

    /// What this face has not done itself, oldest first.
    pub fn news(&mut self, face: Face) -> Option<News> {
        self.news.next(face)
    }

    /// Whether there is any.
    #[must_use]
    pub fn has_news(&self, face: Face) -> bool {
        self.news.any(face)
    }

    /// What whoever is called this has said last. A user that has left is known until its last claim would have ended.
    #[must_use]
    pub fn find(&self, identifier: &Identifier) -> Option<Record> {
        let at = self.indexes.find(&self.slots, identifier.into())?;
        self.own(at, self.parts(at)?.record)
    }

    /// What is known of whoever is called this and is there at `wall`, as it is sent, without the server's key. The
    /// server speaks for whoever does not itself.
    pub fn stored(&mut self, identifier: &Identifier, wall: UnixTime) -> Option<&[u8]> {
        let at = self.slot_of(identifier)?;
        let mut together = core::mem::take(&mut self.together);
        let parts = self.parts(at)?;
        let is_there = |record: &[u8]| {
            let peek = crate::record::Peek::read(&mut crate::wire::Reader(record)).ok();
            peek.is_some_and(|peek| peek.contacts > 0 && peek.expires > wall.as_secs())
        };
        if is_there(parts.record) {
            let found = self.whole(at, parts.record, &mut together).is_some();
            self.together = together;
            return match self.shelf {
                Some(_) => found.then_some(&self.together),
                None => self.parts(at).map(|parts| parts.record),
            };
        }
        if parts.ways.is_empty() {
            return None;
        }
        if parts.stale || !is_there(parts.spoken) {
            let said = self.speaker.as_ref()?.say(&parts, wall)?.to_stored();
            let changes = Changes { spoken: Some(&said), stale: Some(false), ..Changes::default() };
            self.replace(Some(at), &changes);
        }
        self.parts(at).map(|parts| parts.spoken)
    }

    /// The same, read.
    pub fn present(&mut self, identifier: &Identifier, wall: UnixTime) -> Option<Record> {
        let server = self.server;
        Record::from_stored(self.stored(identifier, wall)?, server).ok()
    }

    /// Whether `record` may be put here: it is later than what stands, and all that it claims is free.
    ///
    /// # Errors
    ///
    /// [`Conflict`].
    pub fn admits(&self, record: &Record) -> Result<(), Conflict> {
        let own = self.indexes.find(&self.slots, Key::Uid(record.claim.uid()));
        let before = own.and_then(|slot| self.parts(slot)).and_then(|parts| parts.own());
        if before.is_some_and(|before| before.sequence >= record.claim.sequence) {
            return Err(Conflict::Old);
        }
        for identifier in record.claim.identifiers() {
            let Some(slot) = self.indexes.find(&self.slots, Key::from(&identifier)) else { continue };
            // Who has registered this name by another face is the same user.
            if Some(slot) != own && self.parts(slot).is_some_and(|parts| !parts.record.is_empty()) {
                return Err(Conflict::Taken);
            }
        }
        let full = self.len() >= self.limits.records || self.bytes >= self.limits.bytes;
        if own.is_none() && full { Err(Conflict::Full) } else { Ok(()) }
    }

    /// Puts `record` in place of what was known of its user.
    ///
    /// # Errors
    ///
    /// [`Conflict`]; then nothing has changed, but where the shelf cannot keep the signatures, [`Conflict::Full`], the user
    /// is gone.
    pub fn put(&mut self, record: &Record) -> Result<(), Conflict> {
        self.admits(record)?;
        let name = record.claim.name.as_str().as_bytes();
        let mut due = u32::try_from(record.claim.expires.as_secs()).unwrap_or(u32::MAX);
        let own = self.indexes.find(&self.slots, Key::Uid(record.claim.uid()));
        // Who leaves is remembered as long as an earlier claim could come again.
        due = due.max(own.and_then(|own| self.slots.get(own)).map_or(0, |slot| slot.due));
        let named = self.indexes.find(&self.slots, Key::Name(name));
        let before: Box<[u8]> =
            own.and_then(|own| self.parts(own)).map(|parts| parts.name.into()).unwrap_or_default();
        let stored = record.to_stored();
        // It goes by another name now, and what is known of the old one by another face stays there.
        if let Some(own) = own.filter(|own| named != Some(*own)) {
            self.replace(Some(own), &GONE);
        }
        let (kept, shelved) = self.divided(&stored);
        let at =
            self.replace(named, &Changes { name, record: Some(kept), due: Some(due), ..Changes::default() });
        if let (Some(at), Some(signatures), Some(shelf)) = (at, shelved, &mut self.shelf)
            && !shelf.put(at, signatures)
        {
            self.replace(Some(place(at)), &GONE);
            return Err(Conflict::Full);
        }
        let before = own.filter(|own| named != Some(*own)).map(|_| before);
        for name in [Some(name.into()), before].into_iter().flatten() {
            self.news.tell(Face::Names, || News::Changed(name.clone()));
            self.news.tell(Face::Sip, || News::Changed(name));
        }
        Ok(())
    }

    /// Forgets what a user has said, and answers with it. What is known of its name by another face stays there.
    pub fn forget(&mut self, uid: &Uid) -> Option<Record> {
        let at = self.indexes.find(&self.slots, Key::Uid(*uid))?;
        let record = self.own(at, self.parts(at)?.record);
        let name: Box<[u8]> = self.parts(at)?.name.into();
        self.replace(Some(at), &GONE);
        self.news.tell(Face::Names, || News::Changed(name.clone()));
        self.news.tell(Face::Sip, || News::Changed(name));
        record
    }

    /// Forgets what has ended by `wall`; each face that listens is told of it.
    pub fn expire(&mut self, wall: UnixTime) {
        let now = u32::try_from(wall.as_secs()).unwrap_or(u32::MAX);
        if !self.wheel.has(now) {
            return;
        }
        for due in self.wheel.sweep(now) {
            let at = place(due.slot);
            // Another's by now, perhaps: then it is in the wheel a second time.
            if self.slots.get(at).is_some_and(|slot| slot.waits == due.at) {
                self.end(at, now, wall);
            }
        }
    }

    /// Forgets what has ended of one slot, and puts it back into the wheel when something is left.
    fn end(&mut self, at: usize, now: u32, wall: UnixTime) {
        let Some((slot, parts)) = self.slots.get(at).zip(self.parts(at)) else { return };
        let name: Box<[u8]> = parts.name.into();
        let ended = !parts.record.is_empty() && slot.due <= now;
        let own = if ended { self.own(at, parts.record) } else { None };
        let mut left = Ways::default();
        for way in way::read(parts.ways).filter(|way| way.until > wall) {
            left.push(way);
        }
        let (fewer, spoken) = (left.as_bytes().len() < parts.ways.len(), !parts.spoken.is_empty());
        // Whatever stays, the wheel does not have it any more.
        if let Some(slot) = self.slots.get_mut(at) {
            slot.waits = 0;
        }
        let mut changes = if ended { GONE } else { Changes::default() };
        if fewer {
            changes.ways = Some(left.as_bytes());
            changes.stale = Some(spoken && !left.is_empty());
            changes.spoken = left.is_empty().then_some(&[]);
        }
        self.replace(Some(at), &changes);
        if fewer || ended {
            self.news.tell(Face::Sip, || News::Changed(name.clone()));
            self.news.tell(Face::Names, || News::Changed(name.clone()));
        }
        if let Some(own) = own {
            self.news.tell(Face::Native, || News::Ended(Box::new(own)));
        } else if fewer {
            self.news.tell(Face::Native, || News::Changed(name));
        }
    }

    /// When [`Registry::expire`] may have something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixTime> {
        self.wheel.next().map(|at| UnixTime::from_secs(at.into()))
    }

    /// All records of users, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Record> + '_ {
        self.all().filter_map(|(at, parts)| self.own(at, parts.record))
    }

    /// Number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indexes.len()
    }

    /// Number of ways that other faces know.
    #[must_use]
    pub const fn ways_len(&self) -> usize {
        self.ways
    }

    /// Bytes that it takes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn all(&self) -> impl Iterator<Item = (usize, Parts<'_>)> {
        self.slots.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.parts()?)))
    }

    fn parts(&self, at: usize) -> Option<Parts<'_>> {
        self.slots.get(at)?.parts()
    }

    /// IRMV does not tell capital letters from small ones, SIP does.
    fn slot_of(&self, identifier: &Identifier) -> Option<usize> {
        let find = |key| self.indexes.find(&self.slots, key);
        find(identifier.into()).or_else(|| match identifier {
            Identifier::Name(name) => find(Key::AnyCase(name.as_str().as_bytes())),
            Identifier::Uid(uid) => find(Key::Spoken(*uid)),
            _ => None,
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({} users, {} bytes)", self.len(), self.bytes)
    }
}
