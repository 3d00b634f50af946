//! The state of an event package as its owner has it, and the document that one subscriber is told of it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Conference, DialogInfo, Presence};

/// What can be watched.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EventState {
    /// A document that is the same for everybody.
    Document {
        /// Its media type.
        kind: String,
        /// What it says.
        body: Vec<u8>,
    },
    /// Somebody's dialogs. Each subscriber's documents are counted for itself (RFC 4235 §4.1), and are always whole.
    Dialogs(DialogInfo),
    /// A conference: whole at first and when the subscription is refreshed, after that what has changed (RFC 4575 §4.6).
    Conference(Conference),
}

impl EventState {
    /// What the document is.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Document { kind, .. } => kind,
            Self::Dialogs(_) => DialogInfo::KIND,
            Self::Conference(_) => Conference::KIND,
        }
    }

    /// The document number `version` of a subscription, counted from 0, for who was told `before`. `None`: everything is
    /// told.
    #[must_use]
    pub fn document(&self, version: u32, before: Option<&Self>) -> Vec<u8> {
        match (self, before) {
            (Self::Document { body, .. }, _) => body.clone(),
            (Self::Dialogs(dialogs), _) => {
                DialogInfo { version, full: true, ..dialogs.clone() }.write().into_bytes()
            }
            (Self::Conference(now), Some(Self::Conference(before))) => {
                Conference { version, ..now.since(before) }.write().into_bytes()
            }
            (Self::Conference(now), _) => Conference { version, ..now.clone() }.write().into_bytes(),
        }
    }
}

impl From<(String, Vec<u8>)> for EventState {
    fn from((kind, body): (String, Vec<u8>)) -> Self {
        Self::Document { kind, body }
    }
}

impl From<&Presence> for EventState {
    fn from(presence: &Presence) -> Self {
        Self::Document { kind: Presence::KIND.into(), body: presence.write().into_bytes() }
    }
}
