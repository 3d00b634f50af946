//! What changed lately in one zone, for those who ask what they missed (RFC 1995).

use std::{collections::VecDeque, sync::Arc};

use crate::{
    wire::{Name, rtype},
    zones::{Record, rdata},
};

/// One step from a serial to the next.
#[derive(Debug)]
pub(super) struct DiffStep {
    /// SOA contents before and after.
    pub(super) before: Box<[u8]>,
    pub(super) after: Box<[u8]>,
    /// Without SOA records.
    pub(super) deleted: Vec<Record>,
    pub(super) added: Vec<Record>,
    weight: usize,
}

/// The last steps, oldest first, each starting where the one before it ended.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: VecDeque<Arc<DiffStep>>,
    weight: usize,
}

impl History {
    pub(super) fn push(
        &mut self,
        before: &[u8],
        after: &[u8],
        mut deleted: Vec<Record>,
        mut added: Vec<Record>,
    ) {
        let is_soa = |record: &Record| record.rtype == rtype::SOA;
        deleted.retain(|record| !is_soa(record));
        added.retain(|record| !is_soa(record));
        let follows = self.steps.back().is_none_or(|last| serial(&last.after) == serial(before));
        if !follows {
            self.steps.clear();
            self.weight = 0;
        }
        let records = deleted.iter().chain(&added);
        let weight = records.map(weigh).fold(STEP_BYTES, usize::saturating_add);
        let step = DiffStep { before: before.into(), after: after.into(), deleted, added, weight };
        self.weight = self.weight.saturating_add(weight);
        self.steps.push_back(Arc::new(step));
        while self.weight > MAX_BYTES
            && let Some(oldest) = self.steps.pop_front()
        {
            self.weight = self.weight.saturating_sub(oldest.weight);
        }
    }

    /// The steps from `from` on; `None` when they are not all here any more, or `from` never was.
    pub(super) fn since(&self, from: u32) -> Option<Vec<Arc<DiffStep>>> {
        let at = self.steps.iter().rposition(|step| serial(&step.before) == Some(from))?;
        Some(self.steps.iter().skip(at).cloned().collect())
    }
}

/// What changed, record by record (RFC 1995 §4): the newest SOA, for each step the old SOA with what went and the new one
/// with what came, and the newest SOA again.
#[derive(Debug)]
pub(super) struct Steps {
    zone: Name,
    ttl: u32,
    newest: Box<[u8]>,
    steps: Vec<Arc<DiffStep>>,
    /// Which step is next; before the first one: `None`.
    step: Option<usize>,
    /// Which record of it.
    at: usize,
}

impl Steps {
    pub(super) fn new(zone: Name, ttl: u32, newest: &[u8], steps: Vec<Arc<DiffStep>>) -> Self {
        Self { zone, ttl, newest: newest.into(), steps, step: None, at: 0 }
    }

    fn soa(&self, rdata: &[u8]) -> Record {
        Record { name: self.zone.clone(), rtype: rtype::SOA, ttl: self.ttl, rdata: rdata.into() }
    }
}

impl Iterator for Steps {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let Some(step) = self.step else {
            self.step = Some(0);
            return Some(self.soa(&self.newest));
        };
        let Some(current) = self.steps.get(step) else {
            let last = step == self.steps.len();
            self.step = Some(self.steps.len().saturating_add(1));
            return last.then(|| self.soa(&self.newest));
        };
        let (at, came) = (self.at, self.at.checked_sub(current.deleted.len().saturating_add(1)));
        self.at = at.saturating_add(1);
        let record = match (at.checked_sub(1), came) {
            (None, _) => Some(self.soa(&current.before)),
            (_, Some(0)) => Some(self.soa(&current.after)),
            (_, Some(came)) => current.added.get(came.saturating_sub(1)).cloned(),
            (Some(went), None) => current.deleted.get(went).cloned(),
        };
        if record.is_none() {
            (self.step, self.at) = (Some(step.saturating_add(1)), 0);
            return self.next();
        }
        record
    }
}

fn weigh(record: &Record) -> usize {
    record.name.as_wire().len().saturating_add(record.rdata.len()).saturating_add(RECORD_BYTES)
}

fn serial(soa: &[u8]) -> Option<u32> {
    rdata::soa_serial(soa)
}

/// What one zone's steps may take in memory.
const MAX_BYTES: usize = 8 << 20;
/// What a step takes besides its records.
const STEP_BYTES: usize = 300;
/// What a record takes besides its name and contents.
const RECORD_BYTES: usize = 64;
