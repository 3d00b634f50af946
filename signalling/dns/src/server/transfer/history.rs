//! What changed lately in one zone, for those who ask what they missed (RFC 1995).

use std::{collections::VecDeque, sync::Arc};

use crate::zones::{Record, rdata};

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
        let is_soa = |record: &Record| record.rtype == crate::wire::rtype::SOA;
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
