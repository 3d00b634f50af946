//! Scenarios: messages that are sent and expected one after the other, read from SIPp's XML or from TOML of our own.

mod fill;
mod own;
mod play;
mod sipp;

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::path::Path;

pub(crate) use self::{
    fill::Facts,
    play::{Player, Step as Played},
};
use crate::failure::Failure;

/// What one call does, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// A message leaves; again and again, after this time at first, until something comes.
    Send { text: String, again: Option<Duration> },
    /// A message is waited for.
    Receive { wanted: Wanted, optional: bool, timeout: Option<Duration>, measured: bool },
    /// Nothing is done; `None`: for as long as a call stands.
    Pause(Option<Duration>),
    /// The call is over, and what comes again is answered again for so long.
    Linger(Duration),
    /// Nothing.
    Nothing,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Wanted {
    Response(u16),
    Request(String),
}

/// Why a scenario cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ScenarioError {
    /// It is not XML.
    #[error("it is no XML: {0}")]
    Xml(String),
    /// It is not TOML of the kind.
    #[error("{0}")]
    Toml(String),
    /// An element that is not known.
    #[error("the element <{0}> is not known; there are send, recv, pause, timewait and nop")]
    Element(String),
    /// An attribute that is not known.
    #[error("the attribute {attribute} of <{element}> is not known")]
    Attribute {
        /// Of which element.
        element: String,
        /// Which.
        attribute: String,
    },
    /// A value that is none.
    #[error("{value} is no {what}")]
    Value {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// A keyword that is not known.
    #[error("the keyword [{0}] is not known")]
    Keyword(String),
    /// There is nothing to do.
    #[error("it has no step")]
    Empty,
}

impl Scenario {
    /// Reads SIPp's XML, or TOML where the file's name ends so; `uac` and `uas` are those that SIPp has built in, in our words.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the file and what is not understood.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let parsed = match path.to_str() {
            Some("uac") => Self::parse_toml(UAC),
            Some("uas") => Self::parse_toml(UAS),
            _ => {
                let bytes = std::fs::read(path)
                    .map_err(|error| Failure::fatal(format!("{} cannot be read: {error}", path.display())))?;
                // SIPp's files say ISO-8859-1, of which the messages use ASCII.
                let text = String::from_utf8_lossy(&bytes);
                let is_toml = path.extension().is_some_and(|ending| ending == "toml");
                if is_toml { Self::parse_toml(&text) } else { Self::parse_xml(&text) }
            }
        };
        parsed.map_err(|error| Failure::fatal(format!("{}: {error}", path.display())))
    }

    /// Understands SIPp's XML.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`].
    pub(crate) fn parse_xml(text: &str) -> Result<Self, ScenarioError> {
        sipp::parse(text)?.checked()
    }

    /// Understands TOML of our own.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`].
    pub(crate) fn parse_toml(text: &str) -> Result<Self, ScenarioError> {
        own::parse(text)?.checked()
    }

    /// Whether it begins by itself; else it waits for who calls.
    pub(crate) fn calls(&self) -> bool {
        let first = self.steps.iter().find(|step| matches!(step, Step::Send { .. } | Step::Receive { .. }));
        matches!(first, Some(Step::Send { .. }))
    }

    fn checked(self) -> Result<Self, ScenarioError> {
        if self.steps.is_empty() {
            return Err(ScenarioError::Empty);
        }
        for step in &self.steps {
            if let Step::Send { text, .. } = step {
                fill::check(text)?;
            }
        }
        Ok(self)
    }
}

/// The Call-ID of a message.
pub(crate) fn call_id(message: &str) -> Option<&str> {
    fill::header(message, "Call-ID").or_else(|| fill::header(message, "i"))
}

const UAC: &str = include_str!("../../scenarios/uac.toml");
const UAS: &str = include_str!("../../scenarios/uas.toml");
