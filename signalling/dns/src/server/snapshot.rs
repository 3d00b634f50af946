//! The journal in fewer words.

use std::collections::BTreeSet;

use crate::{
    update::{self, Entry, Origin},
    wire::Name,
    zones::{Contents, Record, Zone, Zones},
};

/// What leads from `start` to `now`, and the signatures in `remembered`.
pub(super) fn records(now: &Zones, start: &Zones, remembered: impl Iterator<Item = Origin>) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for zone in now.iter() {
        if let Some(start) = start.get(zone.origin()) {
            let mut chunk = Chunk { zone, deleted: Vec::new(), added: Vec::new(), weight: 0 };
            chunk.difference(start, &mut records);
            chunk.close(&mut records);
        }
    }
    for origin in remembered {
        let nothing: &[Record] = &[];
        let entry =
            Entry { origin: Some(origin), zone: Name::root(), serial: 0, deleted: nothing, added: nothing };
        records.push(write(&entry));
    }
    records
}

/// As much of a zone's difference as one journal record shall hold.
struct Chunk<'z> {
    zone: &'z Zone,
    deleted: Vec<Record>,
    added: Vec<Record>,
    weight: usize,
}

impl Chunk<'_> {
    /// Name by name, record by record: a name may own more than one journal record can hold.
    fn difference(&mut self, start: &Zone, records: &mut Vec<Vec<u8>>) {
        let (zone, nothing) = (self.zone, Contents::default());
        let names: BTreeSet<&Name> = zone.all_names().chain(start.all_names()).collect();
        for name in names {
            let before = start.at(name.as_wire()).unwrap_or(&nothing);
            let after = zone.at(name.as_wire()).unwrap_or(&nothing);
            for (set, rdata) in before.minus(after) {
                self.deleted.push(set.record(name, rdata));
                self.weigh(rdata, records);
            }
            for (set, rdata) in after.minus(before) {
                self.added.push(set.record(name, rdata));
                self.weigh(rdata, records);
            }
        }
    }

    fn weigh(&mut self, rdata: &[u8], records: &mut Vec<Vec<u8>>) {
        self.weight = self.weight.saturating_add(rdata.len()).saturating_add(RECORD_OVERHEAD);
        if self.weight >= CHUNK {
            self.close(records);
        }
    }

    fn close(&mut self, records: &mut Vec<Vec<u8>>) {
        if self.weight > 0 {
            let (zone, serial) = (self.zone.origin().clone(), self.zone.serial());
            let (deleted, added) = (self.deleted.as_slice(), self.added.as_slice());
            records.push(write(&Entry { origin: None, zone, serial, deleted, added }));
            (self.weight, self.deleted, self.added) = (0, Vec::new(), Vec::new());
        }
    }
}

fn write(entry: &Entry<&[Record]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    update::write_record(&mut bytes, entry);
    bytes
}

/// Bytes after which a journal record is closed; with the largest record on top it still fits.
const CHUNK: usize = 256 * 1_024;
/// The longest name and the fixed fields.
const RECORD_OVERHEAD: usize = 255 + 8;
