//! A visited network's settings.

use core::time::Duration;

use super::Agreements;
use crate::{E164, NetworkName, VisitedNetwork};

/// A visited network.
#[derive(Clone, Debug)]
pub struct VlrConfig {
    /// Its domain, which is in its certificates.
    pub network: NetworkName,
    /// Its node's number.
    pub title: E164,
    /// Whose subscribers are taken in.
    pub agreements: Agreements,
    /// What happens when terminal and home name another name.
    pub names: NamePolicy,
    /// How long a binding at home holds without renewal.
    pub lease: Duration,
    /// Seconds of an address lease, whose end ends the stay.
    pub address_lease: u32,
    /// Seconds that a reverse name may be kept by those who asked for it; never 0.
    pub reverse_ttl: u32,
    /// What it holds at most.
    pub limits: Limits,
    /// How long it waits.
    pub patience: Patience,
}

impl VlrConfig {
    /// With the defaults: bindings of 30 s, address leases of 300 s, reverse names of 5 s.
    #[must_use]
    pub fn new(network: NetworkName, title: E164, agreements: Agreements) -> Self {
        Self {
            network,
            title,
            agreements,
            names: NamePolicy::default(),
            lease: Duration::from_secs(30),
            address_lease: 300,
            reverse_ttl: 5,
            limits: Limits::default(),
            patience: Patience::default(),
        }
    }

    pub(super) fn visited(&self) -> VisitedNetwork {
        VisitedNetwork { vlr: self.title, network: self.network.clone() }
    }
}

/// What happens when a terminal tells another name than its home. It is counted in any case, and never bound.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum NamePolicy {
    /// The home's name is bound.
    #[default]
    HomeWins,
    /// The terminal is refused.
    Strict,
}

/// What a register holds at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Terminals on the way to a stay.
    pub attaching: usize,
    /// Of those, how many that say they are the same subscriber.
    pub same: usize,
    /// Visitors.
    pub visitors: usize,
    /// Changes that wait for the journal, beyond which nobody is taken in.
    pub changes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attaching: 4_096, same: 4, visitors: 100_000, changes: 8_192 }
    }
}

/// How long a register waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Patience {
    /// For each message of a terminal.
    pub step: Duration,
    /// For each answer of a home.
    pub home: Duration,
    /// For DHCP, or the terminal's word that it is ready.
    pub address: Duration,
    /// For a sign of life of a terminal whose stream stands; at most 65 535 s.
    pub silence: Duration,
    /// For a terminal whose stream is gone to come back.
    pub grace: Duration,
    /// For a home that does not answer, once its binding has run out.
    pub orphan: Duration,
    /// For a home to take the last of a subscriber that left.
    pub purge: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(10),
            home: Duration::from_secs(12),
            address: Duration::from_secs(30),
            silence: Duration::from_secs(30),
            grace: Duration::from_secs(15),
            orphan: Duration::from_secs(60),
            purge: Duration::from_secs(60),
        }
    }
}
