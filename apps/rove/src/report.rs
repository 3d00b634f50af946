//! The report that machines read: stable keys, `null` for what was not measured.

use std::path::Path;

use rove_phone::{CallReport, Refused, Reroute};
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, files};

/// Everything one run has to tell.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Report {
    /// The seed of all random choices; `null` when they were really random.
    pub(crate) seed: Option<u64>,
    /// One entry per phone and call.
    pub(crate) calls: Vec<CallReport>,
    /// Moves between networks.
    pub(crate) roams: Vec<serde_json::Value>,
    /// Moves to a better route.
    pub(crate) reroutes: Vec<Reroute>,
    /// What others have said without a call.
    #[serde(default)]
    pub(crate) messages: Vec<serde_json::Value>,
    /// What was refused because somebody wanted too much; `null` where that was not counted.
    #[serde(default)]
    pub(crate) refused: Option<Refusals>,
    /// Calls of three and more.
    pub(crate) conference: Conference,
}

/// What is known of a conference.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Conference {
    /// The most who were in it at a time, this phone included.
    pub(crate) parties: Option<u32>,
    /// From dialling to being heard, for each who was called, in order.
    pub(crate) joined_ms: Vec<f64>,
    /// How each of them was heard here, where that was measured.
    pub(crate) mos: Vec<f64>,
}

/// What was refused because somebody wanted too much.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Refusals {
    /// Requests that came too fast, and were answered so.
    told: u64,
    /// Those after them, which were not answered.
    dropped: u64,
    /// Calls that would have waited beside too many others of their source.
    ringing: u64,
    /// Subscriptions.
    watching: u64,
}

impl From<Refused> for Refusals {
    fn from(refused: Refused) -> Self {
        let Refused { told, dropped, ringing, watching } = refused;
        Self { told, dropped, ringing, watching }
    }
}

impl Conference {
    /// One of so many calls, at most, beside this phone itself.
    pub(crate) fn of(calls: Option<usize>) -> Self {
        let parties = calls.and_then(|calls| u32::try_from(calls.saturating_add(1)).ok());
        Self { parties, ..Self::default() }
    }

    /// The most who were in it at a time; `None` when there was none.
    pub(crate) const fn parties(&self) -> Option<u32> {
        self.parties
    }
}

impl Report {
    /// Finds out before a call whether something could be written to `path` after it.
    pub(crate) fn check(path: Option<&Path>) -> Result<(), Failure> {
        files::check_output(path, "the report", &[])
    }

    /// Writes it as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut whole = self.clone();
        if whole.reroutes.is_empty() {
            whole.reroutes = self.calls.iter().flat_map(|call| call.reroutes.clone()).collect();
        }
        let mut text = serde_json::to_string_pretty(&whole).unwrap_or_default();
        text.push('\n');
        std::fs::write(path, text).map_err(|error| {
            Failure::environment(format!("the report {} cannot be written: {error}", path.display()))
        })
    }

    /// Reads what another process wrote.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::call(format!("the report {} cannot be read: {error}", path.display()))
        })?;
        serde_json::from_str(&text).map_err(|error| Failure::call(format!("{}: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_could_not_be_written_is_refused_before_the_call() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Report::check(None).is_ok() && Report::check(Some(Path::new("new.json"))).is_ok());
        assert!(Report::check(Some(&dir.path().join("new.json"))).is_ok());
        for path in [dir.path(), &dir.path().join("none/new.json")] {
            let error = Report::check(Some(path)).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
    }
}
