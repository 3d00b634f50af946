//! Who may register and call, and what they prove it with.

use std::path::{Path, PathBuf};

use rove_sip::digest::{Algorithm, HashedSecret, Users};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::SipConfig;
use crate::config::{ConfigError, read_secret};

/// One `[[sip.user]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipUser {
    /// The user part of its address.
    pub name: String,
    /// The password.
    pub password: Option<Zeroizing<String>>,
    /// A file with the password, which its owner alone may read.
    pub password_file: Option<PathBuf>,
    /// The users who may watch this one, whatever `[sip.state] watchers` says. `None`: those that this says.
    pub shown_to: Option<Vec<String>>,
}

impl std::fmt::Debug for SipUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SipUser").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SipConfig {
    /// What users are asked for.
    pub(super) fn algorithms(&self) -> Result<Vec<Algorithm>, ConfigError> {
        let one = |text: &String| match Algorithm::parse(text) {
            Some((algorithm, false)) => Ok(algorithm),
            _ => Err(ConfigError::Sip { key: "algorithms", value: text.clone() }),
        };
        let algorithms = self.algorithms.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        if algorithms.is_empty() && self.auth {
            return Err(ConfigError::Sip { key: "algorithms", value: "none; give at least one".into() });
        }
        Ok(algorithms)
    }

    /// The users with the hashes of their passwords.
    pub(crate) fn users(&self) -> Result<Users, ConfigError> {
        let realm = self.realm.as_ref().or(self.domains.first());
        let mut users = Users::new(realm.cloned().unwrap_or_default());
        let algorithms = self.algorithms()?;
        for user in &self.user {
            let password = match (&user.password, &user.password_file) {
                (Some(password), None) => password.clone(),
                (None, Some(path)) => {
                    let text = read_secret(path)?;
                    Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
                }
                _ => return Err(ConfigError::SipUser { name: user.name.clone() }),
            };
            users.add_password(&user.name, &password, &algorithms);
        }
        if let Some(path) = &self.users_file {
            add_from_file(&mut users, path)?;
        }
        Ok(users)
    }
}

/// Lines of `user:ALGORITHM:hash`; empty ones and those that begin with `#` are passed over.
fn add_from_file(users: &mut Users, path: &Path) -> Result<(), ConfigError> {
    let text = read_secret(path)?;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fail = || ConfigError::UsersFile { path: path.to_owned(), line: number };
        let mut parts = line.rsplitn(3, ':').map(str::trim);
        let (Some(hash), Some(algorithm), Some(user)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(fail());
        };
        let (algorithm, _) = Algorithm::parse(algorithm).ok_or_else(fail)?;
        users.add(user, HashedSecret::from_hex(algorithm, hash).map_err(|_| fail())?);
    }
    Ok(())
}
