//! The phone on the command line outside of plain calls: messages, events that are watched, conferences, limits, and a peer
//! that lets nothing pass.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test did not expect must be loud"
)]

mod conference;
mod limits;
mod outside;
mod publish;
mod push;
mod rooms;
mod stage;
mod stern;
mod tones;
mod wildcard;
