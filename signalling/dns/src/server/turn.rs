//! What may wait a moment so that questions do not: updates that came by datagram, and changes that are durable but not
//! visible yet. Of both a few are dealt with before the driver looks at its sockets again, and none before the answers
//! to questions that are there already have left.

use std::collections::VecDeque;

use rove_base::Ticket;

use super::Peer;

/// Work that is left for later turns.
#[derive(Debug)]
pub(super) struct Turn {
    /// Updates as they came.
    inbox: VecDeque<(Peer, Vec<u8>)>,
    /// Bytes in it, or so.
    bytes: usize,
    /// All up to this is durable.
    durable: Ticket,
    /// What may still be done in this turn.
    left: usize,
    /// Whether a question was answered since the last rest.
    answered: bool,
    resting: bool,
    /// Whether it rested in this turn.
    rested: bool,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            inbox: VecDeque::new(),
            bytes: 0,
            durable: Ticket(0),
            left: TURN,
            answered: false,
            resting: false,
            rested: false,
        }
    }
}

impl Turn {
    /// Keeps an update for later; `false` when there is no room.
    pub(super) fn push(&mut self, from: Peer, message: &[u8]) -> bool {
        let bytes = self.bytes.saturating_add(message.len()).saturating_add(OVERHEAD);
        let room = bytes <= INBOX_BYTES;
        if room {
            self.bytes = bytes;
            self.inbox.push_back((from, message.to_vec()));
        }
        room
    }

    /// The oldest update, when it is its turn.
    pub(super) fn pop(&mut self) -> Option<(Peer, Vec<u8>)> {
        self.left.checked_sub(UPDATE)?;
        let oldest = self.inbox.pop_front()?;
        self.bytes = self.bytes.saturating_sub(oldest.1.len().saturating_add(OVERHEAD));
        self.spend(UPDATE);
        Some(oldest)
    }

    pub(super) const fn is_durable(&mut self, ticket: Ticket) {
        if self.durable.0 < ticket.0 {
            self.durable = ticket;
        }
    }

    /// Up to where changes may be made visible, when it is their turn.
    pub(super) fn durable(&self) -> Option<Ticket> {
        self.left.checked_sub(SHOW)?;
        Some(self.durable)
    }

    /// Up to where changes may be made visible at all.
    pub(super) const fn durable_at_all(&self) -> Ticket {
        self.durable
    }

    pub(super) const fn shown(&mut self) {
        self.spend(SHOW);
    }

    const fn spend(&mut self, cost: usize) {
        self.left = self.left.saturating_sub(cost);
    }

    /// Whether an update waits.
    pub(super) fn has_updates(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// A question was answered: its answer is to leave before anything else is done.
    pub(super) const fn answered(&mut self) {
        self.answered = true;
    }

    /// Whether to rest until what was answered has left, before work that `waits`. Once in a turn: whoever goes on asking
    /// keeps nobody from being served.
    pub(super) const fn rest(&mut self, waits: bool) -> bool {
        self.resting = self.answered && waits && !self.rested;
        self.rested |= self.resting;
        self.answered = false;
        self.resting
    }

    /// Whether it rests now.
    pub(super) const fn is_resting(&self) -> bool {
        self.resting
    }

    /// A turn has ended, and the next may begin.
    pub(super) const fn end(&mut self) {
        (self.left, self.rested) = (TURN, false);
    }
}

/// What is done in one turn at most, in microseconds or so: a question that comes meanwhile waits that long.
const TURN: usize = 160;
/// What an update takes until it is on its way to the journal.
const UPDATE: usize = 10;
/// What it takes to make a change visible and answer it.
const SHOW: usize = 5;
/// Bytes of updates that may wait; past that they are lost as in a network that is full, and sent again.
const INBOX_BYTES: usize = 16 << 20;
/// What a message takes besides its bytes.
const OVERHEAD: usize = 128;
