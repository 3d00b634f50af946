//! What a pool knows again after its node was started again.

use core::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use std::collections::BTreeSet;

use rove_base::{Instant, Now};

use super::{
    Pool, Token,
    book::Stage,
    record::{DamagedRecord, Entry},
    shelf::Rest,
};
use crate::{Addresses, Imsi};

impl Pool {
    /// Takes over what one record of the journal says; in the order they were written.
    ///
    /// # Errors
    ///
    /// [`DamagedRecord`] when no pool can have written it; nothing has changed then.
    pub fn replay(&mut self, now: Now, record: &[u8]) -> Result<(), DamagedRecord> {
        self.now = now;
        for entry in Entry::read_all(record)? {
            match entry {
                Entry::Opened(addresses) => self.found_open(addresses.into_iter().map(IpAddr::V4)),
                Entry::Leased { holder, addresses, token, until, lease } => {
                    self.found_leased(holder, addresses, until, lease);
                    if let Some(token) = token {
                        self.book.grant(token, holder);
                    }
                }
                Entry::Rested { address, holder, until } => self.found_resting(address, holder, until),
            }
        }
        Ok(())
    }

    /// All records are told: what was opened and of which nothing else is known rests.
    pub fn replayed(&mut self, now: Now) {
        self.now = now;
        let until = now.mono.later(self.config.rest());
        for address in core::mem::take(&mut self.found) {
            self.rest(address, Rest { until, holder: None });
        }
        for shelf in self.v4.iter_mut().chain(&mut self.v6) {
            shelf.settle(|address| self.book.owner_of(address).is_some());
        }
        let mut record = Vec::new();
        for (address, rest) in self.v4.iter().chain(&self.v6).flat_map(super::shelf::Shelf::resting) {
            Entry::Rested { address, holder: rest.holder, until: wall_of(now, rest.until) }
                .write(&mut record);
        }
        if !record.is_empty() {
            self.commit(record);
        }
        self.advance(now);
    }

    /// The whole journal in fewer words.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Vec<Vec<u8>> {
        let mut entries = Vec::new();
        let reserved = self.book.iter().filter(|(_, holding)| holding.stage == Stage::Reserved);
        let reserved = reserved.filter_map(|(_, holding)| holding.addresses.v4);
        let opened = self.v4.iter().flat_map(super::shelf::Shelf::open).chain(reserved).collect::<Vec<_>>();
        if !opened.is_empty() {
            entries.extend(opened.chunks(CHUNK).map(|chunk| Entry::Opened(chunk.to_vec())));
        }
        for (holder, holding) in self.book.iter().filter(|(_, holding)| holding.stage == Stage::Bound) {
            let until = wall_of(now, holding.until());
            entries.push(holding.entry(holder, until, holding.lease()));
        }
        for (address, rest) in self.v4.iter().chain(&self.v6).flat_map(super::shelf::Shelf::resting) {
            entries.push(Entry::Rested { address, holder: rest.holder, until: wall_of(now, rest.until) });
        }
        let write = |entry: &Entry| {
            let mut record = Vec::new();
            entry.write(&mut record);
            record
        };
        entries.iter().map(write).collect()
    }

    /// Leases of IPv4 addresses: whose, by which token, for how many seconds still.
    pub(super) fn bound_v4(&self, now: Now) -> Vec<(Imsi, Ipv4Addr, Token, u32)> {
        let bound = self.book.iter().filter(|(_, holding)| holding.stage == Stage::Bound);
        let lease = |(holder, holding): (Imsi, &super::Holding)| {
            Some((holder, holding.addresses.v4?, holding.token()?, holding.secs_left(now)))
        };
        bound.filter_map(lease).collect()
    }

    fn found_open(&mut self, addresses: impl Iterator<Item = IpAddr>) {
        for address in addresses {
            if self.is_ours(address) {
                self.found.insert(address);
            }
        }
    }

    fn found_leased(&mut self, holder: Imsi, addresses: Addresses, until: u64, lease: u32) {
        let same = self.book.get(holder).is_some_and(|holding| holding.addresses == addresses);
        if !same {
            // An older stay whose end was not written: nothing says that its names are gone.
            let older = self.book.remove(holder);
            self.found.extend(older.iter().flat_map(super::Holding::ips));
        }
        let v4 = addresses.v4.map(IpAddr::V4).filter(|ip| self.is_ours(*ip));
        let v6 = addresses.v6.map(IpAddr::V6).filter(|ip| self.is_ours(*ip));
        for ip in v4.into_iter().chain(v6) {
            self.found.remove(&ip);
            self.wake(ip);
        }
        let end = mono_of(self.now, until);
        if !same {
            self.book.reserve(holder, addresses, end);
        }
        self.book.extend(holder, Stage::Bound, end, lease);
    }

    fn found_resting(&mut self, address: IpAddr, holder: Option<Imsi>, until: u64) {
        if let Some(owner) = self.book.owner_of(address) {
            // The whole stay is over; the entry of its other address is next.
            let over = self.book.remove(owner);
            self.found.extend(over.iter().flat_map(super::Holding::ips));
        }
        if self.is_ours(address) {
            self.found.remove(&address);
            self.wake(address);
            let mut until = mono_of(self.now, rest_after_crash(self.now, until, self.config.patience));
            if until > self.now.mono && holder.is_some() {
                // Its last holder may have had it again and be bound to it at home: see `Shelf::take`.
                until = until.max(self.now.mono.later(self.config.rest()));
            }
            self.rest(address, Rest { until, holder });
        }
    }

    /// A range may have been taken out of the settings since.
    fn is_ours(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => {
                let ranges = self.config.v4.iter().flat_map(|config| &config.ranges);
                ranges.into_iter().any(|range| range.first <= v4 && v4 <= range.last)
            }
            IpAddr::V6(_) => self.v6.is_some(),
        }
    }

    fn wake(&mut self, address: IpAddr) {
        let shelf = if address.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        if let Some(shelf) = shelf {
            shelf.wake(address);
        }
    }
}

/// An address whose rest ended at `until` may have been given to its last holder once more, for as long as `patience`.
fn rest_after_crash(now: Now, until: u64, patience: Duration) -> u64 {
    let given = until.saturating_add(patience.as_secs()).saturating_add(1);
    if given >= now.wall.as_secs() { until.max(now.wall.as_secs().saturating_add(1)) } else { until }
}

/// When it is `until` seconds on the wall.
fn mono_of(now: Now, until: u64) -> Instant {
    now.mono.later(Duration::from_secs(until.saturating_sub(now.wall.as_secs())))
}

/// What the wall says at `until`, rounded up.
fn wall_of(now: Now, until: Instant) -> u64 {
    let left = until.since(now.mono);
    now.wall.as_secs().saturating_add(left.as_secs()).saturating_add(1)
}

/// Addresses to a record.
const CHUNK: usize = 1_000;

/// Addresses of which a replay knows only that they were opened.
pub(super) type Found = BTreeSet<IpAddr>;
