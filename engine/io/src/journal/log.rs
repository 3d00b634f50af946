//! The journal without its thread: opens, repairs, commits, rewrites. Generic over what the bytes rest on.

use std::{collections::VecDeque, io, ops::Range};

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
    draft: Option<Draft>,
}

/// What is to come in place of everything.
#[derive(Debug)]
struct Draft {
    salt: Salt,
    next: u64,
    frames: Vec<u8>,
    /// Records committed since it was begun and not yet in it, and how many bytes they are.
    since: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Draft {
    /// Frames the next records, together.
    fn frame<'r>(&mut self, records: impl Iterator<Item = &'r [u8]>) {
        self.frames.clear();
        let group = self.next;
        for record in records {
            frame::write(&mut self.frames, self.salt, self.next, group, record);
            self.next += 1;
        }
    }
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
        let mut log =
            Self { storage, salt: Salt([0; 8]), next: 0, frames: Vec::new(), poisoned: false, draft: None };
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
    pub fn commit<'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r [u8], IntoIter: Clone>,
    ) -> Result<(), JournalError> {
        self.check()?;
        let records = records.into_iter();
        self.frames.clear();
        let (group, mut sequence) = (self.next, self.next);
        for record in records.clone() {
            check_length(record)?;
            frame::write(&mut self.frames, self.salt, sequence, group, record);
            sequence += 1;
        }
        self.poisoned = true;
        self.write_out().map_err(JournalError::storage("write"))?;
        self.poisoned = false;
        self.next = sequence;
        self.keep_for_draft(records);
        Ok(())
    }

    /// A draft that falls too far behind is given up.
    fn keep_for_draft<'r>(&mut self, records: impl Iterator<Item = &'r [u8]>) {
        let Some(draft) = &mut self.draft else { return };
        for record in records {
            draft.bytes = draft.bytes.saturating_add(record.len());
            draft.since.push_back(record.to_vec());
        }
        if draft.bytes > MAX_SINCE {
            self.draft = None;
        }
    }

    /// Puts `records` in place of everything, durably and at once: the snapshot that keeps a journal short.
    ///
    /// # Errors
    ///
    /// As [`Log::commit`].
    pub fn rewrite(&mut self, records: &[Vec<u8>], entropy: &mut Entropy) -> Result<(), JournalError> {
        self.check()?;
        records.iter().try_for_each(|record| check_length(record))?;
        self.poisoned = true;
        self.begin_draft(entropy)?;
        self.extend_draft(records)?;
        self.adopt_draft()
    }

    /// Begins a draft that is to come in place of everything that is in the log now. What is committed from now on
    /// will be in both.
    ///
    /// # Errors
    ///
    /// [`JournalError::Storage`]; then there is no draft, and the log is as it was.
    pub fn begin_draft(&mut self, entropy: &mut Entropy) -> Result<(), JournalError> {
        self.draft = None;
        let draft =
            Draft { salt: new_salt(entropy), next: 0, frames: Vec::new(), since: VecDeque::new(), bytes: 0 };
        self.storage.begin_draft().map_err(JournalError::storage("rewrite"))?;
        self.storage.extend_draft(&draft.salt.file_header()).map_err(JournalError::storage("rewrite"))?;
        self.draft = Some(draft);
        Ok(())
    }

    /// Adds records to the draft, in front of what was committed since it was begun.
    ///
    /// # Errors
    ///
    /// [`JournalError::Storage`]; then there is no draft any more, and the log is as it was.
    pub fn extend_draft(&mut self, records: &[Vec<u8>]) -> Result<(), JournalError> {
        let Some(mut draft) = self.draft.take() else { return Ok(()) };
        draft.frame(records.iter().map(Vec::as_slice));
        self.storage.extend_draft(&draft.frames).map_err(JournalError::storage("rewrite"))?;
        self.draft = Some(draft);
        Ok(())
    }

    /// Adds to the draft, to which no other records will be added, some of what was committed since it was begun: about
    /// `most` bytes of it. Answers how many bytes are left to add.
    ///
    /// # Errors
    ///
    /// As [`Log::extend_draft`].
    pub fn catch_up(&mut self, most: usize) -> Result<usize, JournalError> {
        let Some(mut draft) = self.draft.take() else { return Ok(0) };
        let (mut some, mut bytes) = (Vec::new(), 0_usize);
        while bytes < most
            && let Some(record) = draft.since.pop_front()
        {
            bytes = bytes.saturating_add(record.len());
            some.push(record);
        }
        draft.bytes = draft.bytes.saturating_sub(bytes);
        draft.frame(some.iter().map(Vec::as_slice));
        self.storage.extend_draft(&draft.frames).map_err(JournalError::storage("rewrite"))?;
        let left = draft.bytes;
        self.draft = Some(draft);
        Ok(left)
    }

    /// Puts the draft in place of everything. Nothing happens without one.
    ///
    /// # Errors
    ///
    /// As [`Log::commit`], and as [`Log::extend_draft`].
    pub fn adopt_draft(&mut self) -> Result<(), JournalError> {
        if self.draft.as_ref().is_some_and(|draft| !draft.since.is_empty()) {
            self.catch_up(usize::MAX)?;
        }
        let Some(draft) = self.draft.take() else { return Ok(()) };
        self.poisoned = true;
        self.storage.adopt_draft().map_err(JournalError::storage("rewrite"))?;
        (self.salt, self.next, self.poisoned) = (draft.salt, draft.next, false);
        Ok(())
    }

    /// Whether there is a draft.
    #[must_use]
    pub const fn is_drafting(&self) -> bool {
        self.draft.is_some()
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

/// Bytes of records that may wait for a draft to be finished.
const MAX_SINCE: usize = 128 << 20;

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
