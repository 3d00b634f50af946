//! What went wrong, as a sentence and an exit code.

use std::{fmt, io, process::ExitCode};

use rove_node::{ConfigError, DevError, NodeError};

/// A sentence that says what to do, with the exit code of its class.
#[derive(Debug)]
pub(crate) struct Failure {
    class: Class,
    text: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Running = 1,
    Usage = 2,
    Environment = 3,
}

impl Failure {
    /// The command line or the configuration is wrong.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { class: Class::Usage, text: text.into() }
    }

    /// It was tried, and did not work.
    pub(crate) fn running(text: impl Into<String>) -> Self {
        Self { class: Class::Running, text: text.into() }
    }

    /// The machine lacks something, or another program has it.
    pub(crate) fn environment(text: impl Into<String>) -> Self {
        Self { class: Class::Environment, text: text.into() }
    }

    /// No folder for key and journal.
    #[expect(clippy::needless_pass_by_value, reason = "an error is mapped into this one")]
    pub(crate) fn folder(error: io::Error) -> Self {
        Self::environment(format!("no folder for key and journal: {error}; give one by --dir"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.class as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let class = match &error {
            NodeError::Config(_) | NodeError::NoRole => Class::Usage,
            NodeError::Record { .. } | NodeError::ForeignRecord { .. } => Class::Running,
            _ => Class::Environment,
        };
        let option = if matches!(error, NodeError::Bind { .. }) { " (or by --dns-listen)" } else { "" };
        Self { class, text: format!("{error}{option}") }
    }
}

impl From<DevError> for Failure {
    fn from(error: DevError) -> Self {
        match error {
            DevError::NotLoopback(_) | DevError::Key { .. } | DevError::Config(_) => {
                Self::usage(error.to_string())
            }
            _ => Self::environment(error.to_string()),
        }
    }
}
