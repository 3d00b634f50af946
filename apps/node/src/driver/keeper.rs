//! The node's journal as its driver sees it.

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
}

impl Keeper {
    pub(crate) fn new(
        journal: Journal,
        outcomes: UnboundedReceiver<Outcome>,
        records: usize,
        compact_after: usize,
    ) -> Self {
        let (record, newest) = (Vec::new(), Ticket(0));
        Self { journal, outcomes, record, records, compact_after, long: compact_after, newest }
    }

    /// Whether there are so many records that writing them anew pays.
    pub(super) const fn is_long(&self) -> bool {
        self.records > self.long
    }

    /// Puts `records` of the role `tag` in place of all.
    pub(super) fn rewrite(&mut self, tag: u8, mut records: Vec<Vec<u8>>) {
        records.iter_mut().for_each(|record| record.insert(0, tag));
        let count = records.len();
        tracing::info!(target: "rove::journal", before = self.records, after = count, "written anew");
        // What cannot be left out is not written again and again.
        self.long = self.compact_after.max(count.saturating_mul(2));
        self.records = count;
        if let Err(error) = self.journal.rewrite(self.newest, records) {
            tracing::warn!(target: "rove::journal", %error, "not written anew");
        }
    }

    /// Hands a record of the role `tag` over; `false` when the journal does not take it.
    pub(super) fn append(&mut self, tag: u8, ticket: Ticket, bytes: &[u8]) -> bool {
        self.record.clear();
        self.record.push(tag);
        self.record.extend_from_slice(bytes);
        match self.journal.append(ticket, &self.record) {
            Ok(()) => {
                (self.records, self.newest) = (self.records.saturating_add(1), ticket);
                true
            }
            Err(error) => {
                tracing::error!(target: "rove::journal", %error, "a record was not taken");
                false
            }
        }
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
