//! The thread that writes to the database: a commit waits for the disk, and nobody else waits for that.

use std::{io, sync::mpsc, thread::JoinHandle};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::file::{AccountFile, Change};

/// That a change is durable, or why it is not.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Which.
    pub(super) number: u64,
    pub(super) result: Result<(), String>,
}

/// What comes from the thread: as much as was handed over.
#[derive(Debug)]
pub(crate) struct Keeping(UnboundedReceiver<Kept>);

/// Where changes are handed over. The thread ends with it, and the file is closed.
pub(super) struct Keeper {
    changes: Option<mpsc::Sender<(u64, Change)>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeping {
    /// What is kept next. Waits for ever without a database. May be dropped and asked again.
    pub(crate) async fn next(keeping: &mut Option<Self>) -> Kept {
        match keeping {
            Some(Self(kept)) => match kept.recv().await {
                Some(kept) => kept,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Keeper {
    /// Begins to keep changes in `file`.
    pub(super) fn start(file: AccountFile) -> io::Result<(Self, Keeping)> {
        let (changes, waiting) = mpsc::channel();
        let (told, kept) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("rove-accounts".into())
            .spawn(move || keep_all(&file, &waiting, &told))?;
        Ok((Self { changes: Some(changes), thread: Some(thread) }, Keeping(kept)))
    }

    /// Hands a change over; those before it are kept before it.
    pub(super) fn keep(&self, number: u64, change: Change) {
        if let Some(changes) = &self.changes {
            let _ = changes.send((number, change));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.changes = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Keeps what waits, together with all that came while the last was kept.
fn keep_all(file: &AccountFile, waiting: &mpsc::Receiver<(u64, Change)>, told: &UnboundedSender<Kept>) {
    while let Ok(first) = waiting.recv() {
        let together = std::iter::once(first).chain(waiting.try_iter().take(MOST_TOGETHER - 1));
        let (numbers, changes): (Vec<u64>, Vec<Change>) = together.unzip();
        let result = file.keep(&changes).map_err(|error| error.to_string());
        for number in numbers {
            let _ = told.send(Kept { number, result: result.clone() });
        }
    }
}

/// Changes in one commit.
const MOST_TOGETHER: usize = 1_000;
