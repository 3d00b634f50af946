//! What the journal keeps of an update: who signed it, and which records it deleted and added.
//!
//! ```text
//! record    = update | own | signatures
//! update    = version 1 | key name | time signed, 8 bytes of seconds | MAC, 32 bytes | zone name | serial, 4 bytes
//!           | count, 4 bytes | deleted records | count, 4 bytes | added records
//! own       = version 2 | count of zones, 2 bytes | for each: zone name | serial, 4 bytes
//!           | count, 4 bytes | deleted records | count, 4 bytes | added records
//! signatures = version 3 | key name | count, 4 bytes | for each: time signed, 8 bytes of seconds | MAC, 32 bytes
//! a record  = name | TYPE, 2 bytes | TTL, 4 bytes | length, 2 bytes | contents
//! ```
//! Numbers are big-endian, names and contents uncompressed. An update that changes nothing is kept with no records, so
//! that its signature is remembered across restarts. In a snapshot the key name is the root where records say what came
//! of many updates, and signatures of one key stand together. (Where the zone name is the root only a signature is
//! remembered: so it was written before there was version 3.)

use rove_base::UnixTime;

use crate::{
    tsig::Mac,
    wire::{Name, Reader, WireError},
    zones::{Change, Record},
};

/// Who signed an update.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Origin {
    pub(crate) key: Name,
    pub(crate) time: UnixTime,
    pub(crate) mac: Mac,
}

/// A journal record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry<R> {
    /// `None` in a snapshot, which says what came of many updates.
    pub(crate) origin: Option<Origin>,
    /// The root when no zone is meant and only a signature is remembered.
    pub(crate) zone: Name,
    pub(crate) serial: u32,
    pub(crate) deleted: R,
    pub(crate) added: R,
}

/// What a journal record says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Replayed {
    /// Who signed it; none in a snapshot and for changes of the server's owner, many where signatures are remembered.
    pub(crate) origins: Vec<Origin>,
    /// Whether it stands for one change, and not for a part of a snapshot.
    pub(crate) whole: bool,
    /// What it does to each zone; empty when only a signature is remembered.
    pub(crate) zones: Vec<ZoneEntry>,
}

/// What a journal record does to one zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ZoneEntry {
    pub(crate) zone: Name,
    pub(crate) serial: u32,
    pub(crate) deleted: Vec<Record>,
    pub(crate) added: Vec<Record>,
}

/// A journal record that cannot be read back.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It was written by another version of this program.
    #[error("a journal record of version {0}; this program reads 1 to 3")]
    Version(u8),
    /// It is damaged.
    #[error("a damaged journal record: {0}")]
    Damaged(#[from] WireError),
}

/// Appends a record to `out`.
pub(crate) fn write(out: &mut Vec<u8>, entry: &Entry<&[Record]>) {
    out.push(VERSION);
    let (key, time, mac) = match &entry.origin {
        Some(Origin { key, time, mac }) => (key.as_wire(), time.as_secs(), *mac),
        None => (ROOT, 0, Mac([0; 32])),
    };
    out.extend_from_slice(key);
    out.extend_from_slice(&time.to_be_bytes());
    out.extend_from_slice(mac.as_bytes());
    out.extend_from_slice(entry.zone.as_wire());
    out.extend_from_slice(&entry.serial.to_be_bytes());
    [entry.deleted, entry.added].into_iter().for_each(|records| write_all(out, records));
}

/// Appends the record of a change that the server's owner makes itself.
pub(crate) fn write_own(out: &mut Vec<u8>, changes: &[Change]) {
    out.push(OWN_VERSION);
    out.extend_from_slice(&u16::try_from(changes.len()).unwrap_or(u16::MAX).to_be_bytes());
    for change in changes {
        out.extend_from_slice(change.zone.as_wire());
        out.extend_from_slice(&change.serial.to_be_bytes());
        [&change.deleted, &change.added].into_iter().for_each(|records| write_all(out, records));
    }
}

