//! All that is known of one user, as bytes in a slot.
//!
//! A record alone lies there as it is. Else there are four parts: the name, the user's own record, the one by which the
//! server speaks for whoever has registered by another face, and the ways of that face.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::way;
use crate::{
    Uid,
    record::Peek,
    wire::{Reader, put_bytes},
};

/// What is known of one user; empty when the slot is free.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) stored: Box<[u8]>,
    /// The second in which the user's own record ends, never sooner than it was; 0 without one.
    pub(super) due: u32,
    /// The second in which the wheel has it: no later than anything of it ends. 0 when the slot is free.
    pub(super) waits: u32,
}

/// The parts of a slot.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts<'a> {
    pub(super) name: &'a [u8],
    /// The user's own record; empty when it has none.
    pub(super) record: &'a [u8],
    /// What the server says for it; empty when nobody has asked yet.
    pub(super) spoken: &'a [u8],
    /// What the server has said is not true any more.
    pub(super) stale: bool,
    pub(super) ways: &'a [u8],
}

impl Slot {
    pub(super) fn parts(&self) -> Option<Parts<'_>> {
        match self.stored.split_first()? {
            (&(SEVERAL | STALE), rest) => {
                let stale = self.stored.first() == Some(&STALE);
                let mut reader = Reader(rest);
                let mut part = || reader.bytes("part").ok();
                let (name, record, spoken) = (part()?, part()?, part()?);
                Some(Parts { name, record, spoken, stale, ways: reader.0 })
            }
            _ => {
                let name = peek(&self.stored)?.name.as_bytes();
                Some(Parts { name, record: &self.stored, ..Parts::default() })
            }
        }
    }
}

impl<'a> Parts<'a> {
    /// The user's own record.
    pub(super) fn own(&self) -> Option<Peek<'a>> {
        peek(self.record)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.record.is_empty() && self.ways.is_empty()
    }

    /// The unique id that the server speaks with for the user.
    pub(super) fn spoken_uid(&self) -> Option<Uid> {
        peek(self.spoken).map(|said| Uid::of(&said.key))
    }

    /// When the first of it ends; `due` is when the own record does.
    pub(super) fn first_end(&self, due: u32) -> u32 {
        let own = if self.record.is_empty() { u32::MAX } else { due };
        own.min(way::first_end(self.ways).unwrap_or(u32::MAX))
    }

    pub(super) fn to_stored(self) -> Box<[u8]> {
        if self.ways.is_empty() && self.spoken.is_empty() {
            return self.record.into();
        }
        let mut out = Vec::with_capacity(
            [self.name, self.record, self.spoken, self.ways]
                .iter()
                .fold(7, |sum: usize, part| sum.saturating_add(part.len())),
        );
        out.push(if self.stale { STALE } else { SEVERAL });
        put_bytes(&mut out, self.name);
        put_bytes(&mut out, self.record);
        put_bytes(&mut out, self.spoken);
        out.extend_from_slice(self.ways);
        out.into()
    }
}

fn peek(record: &[u8]) -> Option<Peek<'_>> {
    Peek::read(&mut Reader(record)).ok()
}

/// First byte of what has several parts; a record alone begins with its version.
const SEVERAL: u8 = 0xf0;
/// The same, when what the server says for the user is not true any more.
const STALE: u8 = 0xf1;
