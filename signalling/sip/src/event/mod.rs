//! Events of others, and ours (RFC 6665): what Subscription-State says, and the documents of the packages in use.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod conference;
mod dialog_info;
mod pidf;
mod state;
mod told;
mod waiting;
mod xml;

#[cfg(test)]
mod tests;

pub use conference::{Conference, Endpoint, Part, User};
pub use dialog_info::{DialogEntry, DialogInfo, DialogState};
pub use pidf::{Presence, Tuple};
pub use state::{Reason, State};
pub use told::EventState;
pub use waiting::{Count, Waiting};
pub use xml::XmlError;

/// Presence (RFC 3856).
pub const PRESENCE: &str = "presence";
/// The dialogs of a user agent (RFC 4235).
pub const DIALOG: &str = "dialog";
/// Who takes part in a conference (RFC 4575).
pub const CONFERENCE: &str = "conference";
/// Messages that wait (RFC 3842).
pub const MESSAGE_SUMMARY: &str = "message-summary";
