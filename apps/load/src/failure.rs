//! How the program ends: SIPp's exit codes, so that scripts around it go on to work.

use core::fmt;
use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// 0: every call succeeded, or as many as the thresholds want, and every threshold holds.
    Good,
    /// 1: a call failed and no threshold on `failed` allows it, or a threshold was missed.
    Bad,
    /// 97: stopped from outside before the plan was done; what was done was good.
    Stopped,
    /// 99: no call was made or taken at all.
    Nothing,
}

impl Ending {
    /// SIPp's number for it.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad => 1,
            Self::Stopped => 97,
            Self::Nothing => 99,
        }
    }
}

/// Why nothing could be run: 255.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A sentence that says what to do.
    pub(crate) fn fatal(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// SIPp's number for it.
    pub(crate) fn exit_code() -> ExitCode {
        ExitCode::from(FATAL)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SIPp's −1.
pub(crate) const FATAL: u8 = 255;
