//! The zone as it would be after an update (RFC 2136 §3.4.2).

use std::collections::BTreeMap;

use super::{Operation, OwnSet, UpdateError, record};
use crate::{
    wire::{Name, rtype},
    zones::{Change, Contents, NodeChange, Record, Zone, rdata},
};

/// The latest contents of a zone with the names an update touches laid over them.
pub(super) struct Draft<'z> {
    zone: &'z Zone,
    touched: BTreeMap<Name, Contents>,
}

impl<'z> Draft<'z> {
    pub(super) const fn new(zone: &'z Zone) -> Self {
        Self { zone, touched: BTreeMap::new() }
    }

    pub(super) fn apply(&mut self, operation: Operation) -> Result<(), UpdateError> {
        match operation {
            Operation::Add(record) => return self.add(record),
            Operation::DeleteSet { name, rtype } => {
                let kept_at_apex = matches!(rtype, rtype::SOA | rtype::NS) && self.is_apex(&name);
                if !kept_at_apex {
                    self.contents(&name).retain(|held| held != rtype);
                }
            }
            Operation::DeleteName { name } => {
                let apex = self.is_apex(&name);
                self.contents(&name).retain(|held| apex && matches!(held, rtype::SOA | rtype::NS));
            }
            Operation::DeleteRecord { name, rtype, rdata } => {
                let apex = self.is_apex(&name);
                let contents = self.contents(&name);
                let last = contents.get(rtype).is_some_and(|set| set.rdata.len() == 1);
                let kept_at_apex = rtype == rtype::SOA || (rtype == rtype::NS && last);
                if !(apex && kept_at_apex) {
                    contents.delete(rtype, &rdata);
                }
            }
        }
        Ok(())
    }

    /// Makes a name own exactly these records of one type.
    pub(super) fn replace(&mut self, set: &OwnSet) -> Result<(), UpdateError> {
        let contents = self.contents(&set.name);
        contents.retain(|held| held != set.rtype);
        let alias = if set.rtype == rtype::CNAME { !contents.is_empty() } else { contents.cname().is_some() };
        if alias && !set.rdata.is_empty() {
            return Err(UpdateError::Alias { name: set.name.clone() });
        }
        for rdata in &set.rdata {
            if !contents.add(set.rtype, set.ttl.max(MIN_TTL), rdata.clone()) {
                return Err(UpdateError::Full { name: set.name.clone() });
            }
        }
        Ok(())
    }

    /// §3.4.2.2: what cannot stand beside what is there is silently left out.
    fn add(&mut self, record: Record) -> Result<(), UpdateError> {
        let Record { name, rtype, ttl, rdata } = record;
        let apex = self.is_apex(&name);
        let contents = self.contents(&name);
        let alias = contents.cname().is_some();
        let impossible = match rtype {
            rtype::CNAME => !alias && !contents.is_empty(),
            rtype::SOA => {
                let held = contents.get(rtype::SOA).and_then(|set| set.rdata.first());
                !apex || !held.is_some_and(|held| has_later_serial(&rdata, held))
            }
            _ => alias,
        };
        if impossible || contents.add(rtype, ttl.max(MIN_TTL), rdata) {
            Ok(())
        } else {
            Err(UpdateError::Full { name })
        }
    }

    /// What changed, with the serial moved on; `None` when nothing did.
    pub(super) fn finish(mut self) -> Result<Option<Change>, UpdateError> {
        let nothing = Contents::default();
        let zone = self.zone;
        let before = |name: &Name| zone.latest(name).unwrap_or(&nothing);
        self.touched.retain(|name, after| {
            let before = before(name);
            before.minus(after).next().is_some() || after.minus(before).next().is_some()
        });
        if self.touched.is_empty() {
            return Ok(None);
        }
        if zone.names().saturating_add(self.touched.len()) > MAX_NAMES {
            return Err(UpdateError::Full { name: zone.origin().clone() });
        }
        let serial = self.next_serial();
        let (mut deleted, mut added, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
        for (name, contents) in self.touched {
            let before = before(&name);
            deleted.extend(before.minus(&contents).map(|(set, rdata)| set.record(&name, rdata)));
            added.extend(contents.minus(before).map(|(set, rdata)| set.record(&name, rdata)));
            nodes.push(NodeChange { name, contents });
        }
        if record::weight(deleted.iter().chain(&added)) > record::MAX_CHANGE {
            return Err(UpdateError::TooLarge { zone: zone.origin().clone() });
        }
        Ok(Some(Change { zone: zone.origin().clone(), serial, nodes, deleted, added }))
    }

    /// Moves the serial on by one, unless the update itself did (§3.6).
    fn next_serial(&mut self) -> u32 {
        let origin = self.zone.origin().clone();
        let serial = |contents: &Contents| {
            contents.get(rtype::SOA).and_then(|set| rdata::soa_serial(set.rdata.first()?)).unwrap_or_default()
        };
        let before = self.zone.latest(&origin).map(serial).unwrap_or_default();
        let contents = self.contents(&origin);
        let given = serial(contents);
        if given != before {
            return given;
        }
        let next = before.wrapping_add(1);
        if let Some((ttl, soa)) = contents.get(rtype::SOA).and_then(|set| Some((set.ttl, set.rdata.first()?)))
        {
            let soa = rdata::soa_with_serial(soa, next);
            // A SOA set holds one record, which is replaced: there is always room.
            let _ = contents.add(rtype::SOA, ttl, soa);
        }
        next
    }

    fn is_apex(&self, name: &Name) -> bool {
        name == self.zone.origin()
    }

    fn contents(&mut self, name: &Name) -> &mut Contents {
        let zone = self.zone;
        self.touched.entry(name.clone()).or_insert_with(|| zone.latest(name).cloned().unwrap_or_default())
    }
}

/// Whether the serial of SOA `new` is later than that of `held` on the circle of RFC 1982.
fn has_later_serial(new: &[u8], held: &[u8]) -> bool {
    match (rdata::soa_serial(new), rdata::soa_serial(held)) {
        (Some(new), Some(held)) => (1..1 << 31).contains(&new.wrapping_sub(held)),
        _ => false,
    }
}

/// Seconds that any record may be cached at least: with 0, each look-up of a busy name would come back here.
const MIN_TTL: u32 = 1;
/// Names in one zone.
const MAX_NAMES: usize = 4_000_000;
