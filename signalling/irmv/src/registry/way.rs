//! Ways to a user, as other faces of the server keep them: each with its end, where anybody may call, and words that only
//! that face reads.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::UnixTime;

use crate::{
    Contact, WireError,
    wire::{Reader, put_bytes, put_contact},
};

/// The ways to one user, in the order in which its face put them, as they are kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ways(Vec<u8>);

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Way<'a> {
    /// Until when.
    pub until: UnixTime,
    /// Where the user takes calls of anybody; `None` where only its server reaches it.
    pub place: Option<Contact>,
    /// What the face needs to know of it.
    pub words: &'a [u8],
}

impl Ways {
    /// Adds one; `false` when its words are longer than 65 535 bytes, which no face writes.
    pub fn push(&mut self, way: Way<'_>) -> bool {
        if way.words.len() > usize::from(u16::MAX) {
            return false;
        }
        self.0.extend_from_slice(&way.until.as_nanos().to_be_bytes());
        match &way.place {
            Some(contact) => put_contact(&mut self.0, contact),
            None => self.0.push(0),
        }
        put_bytes(&mut self.0, way.words);
        true
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Way<'_>> {
        read(&self.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What [`Ways::as_bytes`] answered.
    ///
    /// # Errors
    ///
    /// [`WireError`] when it is nothing of the kind.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        while !reader.0.is_empty() {
            one(&mut reader)?;
        }
        Ok(Self(bytes.to_vec()))
    }
}

/// Each way in bytes that [`Ways`] has written.
pub(super) fn read(bytes: &[u8]) -> impl Iterator<Item = Way<'_>> {
    let mut reader = Reader(bytes);
    core::iter::from_fn(move || if reader.0.is_empty() { None } else { one(&mut reader).ok() })
}

/// When the first of them ends, in whole seconds; `None` when there is none.
pub(super) fn first_end(bytes: &[u8]) -> Option<u32> {
    read(bytes).map(|way| ceil(way.until)).min()
}

/// The second by which a moment has passed.
pub(super) fn ceil(at: UnixTime) -> u32 {
    u32::try_from(at.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u32::MAX)
}

fn one<'a>(reader: &mut Reader<'a>) -> Result<Way<'a>, WireError> {
    let until = UnixTime::from_nanos(reader.u64("end")?);
    let place = match reader.u8("place")? {
        0 => None,
        kind => Some(reader.contact(kind)?),
    };
    Ok(Way { until, place, words: reader.bytes("words")? })
}
