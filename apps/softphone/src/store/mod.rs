//! What outlives the program: contacts, past calls, settings.
//!
//! Each is a file of its own, written whole to a file beside it that then takes its place. A file that cannot be understood is
//! told with its line, left as it is, and not written over as long as the program runs.

use std::{
    collections::BTreeSet,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{Contact, Past, Settings};

/// Where things are kept.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Settings.
    pub config: PathBuf,
    /// Contacts and past calls.
    pub data: PathBuf,
}

impl Folders {
    /// Those of the desktop (XDG Base Directory Specification), by the environment; `None` where there is not even a home.
    #[must_use]
    pub fn of_the_desktop(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        let under = |name: &str, otherwise: &str| {
            let base = absolute(name).or_else(|| Some(home.as_ref()?.join(otherwise)))?;
            Some(base.join("rove-softphone"))
        };
        let config = under("XDG_CONFIG_HOME", ".config")?;
        Some(Self { config, data: under("XDG_DATA_HOME", ".local/share")? })
    }
}

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is there and cannot be read.
    #[error("{0} cannot be read: {1}")]
    Read(PathBuf, std::io::Error),
    /// It is not what it should be; the text names the line.
    #[error("{0}: {1}")]
    Malformed(PathBuf, String),
    /// It could not be understood at the start, and is left as it is.
    #[error("{0} is left as it is, since it could not be understood; mend or move it, then start again")]
    Kept(PathBuf),
    /// It cannot be written.
    #[error("{0} cannot be written: {1}")]
    Write(PathBuf, std::io::Error),
}

/// The files.
#[derive(Debug)]
pub struct Store {
    folders: Folders,
    /// Files that could not be understood.
    kept: BTreeSet<PathBuf>,
}

/// What was found, and what of it could not be understood.
#[derive(Debug, Default)]
pub struct Stored {
    /// Settings.
    pub settings: Settings,
    /// People.
    pub contacts: Vec<Contact>,
    /// Past calls, the latest first.
    pub history: Vec<Past>,
    /// What could not be read: to be told.
    pub troubles: Vec<StoreError>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Book {
    #[serde(default)]
    contact: Vec<Contact>,
}

impl Store {
    /// Reads all there is; what is not there yet is empty.
    #[must_use]
    pub fn open(folders: Folders) -> (Self, Stored) {
        let mut store = Self { folders, kept: BTreeSet::new() };
        let mut stored = Stored::default();
        let (settings, contacts, history) =
            (store.settings_file(), store.contacts_file(), store.history_file());
        let troubles = &mut stored.troubles;
        stored.settings = store.read(settings, toml_of, troubles);
        let book: Book = store.read(contacts, toml_of, troubles);
        stored.contacts = book.contact;
        let read = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
        stored.history = store.read(history, read, troubles);
        (store, stored)
    }

    /// Keeps settings. The file is readable by its owner alone: a password may stand in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] names the file.
    pub fn keep_settings(&self, settings: &Settings) -> Result<(), StoreError> {
        let text = toml::to_string_pretty(settings);
        self.write(self.settings_file(), text.map_err(|error| error.to_string()))
    }

    /// Keeps contacts.
    ///
    /// # Errors
    ///
    /// [`StoreError`] names the file.
    pub fn keep_contacts(&self, contacts: &[Contact]) -> Result<(), StoreError> {
        let text = toml::to_string_pretty(&Book { contact: contacts.to_vec() });
        self.write(self.contacts_file(), text.map_err(|error| error.to_string()))
    }

    /// Keeps past calls.
    ///
    /// # Errors
    ///
    /// [`StoreError`] names the file.
    pub fn keep_history(&self, history: &[Past]) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(history);
        self.write(self.history_file(), text.map_err(|error| error.to_string()))
    }

    fn settings_file(&self) -> PathBuf {
        self.folders.config.join("settings.toml")
    }

    fn contacts_file(&self) -> PathBuf {
        self.folders.data.join("contacts.toml")
    }

    fn history_file(&self) -> PathBuf {
        self.folders.data.join("history.json")
    }

    fn read<T: Default>(
        &mut self,
        file: PathBuf,
        parse: impl FnOnce(&str) -> Result<T, String>,
        troubles: &mut Vec<StoreError>,
    ) -> T {
        let trouble = match std::fs::read_to_string(&file) {
            Ok(text) => match parse(&text) {
                Ok(value) => return value,
                Err(why) => StoreError::Malformed(file.clone(), why),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => return T::default(),
            Err(error) => StoreError::Read(file.clone(), error),
        };
        troubles.push(trouble);
        self.kept.insert(file);
        T::default()
    }

    fn write(&self, file: PathBuf, text: Result<String, String>) -> Result<(), StoreError> {
        if self.kept.contains(&file) {
            return Err(StoreError::Kept(file));
        }
        let text = text.map_err(|why| StoreError::Malformed(file.clone(), why))?;
        replace(&file, &text).map_err(|error| StoreError::Write(file, error))
    }
}

fn toml_of<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

/// Puts `text` in place of `file`: whoever reads sees all of the old or all of the new.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = file.with_extension("new");
    // A draft that a crash left behind may be anybody's to read.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&draft)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    drop(written);
    std::fs::rename(&draft, file)
}

#[cfg(test)]
mod tests;
