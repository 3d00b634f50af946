//! The places that addresses are lent from: ports in a range, each free, about to be bound, kept for later, or lent.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use rove_base::{Entropy, Instant};
use rove_nat::stun::turn::Family;

use super::{RelayPort, allocation::Allocation, asked::Asked};
use crate::desks::Desk;

/// An address of this host that ports are lent of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RelayAddress {
    /// As this host has it.
    pub bound: IpAddr,
    /// As peers see it: another one behind a NAT that changes addresses alone.
    pub told: IpAddr,
}

impl From<IpAddr> for RelayAddress {
    fn from(ip: IpAddr) -> Self {
        Self { bound: ip, told: ip }
    }
}

/// What is known of a place.
#[derive(Debug)]
pub(super) enum Place {
    Free,
    /// The driver was asked to bind it.
    Binding(Box<Asked>),
    /// Its port is kept for whoever shows the token; or will be, when it is bound.
    Kept(Kept),
    /// It is lent.
    Lent(Box<Allocation>),
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) token: [u8; 8],
    pub(super) address: SocketAddr,
    pub(super) until: Instant,
    /// Who asked, whose answer waits until it is bound.
    pub(super) waits: Option<RelayPort>,
}

/// All places.
#[derive(Debug)]
pub(super) struct Ports {
    addresses: Vec<RelayAddress>,
    range: core::ops::RangeInclusive<u16>,
    places: Vec<Place>,
    free: Vec<u32>,
    taken: HashSet<SocketAddr>,
    entropy: Entropy,
}

impl Ports {
    pub(super) fn new(
        addresses: Vec<RelayAddress>,
        range: core::ops::RangeInclusive<u16>,
        entropy: Entropy,
    ) -> Self {
        Self { addresses, range, places: Vec::new(), free: Vec::new(), taken: HashSet::new(), entropy }
    }

    /// Keeps the share of one desk of the ports, each about as many and pairs of them whole.
    pub(super) fn share(&mut self, desk: Desk) {
        let (first, last) = (*self.range.start(), *self.range.end());
        let width = u32::from(last).saturating_sub(first.into()).saturating_add(1);
        let each = width.checked_div(desk.count().into()).unwrap_or_default() & !1;
        let begin = |index: u8| u32::from(first).saturating_add(each.saturating_mul(index.into()));
        let after = desk.index().saturating_add(1);
        let end = if after == desk.count() { last.into() } else { begin(after).saturating_sub(1) };
        let port = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        self.range = port(begin(desk.index()))..=port(end);
    }

    pub(super) fn lends(&self, family: Family) -> bool {
        self.addresses.iter().any(|one| Family::of((one.bound, 0).into()) == family)
    }

    /// As peers see an address of ours.
    pub(super) fn told(&self, bound: SocketAddr) -> SocketAddr {
        let found = self.addresses.iter().find(|one| one.bound == bound.ip());
        found.map_or(bound, |one| SocketAddr::new(one.told, bound.port()))
    }

    /// An address whose port nobody has here, picked so that nobody can tell the next one (RFC 8656 §7.2); `even`: its port
    /// is, and, `pair`, the one after it is nobody's either.
    pub(super) fn pick(&mut self, family: Family, even: bool, pair: bool) -> Option<SocketAddr> {
        let ip = self.addresses.iter().find(|one| Family::of((one.bound, 0).into()) == family)?.bound;
        let (first, last) = (u32::from(*self.range.start()), u32::from(*self.range.end()));
        let width = last.checked_sub(first)?.checked_add(1)?;
        let begin = self.entropy.next_u32().checked_rem(width)?;
        let fits = |port: u16| {
            let is_free = |port: u16| !self.taken.contains(&SocketAddr::new(ip, port));
            let next = port.checked_add(1).filter(|next| self.range.contains(next));
            (!even || port.is_multiple_of(2)) && is_free(port) && (!pair || next.is_some_and(is_free))
        };
        let ports =
            (begin..width).chain(0..begin).filter_map(|step| u16::try_from(first.checked_add(step)?).ok());
        let port = ports.into_iter().find(|port| fits(*port))?;
        Some(SocketAddr::new(ip, port))
    }

    /// Puts something in a place of its own, whose address is taken from now on.
    pub(super) fn put(&mut self, address: SocketAddr, place: Place) -> RelayPort {
        self.taken.insert(address);
        match self.free.pop() {
            Some(index) => {
                self.set(RelayPort(index), place);
                RelayPort(index)
            }
            None => {
                let index = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
                self.places.push(place);
                RelayPort(index)
            }
        }
    }

    pub(super) fn set(&mut self, port: RelayPort, place: Place) {
        if let Some(was) = self.places.get_mut(port.0 as usize) {
            *was = place;
        }
    }

    /// Takes what is in a place, which stays there until it is set or freed.
    pub(super) fn take(&mut self, port: RelayPort) -> Place {
        match self.places.get_mut(port.0 as usize) {
            Some(place) => core::mem::replace(place, Place::Free),
            None => Place::Free,
        }
    }

    /// Place and address are nobody's from now on.
    pub(super) fn free(&mut self, port: RelayPort, address: SocketAddr) {
        self.set(port, Place::Free);
        self.taken.remove(&address);
        self.free.push(port.0);
    }

    pub(super) fn lent(&self, port: RelayPort) -> Option<&Allocation> {
        match self.places.get(port.0 as usize)? {
            Place::Lent(allocation) => Some(allocation),
            _ => None,
        }
    }

    pub(super) fn lent_mut(&mut self, port: RelayPort) -> Option<&mut Allocation> {
        match self.places.get_mut(port.0 as usize)? {
            Place::Lent(allocation) => Some(allocation),
            _ => None,
        }
    }

    pub(super) fn kept(&self, port: RelayPort) -> Option<&Kept> {
        match self.places.get(port.0 as usize)? {
            Place::Kept(kept) => Some(kept),
            _ => None,
        }
    }

    /// Where a token leads that is good at `now`.
    pub(super) fn by_token(&self, now: Instant, token: [u8; 8]) -> Option<RelayPort> {
        let fits = |place: &Place| matches!(place, Place::Kept(kept) if kept.token == token && kept.until > now && kept.waits.is_none());
        let index = self.places.iter().position(fits)?;
        u32::try_from(index).ok().map(RelayPort)
    }

    #[cfg(test)]
    pub(super) fn taken(&self) -> impl Iterator<Item = &SocketAddr> {
        self.taken.iter()
    }

    pub(super) fn token(&mut self) -> [u8; 8] {
        self.entropy.next_u64().to_be_bytes()
    }
}
