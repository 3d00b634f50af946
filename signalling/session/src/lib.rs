//! One call from end to end, without I/O: the target is parsed, looked up, offered a session, talked with, hung up on.
//!
//! [`Switchboard`] is the machine its driver sees. Inside, each call is an enum of states that are moved; a state
//! answers a fact with asks, and the switchboard is the one place that carries an ask to its machine and the answer
//! back. Media is not here: an [`Event::StartMedia`] goes down with a plan, a [`MediaFact`] comes up.

mod account;
mod call;
mod cause;
mod config;
mod errand;
mod event;
mod plan;
mod record;
mod registration;
mod room;
mod switchboard;
mod target;
mod told;

pub use account::{Account, AccountId, AccountNews};
pub use call::Progress;
pub use cause::Cause;
pub use config::Config;
pub use errand::{Errand, ErrandId, ErrandNews};
pub use event::{Asker, CallId, Event, MediaFact, MediaPorts};
pub use record::{Record, Side};
pub use registration::{Registration, RegistrationError};
pub use room::{Room, RoomAsk, RoomConfig, RoomFact};
pub use rove_sdp::{MediaSecurity, SecurityKind};
pub use rove_sip::{
    event as package,
    register::Push,
    ua::{Party, Refused},
};
pub use switchboard::{RelayStep, Switchboard};
pub use target::{Target, TargetError};
pub use told::Disclosure;
