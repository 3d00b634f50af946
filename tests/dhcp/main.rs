//! Debian's DHCP clients as terminals, in network namespaces: what the address pool gives them, and what it does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

mod irmv;
mod kea;
mod lab;
mod place;
mod reachable;
mod served;
mod server;
mod v4;
mod v6;
