//! The zones that are signed.

use std::collections::HashMap;

use crate::{
    dnssec::{Signer, ZoneKey},
    wire::Name,
    zones::Zones,
};

/// A signer for each zone that has a key.
#[derive(Debug, Default)]
pub(super) struct Signers {
    by_zone: HashMap<Name, Signer>,
}

impl Signers {
    pub(super) fn new(keys: Vec<(Name, ZoneKey)>, zones: &Zones) -> Self {
        let ttl = |zone: &Name| zones.get(zone).and_then(|zone| Some(zone.soa()?.0.ttl));
        let signer = |(zone, key): (Name, ZoneKey)| {
            let signer = Signer::new(zone.clone(), key, ttl(&zone)?);
            Some((zone, signer))
        };
        Self { by_zone: keys.into_iter().filter_map(signer).collect() }
    }

    pub(super) fn of(&mut self, zone: &Name) -> Option<&mut Signer> {
        if self.by_zone.is_empty() { None } else { self.by_zone.get_mut(zone) }
    }
}
