//! How many addresses are lent, to whom.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::HashMap, sync::Arc};

/// Whom an address is counted for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// Its account.
    pub account: Arc<[u8]>,
    /// The ticket of one call, where it was lent by one.
    pub ticket: Option<Arc<[u8]>>,
}

impl Holder {
    fn names(&self) -> impl Iterator<Item = &Arc<[u8]>> {
        [Some(&self.account), self.ticket.as_ref()].into_iter().flatten()
    }
}

/// Addresses lent, or about to be, by account, and by ticket.
#[derive(Debug, Default)]
pub(super) struct Tally {
    by_name: HashMap<Arc<[u8]>, usize>,
    all: usize,
}

impl Tally {
    /// One more.
    pub(super) fn add(&mut self, holder: &Holder) {
        self.all = self.all.saturating_add(1);
        for name in holder.names() {
            let count = self.by_name.entry(name.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// One less.
    pub(super) fn take(&mut self, holder: &Holder) {
        self.all = self.all.saturating_sub(1);
        for name in holder.names() {
            if let Some(count) = self.by_name.get_mut(name) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.by_name.remove(name);
                }
            }
        }
    }

    /// Those of an account, or by a ticket.
    pub(super) fn of(&self, name: &[u8]) -> usize {
        self.by_name.get(name).copied().unwrap_or_default()
    }

    /// All of them.
    pub(super) const fn all(&self) -> usize {
        self.all
    }
}
