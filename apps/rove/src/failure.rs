//! What went wrong, as a sentence and an exit code.

use core::fmt;
use std::process::ExitCode;

use rove_phone::{DialError, StartError};

/// A sentence that says what to do, with the exit code of its class.
#[derive(Debug)]
pub(crate) struct Failure {
    class: Class,
    text: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Call = 1,
    Usage = 2,
    Environment = 3,
}

impl Failure {
    /// A call failed or missed its threshold.
    pub(crate) fn call(text: impl Into<String>) -> Self {
        Self { class: Class::Call, text: text.into() }
    }

    /// The command line, a settings file or a file it names is wrong.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { class: Class::Usage, text: text.into() }
    }

    /// The machine lacks something.
    pub(crate) fn environment(text: impl Into<String>) -> Self {
        Self { class: Class::Environment, text: text.into() }
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

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Identity(_)
            | StartError::Audio(_)
            | StartError::NoCertificate
            | StartError::Tls(_) => Self::usage(error.to_string()),
            _ => Self::environment(error.to_string()),
        }
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Target(_) => Self::usage(error.to_string()),
            _ => Self::environment(error.to_string()),
        }
    }
}
