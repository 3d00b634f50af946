//! A zone from its configuration.

use hickory_proto::{rr, serialize::txt::Parser};

use super::{Contents, Record, Zone, rdata};
use crate::wire::{Name, NameError, rtype};

/// What a zone starts with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneConfig {
    /// Where the zone starts.
    pub origin: Name,
    /// The name of this server, for SOA and NS.
    pub primary: Name,
    /// Who is responsible, as a name (RFC 1035 §3.3.13: `hostmaster.example.` for hostmaster@example).
    pub hostmaster: Name,
    /// Seconds that records without a TTL of their own may be cached.
    pub ttl: u32,
    /// Seconds that "does not exist" may be cached (RFC 2308 §4); 0 is taken as 1.
    pub negative_ttl: u32,
    /// Records that are there from the start.
    pub records: Vec<Record>,
}

/// Records that make no zone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// Two zones with one origin.
    #[error("zone {zone} is configured twice")]
    Twice {
        /// Its origin.
        zone: Name,
    },
    /// A record of another zone.
    #[error("{name} lies outside zone {zone}")]
    Outside {
        /// Owner of the record.
        name: Name,
        /// The zone it was given to.
        zone: Name,
    },
    /// An alias owns something else too (RFC 1034 §3.6.2).
    #[error("{name} has a CNAME record and other records too; an alias can have nothing else")]
    AliasWithOthers {
        /// Owner of the records.
        name: Name,
    },
    /// A record of a type that no zone holds.
    #[error("{name} has a record of type {rtype}, which zones do not hold")]
    Type {
        /// Owner of the record.
        name: Name,
        /// TYPE.
        rtype: u16,
    },
    /// More records of one type than this server keeps at one name.
    #[error("{name} has more than 1024 records of type {rtype}")]
    FullSet {
        /// Owner of the records.
        name: Name,
        /// TYPE.
        rtype: u16,
    },
}

/// A line that is no record.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("\"{line}\" is not a record: {why} (expected for example: \"bob 60 IN A 192.0.2.7\")")]
pub struct RecordError {
    /// The line.
    pub line: String,
    /// What is wrong with it.
    pub why: String,
}

impl Record {
    /// Reads one line in master file format (RFC 1035 §5.1), such as `bob 60 IN A 192.0.2.7`. Names without a final
    /// dot are below `origin`; a missing TTL is `ttl`.
    ///
    /// # Errors
    ///
    /// [`RecordError`].
    pub fn parse(line: &str, origin: &Name, ttl: u32) -> Result<Self, RecordError> {
        let fail = |why: String| RecordError { line: line.to_owned(), why };
        let text = line.trim();
        if text.starts_with('$') || text.contains(['\n', '\r']) {
            return Err(fail("one record per line, and no directives".to_owned()));
        }
        let hickory_origin =
            rr::Name::from_ascii(origin.to_string()).map_err(|error| fail(error.to_string()))?;
        let parsed = Parser::new(format!("$TTL {ttl}\n{text}\n"), None, Some(hickory_origin)).parse();
        let (_, sets) = parsed.map_err(|error| fail(error.to_string()))?;
        let mut records = sets.values().flat_map(|set| set.records_without_rrsigs());
        let record = records.next().ok_or_else(|| fail("there is nothing in it".to_owned()))?;
        if record.dns_class != rr::DNSClass::IN {
            return Err(fail("only class IN is served".to_owned()));
        }
        let name = to_name(&record.name).map_err(|error| fail(error.to_string()))?;
        let rdata =
            rdata::write(&record.data).ok_or_else(|| fail("its contents are too large".to_owned()))?;
        Ok(Self { name, rtype: record.record_type().into(), ttl: record.ttl, rdata })
    }
}

impl Zone {
    /// Builds the zone: SOA with serial 1, NS, and the records given.
    ///
    /// # Errors
    ///
    /// [`ZoneError`].
    pub fn new(config: &ZoneConfig) -> Result<Self, ZoneError> {
        let ZoneConfig { origin, primary, hostmaster, ttl, negative_ttl, .. } = config;
        let mut zone = Self::empty(origin.clone());
        let soa = rdata::soa(primary, hostmaster, [1, REFRESH, RETRY, EXPIRE, (*negative_ttl).max(1)]);
        let record = |rtype, rdata| Record { name: origin.clone(), rtype, ttl: *ttl, rdata };
        let apex = [record(rtype::SOA, soa), record(rtype::NS, primary.as_wire().into())];
        for record in apex.iter().chain(&config.records) {
            let Record { name, rtype, ttl, rdata } = record.clone();
            if !name.is_within(origin) {
                return Err(ZoneError::Outside { name, zone: origin.clone() });
            }
            if is_meta(rtype) {
                return Err(ZoneError::Type { name, rtype });
            }
            let mut contents = zone.at(name.as_wire()).cloned().unwrap_or_default();
            if !contents.add(rtype, ttl, rdata) {
                return Err(ZoneError::FullSet { name, rtype });
            }
            if is_alias_with_others(&contents) {
                return Err(ZoneError::AliasWithOthers { name });
            }
            zone.set(&name, contents);
        }
        Ok(zone)
    }
}

/// Whether no zone holds records of this type (RFC 6895 §3.1).
pub(crate) const fn is_meta(rtype: u16) -> bool {
    matches!(rtype, 0 | rtype::OPT | rtype::FIRST_META..=rtype::LAST_META)
}

fn is_alias_with_others(contents: &Contents) -> bool {
    contents.cname().is_some() && contents.sets().count() > 1
}

fn to_name(name: &rr::Name) -> Result<Name, NameError> {
    let mut wire = Vec::new();
    for label in name.iter() {
        wire.push(u8::try_from(label.len()).map_err(|_| NameError::Bytes)?);
        wire.extend_from_slice(label);
    }
    wire.push(0);
    Name::from_wire(&wire)
}

/// Seconds after which a secondary asks again (RFC 1912 §2.2).
const REFRESH: u32 = 3_600;
/// Seconds after which it tries again.
const RETRY: u32 = 600;
/// Seconds after which it gives the zone up.
const EXPIRE: u32 = 604_800;
