//! Who is where: one store, found by each of four identifiers.
//!
//! A record lies as bytes in a slot, and each index holds the slot's number alone, so that a registration costs little
//! more than what it says.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod wheel;

use core::{
    fmt,
    hash::{Hash, Hasher as _},
};
use std::{hash::DefaultHasher, net::IpAddr};

use hashbrown::HashTable;
use rove_base::{Entropy, UnixTime};

use self::wheel::{Due, Wheel};
use crate::{Identifier, Record, Uid, UserKey, record::Peek, wire::Reader};

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

/// All records of one server.
pub struct Registry {
    limits: RegistryLimits,
    /// The key that all of them are signed with.
    server: [u8; 32],
    hashing: DefaultHasher,
    slots: Vec<Slot>,
    free: Vec<u32>,
    names: HashTable<u32>,
    numbers: HashTable<u32>,
    uids: HashTable<u32>,
    addresses: HashTable<u32>,
    wheel: Wheel,
    bytes: usize,
}

/// A record as it is kept; empty when the slot is free.
#[derive(Default)]
struct Slot {
    stored: Box<[u8]>,
    /// The second in which it ends; never sooner than it was.
    due: u32,
    /// The second in which the wheel has it: no later than that.
    waits: u32,
}

impl Slot {
    fn peek(&self) -> Option<Peek<'_>> {
        Peek::read(&mut Reader(&self.stored)).ok()
    }
}

/// What an index looks for.
#[derive(Clone, Copy)]
enum Key<'a> {
    Name(&'a str),
    Number(u64),
    Uid(Uid),
    Fixed(IpAddr),
}

impl Key<'_> {
    fn is_of(self, slot: &Slot) -> bool {
        let Some(peek) = slot.peek() else { return false };
        match self {
            Self::Name(name) => peek.name == name,
            Self::Number(number) => peek.number == Some(number),
            Self::Uid(uid) => Uid::of(&peek.key) == uid,
            Self::Fixed(ip) => peek.fixed == Some(ip),
        }
    }

    fn hash(self, hashing: &DefaultHasher) -> u64 {
        let mut hasher = hashing.clone();
        match self {
            Self::Name(name) => name.hash(&mut hasher),
            Self::Number(number) => number.hash(&mut hasher),
            Self::Uid(uid) => uid.hash(&mut hasher),
            Self::Fixed(ip) => ip.hash(&mut hasher),
        }
        hasher.finish()
    }
}

impl<'a> From<&'a Identifier> for Key<'a> {
    fn from(identifier: &'a Identifier) -> Self {
        match identifier {
            Identifier::Name(name) => Key::Name(name.as_str()),
            Identifier::Number(number) => Key::Number(number.digits()),
            Identifier::Uid(uid) => Key::Uid(*uid),
            Identifier::Fixed(ip) => Key::Fixed(*ip),
        }
    }
}

impl Registry {
    /// Holds nothing yet. Every record in it is attested by `key`; `entropy` keeps peers from predicting where it lies.
    #[must_use]
    pub fn new(limits: RegistryLimits, key: &UserKey, entropy: &mut Entropy) -> Self {
        let mut hashing = DefaultHasher::new();
        hashing.write_u64(entropy.next_u64());
        hashing.write_u64(entropy.next_u64());
        Self {
            limits,
            server: key.public(),
            hashing,
            slots: Vec::new(),
            free: Vec::new(),
            names: HashTable::new(),
            numbers: HashTable::new(),
            uids: HashTable::new(),
            addresses: HashTable::new(),
            wheel: Wheel::new(),
            bytes: 0,
        }
    }

    /// What is known of whoever is called this. A user that has left is known until its last claim would have ended.
    #[must_use]
    pub fn find(&self, identifier: &Identifier) -> Option<Record> {
        let slot = self.slots.get(self.slot_of(identifier.into())?)?;
        Record::from_stored(&slot.stored, self.server).ok()
    }

    /// The same as it is sent, without the server's key; only of who is there at `wall`.
    #[must_use]
    pub fn stored(&self, identifier: &Identifier, wall: UnixTime) -> Option<&[u8]> {
        let slot = self.slots.get(self.slot_of(identifier.into())?)?;
        let peek = slot.peek()?;
        (peek.contacts > 0 && peek.expires > wall.as_secs()).then_some(&*slot.stored)
    }

