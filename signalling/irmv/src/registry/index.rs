//! Where each identifier leads: tables that hold a slot's number alone.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::hash::{Hash as _, Hasher as _};
use std::{hash::DefaultHasher, net::IpAddr};

use hashbrown::HashTable;
use rove_base::Entropy;

use super::slot::{Parts, Slot};
use crate::{Identifier, Uid};

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    /// Letter by letter.
    Name(&'a [u8]),
    /// Whichever way its letters are written.
    AnyCase(&'a [u8]),
    Number(u64),
    Uid(Uid),
    /// The server speaks with it for somebody.
    Spoken(Uid),
    Fixed(IpAddr),
}

/// All four indexes, and one more for whom the server speaks for.
pub(super) struct Indexes {
    hashing: DefaultHasher,
    names: HashTable<u32>,
    numbers: HashTable<u32>,
    uids: HashTable<u32>,
    spoken: HashTable<u32>,
    addresses: HashTable<u32>,
}

impl<'a> From<&'a Identifier> for Key<'a> {
    fn from(identifier: &'a Identifier) -> Self {
        match identifier {
            Identifier::Name(name) => Key::Name(name.as_str().as_bytes()),
            Identifier::Number(number) => Key::Number(number.digits()),
            Identifier::Uid(uid) => Key::Uid(*uid),
            Identifier::Fixed(ip) => Key::Fixed(*ip),
        }
    }
}

impl Key<'_> {
    fn is_of(self, parts: &Parts<'_>) -> bool {
        match self {
            Self::Name(name) => parts.name == name,
            Self::AnyCase(name) => parts.name.eq_ignore_ascii_case(name),
            Self::Number(number) => parts.own().is_some_and(|own| own.number == Some(number)),
            Self::Uid(uid) => parts.own().is_some_and(|own| Uid::of(&own.key) == uid),
            Self::Spoken(uid) => parts.spoken_uid() == Some(uid),
            Self::Fixed(ip) => parts.own().is_some_and(|own| own.fixed == Some(ip)),
        }
    }
}

impl Indexes {
    /// `entropy` keeps peers from predicting where something lies.
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let mut hashing = DefaultHasher::new();
        hashing.write_u64(entropy.next_u64());
        hashing.write_u64(entropy.next_u64());
        let new = HashTable::new;
        Self { hashing, names: new(), numbers: new(), uids: new(), spoken: new(), addresses: new() }
    }

    /// Number of slots in use: each has a name.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn find(&self, slots: &[Slot], key: Key<'_>) -> Option<usize> {
        let same = |at: &u32| {
            let parts = slots.get(place(*at)).and_then(Slot::parts);
            parts.is_some_and(|parts| key.is_of(&parts))
        };
        self.table(key).find(self.hash(key), same).map(|at| place(*at))
    }

    pub(super) fn insert(&mut self, slots: &[Slot], at: u32) {
        let Some(parts) = slots.get(place(at)).and_then(Slot::parts) else { return };
        for key in keys(&parts) {
            let hash = self.hash(key);
            let hashing = self.hashing.clone();
            let again = |other: &u32| {
                let parts = slots.get(place(*other)).and_then(Slot::parts);
                parts.map_or(0, |parts| hash_like(&hashing, key, &parts))
            };
            self.table_mut(key).insert_unique(hash, at, again);
        }
    }

    pub(super) fn remove(&mut self, slots: &[Slot], at: u32) {
        let Some(parts) = slots.get(place(at)).and_then(Slot::parts) else { return };
        for key in keys(&parts) {
            let hash = self.hash(key);
            if let Ok(entry) = self.table_mut(key).find_entry(hash, |other| *other == at) {
                entry.remove();
            }
        }
    }

    fn hash(&self, key: Key<'_>) -> u64 {
        hash(&self.hashing, key)
    }

    const fn table(&self, key: Key<'_>) -> &HashTable<u32> {
        match key {
            Key::Name(_) | Key::AnyCase(_) => &self.names,
            Key::Number(_) => &self.numbers,
            Key::Uid(_) => &self.uids,
            Key::Spoken(_) => &self.spoken,
            Key::Fixed(_) => &self.addresses,
        }
    }

    const fn table_mut(&mut self, key: Key<'_>) -> &mut HashTable<u32> {
        match key {
            Key::Name(_) | Key::AnyCase(_) => &mut self.names,
            Key::Number(_) => &mut self.numbers,
            Key::Uid(_) => &mut self.uids,
            Key::Spoken(_) => &mut self.spoken,
            Key::Fixed(_) => &mut self.addresses,
        }
    }
}

/// All that a slot is found by.
fn keys<'a>(parts: &Parts<'a>) -> impl Iterator<Item = Key<'a>> + use<'a> {
    let own = parts.own();
    let number = own.as_ref().and_then(|own| own.number).map(Key::Number);
    let uid = own.as_ref().map(|own| Key::Uid(Uid::of(&own.key)));
    let fixed = own.and_then(|own| own.fixed).map(Key::Fixed);
    let spoken = parts.spoken_uid().map(Key::Spoken);
    [Some(Key::Name(parts.name)), number, uid, spoken, fixed].into_iter().flatten()
}

fn hash(hashing: &DefaultHasher, key: Key<'_>) -> u64 {
    let mut hasher = hashing.clone();
    match key {
        // By its lower case, so that both ways to look for it lead to the same place.
        Key::Name(name) | Key::AnyCase(name) => {
            for piece in name.chunks(CHUNK) {
                let mut small = [0; CHUNK];
                if let Some(small) = small.get_mut(..piece.len()) {
                    small.copy_from_slice(piece);
                    small.make_ascii_lowercase();
                    hasher.write(small);
                }
            }
        }
        Key::Number(number) => number.hash(&mut hasher),
        Key::Uid(uid) | Key::Spoken(uid) => uid.hash(&mut hasher),
        Key::Fixed(ip) => ip.hash(&mut hasher),
    }
    hasher.finish()
}

/// Where another slot is in the table that `key` belongs to, when that table grows.
fn hash_like(hashing: &DefaultHasher, key: Key<'_>, parts: &Parts<'_>) -> u64 {
    let same = |one: &Key<'_>| core::mem::discriminant(one) == core::mem::discriminant(&key);
    keys(parts).find(same).map_or(0, |key| hash(hashing, key))
}

pub(super) fn place(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Bytes of a name that are turned to lower case together.
const CHUNK: usize = 64;
