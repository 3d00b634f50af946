//! Where a journal's bytes rest.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// One file that only grows, but for repairs and rewrites.
pub trait Storage: Send {
    /// All bytes there are.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn read(&mut self) -> io::Result<Vec<u8>>;

    /// Adds some of `bytes` at the end; answers how many, at least one. Not durable before [`Storage::sync`].
    ///
    /// # Errors
    ///
    /// As the operating system says; part of `bytes` may have been added.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes all that was appended durable.
    ///
    /// # Errors
    ///
    /// Then what was appended since the last success may or may not be there, and asking again proves nothing.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to `len` bytes. Not durable before [`Storage::sync`].
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Begins an empty draft beside everything, in place of one that was begun before.
    ///
    /// # Errors
    ///
    /// As the operating system says; what is stored is as it was.
    fn begin_draft(&mut self) -> io::Result<()>;

    /// Adds `bytes` to the draft and sends them on their way, so that little is left to do in the end.
    ///
    /// # Errors
    ///
    /// As the operating system says; what is stored is as it was, and the draft is of no use any more.
    fn extend_draft(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Puts the draft in place of everything, durably and at once: a crash leaves the old or the new, whole.
    ///
    /// # Errors
    ///
    /// As the operating system says; it is open whether the old or the new is there.
    fn adopt_draft(&mut self) -> io::Result<()>;
}

/// A file of the operating system, locked against other programs.
#[derive(Debug)]
pub struct FileStorage {
    path: PathBuf,
    file: File,
    draft: Option<File>,
}

impl FileStorage {
    /// Opens `path`, or creates it, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// As the operating system says; [`io::ErrorKind::WouldBlock`] when another program has it open.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let file = open_locked(&path, false)?;
        if file.metadata()?.ino() != std::fs::metadata(&path)?.ino() {
            // Its owner rewrote it between our opening and our locking.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        sync_directory(&path)?;
        Ok(Self { path, file, draft: None })
    }

    fn beside(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(OsString::from(".new"));
        PathBuf::from(name)
    }
}

impl Storage for FileStorage {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn begin_draft(&mut self) -> io::Result<()> {
        self.draft = None;
        self.draft = Some(open_locked(&self.beside(), true)?);
        Ok(())
    }

    fn extend_draft(&mut self, bytes: &[u8]) -> io::Result<()> {
        let draft = self.draft.as_mut().ok_or(io::ErrorKind::NotFound)?;
        draft.write_all(bytes)?;
        draft.sync_data()
    }

    fn adopt_draft(&mut self) -> io::Result<()> {
        let draft = self.draft.take().ok_or(io::ErrorKind::NotFound)?;
        draft.sync_all()?;
        std::fs::rename(self.beside(), &self.path)?;
        sync_directory(&self.path)?;
        self.file = draft;
        Ok(())
    }
}

fn open_locked(path: &Path, empty: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(empty).mode(0o600);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes the name of `path` durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
