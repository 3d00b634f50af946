//! Attacks on the programs as they run, over real sockets. Short in the plain run, in full length with `ROVE_PROVE=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod advisories;
mod enumeration;
mod flood;
mod idle;
mod leak;
mod smuggling;
mod spray;
mod stage;
