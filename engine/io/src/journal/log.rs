//! The journal without its thread: opens, repairs, commits, rewrites. Generic over what the bytes rest on.

use std::{io, ops::Range};

use rove_base::Entropy;

use super::{
    frame::{self, Contents, MAX_RECORD, Opening, Salt},
    storage::Storage,
};

/// Records in order, each durable once [`Log::commit`] has answered.
#[derive(Debug)]
pub struct Log<S> {
    storage: S,
    salt: Salt,
    next: u64,
    frames: Vec<u8>,
    poisoned: bool,
}

impl<S: Storage> Log<S> {
    /// Opens what `storage` holds, or begins a new journal when it is empty; `entropy` salts new files.
    ///
    /// The rest of a commit that a crash cut short is removed and reported by [`Replay::cut`]: nobody was told that it
    /// was durable.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotAJournal`], [`JournalError::Damaged`] with the place, or [`JournalError::Storage`].
    pub fn open(mut storage: S, entropy: &mut Entropy) -> Result<(Self, Replay), JournalError> {
        let file = storage.read().map_err(JournalError::storage("read"))?;
        let mut log = Self { storage, salt: Salt([0; 8]), next: 0, frames: Vec::new(), poisoned: false };
        let salt = match frame::opening(&file) {
            Opening::Journal(salt) => salt,
            Opening::Damaged => return Err(JournalError::Damaged { offset: 0 }),
            Opening::Foreign => return Err(JournalError::NotAJournal),
            Opening::Unfinished => {
                log.begin(!file.is_empty(), entropy)?;
                return Ok((log, Replay::default()));
            }
        };
        log.salt = salt;
        let (payloads, end) = match frame::scan(&file, salt) {
            Contents::Sound { payloads, end } => (payloads, end),
            Contents::Damaged { offset } => return Err(JournalError::Damaged { offset: offset as u64 }),
        };
        let mut cut = None;
        if end < file.len() {
            log.storage.truncate(end as u64).map_err(JournalError::storage("repair"))?;
            log.storage.sync().map_err(JournalError::storage("repair"))?;
            cut = Some(Cut { offset: end as u64, bytes: (file.len() - end) as u64 });
        }
        log.next = payloads.len() as u64;
        Ok((log, Replay { file, payloads: payloads.into_iter(), cut }))
    }

    fn begin(&mut self, remains: bool, entropy: &mut Entropy) -> Result<(), JournalError> {
        if remains {
            self.storage.truncate(0).map_err(JournalError::storage("repair"))?;
        }
        self.salt = new_salt(entropy);
        self.frames.extend_from_slice(&self.salt.file_header());
        self.write_out().map_err(JournalError::storage("create"))
    }

    /// Makes `records` durable together: one write, one sync. After an error none of them may be believed, and the log
    /// accepts no more ([`JournalError::Poisoned`]); only opening it anew tells what is there.
    ///
    /// # Errors
    ///
    /// [`JournalError::TooLong`] before anything is written; else [`JournalError::Storage`] or
    /// [`JournalError::Poisoned`].
    pub fn commit<'r>(&mut self, records: impl IntoIterator<Item = &'r [u8]>) -> Result<(), JournalError> {
        self.check()?;
        self.frames.clear();
        let (group, mut sequence) = (self.next, self.next);
        for record in records {
            check_length(record)?;
            frame::write(&mut self.frames, self.salt, sequence, group, record);
            sequence += 1;
        }
        self.poisoned = true;
        self.write_out().map_err(JournalError::storage("write"))?;
        self.poisoned = false;
        self.next = sequence;
        Ok(())
    }

    /// Puts `records` in place of everything, durably and at once: the snapshot that keeps a journal short.
    ///
    /// # Errors
    ///
    /// As [`Log::commit`].
    pub fn rewrite(&mut self, records: &[Vec<u8>], entropy: &mut Entropy) -> Result<(), JournalError> {
        self.check()?;
        records.iter().try_for_each(|record| check_length(record))?;
        let (salt, mut frame) = (new_salt(entropy), Vec::new());
        self.poisoned = true;
        let mut write = |out: &mut dyn io::Write| {
            out.write_all(&salt.file_header())?;
            for (sequence, record) in (0..).zip(records) {
                frame.clear();
                frame::write(&mut frame, salt, sequence, 0, record);
                out.write_all(&frame)?;
            }
            Ok(())
        };
        self.storage.replace(&mut write).map_err(JournalError::storage("rewrite"))?;
        (self.salt, self.next, self.poisoned) = (salt, records.len() as u64, false);
        Ok(())
    }

    /// Number of records in it.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.next
    }

    fn check(&self) -> Result<(), JournalError> {
        if self.poisoned { Err(JournalError::Poisoned) } else { Ok(()) }
    }

    fn write_out(&mut self) -> io::Result<()> {
        let mut rest = self.frames.as_slice();
        while !rest.is_empty() {
            match self.storage.append(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.storage.sync()
    }
}

fn new_salt(entropy: &mut Entropy) -> Salt {
    let mut salt = [0; 8];
    entropy.fill(&mut salt);
    Salt(salt)
}

fn check_length(record: &[u8]) -> Result<(), JournalError> {
    if record.len() > MAX_RECORD { Err(JournalError::TooLong { len: record.len() }) } else { Ok(()) }
}

/// The records that were there when a journal was opened, oldest first.
#[derive(Debug, Default)]
pub struct Replay {
    file: Vec<u8>,
    payloads: std::vec::IntoIter<Range<usize>>,
    cut: Option<Cut>,
}

/// What a crash left of an unfinished commit, and was removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    /// Where it began in the file.
    pub offset: u64,
    /// How long it was.
    pub bytes: u64,
}

impl Replay {
    /// What was removed from the end, if anything; worth a line in the program's log.
    #[must_use]
    pub fn cut(&self) -> Option<Cut> {
        self.cut
    }

    /// The next record without copying it.
    pub fn next_record(&mut self) -> Option<&[u8]> {
        self.file.get(self.payloads.next()?)
    }
}

impl Iterator for Replay {
    type Item = Vec<u8>;
    fn next(&mut self) -> Option<Vec<u8>> {
        self.next_record().map(<[u8]>::to_vec)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.payloads.size_hint()
    }
}

/// Why a journal cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another program, or another part of this one, has it open.
    #[error("the journal is in use by another program")]
    InUse,
    /// The file begins with something else; it is left as it is.
    #[error("this file is not a journal of this program, or of a version it does not know")]
    NotAJournal,
    /// A record that was durable is damaged; it is left as it is.
    #[error(
        "the journal is damaged at byte {offset}: restore it from a copy, or move it away to start empty"
    )]
    Damaged {
        /// Where the damaged frame begins in the file.
        offset: u64,
    },
    /// A record is longer than [`MAX_RECORD`].
    #[error("a record of {len} bytes is too long for the journal (at most {MAX_RECORD})")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// More waits to be written than [`super::QUEUE_BYTES`].
    #[error("the disk does not keep up: the journal's queue is full")]
    Full,
    /// An earlier write or sync failed; nothing is accepted any more.
    #[error("the journal failed earlier and accepts no more records")]
    Poisoned,
    /// The operating system failed.
    #[error("cannot {doing} the journal: {source}")]
    Storage {
        /// What was tried.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl JournalError {
    pub(super) fn storage(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::WouldBlock => Self::InUse,
            _ => Self::Storage { doing, source },
        }
    }
}
