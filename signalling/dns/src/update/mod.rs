//! Dynamic update (RFC 2136): prerequisites, then all changes or none, then the journal record of what changed.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod draft;
mod own;
mod prerequisites;
mod record;

use draft::Draft;
pub(crate) use own::evaluate_own;
pub use own::{OwnSet, reverse_name};
pub use record::ReplayError;
pub(crate) use record::{
    Entry, Origin, ZoneEntry, read as read_record, weight, write as write_record,
    write_own as write_own_record, write_signatures,
};

use crate::{
    tsig::TsigKey,
    wire::{Header, Name, Reader, RecordHead, WireError, class, rcode, rtype},
    zones::{Change, Contents, Record, Zone, is_meta, rdata},
};

/// Why an update changes nothing. Each has its RCODE.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// FORMERR: it cannot be read.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// FORMERR: the zone section is not one SOA question (§3.1.1).
    #[error("the zone section does not name one zone")]
    ZoneSection,
    /// FORMERR: a record's class, type, TTL and contents do not go together (§3.2, §3.4.1).
    #[error("{name}: a record whose class, type, TTL and contents do not go together")]
    Form {
        /// Owner of the record.
        name: Name,
    },
    /// NOTAUTH: the zone is not served here (§3.1.2).
    #[error("zone {zone} is not served here")]
    NotOurs {
        /// The zone it names.
        zone: Name,
    },
    /// NOTZONE: a name of another zone (§3.2.1.2, §3.4.1.3).
    #[error("{name} lies outside zone {zone}")]
    NotInZone {
        /// Owner of the record.
        name: Name,
        /// The zone of the update.
        zone: Name,
    },
    /// NXDOMAIN: a name was to be in use (§2.4.4).
    #[error("prerequisite: {name} is not in use")]
    NotInUse {
        /// The name.
        name: Name,
    },
    /// YXDOMAIN: a name was not to be in use (§2.4.5).
    #[error("prerequisite: {name} is in use")]
    InUse {
        /// The name.
        name: Name,
    },
    /// NXRRSET: a set was to exist, perhaps with certain records (§2.4.1, §2.4.2).
    #[error("prerequisite: {name} has no such records of type {rtype}")]
    NoSuchSet {
        /// Owner of the set.
        name: Name,
        /// TYPE.
        rtype: u16,
    },
    /// YXRRSET: a set was not to exist (§2.4.3).
    #[error("prerequisite: {name} has records of type {rtype}")]
    SetExists {
        /// Owner of the set.
        name: Name,
        /// TYPE.
        rtype: u16,
    },
    /// REFUSED: the key may not touch the name (§3.3).
    #[error("key {key} may not change {name}")]
    OutOfScope {
        /// The key that signed.
        key: Name,
        /// The name it wanted to change.
        name: Name,
    },
    /// REFUSED: the key may touch the name, but not records of this type (§3.3).
    #[error("key {key} may not change records of type {rtype} at {name}")]
    TypeOutOfScope {
        /// The key that signed.
        key: Name,
        /// The name it wanted to change.
        name: Name,
        /// TYPE.
        rtype: u16,
    },
    /// REFUSED: an alias can have nothing else beside it (RFC 1034 §3.6.2). Of the owner's own changes alone: in
    /// updates what cannot stand there is left out (§3.4.2.2).
    #[error("{name} is an alias, or would become one beside other records")]
    Alias {
        /// The name.
        name: Name,
    },
    /// SERVFAIL: too many changes wait for stable storage.
    #[error("{waiting} changes already wait for stable storage")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// SERVFAIL: the journal failed, so nothing can be changed any more.
    #[error("the journal failed; nothing can be changed until this server is started again")]
    NoJournal,
    /// REFUSED: it changes more than one journal record can hold.
    #[error("zone {zone}: the update changes more than {} bytes of records; split it", record::MAX_CHANGE)]
    TooLarge {
        /// The zone of the update.
        zone: Name,
    },
    /// REFUSED: the zone or a set in it would grow beyond what this server keeps.
    #[error("{name}: no room for more records")]
    Full {
        /// Where there is no room.
        name: Name,
    },
}

impl UpdateError {
    /// A word for the cause, to count it by.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Wire(_) | Self::ZoneSection | Self::Form { .. } => "malformed",
            Self::NotOurs { .. } => "not our zone",
            Self::NotInZone { .. } => "name of another zone",
            Self::NotInUse { .. } | Self::InUse { .. } | Self::NoSuchSet { .. } | Self::SetExists { .. } => {
                "prerequisite"
            }
            Self::OutOfScope { .. } => "name out of scope",
            Self::TypeOutOfScope { .. } => "type out of scope",
            Self::Alias { .. } => "alias",
            Self::TooLarge { .. } => "too large",
            Self::Full { .. } => "no room",
            Self::Busy { .. } => "busy",
            Self::NoJournal => "no journal",
        }
    }

    /// The RCODE of the answer (RFC 2136 §2.2).
    #[must_use]
    pub const fn rcode(&self) -> u16 {
        match self {
            Self::Wire(_) | Self::ZoneSection | Self::Form { .. } => rcode::FORMERR,
            Self::NotOurs { .. } => rcode::NOTAUTH,
            Self::NotInZone { .. } => rcode::NOTZONE,
            Self::NotInUse { .. } => rcode::NXDOMAIN,
            Self::InUse { .. } => rcode::YXDOMAIN,
            Self::NoSuchSet { .. } => rcode::NXRRSET,
            Self::SetExists { .. } => rcode::YXRRSET,
            Self::Busy { .. } | Self::NoJournal => rcode::SERVFAIL,
            Self::OutOfScope { .. }
            | Self::TypeOutOfScope { .. }
            | Self::Alias { .. }
            | Self::TooLarge { .. }
            | Self::Full { .. } => rcode::REFUSED,
        }
    }
}

