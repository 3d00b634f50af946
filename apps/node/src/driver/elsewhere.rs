//! What roles say to other nodes, and hear of them: in the search network, and in the store of their domain.

use super::{Desk, Searching, Sought};
use crate::shared::Shared;

impl Desk {
    /// Carries what roles want of the search network there.
    pub(super) fn seek(&mut self, searching: Option<&Searching>) {
        let Some(searching) = searching else { return };
        for seat in &mut self.seats {
            core::iter::from_fn(|| seat.role.seeks()).for_each(|seek| searching.seek(seek));
        }
    }

    /// Carries what roles know to the other nodes of the domain.
    pub(super) fn share(&mut self, shared: Option<&Shared>) {
        let Some(shared) = shared else { return };
        for seat in &mut self.seats {
            core::iter::from_fn(|| seat.role.shares()).for_each(|share| shared.share(share));
        }
    }

    pub(super) fn heard_elsewhere(&mut self, record: &[u8]) {
        let now = self.clock.now();
        self.seats.iter_mut().for_each(|seat| seat.role.heard_elsewhere(now, record));
    }

    pub(super) fn sought(&mut self, (number, pointer): &Sought) {
        let now = self.clock.now();
        self.seats.iter_mut().for_each(|seat| seat.role.sought(now, *number, pointer.as_ref()));
    }
}
