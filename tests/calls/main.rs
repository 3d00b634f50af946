//! Whole calls in virtual time: names, signalling, media and reports, on networks as bad as a seed makes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod by_name;
mod flows;
mod hour;
mod protected;
mod refused;
mod scene;
mod streams;
