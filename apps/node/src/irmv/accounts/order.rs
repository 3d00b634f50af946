//! What the operator wants of accounts, and what an account is then.

use rove_irmv::Name;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::irmv::IrmvUser;

/// What is wanted.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountOrder {
    /// A new one.
    Add(IrmvUser),
    /// Some of one is different from now on; `null` takes it away.
    Set {
        /// Whose.
        name: String,
        /// What of it, by the keys of an account.
        changes: Map<String, Value>,
    },
    /// One is none any more.
    Remove(String),
    /// One, or all.
    Show(Option<String>),
}

/// `user` with what `changes` say of it; the rest stays.
pub(super) fn changed(user: &IrmvUser, changes: &Map<String, Value>) -> Result<IrmvUser, String> {
    let mut whole = serde_json::to_value(user).map_err(|error| error.to_string())?;
    if let Some(whole) = whole.as_object_mut() {
        whole.extend(changes.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    let changed: IrmvUser = serde_json::from_value(whole).map_err(|error| error.to_string())?;
    if changed.name == user.name {
        Ok(changed)
    } else {
        Err(format!("{}: a name stays; add an account of the other, and remove this one", user.name))
    }
}

/// The name of an account, in the form that it has everywhere.
pub(super) fn name_of(text: &str) -> Result<Name, String> {
    text.parse().map_err(|_| format!("{text}: not user@domain"))
}
