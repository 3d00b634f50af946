//! The way to one zone of an existing server: a TCP stream, and one update under way on it at a time.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use rove_base::{Instant, StreamId};
use rove_dns::{tsig::Mac, update::OwnSet, wire::Name};

/// Owner and type of a set of records.
pub(super) type Key = (Name, u16);

/// What belongs to this zone of one change; or of nobody's, to put right what may be wrong.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) change: Option<u64>,
    pub(super) sets: Vec<OwnSet>,
    /// When nobody waits for it any more.
    pub(super) until: Instant,
}

/// An update that is not answered yet.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) id: u16,
    pub(super) mac: Mac,
    pub(super) parts: Vec<Part>,
    pub(super) until: Instant,
}

/// Where the stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    None,
    /// Until when it may take.
    Opening(StreamId, Instant),
    Open(StreamId),
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) zone: Name,
    pub(super) way: Way,
    /// The beginning of an answer.
    inbox: Vec<u8>,
    pub(super) queue: VecDeque<Part>,
    pub(super) under_way: Option<UnderWay>,
    /// What may be otherwise there than the registers believe.
    pub(super) dirty: BTreeSet<Key>,
    /// Nothing is sent before.
    pub(super) rest_until: Option<Instant>,
    failures: u32,
    /// So many of the next go one by one: one of them is refused, and it is to be known which.
    pub(super) alone: usize,
}

impl Line {
    pub(super) const fn new(zone: Name) -> Self {
        Self {
            zone,
            way: Way::None,
            inbox: Vec::new(),
            queue: VecDeque::new(),
            under_way: None,
            dirty: BTreeSet::new(),
            rest_until: None,
            failures: 0,
            alone: 0,
        }
    }

    pub(super) const fn stream(&self) -> Option<StreamId> {
        match self.way {
            Way::None => None,
            Way::Opening(stream, _) | Way::Open(stream) => Some(stream),
        }
    }

    /// Parts for the next update: as many as fit, none that touches what another touches.
    pub(super) fn take(&mut self) -> Vec<Part> {
        let (mut parts, mut touched) = (Vec::new(), BTreeSet::new());
        while let Some(part) = self.queue.front() {
            let full = touched.len().saturating_add(part.sets.len()) > MOST_SETS;
            let again = part.sets.iter().any(|set| touched.contains(&(set.name.clone(), set.rtype)));
            if !parts.is_empty() && (full || again || self.alone > 0) {
                break;
            }
            touched.extend(part.sets.iter().map(|set| (set.name.clone(), set.rtype)));
            parts.extend(self.queue.pop_front());
        }
        if !parts.is_empty() {
            self.alone = self.alone.saturating_sub(1);
        }
        parts
    }

    /// What was under way waits again, in its old place.
    pub(super) fn back(&mut self, parts: Vec<Part>) {
        // What nobody waits for is known to be dirty.
        parts.into_iter().rev().filter(|part| part.change.is_some()).for_each(|part| {
            self.queue.push_front(part);
        });
    }

    /// The server failed: it gets a pause, longer each time.
    pub(super) fn failed(&mut self, now: Instant) {
        self.rest_until = Some(now.later(PAUSE.saturating_mul(1 << self.failures.min(4))));
        self.failures = self.failures.saturating_add(1);
    }

    /// It did as it was told.
    pub(super) const fn well(&mut self) {
        (self.failures, self.rest_until) = (0, None);
    }

    /// Nothing is open any more.
    pub(super) fn cut(&mut self) {
        self.way = Way::None;
        self.inbox.clear();
    }

    /// The next whole message of what has come; `None` when there is none yet.
    pub(super) fn next_message(&mut self, bytes: &mut &[u8]) -> Option<Vec<u8>> {
        self.inbox.extend_from_slice(core::mem::take(bytes));
        let (length, rest) = self.inbox.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let message = rest.get(..length)?.to_vec();
        self.inbox.drain(..length.saturating_add(2));
        Some(message)
    }

    /// When something is to be done, whatever happens.
    pub(super) fn wake(&self) -> Option<Instant> {
        let rest = self.rest_until.filter(|_| !(self.queue.is_empty() && self.dirty.is_empty()));
        let opening = match self.way {
            Way::Opening(_, until) => Some(until),
            _ => None,
        };
        let answer = self.under_way.as_ref().map(|under_way| under_way.until);
        let waiting = self.queue.front().map(|part| part.until);
        [rest, opening, answer, waiting].into_iter().fold(None, Instant::earliest)
    }
}

/// Sets in one update: far less than 64 KiB.
pub(super) const MOST_SETS: usize = 96;
/// After a failure; doubles four times.
const PAUSE: Duration = Duration::from_millis(250);
