//! The visited register and its address pool.

use rove_base::Now;
use rove_roam::{
    Addresses, Cause, Imsi,
    attach::Secret,
    pool::{Pool, Token},
    vlr::{PoolAsk, PoolTold, Reserve, carry},
};

/// Carries an ask of the register to the pool.
pub(super) fn ask(pool: &mut Pool, now: Now, ask: &PoolAsk) -> Option<PoolTold> {
    carry(&mut Counter(pool), now, ask)
}

/// The pool, as the register sees it.
struct Counter<'a>(&'a mut Pool);

impl Reserve for Counter<'_> {
    fn reserve(&mut self, now: Now, holder: Imsi) -> Result<Addresses, Cause> {
        self.0.reserve(now, holder).map_err(|_| Cause::Overload)
    }

    fn grant(&mut self, now: Now, holder: Imsi, token: &Secret) {
        self.0.grant(now, Token(*token.bytes()), holder);
    }

    fn confirm(&mut self, now: Now, holder: Imsi, lease: u32) {
        self.0.bound(now, holder, lease);
    }

    fn refuse(&mut self, now: Now, holder: Imsi) {
        self.0.refused(now, holder);
    }

    fn release(&mut self, now: Now, holder: Imsi) {
        self.0.release(now, holder);
    }
}
