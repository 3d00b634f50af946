//! How messages come and go: the way of one hop, and its names in Via and Contact (RFC 3261 §18, RFC 7118).

mod hop;

pub(crate) use hop::is_sips;
pub use hop::{Hop, LocalAddress, local_toward};
