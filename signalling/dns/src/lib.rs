//! Names: authoritative zones, dynamic update, TSIG, and the look-ups of RFC 3263.

pub mod tsig;
pub mod wire;

pub mod lookup;
mod outbox;
mod query;
pub mod updater;
