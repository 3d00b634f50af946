//! Accounts that come and go while the server runs: in a database, and in its memory, which alone is asked.
//!
//! ```text
//!  order ─▶ judged ─▶ thread: commit ─▶ the server has it ─▶ who is dismissed is ─▶ answer
//!  first registration ─▶ its key is the account's ─▶ thread: commit
//! ```
//!
//! Of a registration the journal knows before it is acknowledged, so that a key that the database does not have yet is read
//! from there after a crash.

mod file;
mod keeping;
mod order;
mod role;

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
};

use rove_irmv::{Name, server::ServerConfig};

pub use self::file::AccountFileError;
use self::{
    file::{AccountFile, Change},
    keeping::Keeper,
};
pub(crate) use self::{
    keeping::{Keeping, Kept},
    order::AccountOrder,
};
use super::config::{IrmvConfig, IrmvUser};
use crate::{config::ConfigError, driver::Reply, node::NodeError};

/// The accounts of the database, and what becomes of them.
pub(crate) struct Accounts {
    path: PathBuf,
    domain: String,
    of: BTreeMap<Name, IrmvUser>,
    keeper: Keeper,
    /// Number of the last change that was handed over.
    last: u64,
    doing: Option<Doing>,
    /// What comes after that, one after the other.
    queue: VecDeque<(AccountOrder, Reply)>,
}

/// A change that the operator waits for.
struct Doing {
    number: u64,
    name: Name,
    /// What the account will be; `None` when there will be none.
    after: Option<IrmvUser>,
    reply: Reply,
}

impl Accounts {
    /// There is none in this program.
    ///
    /// # Errors
    ///
    /// [`NodeError`] where one is named.
    #[cfg(not(feature = "accounts"))]
    pub(crate) fn open(config: &IrmvConfig) -> Result<Option<(Self, Keeping)>, NodeError> {
        let what = "this program is built without it; use one with the feature `accounts`, or [[irmv.user]]";
        let without = ConfigError::Irmv { key: "accounts", what: what.into() };
        config.accounts.as_ref().map_or(Ok(None), |_| Err(without.into()))
    }

    /// Reads the database that `config` names, if it names one; makes it where it is not.
    ///
    /// # Errors
    ///
    /// [`NodeError`] when it cannot be used, or says something of whom the configuration says something, too.
    #[cfg(feature = "accounts")]
    pub(crate) fn open(config: &IrmvConfig) -> Result<Option<(Self, Keeping)>, NodeError> {
        let Some(path) = config.accounts.clone() else { return Ok(None) };
        let fail = |source| NodeError::Accounts { path: path.clone(), source };
        let file = AccountFile::open(&path).map_err(fail)?;
        let users = file.read().map_err(fail)?;
        let server = config.server()?;
        let mut of = BTreeMap::new();
        for user in users {
            let (name, _) = user.read(&server.domain).map_err(AccountFileError::Account).map_err(fail)?;
            of.insert(name, user);
        }
        agree(&of, &path, &server)?;
        let (keeper, keeping) = Keeper::start(file)?;
        let (last, doing, queue) = (0, None, VecDeque::new());
        Ok(Some((Self { path, domain: server.domain, of, keeper, last, doing, queue }, keeping)))
    }

    /// Hands a change over to be kept; its number.
    fn keep(&mut self, change: Change) -> u64 {
        self.last += 1;
        self.keeper.keep(self.last, change);
        self.last
    }

    /// Whether nobody has an account both here and in a configuration.
    fn agree_with(&self, config: &IrmvConfig) -> Result<(), ConfigError> {
        agree(&self.of, &self.path, &config.server()?)
    }

    /// Adds the accounts to those of a configuration that says nothing of them.
    pub(super) fn join(&self, config: &mut ServerConfig) {
        for user in self.of.values() {
            if let Ok((name, account)) = user.read(&self.domain) {
                config.accounts.insert(name, account);
            }
        }
    }
}

/// Whether the database and the configuration speak of different users, and of different numbers.
fn agree(of: &BTreeMap<Name, IrmvUser>, path: &Path, config: &ServerConfig) -> Result<(), ConfigError> {
    let fail = |what: String| ConfigError::Irmv { key: "accounts", what };
    let numbers = config.accounts.iter().filter_map(|(name, account)| Some((account.number?, name)));
    let numbers: BTreeMap<String, &Name> = numbers.map(|(number, name)| (number.to_string(), name)).collect();
    for (name, user) in of {
        if config.accounts.contains_key(name) {
            return Err(fail(format!(
                "{name} is an account in {} and an [[irmv.user]] of the configuration; leave it in one of them",
                path.display()
            )));
        }
        if let Some((number, other)) = user.number.as_ref().and_then(|number| numbers.get_key_value(number)) {
            return Err(fail(format!(
                "{number} is the number of {name} in {} and of the [[irmv.user]] {other}; leave it to one of them",
                path.display()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
