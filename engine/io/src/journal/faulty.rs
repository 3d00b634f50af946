//! A disk in memory that fails on demand: the twin of [`super::FileStorage`] for tests and virtual worlds.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::storage::Storage;

/// A handle to a disk in memory; clones see the same disk.
///
/// What was appended but not synced is lost in a crash, wholly or from any byte on, as the test chooses.
#[derive(Clone, Debug, Default)]
pub struct FaultyStorage(Arc<Mutex<Disk>>);

#[derive(Clone, Debug, Default)]
struct Disk {
    /// What a crash cannot take.
    durable: Vec<u8>,
    /// What happened since, in order.
    unsynced: Vec<Change>,
    /// What reading shows.
    live: Vec<u8>,
    /// What may come in place of everything. A crash takes it.
    draft: Vec<u8>,
    operations: u64,
    syncs: u64,
    crash_at: Option<u64>,
    fail_sync_at: Option<u64>,
    longest_write: Option<usize>,
    down: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Append(Vec<u8>),
    Truncate(usize),
    Replace(Vec<u8>),
}

impl FaultyStorage {
    /// An empty, faultless disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A faultless disk that holds `bytes`, durable.
    #[must_use]
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Disk { live: bytes.clone(), durable: bytes, ..Disk::default() })))
    }

    /// The operation after `operations` more of them (writes, syncs, truncations, replacements) is cut short: from then
    /// on everything fails, and [`FaultyStorage::reboot`] tells what is left.
    #[must_use]
    pub fn crash_after(self, operations: u64) -> Self {
        let mut disk = self.disk();
        disk.crash_at = Some(disk.operations + operations);
        drop(disk);
        self
    }

    /// The sync after `syncs` more of them fails and loses what it should have made durable, as kernels do that drop
    /// the pages they could not write. Later syncs succeed, and mean nothing for what was lost.
    #[must_use]
    pub fn fail_sync_after(self, syncs: u64) -> Self {
        let mut disk = self.disk();
        disk.fail_sync_at = Some(disk.syncs + syncs);
        drop(disk);
        self
    }

    /// No write takes more than `bytes` at once.
    #[must_use]
    pub fn write_at_most(self, bytes: usize) -> Self {
        self.disk().longest_write = Some(bytes.max(1));
        self
    }

    /// Pulls the plug now.
    pub fn crash(&self) {
        self.disk().down = true;
    }

    /// Operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Successful syncs so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    /// How much there is for a crash to take: bytes appended and changes made, not synced.
    #[must_use]
    pub fn at_risk(&self) -> usize {
        self.disk().unsynced.iter().map(Change::weight).sum()
    }

    /// The disk after a crash of which the first `survive` of [`FaultyStorage::at_risk`] had reached it: sound again,
    /// without faults.
    #[must_use]
    pub fn reboot(&self, survive: usize) -> Self {
        let (bytes, _) = self.disk().after(survive);
        Self::holding(bytes)
    }

    /// As [`FaultyStorage::reboot`] with everything surviving, but for `hole` bytes from the `at`th unsynced one on,
    /// which read as zeros: file systems may write pages in any order.
    #[must_use]
    pub fn reboot_with_hole(&self, at: usize, hole: usize) -> Self {
        let (mut bytes, first) = self.disk().after(usize::MAX);
        bytes.iter_mut().skip(first.saturating_add(at)).take(hole).for_each(|byte| *byte = 0);
        Self::holding(bytes)
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change {
    fn weight(&self) -> usize {
        match self {
            Self::Append(bytes) => bytes.len(),
            Self::Truncate(_) | Self::Replace(_) => 1,
        }
    }
}

impl Disk {
    /// Counts one operation. `Ok(true)`: this is the one that the crash interrupts.
    fn operation(&mut self) -> io::Result<bool> {
        if self.down {
            return Err(io::Error::other("the disk is gone"));
        }
        self.down = self.crash_at == Some(self.operations);
        self.operations += 1;
        Ok(self.down)
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.live, &change);
        self.unsynced.push(change);
    }

    /// The bytes when `survive` of what was at risk had reached the disk, and where the part at risk began.
    fn after(&self, survive: usize) -> (Vec<u8>, usize) {
        let (mut bytes, mut left, first) = (self.durable.clone(), survive, self.durable.len());
        for change in &self.unsynced {
            match change {
                Change::Append(more) if more.len() > left => {
                    bytes.extend_from_slice(more.get(..left).unwrap_or_default());
                    return (bytes, first);
                }
                _ if left == 0 => return (bytes, first),
                change => apply(&mut bytes, change),
            }
            left -= change.weight();
        }
        (bytes, first)
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Append(more) => bytes.extend_from_slice(more),
        Change::Truncate(len) => bytes.truncate(*len),
        Change::Replace(all) => bytes.clone_from(all),
    }
}

fn interrupted() -> io::Error {
    io::Error::other("the power failed")
}

impl Storage for FaultyStorage {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        if disk.down { Err(interrupted()) } else { Ok(disk.live.clone()) }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.disk();
        let cut_short = disk.operation()?;
        let taken = bytes.len().min(disk.longest_write.unwrap_or(usize::MAX));
        disk.change(Change::Append(bytes.get(..taken).unwrap_or(bytes).to_vec()));
        if cut_short { Err(interrupted()) } else { Ok(taken) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.disk();
        if disk.operation()? {
            return Err(interrupted());
        }
        let failing = disk.fail_sync_at == Some(disk.syncs);
        disk.syncs += 1;
        if failing {
            disk.unsynced.clear();
            return Err(io::Error::other("the disk did not take it"));
        }
        let changes = std::mem::take(&mut disk.unsynced);
        changes.iter().for_each(|change| apply(&mut disk.durable, change));
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.disk();
        let cut_short = disk.operation()?;
        disk.change(Change::Truncate(usize::try_from(len).unwrap_or(usize::MAX)));
        if cut_short { Err(interrupted()) } else { Ok(()) }
    }

    fn begin_draft(&mut self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.draft.clear();
        if disk.operation()? { Err(interrupted()) } else { Ok(()) }
    }

    fn extend_draft(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        let cut_short = disk.operation()?;
        disk.draft.extend_from_slice(bytes);
        if cut_short { Err(interrupted()) } else { Ok(()) }
    }

    fn adopt_draft(&mut self) -> io::Result<()> {
        let mut disk = self.disk();
        let cut_short = disk.operation()?;
        let bytes = std::mem::take(&mut disk.draft);
        disk.change(Change::Replace(bytes.clone()));
        if cut_short {
            return Err(interrupted());
        }
        disk.unsynced.clear();
        disk.durable = bytes;
        Ok(())
    }
}