/// The zone that `message`, an update, is about (§3.1).
///
/// # Errors
///
/// [`UpdateError::ZoneSection`] or [`UpdateError::Wire`].
pub(crate) fn zone_of(message: &[u8]) -> Result<Name, UpdateError> {
    let mut reader = Reader::new(message);
    let Header { counts: [1, ..], .. } = reader.header()? else { return Err(UpdateError::ZoneSection) };
    let zone = reader.question()?;
    if zone.rtype != rtype::SOA || zone.class != class::IN {
        return Err(UpdateError::ZoneSection);
    }
    Ok(zone.name.to_name())
}

/// What `message`, an update of `zone` signed by `key`, changes. `None` when all it wants is so already.
///
/// # Errors
///
/// [`UpdateError`], in the order of RFC 2136 §3: prerequisites, permission, form, room.
pub(crate) fn evaluate(zone: &Zone, message: &[u8], key: &TsigKey) -> Result<Option<Change>, UpdateError> {
    let mut reader = Reader::new(message);
    let Header { counts: [_, prerequisites, updates, _], .. } = reader.header()?;
    reader.question()?;
    prerequisites::check(zone, message, &mut reader, prerequisites)?;
    let operations = read_operations(zone, message, &mut reader, updates, key)?;
    let mut draft = Draft::new(zone);
    for operation in operations {
        draft.apply(operation)?;
    }
    draft.finish()
}

/// One entry of the update section (§2.5).
enum Operation {
    Add(Record),
    DeleteSet { name: Name, rtype: u16 },
    DeleteName { name: Name },
    DeleteRecord { name: Name, rtype: u16, rdata: Box<[u8]> },
}

/// Checks permission and form of every entry before any is applied (§3.3, §3.4.1).
fn read_operations(
    zone: &Zone,
    message: &[u8],
    reader: &mut Reader<'_>,
    count: u16,
    key: &TsigKey,
) -> Result<Vec<Operation>, UpdateError> {
    let mut operations = Vec::new();
    for _ in 0..count {
        let record = reader.record()?;
        let name = in_zone(zone, &record)?;
        permit(zone, key, &name, record.rtype)?;
        operations.push(read_operation(message, &record, name)?);
    }
    Ok(operations)
}

/// §3.3. Deleting a name deletes what it owns, so that the key must be allowed to touch all of that.
fn permit(zone: &Zone, key: &TsigKey, name: &Name, rtype: u16) -> Result<(), UpdateError> {
    let may = |rtype: u16| key.may_touch(name, rtype);
    let forbidden = if rtype == rtype::ANY {
        let held = zone.latest(name).into_iter().flat_map(Contents::sets).map(|set| set.rtype);
        held.filter(|held| !stays_at_apex(zone, name, *held)).find(|held| !may(*held))
    } else {
        Some(rtype).filter(|rtype| !may(*rtype))
    };
    if !key.may_touch_something_at(name) {
        return Err(UpdateError::OutOfScope { key: key.name().clone(), name: name.clone() });
    }
    match forbidden {
        Some(rtype) => {
            Err(UpdateError::TypeOutOfScope { key: key.name().clone(), name: name.clone(), rtype })
        }
        None => Ok(()),
    }
}

/// Whether deleting all at `name` leaves the set of this type alone (§3.4.2.3).
fn stays_at_apex(zone: &Zone, name: &Name, rtype: u16) -> bool {
    name == zone.origin() && matches!(rtype, rtype::SOA | rtype::NS)
}

fn read_operation(message: &[u8], record: &RecordHead, name: Name) -> Result<Operation, UpdateError> {
    let RecordHead { rtype, class, ttl, rdata, .. } = record;
    let (rtype, ttl) = (*rtype, *ttl);
    let contents = || rdata::uncompress(message, rdata, rtype);
    match *class {
        class::IN if !is_meta(rtype) => {
            // The highest bit of a TTL means nothing (RFC 2181 §8).
            let ttl = if ttl > u32::MAX >> 1 { 0 } else { ttl };
            Ok(Operation::Add(Record { name, rtype, ttl, rdata: contents()? }))
        }
        class::ANY if ttl == 0 && rdata.is_empty() => match rtype {
            rtype::ANY => Ok(Operation::DeleteName { name }),
            rtype if !is_meta(rtype) => Ok(Operation::DeleteSet { name, rtype }),
            _ => Err(UpdateError::Form { name }),
        },
        class::NONE if ttl == 0 && !is_meta(rtype) => {
            Ok(Operation::DeleteRecord { name, rtype, rdata: contents()? })
        }
        _ => Err(UpdateError::Form { name }),
    }
}

fn in_zone(zone: &Zone, record: &RecordHead) -> Result<Name, UpdateError> {
    let name = record.name.to_name();
    if name.is_within(zone.origin()) {
        Ok(name)
    } else {
        Err(UpdateError::NotInZone { name, zone: zone.origin().clone() })
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
