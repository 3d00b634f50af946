//! Signatures over what a zone says (RFC 4034, RFC 4035), made when it is asked for.
//!
//! One key per zone signs both its keys and its records (ECDSA P-256 with SHA-256, RFC 6605; deterministic, RFC 6979).
//! Signatures are good for a few hours, so that an address which a terminal has left cannot be shown for long; they are
//! kept, in bounded number, for as long as they are good. What does not exist is denied in few words (RFC 9824).

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod key;
mod nsec;
mod signer;

pub use key::{ZoneKey, ZoneKeyError};
pub(crate) use nsec::nsec;
pub(crate) use signer::Signer;

/// ECDSA on curve P-256 with SHA-256 (RFC 6605 §4).
pub(crate) const ALGORITHM: u8 = 13;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
