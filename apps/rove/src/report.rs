//! The report that machines read: stable keys, `null` for what was not measured.

use std::path::Path;

use rove_phone::CallReport;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Everything one run has to tell.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Report {
    /// The seed of all random choices; `null` when they were really random.
    pub(crate) seed: Option<u64>,
    /// One entry per phone and call.
    pub(crate) calls: Vec<CallReport>,
    /// Moves between networks.
    pub(crate) roams: Vec<serde_json::Value>,
    /// Moves to a better route.
    pub(crate) reroutes: Vec<serde_json::Value>,
    /// Calls of three and more.
    pub(crate) conference: Conference,
}

/// What is known of a conference.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Conference {
    parties: Option<u32>,
    joined_ms: Vec<f64>,
    mos: Vec<f64>,
}

impl Report {
    /// Writes it as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
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
