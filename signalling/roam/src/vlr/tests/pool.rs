//! An address pool that answers at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use rove_base::Now;

use crate::{Addresses, Cause, Imsi, attach::Secret, vlr::Reserve};

/// Addresses of one network, each given once.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) held: BTreeMap<Imsi, Addresses>,
    pub(super) confirmed: BTreeSet<Imsi>,
    pub(super) denied: u32,
    pub(super) full: bool,
    tokens: Vec<(Imsi, Secret)>,
    given: u32,
}

impl Pool {
    /// Who may show this token.
    pub(super) fn redeem(&self, token: &Secret) -> Option<Imsi> {
        self.tokens.iter().find(|(_, granted)| granted == token).map(|(holder, _)| *holder)
    }
}

impl Reserve for Pool {
    fn reserve(&mut self, _: Now, holder: Imsi) -> Result<Addresses, Cause> {
        if self.full {
            return Err(Cause::Overload);
        }
        self.given += 1;
        let fresh = Addresses { v4: Some(Ipv4Addr::from_bits(0x0a01_0000 + self.given)), v6: None };
        Ok(*self.held.entry(holder).or_insert(fresh))
    }

    fn grant(&mut self, _: Now, holder: Imsi, token: &Secret) {
        self.tokens.push((holder, token.clone()));
    }

    fn confirm(&mut self, _: Now, holder: Imsi, _: u32) {
        self.confirmed.insert(holder);
    }

    fn refuse(&mut self, _: Now, _: Imsi) {
        self.denied += 1;
    }

    fn release(&mut self, _: Now, holder: Imsi) {
        self.held.remove(&holder);
        self.confirmed.remove(&holder);
    }
}
