//! Names that an existing server keeps: BIND, Knot or any other, by signed updates (RFC 2136, RFC 8945).
//!
//! ```text
//!  register ── set ──▶ Foreign ── one update for all that wait, and the next when it is answered ──▶ server
//!           ◀─ Done ──         ◀─ durable and visible there ──
//! ```
//!
//! Each update says what it believes to be there, so that one that comes late does no harm. Where that is not known,
//! after a crash or when an answer was lost, the name is set whatever is there: nobody else writes these names. What could
//! not be done in time has failed for whoever wanted it, and is put right as soon as the server is there again.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod line;
mod message;
mod turn;

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{
    Arrival, Connect, Dscp, Entropy, Flow, Instant, Machine, Now, Scratch, Step, StreamId, Transmit,
};
use rove_dns::{tsig::TsigKey, update::OwnSet, wire::Name};

use line::{Key, Line, Part, Way};
use message::Contents;

/// An existing server, and what it lets us do there.
#[derive(Clone, Debug)]
pub struct ForeignConfig {
    /// Where it takes updates, over TCP.
    pub server: SocketAddr,
    /// Its zones that the names are in.
    pub zones: Vec<Name>,
    /// What it lets change them.
    pub key: TsigKey,
    /// How long a change may take.
    pub patience: Duration,
}

/// Names one change between the keeper of names and its owner.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ForeignId(pub u64);

/// A change that was not made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// The name is in none of the zones.
    #[error("{0} is in none of the zones that are named")]
    NotHeld(Name),
    /// The server does not want to.
    #[error("the server refuses the update with code {0}")]
    Refused(u16),
    /// It did not answer in time, or not with our key.
    #[error("the server does not answer")]
    Silent,
    /// Too many changes wait for it.
    #[error("too many changes wait for the server")]
    Crowded,
}

/// What became of a change. Done: durable and visible at the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForeignEvent {
    /// Which change.
    pub id: ForeignId,
    /// What became of it.
    pub result: Result<(), ForeignError>,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ForeignCounts {
    /// Updates that were sent.
    pub updates: u64,
    /// Changes that were made.
    pub done: u64,
    /// Updates for something else was there than was believed.
    pub differed: u64,
    /// Changes that the server refused.
    pub refused: u64,
    /// Changes that were not answered in time.
    pub silent: u64,
    /// Changes for which there was no room.
    pub crowded: u64,
}

/// Keeps names at an existing server, a [`Machine`].
#[derive(Debug)]
pub struct Foreign {
    config: ForeignConfig,
    entropy: Entropy,
    now: Now,
    lines: Vec<Line>,
    cells: BTreeMap<Key, Cell>,
    changes: BTreeMap<u64, Whole>,
    steps: VecDeque<Pending>,
    last_change: u64,
    last_stream: u64,
    counts: ForeignCounts,
}

/// One set of records. As many as the registers have names.
#[derive(Debug)]
struct Cell {
    /// What registers believe, with its TTL.
    settled: OwnSet,
    /// What is there, as far as that is known.
    there: Option<Contents>,
    /// Changes under way that touch it.
    changes: u32,
}

/// A change, over one or more zones.
#[derive(Debug)]
struct Whole {
    sets: Vec<OwnSet>,
    /// Parts that are not done.
    left: usize,
    error: Option<ForeignError>,
}

#[derive(Debug)]
enum Pending {
    Connect(StreamId),
    Send(StreamId, Vec<u8>),
    Close(StreamId),
    Event(ForeignEvent),
}

impl Foreign {
    /// Nothing is known yet of what the server has; tell it with [`Foreign::expect`] what should be there.
    #[must_use]
    pub fn new(config: ForeignConfig, entropy: Entropy) -> Self {
        let lines = config.zones.iter().cloned().map(Line::new).collect();
        Self {
            config,
            entropy,
            now: Now::default(),
            lines,
            cells: BTreeMap::new(),
            changes: BTreeMap::new(),
            steps: VecDeque::new(),
            last_change: 0,
            last_stream: 0,
            counts: ForeignCounts::default(),
        }
    }

    /// What happened so far.
    #[must_use]
    pub const fn counts(&self) -> ForeignCounts {
        self.counts
    }

