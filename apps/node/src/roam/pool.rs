//! The visited register and its addresses, whichever server hands them out.

use std::collections::BTreeMap;

use rove_base::{Arrival, Machine as _, Now, Scratch, Step};
use rove_roam::{
    Addresses, Cause, Change, ChangeId, Imsi,
    attach::Secret,
    pool::{DamagedRecord, Event, Full, Pool, Token, kea::KeaPool},
    vlr::{self, PoolAsk, PoolTold, Reserve, Vlr, carry},
};

use super::{Roam, journal::Writer};

/// Who hands addresses out.
#[derive(Debug)]
pub(super) enum Counter {
    /// The built-in servers.
    Own(Box<Pool>),
    /// An existing Kea.
    Kea(Box<KeaPool>),
}

macro_rules! each {
    ($counter:expr, $pool:ident => $do:expr) => {
        match $counter {
            Counter::Own($pool) => $do,
            Counter::Kea($pool) => $do,
        }
    };
}

impl Counter {
    /// What can be asked of both.
    pub(super) fn pool(&self) -> &Pool {
        match self {
            Self::Own(pool) => pool,
            Self::Kea(kea) => kea.pool(),
        }
    }

    pub(super) fn kea(&self) -> Option<&KeaPool> {
        match self {
            Self::Own(_) => None,
            Self::Kea(kea) => Some(kea),
        }
    }

    pub(super) fn kea_mut(&mut self) -> Option<&mut KeaPool> {
        match self {
            Self::Own(_) => None,
            Self::Kea(kea) => Some(kea),
        }
    }

    pub(super) fn handle(&mut self, now: Now, input: Arrival<'_>) {
        each!(self, pool => pool.handle(now, input));
    }

    pub(super) fn tick(&mut self, now: Now) {
        each!(self, pool => pool.tick(now));
    }

    pub(super) fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        each!(self, pool => pool.poll(out))
    }

    pub(super) fn committed(&mut self, now: Now, id: ChangeId, done: bool) {
        each!(self, pool => pool.committed(now, id, done));
    }

    pub(super) fn record(&self, now: Now, holder: Imsi, lease: u32) -> Vec<u8> {
        each!(self, pool => pool.record(now, holder, lease))
    }

    pub(super) fn replay(&mut self, now: Now, record: &[u8]) -> Result<(), DamagedRecord> {
        each!(self, pool => pool.replay(now, record))
    }

    pub(super) fn replayed(&mut self, now: Now) {
        each!(self, pool => pool.replayed(now));
    }

    pub(super) fn snapshot(&self, now: Now) -> Vec<Vec<u8>> {
        each!(self, pool => pool.snapshot(now))
    }

    /// Carries an ask of the register.
    pub(super) fn ask(&mut self, now: Now, ask: &PoolAsk) -> Option<PoolTold> {
        carry(self, now, ask)
    }

    /// After a crash: what the register or the addresses alone know of a stay is over. Records of both may have been
    /// written one after the other.
    pub(super) fn reconcile(&mut self, vlr: &mut Vlr, now: Now) {
        let kept: BTreeMap<Imsi, Addresses> =
            vlr.holders().map(|(imsi, _, addresses, _)| (imsi, addresses)).collect();
        let stray: Vec<Imsi> = self.pool().holders().filter(|holder| !kept.contains_key(holder)).collect();
        stray.into_iter().for_each(|holder| Reserve::release(self, now, holder));
        for (holder, addresses) in kept {
            if self.pool().addresses_of(holder) != Some(addresses) {
                vlr.handle(now, vlr::Input::Pool(PoolTold::Released { holder }));
            }
        }
    }
}

impl Reserve for Counter {
    fn reserve(&mut self, now: Now, holder: Imsi) -> Result<Addresses, Cause> {
        each!(self, pool => pool.reserve(now, holder)).map_err(|Full| Cause::Overload)
    }

    fn grant(&mut self, now: Now, holder: Imsi, token: &Secret) {
        each!(self, pool => pool.grant(now, Token(*token.bytes()), holder));
    }

    fn confirm(&mut self, now: Now, holder: Imsi, lease: u32) {
        each!(self, pool => pool.bound(now, holder, lease));
    }

    fn refuse(&mut self, now: Now, holder: Imsi) {
        each!(self, pool => pool.refused(now, holder));
    }

    fn release(&mut self, now: Now, holder: Imsi) {
        each!(self, pool => pool.release(now, holder));
    }
}

impl Roam {
    /// The lease of a stay that begins, which belongs to the same record.
    pub(super) fn lease_of(&mut self, writer: Writer, change: &Change) -> Option<Vec<u8>> {
        let (Writer::Visited(_), Some((vlr, pool))) = (writer, &self.visited) else { return None };
        let address = change.names.iter().find_map(|name| match name {
            rove_roam::NameChange::Reverse { address, name: Some(_), .. } => Some(*address),
            _ => None,
        })?;
        let holder = pool.pool().holder_of(address)?;
        let prepared = self.prepared.take().filter(|(of, _)| *of == holder);
        let lease = prepared.map_or_else(|| vlr.address_lease(), |(_, lease)| lease);
        Some(pool.record(self.now, holder, lease))
    }
}
