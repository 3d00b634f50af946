//! What can go wrong, for the caller to act on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rove_phone::{DialError, PortError, StartError};

/// Why a call of this interface did nothing. `why` is a sentence for a person, and says what to do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error, uniffi::Error)]
#[non_exhaustive]
pub enum RoveError {
    /// An argument cannot be used.
    #[error("{why}")]
    Argument {
        /// Which, and what is wrong with it.
        why: String,
    },
    /// The phone or call is not there, or not any more.
    #[error("{why}")]
    Gone {
        /// Which.
        why: String,
    },
    /// The phone could not be started.
    #[error("{why}")]
    Start {
        /// What stands against it.
        why: String,
    },
    /// The target cannot be dialled.
    #[error("{why}")]
    Target {
        /// What is wrong with it.
        why: String,
    },
    /// It is not done yet, and the time given is over.
    #[error("{why}")]
    Timeout {
        /// What was waited for.
        why: String,
    },
    /// Another thread does the same at this moment, or this one must not wait.
    #[error("{why}")]
    Busy {
        /// With what.
        why: String,
    },
    /// The call has no sound now.
    #[error("{why}")]
    NoSound {
        /// When it will have some.
        why: String,
    },
    /// A fault of this library, which has been contained; please report it.
    #[error("a fault inside: {why}")]
    Panicked {
        /// What it said.
        why: String,
    },
}

impl RoveError {
    pub(crate) fn argument(why: impl Into<String>) -> Self {
        Self::Argument { why: why.into() }
    }

    pub(crate) fn gone(why: impl Into<String>) -> Self {
        Self::Gone { why: why.into() }
    }
}

impl From<StartError> for RoveError {
    fn from(error: StartError) -> Self {
        Self::Start { why: error.to_string() }
    }
}

impl From<DialError> for RoveError {
    fn from(error: DialError) -> Self {
        let why = error.to_string();
        match error {
            DialError::Stopped => Self::Gone { why },
            _ => Self::Target { why },
        }
    }
}

impl From<PortError> for RoveError {
    fn from(error: PortError) -> Self {
        let why = error.to_string();
        match error {
            PortError::Busy => Self::Busy { why },
            _ => Self::NoSound { why },
        }
    }
}

/// Does something; a panic of it ends here.
pub(crate) fn contained<T>(act: impl FnOnce() -> Result<T, RoveError>) -> Result<T, RoveError> {
    // What is shared is behind locks that are taken whatever happened, or is the phone's, which talks to its own thread.
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(RoveError::Panicked { why: said.unwrap_or_else(|| "it did not say what".to_owned()) })
    })
}