    /// Whether no change waits.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.changes.is_empty()
    }

    /// So it should be there: whatever is, it is set in the background.
    pub fn expect(&mut self, now: Now, sets: Vec<OwnSet>) {
        self.now = now;
        for set in sets {
            let Some(line) = self.line_of(&set.name) else { continue };
            let key = (set.name.clone(), set.rtype);
            if let Some(line) = self.lines.get_mut(line) {
                line.dirty.insert(key.clone());
            }
            self.cells.insert(key, Cell { settled: set, there: None, changes: 0 });
        }
        self.turn();
    }

    /// Makes these sets so, all of them or, in the end, none. [`ForeignEvent`] follows.
    pub fn set(&mut self, now: Now, sets: Vec<OwnSet>) -> ForeignId {
        self.now = now;
        self.last_change = self.last_change.saturating_add(1);
        let id = self.last_change;
        match self.divide(id, &sets) {
            Err(error) => self.say(id, Err(error)),
            Ok(parts) => {
                for set in &sets {
                    let key = (set.name.clone(), set.rtype);
                    let nothing = OwnSet { rdata: Vec::new(), ..set.clone() };
                    let cell = self.cells.entry(key);
                    let cell = cell.or_insert(Cell { settled: nothing, there: None, changes: 0 });
                    cell.changes = cell.changes.saturating_add(1);
                }
                self.changes.insert(id, Whole { sets, left: parts.len(), error: None });
                for (line, part) in parts {
                    if let Some(line) = self.lines.get_mut(line) {
                        line.queue.push_back(part);
                    }
                }
                self.turn();
            }
        }
        ForeignId(id)
    }

    /// What of a change is whose.
    fn divide(&self, id: u64, sets: &[OwnSet]) -> Result<BTreeMap<usize, Part>, ForeignError> {
        let until = self.now.mono.later(self.config.patience);
        let mut parts = BTreeMap::new();
        for set in sets {
            let line = self.line_of(&set.name).ok_or_else(|| ForeignError::NotHeld(set.name.clone()))?;
            if self.lines.get(line).is_none_or(|line| line.queue.len() >= MOST_WAITING) {
                return Err(ForeignError::Crowded);
            }
            let part = parts.entry(line).or_insert(Part { change: Some(id), sets: Vec::new(), until });
            part.sets.push(set.clone());
        }
        Ok(parts)
    }

    fn line_of(&self, name: &Name) -> Option<usize> {
        let holds = self.lines.iter().enumerate().filter(|(_, line)| name.is_within(&line.zone));
        holds.max_by_key(|(_, line)| line.zone.labels()).map(|(index, _)| index)
    }

    fn say(&mut self, id: u64, result: Result<(), ForeignError>) {
        let counter = match &result {
            Ok(()) => &mut self.counts.done,
            Err(ForeignError::Silent) => &mut self.counts.silent,
            Err(ForeignError::Crowded) => &mut self.counts.crowded,
            Err(ForeignError::Refused(_) | ForeignError::NotHeld(_)) => &mut self.counts.refused,
        };
        *counter = counter.saturating_add(1);
        self.steps.push_back(Pending::Event(ForeignEvent { id: ForeignId(id), result }));
    }

    /// A part is over; with the last of them the change is.
    fn part_over(&mut self, part: Part, error: Option<ForeignError>) {
        let Some(id) = part.change else { return };
        let Some(whole) = self.changes.get_mut(&id) else { return };
        whole.left = whole.left.saturating_sub(1);
        whole.error = whole.error.take().or(error);
        if whole.left > 0 {
            return;
        }
        let Some(Whole { sets, error, .. }) = self.changes.remove(&id) else { return };
        for set in sets {
            let key = (set.name.clone(), set.rtype);
            let line = self.line_of(&set.name);
            let Some(cell) = self.cells.get_mut(&key) else { continue };
            cell.changes = cell.changes.saturating_sub(1);
            if error.is_none() {
                cell.settled = set;
            } else if cell.there.as_ref() != Some(&cell.settled.rdata)
                && let Some(line) = line.and_then(|line| self.lines.get_mut(line))
            {
                line.dirty.insert(key);
            }
        }
        self.say(id, error.map_or(Ok(()), Err));
    }

    fn line_at(&self, stream: StreamId) -> Option<usize> {
        self.lines.iter().position(|line| line.stream() == Some(stream))
    }
}

impl Machine for Foreign {
    type Input<'a> = Arrival<'a>;
    type Event = ForeignEvent;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = now;
        match input {
            Arrival::Connected { stream, .. } => {
                let index = self.line_at(stream);
                if let Some(line) = index.and_then(|index| self.lines.get_mut(index)) {
                    line.way = Way::Open(stream);
                }
            }
            Arrival::Stream { stream, bytes } => {
                if let Some(index) = self.line_at(stream) {
                    self.heard(index, bytes);
                }
            }
            Arrival::Closed { stream, .. } => {
                if let Some(index) = self.line_at(stream) {
                    self.lost(index);
                }
            }
            _ => {}
        }
        self.turn();
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.turn();
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<ForeignEvent> {
        match self.steps.pop_front() {
            Some(Pending::Connect(stream)) => {
                let (remote, transport) = (self.config.server, rove_base::Transport::Tcp);
                Step::Connect(Connect { stream, remote, transport, name: None })
            }
            Some(Pending::Send(stream, bytes)) => Step::Send(Transmit {
                flow: Flow::Stream(stream),
                range: out.push(&bytes),
                dscp: Dscp::DEFAULT,
            }),
            Some(Pending::Close(stream)) => Step::Close(stream),
            Some(Pending::Event(event)) => Step::Event(event),
            None => Step::Wait(self.lines.iter().map(Line::wake).fold(None, Instant::earliest)),
        }
    }
}

/// Changes that wait for one zone.
const MOST_WAITING: usize = 8_192;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::panic)]
mod tests;
