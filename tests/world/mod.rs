//! A world in a box: virtual time, virtual networks, real protocol machines.
//!
//! A [`World`] holds any number of [`Host`]s and the links between them, which a seed makes as bad as a test wants. An
//! hour of calls passes in seconds, and the same seed gives the same hour, byte by byte ([`Trace::hash`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "the world is a test: what cannot be must be loud"
)]

mod clock;
pub mod dns;
mod host;
pub mod loopback;
mod network;
pub mod networks;
mod outlet;
pub mod phone;
pub mod ports;
pub mod private;
pub mod programs;
mod streams;
#[cfg(test)]
mod tests;
mod trace;
pub mod wires;
mod world;

pub use clock::{Clock, WallError};
pub use dns::DnsHost;
pub use host::{Host, MachineHost, Outlet, Taken, drain_machine};
pub use phone::{Owner, PhoneHost};
pub use rove_phone::netem::{
    Cut, Fate, GilbertElliott, Impairments, Jitter, Link, LinkStats, Loss, Rate, Reorder, Spread, wire_bytes,
};
pub use trace::Trace;
pub use world::{Handle, World};
