//! Names: authoritative zones, dynamic update, TSIG, and the look-ups of RFC 3263.

pub mod dnssec;
pub mod lookup;
pub mod server;
pub mod tsig;
pub mod update;
pub mod updater;
pub mod wire;
pub mod zones;

mod outbox;
mod query;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod fixture;
