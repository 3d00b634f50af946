//! A database of accounts: one file, which holds each by its name.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use redb::{
    Builder, Database, Error, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    backends::FileBackend,
};

use crate::irmv::IrmvUser;

/// Each account, by its name, as JSON.
const ACCOUNTS: TableDefinition<'_, &str, &str> = TableDefinition::new("accounts");
/// What the file is, by [`KIND`]: how its accounts are written.
const FORMAT: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
const KIND: &str = "rove accounts";
/// How they are written here.
const VERSION: u32 = 1;

/// A database of accounts that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountFileError {
    /// Whoever can write it can take any name.
    #[error("other users can read or change it; allow its owner alone (chmod 600)")]
    Exposed,
    /// It is something else.
    #[error("is no database of accounts; name another file, or move this one away")]
    Foreign,
    /// Another program of this project wrote it.
    #[error(
        "its accounts are written in format {0}, and this program knows {VERSION}; use the one that wrote it"
    )]
    Version(u32),
    /// The database's own format is another.
    #[error("is a database of format {0}, which this program does not read; use the one that wrote it")]
    DatabaseVersion(u8),
    /// Another node has it.
    #[error("in use by another program; two nodes need a file each")]
    InUse,
    /// Not all of it is there, or it is not as it was written.
    #[error("is damaged ({0}); put a copy of it in its place")]
    Damaged(String),
    /// One account makes no sense.
    #[error("an account in it cannot be used: {0}")]
    Account(String),
    /// The system refuses it.
    #[error("{0}; make room, or see that this user may read and write it, and start the node again")]
    Io(#[from] io::Error),
}

/// What becomes of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// It is like that now.
    Put(IrmvUser),
    /// There is none of this name any more.
    Remove(String),
}

/// A database that is open, and nobody else's meanwhile.
pub(super) struct AccountFile(Database);

impl AccountFile {
    /// Opens the database at `path`, after reading all of it; makes it where nothing is.
    ///
    /// # Errors
    ///
    /// [`AccountFileError`]; then nothing in it has changed.
    pub(super) fn open(path: &Path) -> Result<Self, AccountFileError> {
        if !path.try_exists()? {
            Self::make(path)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let about = file.metadata()?;
        if about.permissions().mode() & 0o077 != 0 {
            return Err(AccountFileError::Exposed);
        }
        if about.len() == 0 {
            return Err(AccountFileError::Damaged("it is empty".into()));
        }
        Self::within(file, Self::agree)
    }

    /// Makes one beside its place, and moves it there when it is whole: what is there and empty was not made so.
    fn make(path: &Path) -> Result<(), AccountFileError> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&draft)?;
        drop(Self::within(file, Self::begin)?);
        fs::rename(&draft, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Ok(File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?)
    }

    /// The database in `file`, once `first` is done.
    fn within(
        file: File,
        first: impl FnOnce(&Self) -> Result<(), AccountFileError>,
    ) -> Result<Self, AccountFileError> {
        guarded(|| {
            let backend = FileBackend::new(file).map_err(refused)?;
            let mut builder = Builder::new();
            let builder = builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
            let database = Self(builder.create_with_backend(backend).map_err(refused)?);
            first(&database)?;
            Ok(database)
        })
    }

    /// All accounts.
    pub(super) fn read(&self) -> Result<Vec<IrmvUser>, AccountFileError> {
        guarded(|| {
            let reading = self.0.begin_read().map_err(refused)?;
            let table = reading.open_table(ACCOUNTS).map_err(refused)?;
            let mut all = Vec::new();
            for row in table.iter().map_err(refused)? {
                let (name, text) = row.map_err(refused)?;
                let (name, text) = (name.value(), text.value());
                let user: IrmvUser = serde_json::from_str(text)
                    .map_err(|error| AccountFileError::Account(format!("{name}: {error}")))?;
                if user.name != name {
                    return Err(AccountFileError::Account(format!("{name} is {} inside", user.name)));
                }
                all.push(user);
            }
            Ok(all)
        })
    }

    /// Makes changes durable, all of them or none.
    pub(super) fn keep(&self, changes: &[Change]) -> Result<(), AccountFileError> {
        guarded(|| {
            let writing = self.0.begin_write().map_err(refused)?;
            let mut table = writing.open_table(ACCOUNTS).map_err(refused)?;
            for change in changes {
                match change {
                    Change::Put(user) => {
                        let text = serde_json::to_string(user).map_err(io::Error::from)?;
                        table.insert(user.name.as_str(), text.as_str()).map_err(refused)?;
                    }
                    Change::Remove(name) => {
                        table.remove(name.as_str()).map_err(refused)?;
                    }
                }
            }
            drop(table);
            writing.commit().map_err(refused)
        })
    }

    /// Says in a new database how its accounts are written.
    fn begin(&self) -> Result<(), AccountFileError> {
        let writing = self.0.begin_write().map_err(refused)?;
        writing.open_table(FORMAT).map_err(refused)?.insert(KIND, VERSION).map_err(refused)?;
        drop(writing.open_table(ACCOUNTS).map_err(refused)?);
        writing.commit().map_err(refused)
    }

    /// Finds that they are written so.
    fn agree(&self) -> Result<(), AccountFileError> {
        let reading = self.0.begin_read().map_err(refused)?;
        let format = reading.open_table(FORMAT).map_err(refused)?;
        let version = format.get(KIND).map_err(refused)?.map(|version| version.value());
        match version {
            Some(VERSION) => Ok(()),
            Some(other) => Err(AccountFileError::Version(other)),
            None => Err(AccountFileError::Foreign),
        }
    }
}

/// A file that other programs have written in may have the database panic instead of saying what is wrong.
fn guarded<T>(work: impl FnOnce() -> Result<T, AccountFileError>) -> Result<T, AccountFileError> {
    let damaged = |_| AccountFileError::Damaged("it is not as it was written".into());
    catch_unwind(AssertUnwindSafe(work)).map_err(damaged)?
}

/// What the database says, in our words.
fn refused(error: impl Into<Error>) -> AccountFileError {
    match error.into() {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => AccountFileError::InUse,
        Error::UpgradeRequired(version) => AccountFileError::DatabaseVersion(version),
        Error::TableTypeMismatch { .. }
        | Error::TableIsMultimap(_)
        | Error::TableIsNotMultimap(_)
        | Error::TableDoesNotExist(_)
        | Error::TypeDefinitionChanged { .. } => AccountFileError::Foreign,
        Error::Io(error) => match error.kind() {
            io::ErrorKind::InvalidData => AccountFileError::Foreign,
            io::ErrorKind::UnexpectedEof => AccountFileError::Damaged("it is cut short".into()),
            _ => AccountFileError::Io(error),
        },
        Error::PreviousIo => {
            AccountFileError::Io(io::Error::other("nothing is written after a write that failed"))
        }
        other => AccountFileError::Damaged(other.to_string()),
    }
}

/// All accounts are read once, at the start.
const CACHE_BYTES: usize = 1 << 20;
