//! Running nodes that speak to each other on each wire of the private network, and what goes over those wires, as tshark
//! reads it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

mod diameter;
mod sctp;
mod stage;
mod tap;
mod telephony;

#[path = "../interop/private/pcap.rs"]
mod pcap;
