//! The journal in fewer words, piece by piece while the zones change.
//!
//! What a piece says is what is so when it is written; what changes later is in the journal behind the snapshot. There
//! some of what the snapshot says already is said again, which does no harm: of each record the last change decides
//! whether it is there.

use rove_base::{Ticket, UnixTime};

use super::updates::Updates;
use crate::{
    tsig::Mac,
    update::{self, Entry},
    wire::Name,
    zones::{Contents, Record, Zone, Zones},
};

/// A part of a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// These records, and more to come.
    Records(Vec<Vec<u8>>),
    /// Nothing yet: updates that were asked for before it was begun still wait for the journal.
    Later,
    /// That was all.
    End,
}

/// A snapshot that is being written.
#[derive(Debug)]
pub(super) struct Dump {
    /// What was asked for up to this is to be in it.
    upto: Ticket,
    zones: Vec<Name>,
    /// Whether the names that are gone are looked for, those that are there being done.
    gone: bool,
    place: usize,
    key: usize,
    last: Option<(UnixTime, Mac)>,
}

impl Dump {
    pub(super) fn new(zones: &Zones, upto: Ticket) -> Self {
        let zones = zones.iter().map(|zone| zone.origin().clone()).collect();
        Self { upto, zones, gone: false, place: 0, key: 0, last: None }
    }

    /// What leads from `start` to `now`, as far as a piece goes.
    pub(super) fn next(&mut self, now: &Zones, start: &Zones, updates: &Updates) -> Piece {
        if updates.waits_for(self.upto) {
            return Piece::Later;
        }
        while let Some(origin) = self.zones.last() {
            if let (Some(zone), Some(start)) = (now.get(origin), start.get(origin)) {
                let (places, looked) = if self.gone {
                    (start.places(), self.gone(zone, start))
                } else {
                    (zone.places(), self.there(zone, start))
                };
                if self.place >= places {
                    self.pass_ended();
                }
                return Piece::Records(looked);
            }
            self.gone = true;
            self.pass_ended();
        }
        self.signatures(updates)
    }

    fn pass_ended(&mut self) {
        if self.gone {
            self.zones.pop();
        }
        (self.gone, self.place) = (!self.gone, 0);
    }

    /// Of names that are there, what differs.
    fn there(&mut self, zone: &Zone, start: &Zone) -> Vec<Vec<u8>> {
        let nothing = Contents::default();
        let mut chunk = Chunk::new(zone);
        while self.place < zone.places() && !chunk.is_enough() {
            if let Some((name, after)) = zone.at_place(self.place) {
                let before = start.at(name.as_wire()).unwrap_or(&nothing);
                chunk.difference(name, before, after);
            }
            self.place = self.place.saturating_add(1);
        }
        chunk.finish()
    }

    /// Names that were there at the start and are not.
    fn gone(&mut self, zone: &Zone, start: &Zone) -> Vec<Vec<u8>> {
        let nothing = Contents::default();
        let mut chunk = Chunk::new(zone);
        while self.place < start.places() && !chunk.is_enough() {
            if let Some((name, before)) = start.at_place(self.place)
                && zone.at(name.as_wire()).is_none()
            {
                chunk.difference(name, before, &nothing);
            }
            self.place = self.place.saturating_add(1);
        }
        chunk.finish()
    }

    fn signatures(&mut self, updates: &Updates) -> Piece {
        while let Some((key, guard)) = updates.guard(self.key) {
            let some: Vec<_> = guard.iter_after(self.last).take(SIGNATURES).collect();
            if let Some(last) = some.last() {
                self.last = Some(*last);
                let mut record = Vec::with_capacity(SIGNATURES.saturating_mul(40));
                update::write_signatures(&mut record, key.name(), &some);
                return Piece::Records(vec![record]);
            }
            (self.key, self.last) = (self.key.saturating_add(1), None);
        }
        Piece::End
    }
}

/// As much of a zone's difference as one piece shall hold.
struct Chunk<'z> {
    zone: &'z Zone,
    records: Vec<Vec<u8>>,
    deleted: Vec<Record>,
    added: Vec<Record>,
    /// Bytes of what is deleted and added.
    weight: usize,
    /// What was done for it, in bytes looked at or so.
    work: usize,
}

impl<'z> Chunk<'z> {
    const fn new(zone: &'z Zone) -> Self {
        Self { zone, records: Vec::new(), deleted: Vec::new(), added: Vec::new(), weight: 0, work: 0 }
    }

    const fn is_enough(&self) -> bool {
        self.work >= PIECE
    }

    /// Record by record: a name may own more than one journal record can hold.
    fn difference(&mut self, name: &Name, before: &Contents, after: &Contents) {
        self.work = self.work.saturating_add(RECORD_OVERHEAD);
        for (set, rdata) in before.minus(after) {
            self.deleted.push(set.record(name, rdata));
            self.weigh(rdata);
        }
        for (set, rdata) in after.minus(before) {
            self.added.push(set.record(name, rdata));
            self.weigh(rdata);
        }
    }

    fn weigh(&mut self, rdata: &[u8]) {
        let weight = rdata.len().saturating_add(RECORD_OVERHEAD);
        (self.weight, self.work) = (self.weight.saturating_add(weight), self.work.saturating_add(weight));
        if self.weight >= CHUNK {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.weight > 0 {
            let (zone, serial) = (self.zone.origin().clone(), self.zone.serial());
            let (deleted, added) = (self.deleted.as_slice(), self.added.as_slice());
            let mut bytes = Vec::new();
            update::write_record(&mut bytes, &Entry { origin: None, zone, serial, deleted, added });
            self.records.push(bytes);
            (self.weight, self.deleted, self.added) = (0, Vec::new(), Vec::new());
        }
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        self.close();
        self.records
    }
}

/// Bytes after which a journal record is closed; with the largest record on top it still fits.
const CHUNK: usize = 256 * 1_024;
/// Work after which a piece is enough: some hundred names.
const PIECE: usize = 128 * 1_024;
/// The longest name and the fixed fields.
const RECORD_OVERHEAD: usize = 255 + 8;
/// Signatures in one record.
const SIGNATURES: usize = 1_024;
