//! What the register wants of the address pool, and what the pool tells it.
//!
//! Asks go out as events, so that a pool may be a service that answers later; one that answers at once implements
//! [`Reserve`], and [`carry`] takes the asks to it.

use std::collections::BTreeMap;

use rove_base::{Machine as _, Now};

use super::{Input, Vlr};
use crate::{
    Addresses, Cause, Imsi,
    attach::Secret,
    pool::{self, Full, Pool, Token},
};

/// What the register asks for. Asks about one holder take effect in their order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PoolAsk {
    /// Keep addresses for this holder; [`PoolTold::Reserved`] answers. A holder never has two sets.
    Reserve {
        /// For whom.
        holder: Imsi,
        /// Comes back with the answer.
        attempt: u64,
    },
    /// Whoever shows this token to DHCP is the holder. [`PoolTold::Requested`] follows.
    Grant {
        /// Who.
        holder: Imsi,
        /// Good for one lease.
        token: Secret,
    },
    /// The next [`Event::Commit`](super::Event::Commit) is the holder's: what the pool wants to know of its lease after a
    /// crash (`Pool::record`) belongs into the same record of the journal.
    Prepare {
        /// Whose.
        holder: Imsi,
        /// How long the address lease will be, in seconds.
        lease: u32,
    },
    /// The binding stands: DHCP may acknowledge, or the terminal has its addresses without DHCP.
    Confirm {
        /// Whose.
        holder: Imsi,
        /// How long the address lease is, in seconds.
        lease: u32,
    },
    /// There is no binding: DHCP denies.
    Refuse {
        /// Whose.
        holder: Imsi,
    },
    /// The holder has left. The addresses rest before another gets them.
    Release {
        /// Who.
        holder: Imsi,
    },
}

/// What the pool tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PoolTold {
    /// The answer to [`PoolAsk::Reserve`].
    Reserved {
        /// For whom.
        holder: Imsi,
        /// Of the ask.
        attempt: u64,
        /// At least one address, or why there is none.
        result: Result<Addresses, Cause>,
    },
    /// The holder has asked DHCP for its addresses; the answer waits for [`PoolAsk::Confirm`] or [`PoolAsk::Refuse`].
    Requested {
        /// Who.
        holder: Imsi,
        /// The name that DHCP was told (options 12, 81), full or its first label alone.
        host_name: Option<String>,
    },
    /// The holder gave its addresses back.
    Released {
        /// Who.
        holder: Imsi,
    },
    /// The holder's lease ran out.
    Expired {
        /// Who.
        holder: Imsi,
    },
}

/// A pool that answers at once.
pub trait Reserve {
    /// Keeps addresses for `holder`; those it has, when it has some.
    ///
    /// # Errors
    ///
    /// [`Cause::Overload`] when no address is free.
    fn reserve(&mut self, now: Now, holder: Imsi) -> Result<Addresses, Cause>;

    /// Lets whoever shows `token` have the holder's addresses, once.
    fn grant(&mut self, now: Now, holder: Imsi, token: &Secret);

    /// Lets DHCP acknowledge a lease of so many seconds.
    fn confirm(&mut self, now: Now, holder: Imsi, lease: u32);

    /// Lets DHCP deny.
    fn refuse(&mut self, now: Now, holder: Imsi);

    /// Takes the holder's addresses back, to rest.
    fn release(&mut self, now: Now, holder: Imsi);
}

/// Carries an ask to a pool that answers at once; the answer is for the register.
pub fn carry(pool: &mut impl Reserve, now: Now, ask: &PoolAsk) -> Option<PoolTold> {
    match ask {
        PoolAsk::Reserve { holder, attempt } => {
            let result = pool.reserve(now, *holder);
            return Some(PoolTold::Reserved { holder: *holder, attempt: *attempt, result });
        }
        PoolAsk::Grant { holder, token } => pool.grant(now, *holder, token),
        PoolAsk::Confirm { holder, lease } => pool.confirm(now, *holder, *lease),
        PoolAsk::Refuse { holder } => pool.refuse(now, *holder),
        PoolAsk::Release { holder } => pool.release(now, *holder),
        PoolAsk::Prepare { .. } => {}
    }
    None
}

impl Reserve for Pool {
    fn reserve(&mut self, now: Now, holder: Imsi) -> Result<Addresses, Cause> {
        Self::reserve(self, now, holder).map_err(|Full| Cause::Overload)
    }

    fn grant(&mut self, now: Now, holder: Imsi, token: &Secret) {
        Self::grant(self, now, Token(*token.bytes()), holder);
    }

    fn confirm(&mut self, now: Now, holder: Imsi, lease: u32) {
        self.bound(now, holder, lease);
    }

    fn refuse(&mut self, now: Now, holder: Imsi) {
        self.refused(now, holder);
    }

    fn release(&mut self, now: Now, holder: Imsi) {
        Self::release(self, now, holder);
    }
}

/// After a crash, once both have read the journal and the register was started: what one of them knows of a stay and the
/// other does not is over. Their last records may have been written one after the other.
pub fn reconcile(vlr: &mut Vlr, pool: &mut Pool, now: Now) {
    let kept: BTreeMap<Imsi, Addresses> =
        vlr.holders().map(|(imsi, _, addresses, _)| (imsi, addresses)).collect();
    let stray: Vec<Imsi> = pool.holders().filter(|holder| !kept.contains_key(holder)).collect();
    stray.into_iter().for_each(|holder| pool.release(now, holder));
    for (holder, addresses) in kept {
        if pool.addresses_of(holder) != Some(addresses) {
            vlr.handle(now, Input::Pool(PoolTold::Released { holder }));
        }
    }
}

impl PoolTold {
    /// What the register is told of the built-in pool. `None` when it is the owner's business.
    #[must_use]
    pub fn of(event: pool::Event) -> Option<Self> {
        match event {
            pool::Event::Requested { holder, host_name } => Some(Self::Requested { holder, host_name }),
            pool::Event::Released { holder } => Some(Self::Released { holder }),
            pool::Event::Expired { holder } => Some(Self::Expired { holder }),
            pool::Event::Commit(_) => None,
        }
    }
}
