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
        Self { journal, outcomes, record, records, compact_after, long: compact_after, newest, waiting }
    }

    /// Whether there are so many records that writing them anew pays.
    pub(super) const fn is_long(&self) -> bool {
        self.records > self.long
    }

    /// Puts these records, each of the role with that tag, in place of all.
    pub(super) fn rewrite(&mut self, records: Vec<(u8, Vec<u8>)>) {
        let tagged = |(tag, mut record): (u8, Vec<u8>)| {
            record.insert(0, tag);
            record
        };
        let records: Vec<_> = records.into_iter().map(tagged).collect();
        let count = records.len();
        tracing::info!(target: "rove::journal", before = self.records, after = count, "written anew");
        // What cannot be left out is not written again and again.
        self.long = self.compact_after.max(count.saturating_mul(2));
        self.records = count;
        if let Err(error) = self.journal.rewrite(self.newest, records) {
            tracing::warn!(target: "rove::journal", %error, "not written anew");
        }
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
