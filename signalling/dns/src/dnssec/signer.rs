//! Signatures over sets of records (RFC 4034 §3), and those made before.

use std::collections::HashMap;

use rove_base::UnixTime;
use sha2::{Digest as _, Sha256};

use super::{ALGORITHM, ZoneKey};
use crate::{
    wire::{Name, class, rtype, suffixes},
    zones::{RrSet, rdata},
};

/// The signer of one zone.
#[derive(Debug)]
pub(crate) struct Signer {
    zone: Name,
    key: ZoneKey,
    tag: u16,
    keys: RrSet,
    made: Made,
    data: Vec<u8>,
}

/// Signatures by the hash of what they sign, times included: two generations, of which the older is forgotten when the
/// younger is full.
#[derive(Debug, Default)]
struct Made {
    young: HashMap<[u8; 32], [u8; 64]>,
    old: HashMap<[u8; 32], [u8; 64]>,
}

impl Made {
    fn get(&mut self, digest: &[u8; 32]) -> Option<[u8; 64]> {
        if let Some(signature) = self.young.get(digest) {
            return Some(*signature);
        }
        let signature = self.old.remove(digest)?;
        self.keep(*digest, signature);
        Some(signature)
    }

    fn keep(&mut self, digest: [u8; 32], signature: [u8; 64]) {
        if self.young.len() >= GENERATION {
            self.old = core::mem::take(&mut self.young);
        }
        self.young.insert(digest, signature);
    }
}

impl Signer {
    /// Signs `zone`, whose keys may be cached for `ttl` seconds.
    pub(crate) fn new(zone: Name, key: ZoneKey, ttl: u32) -> Self {
        let keys = RrSet { rtype: rtype::DNSKEY, ttl, rdata: vec![key.dnskey()] };
        Self { tag: key.tag(), zone, key, keys, made: Made::default(), data: Vec::new() }
    }

    pub(crate) const fn zone(&self) -> &Name {
        &self.zone
    }

    /// The zone's DNSKEY set.
    pub(crate) const fn keys(&self) -> &RrSet {
        &self.keys
    }

    /// RRSIG contents for records of `rtype` at the lowered wire name `owner`, good at `now`.
    pub(crate) fn sign<'r>(
        &mut self,
        now: UnixTime,
        owner: &[u8],
        rtype: u16,
        ttl: u32,
        records: impl Iterator<Item = &'r [u8]>,
    ) -> Option<Box<[u8]>> {
        let mut rrsig = self.fields(now, owner, rtype, ttl);
        self.data.clear();
        self.data.extend_from_slice(&rrsig);
        let mut records: Vec<_> = records.map(|one| canonical(rtype, one)).collect();
        records.sort_unstable();
        records.dedup();
        for one in records {
            self.data.extend_from_slice(owner);
            self.data.extend_from_slice(&rtype.to_be_bytes());
            self.data.extend_from_slice(&class::IN.to_be_bytes());
            self.data.extend_from_slice(&ttl.to_be_bytes());
            self.data.extend_from_slice(&u16::try_from(one.len()).unwrap_or(u16::MAX).to_be_bytes());
            self.data.extend_from_slice(&one);
        }
        let digest: [u8; 32] = Sha256::digest(&self.data).into();
        let signature = match self.made.get(&digest) {
            Some(signature) => signature,
            None => {
                let signature = self.key.sign(&digest)?;
                self.made.keep(digest, signature);
                signature
            }
        };
        rrsig.extend_from_slice(&signature);
        Some(rrsig.into())
    }

    /// RRSIG contents up to the signature. Times move by the hour, so that signatures made before serve again.
    fn fields(&self, now: UnixTime, owner: &[u8], rtype: u16, ttl: u32) -> Vec<u8> {
        let hour = now.as_secs().saturating_sub(now.as_secs().checked_rem(HOUR).unwrap_or_default());
        let seconds = |time: u64| {
            let [.., s0, s1, s2, s3] = time.to_be_bytes();
            [s0, s1, s2, s3]
        };
        let labels = u8::try_from(suffixes(owner).count().saturating_sub(1)).unwrap_or(u8::MAX);
        let mut fields = Vec::with_capacity(340);
        fields.extend_from_slice(&rtype.to_be_bytes());
        fields.extend_from_slice(&[ALGORITHM, labels]);
        fields.extend_from_slice(&ttl.to_be_bytes());
        fields.extend_from_slice(&seconds(hour.saturating_add(GOOD_AFTER)));
        fields.extend_from_slice(&seconds(hour.saturating_sub(GOOD_BEFORE)));
        fields.extend_from_slice(&self.tag.to_be_bytes());
        fields.extend_from_slice(self.zone.as_wire());
        fields
    }
}

/// The contents as they are signed: names in them in lower case (RFC 4034 §6.2).
fn canonical(rtype: u16, contents: &[u8]) -> Vec<u8> {
    let mut contents = contents.to_vec();
    if let Some(names) = rdata::names_in(rtype, &contents).and_then(|range| contents.get_mut(range)) {
        names.make_ascii_lowercase();
    }
    contents
}

/// Seconds between two sets of times.
const HOUR: u64 = 3_600;
/// Seconds before the hour from which a signature is good: for clocks that are behind.
const GOOD_BEFORE: u64 = HOUR;
/// Seconds after the hour until which it is good.
const GOOD_AFTER: u64 = 4 * HOUR;
/// Signatures of one generation, in about 2 MiB.
const GENERATION: usize = 16_384;
