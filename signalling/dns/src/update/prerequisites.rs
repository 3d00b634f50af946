//! The prerequisite section (RFC 2136 §2.4, §3.2).

use std::collections::BTreeMap;

use super::{UpdateError, in_zone};
use crate::{
    wire::{Name, Reader, class, rtype},
    zones::{Contents, Zone, is_meta, rdata},
};

/// Checks every prerequisite against the latest contents of `zone`.
pub(super) fn check(
    zone: &Zone,
    message: &[u8],
    reader: &mut Reader<'_>,
    count: u16,
) -> Result<(), UpdateError> {
    // §3.2.3: sets that must be exactly so are gathered first, then compared.
    let mut exact: BTreeMap<(Name, u16), Contents> = BTreeMap::new();
    for _ in 0..count {
        let record = reader.record()?;
        let (name, rtype) = (in_zone(zone, &record)?, record.rtype);
        let wants_contents = record.class == class::IN;
        if record.ttl != 0 || (!wants_contents && !record.rdata.is_empty()) {
            return Err(UpdateError::Form { name });
        }
        let latest = zone.latest(&name);
        let in_use = latest.is_some_and(|contents| !contents.is_empty());
        let has_set = latest.is_some_and(|contents| contents.get(rtype).is_some());
        match (record.class, rtype) {
            (class::ANY, rtype::ANY) if !in_use => return Err(UpdateError::NotInUse { name }),
            (class::NONE, rtype::ANY) if in_use => return Err(UpdateError::InUse { name }),
            (class::ANY | class::NONE, rtype::ANY) => {}
            (_, rtype) if is_meta(rtype) => return Err(UpdateError::Form { name }),
            (class::ANY, rtype) if !has_set => return Err(UpdateError::NoSuchSet { name, rtype }),
            (class::NONE, rtype) if has_set => return Err(UpdateError::SetExists { name, rtype }),
            (class::ANY | class::NONE, _) => {}
            (class::IN, rtype) => {
                let rdata = rdata::uncompress(message, &record.rdata, rtype)?;
                let set = exact.entry((name.clone(), rtype)).or_default();
                if !set.add(rtype, 0, rdata) {
                    return Err(UpdateError::NoSuchSet { name, rtype });
                }
            }
            _ => return Err(UpdateError::Form { name }),
        }
    }
    exact.into_iter().try_for_each(|((name, rtype), wanted)| {
        let held = zone.latest(&name);
        if same_set(held, &wanted, rtype) { Ok(()) } else { Err(UpdateError::NoSuchSet { name, rtype }) }
    })
}

/// Whether both hold the same records of `rtype`, TTLs and order aside.
fn same_set(held: Option<&Contents>, wanted: &Contents, rtype: u16) -> bool {
    let (Some(held), Some(wanted)) = (held.and_then(|held| held.get(rtype)), wanted.get(rtype)) else {
        return false;
    };
    let is_held = |one: &[u8]| held.rdata.iter().any(|other| rdata::same(rtype, one, other));
    held.rdata.len() == wanted.rdata.len() && wanted.rdata.iter().all(|one| is_held(one))
}
