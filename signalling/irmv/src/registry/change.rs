//! Changing what a slot holds, with the indexes and the wheel.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    Registry,
    index::place,
    slot::{Parts, Slot},
    way,
    wheel::Due,
};

impl Registry {
    /// Changes a slot, or fills a free one; frees it when nothing is left. Answers which it is, `None` when there are too
    /// many.
    pub(super) fn replace(&mut self, at: Option<usize>, changes: &Changes<'_>) -> Option<u32> {
        let slot = at.and_then(|at| self.slots.get(at));
        let old = slot.and_then(Slot::parts).unwrap_or_default();
        let new = changes.on(&old);
        let moves = at.is_none()
            || new.is_nothing()
            || changes.record.is_some()
            || changes.spoken.is_some_and(|spoken| spoken != old.spoken);
        let (before, waits) = slot.map_or((0, 0), |slot| (slot.stored.len(), slot.waits));
        let due = changes.due.unwrap_or(slot.map_or(0, |slot| slot.due));
        let first_end = new.first_end(due);
        if changes.ways.is_some() {
            let count = |parts: &Parts<'_>| way::read(parts.ways).count();
            self.ways = self.ways.saturating_sub(count(&old)).saturating_add(count(&new));
        }
        let (nothing, stored) = (new.is_nothing(), new.to_stored());
        let at = match at {
            Some(at) => at,
            None => self.free.pop().map_or(self.slots.len(), place),
        };
        let number = u32::try_from(at).ok()?;
        if moves {
            self.indexes.remove(&self.slots, number);
        }
        self.bytes = self.bytes.saturating_sub(before).saturating_sub(if before > 0 { BESIDE } else { 0 });
        if waits > 0 && (nothing || first_end < waits) {
            self.wheel.remove(Due { slot: number, at: waits });
        }
        if nothing {
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = Slot::default();
                self.free.push(number);
            }
            return Some(number);
        }
        self.bytes = self.bytes.saturating_add(stored.len()).saturating_add(BESIDE);
        let again = waits == 0 || first_end < waits;
        let slot = Slot { stored, due, waits: if again { first_end } else { waits } };
        match self.slots.get_mut(at) {
            Some(free) => *free = slot,
            None => self.slots.push(slot),
        }
        if again {
            self.wheel.add(Due { slot: number, at: first_end });
        }
        if moves {
            self.indexes.insert(&self.slots, number);
        }
        Some(number)
    }
}

/// What a slot takes beside its bytes: its place, and those in the indexes and in the wheel.
const BESIDE: usize = 96;

/// What of a slot becomes something else; the rest stays.
#[derive(Clone, Copy, Default)]
pub(super) struct Changes<'a> {
    /// Of a slot that had none.
    pub(super) name: &'a [u8],
    pub(super) record: Option<&'a [u8]>,
    pub(super) spoken: Option<&'a [u8]>,
    pub(super) stale: Option<bool>,
    pub(super) ways: Option<&'a [u8]>,
    /// When the user's own record ends.
    pub(super) due: Option<u32>,
}

/// The user's own record is not there any more.
pub(super) const GONE: Changes<'static> =
    Changes { name: &[], record: Some(&[]), spoken: None, stale: None, ways: None, due: Some(0) };

impl<'a> Changes<'a> {
    fn on(&self, old: &Parts<'a>) -> Parts<'a> {
        Parts {
            name: if old.name.is_empty() { self.name } else { old.name },
            record: self.record.unwrap_or(old.record),
            spoken: self.spoken.unwrap_or(old.spoken),
            stale: self.stale.unwrap_or(old.stale),
            ways: self.ways.unwrap_or(old.ways),
        }
    }
}
