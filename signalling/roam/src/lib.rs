//! Names that follow a terminal into any network it roams to.
//!
//! A terminal has a home, which owns its name. The network it visits authenticates it at home, gives it an address, and
//! both keep DNS true: the home's forward records and the visited network's reverse ones. Between the two lies a
//! private network of telephony's own protocols; [`Operation`] is what they all say, whatever the wire.
//!
//! Everything here is a machine: no clock, thread, socket, file or global.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod aka;
pub mod attach;
mod change;
mod claim;
pub mod hlr;
mod identity;
mod operation;
pub mod pool;
pub mod private;
mod refusals;
pub mod subscriber;
mod subscription;
pub mod vlr;

pub use change::{Change, ChangeId, NameChange};
pub use claim::{Addresses, BindClaim, Generation, Proof};
pub use identity::{E164, HostName, IdentityError, Imsi, NetworkName, Plmn};
pub use operation::{
    CancelReason, Cause, Challenge, EpsVector, Operation, Outcome, Quintuplet, Resynchronisation,
    VisitedNetwork,
};
pub use refusals::Refusals;
pub use subscriber::Subscriber;
pub use subscription::{Forwarding, Profile, Services, Subscription};
