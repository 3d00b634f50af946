//! The record sets at one name.

use super::rdata::same;
use crate::wire::{Name, rtype};

/// One record of class IN.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Owner.
    pub name: Name,
    /// TYPE.
    pub rtype: u16,
    /// Seconds it may be cached.
    pub ttl: u32,
    /// Contents in wire form, names in them uncompressed.
    pub rdata: Box<[u8]>,
}

/// All records of one type at one name; one TTL for all (RFC 2181 §5.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RrSet {
    /// TYPE.
    pub rtype: u16,
    /// Seconds it may be cached.
    pub ttl: u32,
    /// Contents of each record in wire form, names in them uncompressed. Never empty.
    pub rdata: Vec<Box<[u8]>>,
}

impl RrSet {
    /// One of the set's records as if it stood alone.
    pub(crate) fn record(&self, name: &Name, rdata: &[u8]) -> Record {
        Record { name: name.clone(), rtype: self.rtype, ttl: self.ttl, rdata: rdata.into() }
    }
}

/// All sets at one name, by type. Empty when the name owns nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contents {
    sets: Vec<RrSet>,
}

impl Contents {
    /// Whether the name owns no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The set of `rtype`.
    #[must_use]
    pub fn get(&self, rtype: u16) -> Option<&RrSet> {
        self.sets.iter().find(|set| set.rtype == rtype)
    }

    /// The only CNAME.
    #[must_use]
    pub fn cname(&self) -> Option<(&RrSet, &[u8])> {
        let set = self.get(rtype::CNAME)?;
        Some((set, set.rdata.first()?))
    }

    /// Every set, by type.
    pub fn sets(&self) -> impl Iterator<Item = &RrSet> {
        self.sets.iter()
    }

    /// Every record as if it stood alone, with the owner `name`.
    pub fn records(&self, name: &Name) -> impl Iterator<Item = Record> {
        self.sets.iter().flat_map(move |set| set.rdata.iter().map(move |rdata| set.record(name, rdata)))
    }

    /// Adds a record, or gives its set the new TTL when it is there already. CNAME and SOA replace.
    ///
    /// `false` when its set is full and nothing was done.
    #[must_use]
    pub fn add(&mut self, rtype: u16, ttl: u32, rdata: Box<[u8]>) -> bool {
        let at = match self.sets.binary_search_by_key(&rtype, |set| set.rtype) {
            Ok(at) => at,
            Err(at) => {
                self.sets.insert(at, RrSet { rtype, ttl, rdata: Vec::with_capacity(1) });
                at
            }
        };
        let Some(set) = self.sets.get_mut(at) else { return false };
        if matches!(rtype, rtype::CNAME | rtype::SOA) {
            set.rdata.clear();
        }
        if !set.rdata.iter().any(|held| same(rtype, held, &rdata)) {
            if set.rdata.len() >= MAX_SET {
                return false;
            }
            set.rdata.push(rdata);
        }
        set.ttl = ttl;
        true
    }

    /// Deletes one record; the set too when it was the last.
    pub fn delete(&mut self, rtype: u16, rdata: &[u8]) {
        self.sets.retain_mut(|set| {
            if set.rtype == rtype {
                set.rdata.retain(|held| !same(rtype, held, rdata));
            }
            !set.rdata.is_empty()
        });
    }

    /// Keeps only the sets whose type `keep` wants.
    pub fn retain(&mut self, keep: impl Fn(u16) -> bool) {
        self.sets.retain(|set| keep(set.rtype));
    }

    /// The records of `self` that `other` has not, or has with another TTL.
    pub(crate) fn minus<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a RrSet, &'a [u8])> {
        self.sets.iter().flat_map(move |set| {
            let kept = other.get(set.rtype).filter(|kept| kept.ttl == set.ttl);
            let is_kept =
                move |rdata: &[u8]| kept.is_some_and(|kept| kept.rdata.iter().any(|k| **k == *rdata));
            set.rdata
                .iter()
                .map(|rdata| &**rdata)
                .filter(move |rdata| !is_kept(rdata))
                .map(move |rdata| (set, rdata))
        })
    }
}

/// Records in one set. With 16 bytes and more each, more would not fit an answer anyway.
const MAX_SET: usize = 1_024;
