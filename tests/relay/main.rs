//! Foreign TURN clients, and calls, through `roved` with `[relay]`, on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

mod aioice;
mod blocked;
mod coturn;
mod desks;
mod place;
mod rehomed;
mod stage;
mod streams;
#[path = "../agent/tones.rs"]
mod tones;
