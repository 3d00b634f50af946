//! The journal's thread: commits in groups whatever waits, so that one sync serves all; and between two groups does a
//! piece of a rewrite, so that nobody waits for the whole of it.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::Instant,
};

use rove_base::{Entropy, Ticket};

use super::{
    frame::{FRAME_HEADER, MAX_RECORD},
    log::{JournalError, Log, Replay},
    pace::{First, Pace},
    storage::{FileStorage, Storage},
};
use crate::entropy::os_entropy;

/// What became of records.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The record with this ticket, and all handed over before it, are on stable storage.
    Durable(Ticket),
    /// Writing failed. No ticket that was not acknowledged yet ever will be.
    Failed(Arc<JournalError>),
}

/// A journal with its thread. Dropping it commits what waits, then ends the thread.
#[derive(Debug)]
pub struct Journal {
    orders: Option<Sender<Order>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queued: AtomicUsize,
    /// Bytes of a rewrite that wait.
    rewriting: AtomicUsize,
    failed: AtomicBool,
}

pub(super) enum Order {
    Append {
        ticket: Ticket,
        record: Vec<u8>,
    },
    /// What comes from here on is in the old records and the new.
    Rewrite,
    Piece(Vec<Vec<u8>>),
    Finish,
}

impl Journal {
    /// Opens the journal at `path`, or creates it. `tell` is called from the journal's thread, once for each ticket in
    /// the order of appending; it must not block (send on a channel, wake a task).
    ///
    /// # Errors
    ///
    /// [`JournalError`]; the file is unchanged unless only the rest of an unfinished commit was removed from its end.
    pub fn open(
        path: &Path,
        tell: impl Fn(Outcome) + Send + 'static,
    ) -> Result<(Self, Replay), JournalError> {
        let storage = FileStorage::open(path).map_err(JournalError::storage("open"))?;
        let entropy = os_entropy().map_err(JournalError::storage("salt"))?;
        Self::start(storage, entropy, tell)
    }

    /// As [`Journal::open`], on any storage.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub fn start(
        storage: impl Storage + 'static,
        mut entropy: Entropy,
        tell: impl Fn(Outcome) + Send + 'static,
    ) -> Result<(Self, Replay), JournalError> {
        let (log, replay) = Log::open(storage, &mut entropy)?;
        let (orders, inbox) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let committer =
            Committer { log, entropy, inbox, shared: Arc::clone(&shared), tell, rewrite: Rewrite::default() };
        let thread = std::thread::Builder::new()
            .name("rove-journal".into())
            .spawn(move || committer.run())
            .map_err(JournalError::storage("start the thread of"))?;
        Ok((Self { orders: Some(orders), shared, thread: Some(thread) }, replay))
    }

    /// Hands over a record; never blocks. `ticket` comes back in [`Outcome::Durable`]; nothing may show before that the
    /// record exists.
    ///
    /// # Errors
    ///
    /// [`JournalError::TooLong`], [`JournalError::Full`] (the record was not taken; try later) or
    /// [`JournalError::Poisoned`].
    pub fn append(&self, ticket: Ticket, record: &[u8]) -> Result<(), JournalError> {
        if record.len() > MAX_RECORD {
            return Err(JournalError::TooLong { len: record.len() });
        }
        self.order(record.len() + FRAME_HEADER, || Order::Append { ticket, record: record.to_vec() })
    }

    /// Begins to put other records in place of all that was handed over so far: those of [`Journal::rewrite_with`],
    /// which must say the same in fewer words once what is handed over after this call follows them. They may say some
    /// of that, too, when saying it twice does no harm.
    ///
    /// A rewrite that was begun before and is not finished is given up. A crash, and a disk that is full, leave the old
    /// records, whole.
    ///
    /// # Errors
    ///
    /// [`JournalError::Poisoned`].
    pub fn rewrite(&self) -> Result<(), JournalError> {
        self.order(0, || Order::Rewrite)
    }

    /// Adds records to the rewrite that was begun. Written between two commits, a piece at a time: pieces of some ten
    /// kilobytes keep nobody waiting.
    ///
    /// # Errors
    ///
    /// [`JournalError::TooLong`] or [`JournalError::Poisoned`].
    pub fn rewrite_with(&self, records: Vec<Vec<u8>>) -> Result<(), JournalError> {
        if let Some(record) = records.iter().find(|record| record.len() > MAX_RECORD) {
            return Err(JournalError::TooLong { len: record.len() });
        }
        self.shared.rewriting.fetch_add(weigh(&records), Ordering::AcqRel);
        self.order(0, || Order::Piece(records))
    }

    /// The rewrite has all its records: they come in place of the old ones, followed by what was handed over since
    /// [`Journal::rewrite`].
    ///
    /// # Errors
    ///
    /// [`JournalError::Poisoned`].
    pub fn rewritten(&self) -> Result<(), JournalError> {
        self.order(0, || Order::Finish)
    }

    /// Bytes of a rewrite that wait to be written.
    #[must_use]
    pub fn rewriting(&self) -> usize {
        self.shared.rewriting.load(Ordering::Acquire)
    }

    fn order(&self, bytes: usize, order: impl FnOnce() -> Order) -> Result<(), JournalError> {
        if self.shared.failed.load(Ordering::Acquire) {
            return Err(JournalError::Poisoned);
        }
        if self.shared.queued.fetch_add(bytes, Ordering::AcqRel) + bytes > QUEUE_BYTES {
            self.shared.queued.fetch_sub(bytes, Ordering::AcqRel);
            return Err(JournalError::Full);
        }
        let orders = self.orders.as_ref().ok_or(JournalError::Poisoned)?;
        orders.send(order()).map_err(|_| JournalError::Poisoned)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(target: "rove::journal", "the journal's thread panicked");
        }
    }
}

