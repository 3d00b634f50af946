//! By which of two ways each packet came, and when: what a judgement of ways is made of.

use rove_base::{Instant, SeqNumber};

/// The way that packets take, and another beside it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    Taken,
    Other,
    Elsewhere,
}

/// When one packet came by each of the two ways; `None`: not, as far as anybody waits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Fate {
    pub(super) taken: Option<Instant>,
    pub(super) other: Option<Instant>,
    /// It came by a third way.
    pub(super) elsewhere: bool,
}

impl Fate {
    /// It came by no way at all.
    pub(super) const fn is_gone(&self) -> bool {
        self.taken.is_none() && self.other.is_none() && !self.elsewhere
    }
}

#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    cells: [Cell; CELLS],
    newest: Option<SeqNumber>,
    /// Those before it are judged.
    next: SeqNumber,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// Of which packet; `None` when it was never used.
    seq: Option<u16>,
    fate: Fate,
}

impl Arrivals {
    pub(super) const fn new() -> Self {
        let cell = Cell { seq: None, fate: Fate { taken: None, other: None, elsewhere: false } };
        Self { cells: [cell; CELLS], newest: None, next: SeqNumber(0) }
    }

    /// Whether a packet was here already, by whichever way.
    pub(super) fn has(&self, seq: SeqNumber) -> bool {
        self.cell(seq).is_some_and(|cell| cell.seq == Some(seq.0))
    }

    fn cell(&self, seq: SeqNumber) -> Option<&Cell> {
        self.cells.get(usize::from(seq.0) % CELLS)
    }

    /// A packet came. Answers whether it had been judged to be gone.
    pub(super) fn came(&mut self, way: Way, seq: SeqNumber, at: Instant) -> bool {
        let ahead = self.newest.map(|newest| seq.since(newest));
        if ahead.is_none_or(|ahead| usize::from(ahead.unsigned_abs()) >= CELLS) {
            // The first one, or numbers that have nothing to do with those before.
            (self.newest, self.next) = (Some(seq), seq);
            self.cells.fill(Cell::default());
        } else if ahead.is_some_and(|ahead| ahead > 0) {
            self.newest = Some(seq);
        }
        let judged = seq.since(self.next) < 0;
        let Some(cell) = self.cells.get_mut(usize::from(seq.0) % CELLS) else { return false };
        let known = cell.seq == Some(seq.0);
        if !known {
            *cell = Cell { seq: Some(seq.0), fate: Fate::default() };
        }
        let gone = judged && (!known || cell.fate.is_gone());
        match way {
            Way::Taken => cell.fate.taken = cell.fate.taken.or(Some(at)),
            Way::Other => cell.fate.other = cell.fate.other.or(Some(at)),
            Way::Elsewhere => cell.fate.elsewhere = true,
        }
        gone
    }

    /// The fate of the next packet that nobody waits for any more.
    pub(super) fn judged(&mut self) -> Option<(SeqNumber, Fate)> {
        let newest = self.newest?;
        if newest.since(self.next) < OVERTAKEN {
            return None;
        }
        let seq = self.next;
        self.next = seq.plus(1);
        let fate = self.cell(seq).filter(|cell| cell.seq == Some(seq.0)).map(|cell| cell.fate);
        Some((seq, fate.unwrap_or_default()))
    }

    /// What was the other way is the one that packets take; what came by the one before counts for nothing.
    pub(super) fn turn(&mut self) {
        for cell in &mut self.cells {
            let elsewhere = cell.fate.elsewhere || cell.fate.taken.is_some();
            cell.fate = Fate { taken: cell.fate.other, other: None, elsewhere };
        }
    }

    /// Another way than before is looked at beside the one that is taken.
    pub(super) fn forget_other(&mut self) {
        for cell in &mut self.cells {
            cell.fate.elsewhere |= cell.fate.other.is_some();
            cell.fate.other = None;
        }
    }
}

/// More than come in the longest time that anything is looked back at.
const CELLS: usize = 128;
/// Packets that may overtake one before it counts as lost: as many as RFC 4585 lets senders assume.
const OVERTAKEN: i16 = 3;
