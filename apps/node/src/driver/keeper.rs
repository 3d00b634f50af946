//! The node's journal as its driver sees it.

use std::collections::VecDeque;

use rove_base::Ticket;
use rove_io::journal::{Journal, Outcome};
use tokio::sync::mpsc::UnboundedReceiver;

/// The journal and what it says. It never has more to say than there are records that wait, which roles bound.
pub(crate) struct Keeper {
    journal: Journal,
    outcomes: UnboundedReceiver<Outcome>,
    record: Vec<u8>,
    /// Records in the journal.
    records: usize,
    compact_after: usize,
    /// How many records make it long.
    long: usize,
    /// Whether it is being written anew, and with how many records so far.
    rewriting: bool,
    rewritten: usize,
    newest: Ticket,
    /// Records that wait: the journal's ticket, whose record it is, and the role's own ticket.
    waiting: VecDeque<(Ticket, usize, Ticket)>,
}

impl Keeper {
    pub(crate) fn new(
        journal: Journal,
        outcomes: UnboundedReceiver<Outcome>,
        records: usize,
        compact_after: usize,
    ) -> Self {
        let (record, newest, waiting) = (Vec::new(), Ticket(0), VecDeque::new());
        let (long, rewriting, rewritten) = (compact_after, false, 0);
        Self {
            journal,
            outcomes,
            record,
            records,
            compact_after,
            long,
            rewriting,
            rewritten,
            newest,
            waiting,
        }
    }

    /// Whether there are so many records that writing them anew pays.
    pub(super) const fn is_long(&self) -> bool {
        !self.rewriting && self.records > self.long
    }

    /// Begins to write the journal anew: what is handed over from now on follows.
    pub(super) fn begin_rewrite(&mut self) {
        if let Err(error) = self.journal.rewrite() {
            tracing::warn!(target: "rove::journal", %error, "not written anew");
            return;
        }
        tracing::info!(target: "rove::journal", before = self.records, "being written anew");
        (self.rewriting, self.records) = (true, 0);
    }

    /// Adds records of the role with that tag, in pieces that keep no commit waiting for long.
    pub(super) fn rewrite_with(&mut self, tag: u8, records: Vec<Vec<u8>>) {
        self.rewritten = self.rewritten.saturating_add(records.len());
        let (mut piece, mut bytes) = (Vec::new(), 0_usize);
        for mut record in records {
            record.insert(0, tag);
            bytes = bytes.saturating_add(record.len());
            piece.push(record);
            if bytes >= PIECE_BYTES {
                self.add_piece(std::mem::take(&mut piece));
                bytes = 0;
            }
        }
        self.add_piece(piece);
    }

    fn add_piece(&self, piece: Vec<Vec<u8>>) {
        if !piece.is_empty()
            && let Err(error) = self.journal.rewrite_with(piece)
        {
            tracing::warn!(target: "rove::journal", %error, "not written anew");
        }
    }

    /// That was all.
    pub(super) fn end_rewrite(&mut self) {
        if let Err(error) = self.journal.rewritten() {
            tracing::warn!(target: "rove::journal", %error, "not written anew");
        }
        // What cannot be left out is not written again and again.
        self.long = self.compact_after.max(self.rewritten.saturating_mul(2));
        self.records = self.records.saturating_add(self.rewritten);
        (self.rewriting, self.rewritten) = (false, 0);
    }

    pub(super) const fn is_rewriting(&self) -> bool {
        self.rewriting
    }

    /// Whether the disk is ready for more of a rewrite.
    pub(super) fn takes_more(&self) -> bool {
        self.journal.rewriting() < REWRITE_BYTES
    }

    /// Hands over a record of role number `role`, whose tag is `tag`; `false` when the journal does not take it.
    pub(super) fn append(&mut self, role: usize, tag: u8, ticket: Ticket, bytes: &[u8]) -> bool {
        self.record.clear();
        self.record.push(tag);
        self.record.extend_from_slice(bytes);
        let newest = Ticket(self.newest.0.saturating_add(1));
        match self.journal.append(newest, &self.record) {
            Ok(()) => {
                (self.records, self.newest) = (self.records.saturating_add(1), newest);
                self.waiting.push_back((newest, role, ticket));
                true
            }
            Err(error) => {
                tracing::error!(target: "rove::journal", %error, "a record was not taken");
                false
            }
        }
    }

    /// All up to `newest` is durable: which roles are to be told, with the newest ticket of each.
    pub(super) fn durable(&mut self, newest: Ticket) -> Vec<(usize, Ticket)> {
        let mut told: Vec<(usize, Ticket)> = Vec::new();
        while let Some((_, role, ticket)) = self.waiting.pop_front_if(|(kept, _, _)| *kept <= newest) {
            match told.iter_mut().find(|(known, _)| *known == role) {
                Some((_, known)) => *known = ticket,
                None => told.push((role, ticket)),
            }
        }
        told
    }

    /// What the journal says next; the newest of several acknowledgements speaks for all. Waits for ever without one.
    pub(super) async fn outcome(keeper: &mut Option<Self>) -> Outcome {
        let Some(keeper) = keeper else { return std::future::pending().await };
        let Some(mut newest) = keeper.outcomes.recv().await else { return std::future::pending().await };
        while let Outcome::Durable(_) = newest
            && let Ok(next) = keeper.outcomes.try_recv()
        {
            if let (Outcome::Durable(ticket), Outcome::Failed(_)) = (&newest, &next) {
                tracing::debug!(target: "rove::journal", ticket = ticket.0, "the last record that was kept");
            }
            newest = next;
        }
        newest
    }
}

/// Bytes of a rewrite that may wait for the disk.
const REWRITE_BYTES: usize = 512 << 10;
/// Bytes of a rewrite that are written between two commits.
const PIECE_BYTES: usize = 64 << 10;
