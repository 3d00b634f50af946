//! The programs as their users run them, alone and with foreign peers, on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod accounts;
mod datagrams;
mod demo;
mod failures;
mod kamailio;
mod malformed;
mod names;
mod options;
mod protection;
mod roam;
mod setup;
mod sipp;
mod sipsak;
mod sound;
mod stage;
mod streams;
mod torture;
