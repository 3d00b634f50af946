//! The journal's thread: commits in groups whatever waits, so that one sync serves all.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rove_base::{Entropy, Ticket};

use super::{
    frame::{FRAME_HEADER, MAX_RECORD},
    log::{JournalError, Log, Replay},
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
    failed: AtomicBool,
}

enum Order {
    Append { ticket: Ticket, record: Vec<u8> },
    Rewrite { ticket: Ticket, records: Vec<Vec<u8>> },
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
        let committer = Committer { log, entropy, inbox, shared: Arc::clone(&shared), tell };
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

    /// Puts `records` in place of all that was handed over so far: they must say the same in fewer words. `ticket` comes
    /// back when they are durable; a crash before leaves the old records, whole.
    ///
    /// # Errors
    ///
    /// [`JournalError::TooLong`] or [`JournalError::Poisoned`].
    pub fn rewrite(&self, ticket: Ticket, records: Vec<Vec<u8>>) -> Result<(), JournalError> {
        if let Some(record) = records.iter().find(|record| record.len() > MAX_RECORD) {
            return Err(JournalError::TooLong { len: record.len() });
        }
        self.order(0, || Order::Rewrite { ticket, records })
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
}

impl<S: Storage, T: Fn(Outcome)> Committer<S, T> {
    fn run(mut self) {
        let (mut group, mut tickets) = (Vec::new(), Vec::new());
        let mut pace = Pace::default();
        while let Some(first) = pace.first(&self.inbox) {
            let mut rewrite = None;
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(order) = next {
                match order {
                    Order::Append { ticket, record } => {
                        bytes += record.len() + FRAME_HEADER;
                        tickets.push(ticket);
                        group.push(record);
                    }
                    Order::Rewrite { ticket, records } => {
                        rewrite = Some((ticket, records));
                        break;
                    }
                }
                next = if bytes < GROUP_BYTES { pace.next(&self.inbox, group.len()) } else { None };
            }
            let start = Instant::now();
            let result = self.commit(&group, rewrite, &mut tickets);
            self.shared.queued.fetch_sub(bytes, Ordering::AcqRel);
            if let Err(error) = result {
                self.shared.failed.store(true, Ordering::Release);
                (self.tell)(Outcome::Failed(Arc::new(error)));
                return;
            }
            pace.committed(start, group.len());
            tickets.drain(..).for_each(|ticket| (self.tell)(Outcome::Durable(ticket)));
            group.clear();
        }
    }

    fn commit(
        &mut self,
        group: &[Vec<u8>],
        rewrite: Option<(Ticket, Vec<Vec<u8>>)>,
        tickets: &mut Vec<Ticket>,
    ) -> Result<(), JournalError> {
        match rewrite {
            // The new records speak for those of this group too.
            Some((ticket, records)) => {
                tickets.push(ticket);
                self.log.rewrite(&records, &mut self.entropy)
            }
            None => self.log.commit(group.iter().map(Vec::as_slice)),
        }
    }
}

/// How long a commit waits for company.
///
/// Whoever was just told that his record is durable often hands over the next one at once. Were the next commit to start
/// before those are here, they would wait for it and the one after: two crowds by turns, each waiting for the other.
/// So a commit waits a little for as many as were served by the last, as long as that is what happens.
#[derive(Debug, Default)]
struct Pace {
    /// When the last commit ended and how many it served.
    last: Option<(Instant, usize)>,
    /// Whether something waited already when it ended.
    crowd: bool,
    /// How long this one may wait, and for how many records; 0 before that is decided.
    until: Option<Instant>,
    wanted: usize,
    patience: Duration,
    /// Commits that still start without waiting, because waiting brought nobody.
    skip: u32,
}

impl Pace {
    /// The first order of a group; `None` when there will be no more.
    fn first(&mut self, inbox: &Receiver<Order>) -> Option<Order> {
        let waiting = inbox.try_recv().ok();
        self.crowd = waiting.is_some();
        let first = waiting.or_else(|| inbox.recv().ok())?;
        (self.until, self.wanted) = (None, 0);
        Some(first)
    }

    /// Another order of a group that has `have` records.
    fn next(&mut self, inbox: &Receiver<Order>, have: usize) -> Option<Order> {
        if let Ok(order) = inbox.try_recv() {
            return Some(order);
        }
        if self.wanted == 0 {
            self.decide(have);
        }
        let until = self.until.filter(|_| have < self.wanted)?;
        let left = until.checked_duration_since(Instant::now())?;
        inbox.recv_timeout(left).ok()
    }

    /// Whether to wait, all that waited at the start being here.
    fn decide(&mut self, have: usize) {
        let Some((ended, served)) = self.last else { return };
        self.wanted = if self.crowd { served + have } else { served };
        if self.skip > 0 {
            self.skip -= 1;
        } else if have < self.wanted {
            self.until = Some(ended + self.patience);
        }
    }

    /// A commit of `served` records that began at `start` has ended.
    fn committed(&mut self, start: Instant, served: usize) {
        let ended = Instant::now();
        if self.until.is_some() && served.saturating_mul(2) < self.wanted {
            self.skip = SKIP;
        }
        self.patience = ended.duration_since(start).mul_f64(PATIENCE).min(LONGEST_PATIENCE);
        self.last = Some((ended, served));
    }
}

/// Of the time that a commit takes, what the next may wait for company.
const PATIENCE: f64 = 0.4;
/// However slow the disk is.
const LONGEST_PATIENCE: Duration = Duration::from_millis(8);
/// Commits without waiting after one that waited in vain.
const SKIP: u32 = 16;

/// The most bytes that wait for the disk.
pub const QUEUE_BYTES: usize = 64 << 20;

/// A commit closes after this many bytes, so that a burst is acknowledged in pieces.
const GROUP_BYTES: usize = 1 << 20;
