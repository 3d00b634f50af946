//! What is spent of credits, kept in a file, and told to whoever can end calls.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rove_base::{Instant, Now};
use rove_relay::credit::Credits;
use serde_json::json;

use super::{RelayConfig, desk::Desk};
use crate::node::NodeError;

/// The file that keeps what is spent, and when it was written last.
#[derive(Debug, Default)]
pub(super) struct Purse {
    path: Option<PathBuf>,
    kept: Instant,
    /// As it was read.
    spent: Vec<(String, Duration)>,
}

impl Purse {
    /// Reads what is spent; nothing where there is no such file yet.
    pub(super) fn open(config: &RelayConfig) -> Result<Self, NodeError> {
        let Some(path) = config.credit_file.clone() else { return Ok(Self::default()) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(NodeError::File { path, source }),
        };
        let line = |line: &str| {
            let (millis, name) = line.split_once(' ')?;
            Some((name.to_owned(), Duration::from_millis(millis.parse().ok()?)))
        };
        let spent: Option<Vec<_>> = text.lines().map(line).collect();
        // Who has paid does not lose it, and nobody gets it twice, because a line cannot be read.
        let source = || io::Error::new(io::ErrorKind::InvalidData, "a line is not: milliseconds, and whose");
        let spent = spent.ok_or_else(|| NodeError::File { path: path.clone(), source: source() })?;
        Ok(Self { path: Some(path), kept: Instant::ZERO, spent })
    }

    /// What is bought, with what of it is spent.
    pub(super) fn restored(&self, config: &RelayConfig) -> Credits {
        let mut credits = config.credits();
        self.spent.iter().for_each(|(name, time)| credits.spend(name.as_bytes(), *time));
        credits
    }

    /// Writes what is spent, all of it or nothing.
    pub(super) fn keep(&self, credits: &Credits) {
        let Some(path) = &self.path else { return };
        let mut text = String::new();
        for (name, spent) in credits.spent() {
            let _ = writeln!(text, "{} {}", spent.as_millis(), String::from_utf8_lossy(name));
        }
        if let Err(error) = replace(path, &text) {
            tracing::error!(target: "rove::relay", path = %path.display(), %error, "what is spent was not kept");
        }
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    fs::write(&draft, text)?;
    fs::rename(&draft, path)
}

impl Desk {
    /// Tells whose credit is spent, so that their calls end in order, and keeps what is spent.
    pub(super) fn settle(&mut self, now: Now) {
        while let Some(account) = self.turn.next_spent() {
            let account = String::from_utf8_lossy(&account).into_owned();
            tracing::info!(target: "rove::relay", account, "the credit is spent");
            if let Some(node) = &self.node {
                node.tell(json!({ "act": { "spent": account } }).to_string());
            }
        }
        if !self.turn.credits().is_empty() && now.mono.since(self.purse.kept) >= KEEP {
            self.purse.kept = now.mono;
            self.purse.keep(self.turn.credits());
        }
    }
}

/// Between two writings of what is spent: as much is given away when the program is killed.
const KEEP: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::RelayCredit;

    #[test]
    fn what_is_spent_is_known_after_a_restart_and_a_line_that_cannot_be_read_stops_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credit");
        let credit = vec![RelayCredit { account: "alice".into(), minutes: 2 }];
        let config = RelayConfig { credit, credit_file: Some(path.clone()), ..RelayConfig::default() };
        let purse = Purse::open(&config).unwrap();
        let mut credits = purse.restored(&config);
        assert_eq!(credits.left(b"alice"), Some(Duration::from_secs(120)));
        credits.spend(b"alice", Duration::from_secs(90));
        purse.keep(&credits);
        let again = Purse::open(&config).unwrap().restored(&config);
        assert_eq!(again.left(b"alice"), Some(Duration::from_secs(30)));
        fs::write(&path, "a lot alice").unwrap();
        assert!(Purse::open(&config).is_err());
    }
}
