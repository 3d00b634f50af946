//! What a running server is told anew: limits, and whom it trusts. What is there stays.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::IpAddr;

use super::{Limits, SipServer};
use crate::registrar::RegistryStore;

impl<R: RegistryStore> SipServer<R> {
    /// Other limits from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.calls.set_max(limits.calls);
        self.core.sources.set_rate(&limits.rate());
        self.core.layer.set_max_servers(limits.transactions);
        self.core.config.limits = limits;
    }

    /// Other servers whose word about identities counts.
    pub fn set_trusted(&mut self, trusted: Vec<IpAddr>) {
        self.core.config.trusted = trusted;
    }

    /// Whether there are as many calls as there may be.
    pub(super) fn is_full_of_calls(&self) -> bool {
        let most = self.core.config.limits.admitted;
        if most == usize::MAX {
            return false;
        }
        let ringing = self.relays.values().filter(|relay| relay.begins_call()).count();
        self.calls.len().saturating_add(ringing) >= most
    }
}
