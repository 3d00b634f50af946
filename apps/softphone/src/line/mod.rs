//! Between the window and its phone.
//!
//! ```text
//!  window's thread                       listening thread              phone
//!  Model ── Ask ──▶ Line::carry ──────────────────────────────────────▶ methods
//!  Model ◀─ event ─ Line::next_event ◀─ FIFO ── next_event(patience) ◀─ events
//!                   wake() ◀────────────────────┘
//! ```

mod phone;

use std::net::SocketAddr;

use rove_phone::{CallId, PhoneEvent, SecurityKind, SoundLevels, TargetError};

pub use self::phone::{PhoneLine, Wake};
use crate::model::{Ask, Settings};

/// A microphone or loudspeaker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// By what name.
    pub name: String,
    /// Whether it listens,
    pub input: bool,
    /// and whether it speaks.
    pub output: bool,
}

/// What became of an ask at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It is under way; events tell the rest.
    Asked,
    /// A call has begun.
    Begun(CallId),
    /// It cannot be: which message says so, and of what.
    Refused(String, String),
    /// These are the sound devices.
    Devices(Vec<Device>),
}

/// A phone, or what stands for one in a test. None of it waits for the network.
pub trait Line {
    /// Has something done.
    fn carry(&mut self, ask: &Ask, settings: &Settings) -> Answer;
    /// The next event that has come, if any has.
    fn next_event(&mut self) -> Option<PhoneEvent>;
    /// How loud both sides of a call are; `None` where nobody knows.
    fn levels(&mut self, _: CallId) -> Option<SoundLevels> {
        None
    }
    /// Where its SIP listens; the IP address may be the unspecified one.
    fn addresses(&self) -> Vec<SocketAddr> {
        Vec::new()
    }
}

/// The message that says why something cannot be dialled.
#[must_use]
pub fn cannot_dial(error: &rove_phone::DialError) -> &'static str {
    match error {
        rove_phone::DialError::Target(TargetError::Empty) => "cannot-dial-nothing",
        rove_phone::DialError::Target(TargetError::Scheme { .. }) => "cannot-dial-scheme",
        rove_phone::DialError::Target(TargetError::Number { .. }) => "cannot-dial-number",
        rove_phone::DialError::Target(_) => "cannot-dial-malformed",
        _ => "cannot-dial-stopped",
    }
}

/// The message that says who can listen to a call. None of them says that it is secure: nothing that the phone tells proves who
/// is at the other end.
#[must_use]
pub const fn protection(security: Option<SecurityKind>) -> &'static str {
    match security {
        None => "secure-unknown",
        Some(SecurityKind::None) => "secure-none",
        Some(SecurityKind::Sdes) => "secure-hop",
        Some(SecurityKind::Dtls) => "secure-ends",
    }
}
