//! A configuration that has changed under a running node: what of it takes effect at once, and what does not.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::config::{ConfigError, NodeConfig};

/// The configuration as it was read last.
pub(crate) struct Reload {
    config: NodeConfig,
    table: toml::Table,
}

impl Reload {
    /// As it is.
    pub(crate) fn new(config: NodeConfig) -> Self {
        let table = config.source.as_deref().and_then(|path| std::fs::read_to_string(path).ok());
        let table = table.and_then(|text| text.parse().ok()).unwrap_or_default();
        Self { config, table }
    }

    /// The file that the node was made of.
    pub(crate) fn source(&self) -> Option<PathBuf> {
        self.config.source.clone()
    }

    /// Reads it again, all or nothing; nothing where it does not go with what the roles know. Answers it with what has changed: what takes effect, and what would only when the
    /// node is started again. Without a file the one that is there is taken, for the files that it names.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what is wrong; then everything stays as it is.
    pub(crate) fn again(
        &mut self,
        agree: impl Fn(&NodeConfig) -> Result<(), ConfigError>,
    ) -> Result<(NodeConfig, Value), ConfigError> {
        let Some(path) = self.source() else {
            self.config.check()?;
            agree(&self.config)?;
            return Ok((self.config.clone(), json!({ "changed": [], "not_before_a_restart": [] })));
        };
        let config = NodeConfig::read(&path)?;
        config.check()?;
        agree(&config)?;
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        let table: toml::Table = text.parse().unwrap_or_default();
        let (changed, later): (Vec<String>, Vec<String>) =
            differences(&self.table, &table).into_iter().partition(|key| is_hot(key));
        // What takes no effect is still another than the running one when it is read the next time.
        if later.is_empty() {
            self.table = table;
        }
        self.config = config.clone();
        Ok((config, json!({ "changed": changed, "not_before_a_restart": later })))
    }
}

/// The keys whose values differ, as `section.key`; of lists of tables the whole list.
pub(crate) fn differences(old: &toml::Table, new: &toml::Table) -> Vec<String> {
    let mut all = Vec::new();
    differ("", old, new, &mut all);
    all
}

fn differ(path: &str, old: &toml::Table, new: &toml::Table, all: &mut Vec<String>) {
    let added = new.keys().filter(|key| !old.contains_key(*key));
    for key in old.keys().chain(added) {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (old.get(key), new.get(key)) {
            (Some(toml::Value::Table(old)), Some(toml::Value::Table(new))) => differ(&full, old, new, all),
            (old, new) if old == new => {}
            _ => all.push(full),
        }
    }
}

/// Whether a key takes effect while the node runs.
fn is_hot(key: &str) -> bool {
    HOT.iter().any(|hot| key == *hot || key.strip_prefix(hot).is_some_and(|rest| rest.starts_with('.')))
}

/// Certificates, users, peers and limits.
const HOT: &[&str] = &[
    "sip.tls",
    "sip.user",
    "sip.users_file",
    "sip.trusted",
    "sip.limits",
    "irmv.certificate",
    "irmv.key",
    "irmv.authorities",
    "irmv.user",
    "irmv.peer",
    "irmv.open",
    "irmv.longest",
    "irmv.questions_per_second",
    "relay.certificate",
    "relay.key",
    "relay.user",
    "relay.secret",
    "relay.secret_file",
    "relay.allow",
    "relay.deny",
    "relay.allocations",
    "relay.per_user",
    "relay.calls",
    "relay.credit",
    "http.certificate",
    "http.key",
    "http.token",
    "http.token_file",
    "roaming.certificate",
    "roaming.key",
    "tenant",
];
