//! Addresses lent to those who pay for the time.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{collections::BTreeMap, sync::Arc};

use rove_base::Instant;

use super::{RelayPort, TurnServer};
use crate::credit::Credits;

/// Credits, and how far they are charged.
#[derive(Debug, Default)]
pub(super) struct Prepaid {
    pub(super) credits: Credits,
    charged: Instant,
    /// Accounts whose credit was found spent, until they are told of and their addresses taken back.
    spent: BTreeMap<Arc<[u8]>, bool>,
}

impl Prepaid {
    /// When to charge again, where there is somebody to charge.
    pub(super) fn wake(&self, lent: bool) -> Option<Instant> {
        (lent && !self.credits.is_empty()).then(|| self.charged.later(EACH))
    }
}

impl TurnServer {
    /// Other credits from now on: what is spent of them is theirs to say.
    pub fn set_credits(&mut self, credits: Credits) {
        self.prepaid.credits = credits;
    }

    /// What is bought, and what is spent of it.
    #[must_use]
    pub const fn credits(&self) -> &Credits {
        &self.prepaid.credits
    }

    /// The next account whose credit is spent; its addresses are taken back a moment later, so that its calls can be ended
    /// in order.
    pub fn next_spent(&mut self) -> Option<Arc<[u8]>> {
        let (account, told) = self.prepaid.spent.iter_mut().find(|(_, told)| !**told)?;
        *told = true;
        Some(account.clone())
    }

    /// Whether an account may have an address as far as its credit goes.
    pub(super) fn has_credit(&self, account: &[u8]) -> bool {
        self.prepaid.credits.left(account) != Some(Duration::ZERO)
    }

    /// Charges for what is lent; takes back what is not paid for any more.
    pub(super) fn charge(&mut self, now: Instant) {
        if self.prepaid.credits.is_empty() || self.clients.is_empty() {
            self.prepaid.charged = now;
            return;
        }
        let time = now.since(self.prepaid.charged);
        if time < EACH {
            return;
        }
        self.prepaid.charged = now;
        let all: Vec<(RelayPort, Arc<[u8]>)> = self
            .clients
            .values()
            .filter_map(|port| Some((*port, self.ports.lent(*port)?.account.clone())))
            .collect();
        for (_, account) in &all {
            self.prepaid.credits.charge(account, time);
        }
        for (port, account) in all {
            if self.has_credit(&account) {
                continue;
            }
            match self.prepaid.spent.get(&account) {
                Some(_) => self.take_back(port),
                None => drop(self.prepaid.spent.insert(account, false)),
            }
        }
        let lent = &self.lent;
        self.prepaid.spent.retain(|account, told| !*told || lent.of(account) > 0);
    }
}

/// Credit is charged by the second.
const EACH: Duration = Duration::from_secs(1);
