//! A way to the peer, and keys for it, sans I/O.
//!
//! A [`Link`] is all that goes on between two media ports beside media: [`ice`] checks which way leads to the peer,
//! [`dtls`] agrees on keys with it; both are told the time and their randomness, so that a whole call with its losses and
//! strangers runs in virtual time from a seed.

pub mod dtls;
pub mod ice;
mod link;
pub mod stun;
pub mod turn;

pub use link::{Lent, Link, LinkEvent, LinkFailure, LinkInput, NoIdentity, Relink};
