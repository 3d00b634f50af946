//! Where signatures lie when they are not in memory.

use super::Registry;
use crate::{Record, WireError, record::BEHIND};

/// A place for the signatures of each record, by number, that is not memory: a file, say. It need not outlive the registry,
/// whose owner has all records in its journal.
pub trait Shelf: Send {
    /// Keeps them at this place, whatever was there; `false` when it cannot.
    fn put(&mut self, place: u32, signatures: &[u8; Signatures::LEN]) -> bool;

    /// What was kept there last; `None` when it cannot be read.
    fn get(&self, place: u32) -> Option<[u8; Signatures::LEN]>;
}

/// The part of a record that is only needed when the record is sent: both signatures, and what stands behind number and
/// address.
#[derive(Clone, Copy, Debug)]
pub struct Signatures;

impl Signatures {
    /// Bytes of them.
    pub const LEN: usize = BEHIND;
}

impl Registry {
    /// Leaves signatures on `shelf` from now on, so that more users fit into memory. A record whose signatures cannot be
    /// read is as good as not there.
    #[must_use]
    pub fn with_shelf(mut self, shelf: Box<dyn Shelf>) -> Self {
        debug_assert!(self.is_empty(), "what is there already has its signatures in memory");
        self.shelf = Some(shelf);
        self
    }

    /// What of a record stays in memory, and what goes to the shelf, if there is one.
    pub(super) fn divided<'a>(&self, stored: &'a [u8]) -> (&'a [u8], Option<&'a [u8; BEHIND]>) {
        match stored.split_last_chunk() {
            Some((claim, signatures)) if self.shelf.is_some() => (claim, Some(signatures)),
            _ => (stored, None),
        }
    }

    /// The user's own record in a slot as it is sent, put together in `into` where its signatures are on the shelf.
    pub(super) fn whole<'a>(&self, at: usize, record: &'a [u8], into: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let Some(shelf) = self.shelf.as_ref().filter(|_| !record.is_empty()) else { return Some(record) };
        let signatures = shelf.get(u32::try_from(at).ok()?)?;
        into.clear();
        into.extend_from_slice(record);
        into.extend_from_slice(&signatures);
        Some(into)
    }

    /// The same, read.
    pub(super) fn own(&self, at: usize, record: &[u8]) -> Option<Record> {
        let mut into = Vec::new();
        let stored = self.whole(at, record, &mut into).ok_or(WireError::Truncated("signatures"));
        Record::from_stored(stored.ok()?, self.server).ok()
    }
}
