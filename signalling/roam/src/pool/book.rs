//! Who has which addresses, by which token, until when.

use core::{net::IpAddr, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use rove_base::{Instant, Now};

use super::{Token, dhcp4, dhcp6, record::Entry};
use crate::{Addresses, ChangeId, Imsi};

/// Owners of addresses.
#[derive(Debug, Default)]
pub(super) struct Book {
    holdings: BTreeMap<Imsi, Holding>,
    tokens: BTreeMap<Token, Imsi>,
    owners: BTreeMap<IpAddr, Imsi>,
    ends: BTreeSet<(Instant, Imsi)>,
}

/// What one subscriber has.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) addresses: Addresses,
    pub(super) stage: Stage,
    token: Option<Token>,
    until: Instant,
    /// How long the last grant was, in seconds.
    lease: u32,
    pub(super) waiting4: Option<dhcp4::Waiting>,
    pub(super) waiting6: Option<dhcp6::Waiting>,
    /// A longer lease is on its way into the journal.
    pub(super) renewal: Option<ChangeId>,
}

/// How far a holding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// Nobody resolves it yet.
    Reserved,
    /// Name and lease are durable.
    Bound,
}

impl Book {
    pub(super) fn get(&self, holder: Imsi) -> Option<&Holding> {
        self.holdings.get(&holder)
    }

    pub(super) fn get_mut(&mut self, holder: Imsi) -> Option<&mut Holding> {
        self.holdings.get_mut(&holder)
    }

    pub(super) fn holder_of(&self, token: Token) -> Option<Imsi> {
        self.tokens.get(&token).copied()
    }

    pub(super) fn owner_of(&self, address: IpAddr) -> Option<Imsi> {
        self.owners.get(&address).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.holdings.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Imsi, &Holding)> {
        self.holdings.iter().map(|(holder, holding)| (*holder, holding))
    }

    /// Puts `addresses` aside for `holder`, who has none.
    pub(super) fn reserve(&mut self, holder: Imsi, addresses: Addresses, until: Instant) {
        let stage = Stage::Reserved;
        let holding = Holding {
            addresses,
            stage,
            token: None,
            until,
            lease: 0,
            waiting4: None,
            waiting6: None,
            renewal: None,
        };
        self.owners.extend(holding.ips().map(|ip| (ip, holder)));
        self.ends.insert((until, holder));
        self.holdings.insert(holder, holding);
    }

    /// `token` opens what `holder` has, and no other does. Whoever had the same token has none any more.
    pub(super) fn grant(&mut self, token: Token, holder: Imsi) {
        let Some(holding) = self.holdings.get_mut(&holder) else { return };
        if let Some(old) = holding.token.replace(token) {
            self.tokens.remove(&old);
        }
        let before = self.tokens.insert(token, holder).filter(|before| *before != holder);
        if let Some(other) = before.and_then(|before| self.holdings.get_mut(&before)) {
            other.token = None;
        }
    }

    /// The holding lasts until `until`.
    pub(super) fn extend(&mut self, holder: Imsi, stage: Stage, until: Instant, lease: u32) {
        let Some(holding) = self.holdings.get_mut(&holder) else { return };
        self.ends.remove(&(holding.until, holder));
        self.ends.insert((until, holder));
        (holding.stage, holding.until, holding.lease) = (stage, until, lease);
    }

    pub(super) fn remove(&mut self, holder: Imsi) -> Option<Holding> {
        let holding = self.holdings.remove(&holder)?;
        self.ends.remove(&(holding.until, holder));
        if let Some(token) = holding.token {
            self.tokens.remove(&token);
        }
        for ip in holding.ips() {
            self.owners.remove(&ip);
        }
        Some(holding)
    }

    /// Whose time is up.
    pub(super) fn over(&self, now: Instant) -> Option<Imsi> {
        self.ends.first().filter(|(until, _)| *until <= now).map(|(_, holder)| *holder)
    }

    pub(super) fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(until, _)| *until)
    }
}

impl Holding {
    pub(super) fn ips(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let Addresses { v4, v6 } = self.addresses;
        v4.map(IpAddr::V4).into_iter().chain(v6.map(IpAddr::V6))
    }

    /// Rounded down, so that a client never believes in more than there is.
    pub(super) fn secs_left(&self, now: Now) -> u32 {
        u32::try_from(self.until.since(now.mono).as_secs()).unwrap_or(u32::MAX)
    }

    pub(super) const fn token(&self) -> Option<Token> {
        self.token
    }

    /// Seconds of the last grant.
    pub(super) const fn lease(&self) -> u32 {
        self.lease
    }

    /// Granted so lately that a repeated request needs no other record: less than an eighth is used up.
    pub(super) fn is_fresh(&self, now: Now) -> bool {
        let whole = Duration::from_secs(u64::from(self.lease));
        self.until.since(now.mono) >= whole.saturating_sub(whole.checked_div(8).unwrap_or(whole))
    }

    /// What the journal is to know.
    pub(super) fn entry(&self, holder: Imsi, until: u64, lease: u32) -> Entry {
        Entry::Leased { holder, addresses: self.addresses, token: self.token, until, lease }
    }

    pub(super) const fn until(&self) -> Instant {
        self.until
    }
}