    /// Whether `record` may be put here: it is later than what stands, and all that it claims is free.
    ///
    /// # Errors
    ///
    /// [`Conflict`].
    pub fn admits(&self, record: &Record) -> Result<(), Conflict> {
        let own = self.slot_of(Key::Uid(record.claim.uid()));
        let before = own.and_then(|slot| self.slots.get(slot)).and_then(Slot::peek);
        if before.is_some_and(|before| before.sequence >= record.claim.sequence) {
            return Err(Conflict::Old);
        }
        for identifier in record.claim.identifiers() {
            if self.slot_of(Key::from(&identifier)).is_some_and(|slot| Some(slot) != own) {
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
    /// [`Conflict`]; then nothing has changed.
    pub fn put(&mut self, record: &Record) -> Result<(), Conflict> {
        self.admits(record)?;
        let mut due = u32::try_from(record.claim.expires.as_secs()).unwrap_or(u32::MAX);
        let mut waits = None;
        if let Some(own) = self.slot_of(Key::Uid(record.claim.uid())) {
            // Who leaves is remembered as long as an earlier claim could come again.
            let before = self.slots.get(own);
            due = due.max(before.map_or(0, |slot| slot.due));
            waits = before.map(|slot| slot.waits);
            // The slot is the next to be filled, so the wheel still means it.
            self.take_out(own);
        }
        let stored = record.to_stored();
        self.bytes = self.bytes.saturating_add(stored.len());
        let slot = Slot { stored, due, waits: waits.unwrap_or(due) };
        let at = match self.free.pop() {
            Some(at) => at,
            None => u32::try_from(self.slots.len()).map_err(|_| Conflict::Full)?,
        };
        match self.slots.get_mut(place(at)) {
            Some(free) => *free = slot,
            None => self.slots.push(slot),
        }
        self.index(at);
        if waits.is_none() {
            self.wheel.add(Due { slot: at, at: due });
        }
        Ok(())
    }

    /// Forgets what has ended by `wall`, and tells what that was.
    pub fn expire(&mut self, wall: UnixTime) -> Vec<Record> {
        let now = u32::try_from(wall.as_secs()).unwrap_or(u32::MAX);
        if !self.wheel.has(now) {
            return Vec::new();
        }
        let mut gone = Vec::new();
        for due in self.wheel.sweep(now) {
            let slot = place(due.slot);
            // Another's by now, perhaps: then it is in the wheel a second time.
            let Some(kept) = self.slots.get_mut(slot).filter(|kept| kept.waits == due.at) else { continue };
            if kept.due > now {
                kept.waits = kept.due;
                self.wheel.add(Due { slot: due.slot, at: kept.due });
                continue;
            }
            gone.extend(Record::from_stored(&kept.stored, self.server));
            self.take_out(slot);
        }
        gone
    }

    /// When [`Registry::expire`] may have something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixTime> {
        self.wheel.next().map(|at| UnixTime::from_secs(at.into()))
    }

    /// All records, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Record> + '_ {
        self.slots.iter().filter_map(|slot| Record::from_stored(&slot.stored, self.server).ok())
    }

    /// Number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.uids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slot_of(&self, key: Key<'_>) -> Option<usize> {
        let table = match key {
            Key::Name(_) => &self.names,
            Key::Number(_) => &self.numbers,
            Key::Uid(_) => &self.uids,
            Key::Fixed(_) => &self.addresses,
        };
        let same = |at: &u32| self.slots.get(place(*at)).is_some_and(|slot| key.is_of(slot));
        table.find(key.hash(&self.hashing), same).map(|at| place(*at))
    }

    fn index(&mut self, at: u32) {
        let (slots, hashing) = (&self.slots, &self.hashing);
        let Some(peek) = slots.get(place(at)).and_then(Slot::peek) else { return };
        let tables = [
            (&mut self.names, Some(Key::Name(peek.name))),
            (&mut self.numbers, peek.number.map(Key::Number)),
            (&mut self.uids, Some(Key::Uid(Uid::of(&peek.key)))),
            (&mut self.addresses, peek.fixed.map(Key::Fixed)),
        ];
        for (table, key) in tables {
            let Some(key) = key else { continue };
            let again = |other: &u32| {
                let peek = slots.get(place(*other)).and_then(Slot::peek);
                let Some(peek) = peek else { return 0 };
                match key {
                    Key::Name(_) => Key::Name(peek.name).hash(hashing),
                    Key::Number(_) => peek.number.map_or(0, |number| Key::Number(number).hash(hashing)),
                    Key::Uid(_) => Key::Uid(Uid::of(&peek.key)).hash(hashing),
                    Key::Fixed(_) => peek.fixed.map_or(0, |ip| Key::Fixed(ip).hash(hashing)),
                }
            };
            table.insert_unique(key.hash(hashing), at, again);
        }
    }

    /// Empties a slot, and takes it out of every index.
    fn take_out(&mut self, slot: usize) {
        let Some(kept) = self.slots.get(slot) else { return };
        let Some(peek) = kept.peek() else { return };
        let tables = [
            (&mut self.names, Some(Key::Name(peek.name))),
            (&mut self.numbers, peek.number.map(Key::Number)),
            (&mut self.uids, Some(Key::Uid(Uid::of(&peek.key)))),
            (&mut self.addresses, peek.fixed.map(Key::Fixed)),
        ];
        for (table, key) in tables {
            let Some(key) = key else { continue };
            if let Ok(entry) = table.find_entry(key.hash(&self.hashing), |at| place(*at) == slot) {
                entry.remove();
            }
        }
        self.bytes = self.bytes.saturating_sub(kept.stored.len());
        if let Some(kept) = self.slots.get_mut(slot) {
            *kept = Slot::default();
        }
        self.free.extend(u32::try_from(slot));
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({} users, {} bytes)", self.len(), self.bytes)
    }
}

fn place(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