struct Committer<S, T> {
    log: Log<S>,
    entropy: Entropy,
    inbox: Receiver<Order>,
    shared: Arc<Shared>,
    tell: T,
    rewrite: Rewrite,
}

/// What is still to be done for a rewrite.
#[derive(Default)]
struct Rewrite {
    /// To be begun once the group is committed.
    begin: bool,
    pieces: VecDeque<Vec<Vec<u8>>>,
    finish: bool,
}

/// Records that are committed together.
#[derive(Default)]
struct Group {
    records: Vec<Vec<u8>>,
    tickets: Vec<Ticket>,
    bytes: usize,
}

impl<S: Storage, T: Fn(Outcome)> Committer<S, T> {
    fn run(mut self) {
        let (mut group, mut pace) = (Group::default(), Pace::default());
        loop {
            match pace.first(&self.inbox, self.rewrite.waits()) {
                First::Order(order) => self.gather(order, &mut group, &mut pace),
                First::Nothing => {}
                First::End => break,
            }
            let result = self.commit(&mut group, &mut pace).and_then(|()| self.rewrite_on());
            if let Err(error) = result {
                self.shared.failed.store(true, Ordering::Release);
                (self.tell)(Outcome::Failed(Arc::new(error)));
                return;
            }
        }
        // What has all its records is brought to its end.
        while self.rewrite.finish && self.rewrite_on().is_ok() {}
    }

    /// Takes what waits, until it is enough or a rewrite begins.
    fn gather(&mut self, first: Order, group: &mut Group, pace: &mut Pace) {
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Append { ticket, record } => {
                    group.bytes += record.len() + FRAME_HEADER;
                    group.tickets.push(ticket);
                    group.records.push(record);
                }
                Order::Rewrite => {
                    self.drop_pieces();
                    self.rewrite = Rewrite { begin: true, ..Rewrite::default() };
                    return;
                }
                Order::Piece(records) => self.rewrite.pieces.push_back(records),
                Order::Finish => self.rewrite.finish = true,
            }
            let more = group.bytes < GROUP_BYTES && !group.records.is_empty();
            next = if more { pace.next(&self.inbox, group.records.len()) } else { None };
        }
    }

    fn commit(&mut self, group: &mut Group, pace: &mut Pace) -> Result<(), JournalError> {
        if group.records.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let result = self.log.commit(group.records.iter().map(Vec::as_slice));
        self.shared.queued.fetch_sub(group.bytes, Ordering::AcqRel);
        result?;
        pace.committed(start, group.records.len());
        group.tickets.drain(..).for_each(|ticket| (self.tell)(Outcome::Durable(ticket)));
        group.records.clear();
        group.bytes = 0;
        Ok(())
    }

    /// Does a piece of the rewrite. Only a failure to put the new in place of the old is one: all others leave the old.
    fn rewrite_on(&mut self) -> Result<(), JournalError> {
        let done = if self.rewrite.begin {
            self.rewrite.begin = false;
            self.log.begin_draft(&mut self.entropy)
        } else if let Some(records) = self.rewrite.pieces.pop_front() {
            self.shared.rewriting.fetch_sub(weigh(&records), Ordering::AcqRel);
            self.log.extend_draft(&records)
        } else if self.rewrite.finish {
            match self.log.catch_up(PIECE_BYTES) {
                // Whatever is left is little.
                Ok(left) if left <= PIECE_BYTES => {
                    self.rewrite.finish = false;
                    return self.finish();
                }
                other => other.map(drop),
            }
        } else {
            Ok(())
        };
        if let Err(error) = done {
            tracing::warn!(target: "rove::journal", %error, "not written anew");
            self.drop_pieces();
            self.rewrite = Rewrite::default();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        if !self.log.is_drafting() {
            tracing::warn!(target: "rove::journal", "not written anew: more came meanwhile than can be kept");
            return Ok(());
        }
        self.log.adopt_draft()?;
        tracing::info!(target: "rove::journal", records = self.log.records(), "written anew");
        Ok(())
    }

    fn drop_pieces(&mut self) {
        let bytes = self.rewrite.pieces.drain(..).map(|records| weigh(&records)).sum();
        self.shared.rewriting.fetch_sub(bytes, Ordering::AcqRel);
    }
}

impl Rewrite {
    fn waits(&self) -> bool {
        self.begin || self.finish || !self.pieces.is_empty()
    }
}

fn weigh(records: &[Vec<u8>]) -> usize {
    records.iter().map(|record| record.len() + FRAME_HEADER).sum()
}

/// The most bytes that wait for the disk.
pub const QUEUE_BYTES: usize = 64 << 20;

/// A commit closes after this many bytes, so that a burst is acknowledged in pieces.
const GROUP_BYTES: usize = 1 << 20;
/// What is added to a rewrite between two commits, of what was committed since it began.
const PIECE_BYTES: usize = 128 << 10;
