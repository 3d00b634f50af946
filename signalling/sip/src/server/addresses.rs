//! Which of our addresses stands in what we send, when we listen at all of this host's.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use rove_base::Transport;

use super::shared::Core;
use crate::transport::{Hop, LocalAddress, local_toward};

impl Core {
    /// A message has come: where it came to is an address of ours.
    pub(super) fn learn(&mut self, hop: Hop) {
        if self.config.everywhere.is_empty() {
            return;
        }
        let one = LocalAddress { transport: hop.transport, address: hop.local };
        let listens = |any: &LocalAddress| {
            any.transport == one.transport
                && any.address.port() == one.address.port()
                && any.address.is_ipv4() == one.address.is_ipv4()
        };
        let known = self.config.local.contains(&one);
        let room = self.config.local.len() < MOST;
        if !known && room && !one.address.ip().is_unspecified() && self.config.everywhere.iter().any(listens)
        {
            self.config.local.push(one);
            self.ours.addresses.push(one);
        }
    }

    /// The address of ours that a request to `remote` names. Where we listen at all of them, the nearest: this host alone
    /// reaches itself by loopback, and whoever is in a network of ours answers there.
    pub(super) fn own_address(&self, transport: Transport, remote: SocketAddr) -> Option<SocketAddr> {
        let local = &self.config.local;
        if self.config.everywhere.is_empty() {
            return local_toward(local, transport, remote);
        }
        let family = |one: &&LocalAddress| one.address.is_ipv4() == remote.is_ipv4();
        let nearest = |all: &mut dyn Iterator<Item = &LocalAddress>| {
            // Of equals the first: the one that the way to everybody leads out of.
            let better = |best: SocketAddr, one: SocketAddr| {
                if near(one.ip(), remote.ip()) > near(best.ip(), remote.ip()) { one } else { best }
            };
            all.map(|one| one.address).reduce(better)
        };
        let same = nearest(&mut local.iter().filter(family).filter(|one| one.transport == transport));
        same.or_else(|| nearest(&mut local.iter().filter(family)))
    }
}

/// How near an address of ours is to another: the bits they share, once both are on this host or neither is.
fn near(ours: IpAddr, theirs: IpAddr) -> (bool, u32) {
    let bits = match (ours, theirs) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => 0,
    };
    // Half a network in common is no network in common.
    let shared = if bits < LEAST_PREFIX { 0 } else { bits };
    (ours.is_loopback() == theirs.is_loopback(), shared)
}

/// No network of a host has a shorter prefix.
const LEAST_PREFIX: u32 = 8;
/// Addresses that are learned at most, those included that were told.
const MOST: usize = 128;