/// Appends a record that says what was signed with `key`: when each, and the signature.
pub(crate) fn write_signatures(out: &mut Vec<u8>, key: &Name, signatures: &[(UnixTime, Mac)]) {
    out.push(SIGNATURES_VERSION);
    out.extend_from_slice(key.as_wire());
    out.extend_from_slice(&u32::try_from(signatures.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (time, mac) in signatures {
        out.extend_from_slice(&time.as_secs().to_be_bytes());
        out.extend_from_slice(mac.as_bytes());
    }
}

fn write_all(out: &mut Vec<u8>, records: &[Record]) {
    out.extend_from_slice(&u32::try_from(records.len()).unwrap_or(u32::MAX).to_be_bytes());
    records.iter().for_each(|record| write_one(out, record));
}

/// Bytes that `records` take in a journal record.
pub(crate) fn weight<'r>(records: impl IntoIterator<Item = &'r Record>) -> usize {
    let one = |record: &Record| {
        record.name.as_wire().len().saturating_add(record.rdata.len()).saturating_add(RECORD_FIELDS)
    };
    records.into_iter().map(one).fold(0, usize::saturating_add)
}

fn write_one(out: &mut Vec<u8>, record: &Record) {
    out.extend_from_slice(record.name.as_wire());
    out.extend_from_slice(&record.rtype.to_be_bytes());
    out.extend_from_slice(&record.ttl.to_be_bytes());
    out.extend_from_slice(&u16::try_from(record.rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(&record.rdata);
}

/// Reads a record back.
pub(crate) fn read(bytes: &[u8]) -> Result<Replayed, ReplayError> {
    let mut reader = Reader::new(bytes);
    let [version] = reader.array("version")?;
    let replayed = match version {
        VERSION => read_update(&mut reader)?,
        OWN_VERSION => {
            let count = reader.u16("count")?;
            let zones = (0..count).map(|_| read_zone(&mut reader)).collect::<Result<_, _>>()?;
            Replayed { origins: Vec::new(), whole: true, zones }
        }
        SIGNATURES_VERSION => {
            Replayed { origins: read_signatures(&mut reader)?, whole: false, zones: Vec::new() }
        }
        other => return Err(ReplayError::Version(other)),
    };
    reader.finish()?;
    Ok(replayed)
}

fn read_update(reader: &mut Reader<'_>) -> Result<Replayed, WireError> {
    let key = reader.name()?.to_name();
    let time = UnixTime::from_secs(u64::from_be_bytes(reader.array("time")?));
    let mac = Mac(reader.array("signature")?);
    let entry = read_zone(reader)?;
    let origin = (key.as_wire() != ROOT).then_some(Origin { key, time, mac });
    let whole = origin.is_some();
    let nothing = entry.deleted.is_empty() && entry.added.is_empty();
    let zones = if nothing { Vec::new() } else { vec![entry] };
    Ok(Replayed { whole, origins: origin.into_iter().collect(), zones })
}

fn read_signatures(reader: &mut Reader<'_>) -> Result<Vec<Origin>, WireError> {
    let (key, count) = (reader.name()?.to_name(), reader.u32("count")?);
    let mut origins = Vec::new();
    for _ in 0..count {
        let time = UnixTime::from_secs(u64::from_be_bytes(reader.array("time")?));
        origins.push(Origin { key: key.clone(), time, mac: Mac(reader.array("signature")?) });
    }
    Ok(origins)
}

fn read_zone(reader: &mut Reader<'_>) -> Result<ZoneEntry, WireError> {
    let (zone, serial) = (reader.name()?.to_name(), reader.u32("serial")?);
    Ok(ZoneEntry { zone, serial, deleted: read_all(reader)?, added: read_all(reader)? })
}

fn read_all(reader: &mut Reader<'_>) -> Result<Vec<Record>, WireError> {
    let count = reader.u32("count")?;
    let mut records = Vec::new();
    for _ in 0..count {
        let name = reader.name()?.to_name();
        let (rtype, ttl) = (reader.u16("record")?, reader.u32("record")?);
        let len = usize::from(reader.u16("record")?);
        records.push(Record { name, rtype, ttl, rdata: reader.bytes(len, "record contents")?.into() });
    }
    Ok(records)
}

const VERSION: u8 = 1;
/// Begins the record of a change that nobody signed because the owner made it.
const OWN_VERSION: u8 = 2;
/// Begins the record of what was signed with one key.
const SIGNATURES_VERSION: u8 = 3;
/// The root's wire form, for "none".
const ROOT: &[u8] = &[0];
/// TYPE, TTL and length.
const RECORD_FIELDS: usize = 8;
/// Most bytes of records that one update may delete and add; a journal record holds 1 MiB.
pub(crate) const MAX_CHANGE: usize = 1_000_000;
