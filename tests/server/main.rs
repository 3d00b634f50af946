//! `roved` as a registrar and proxy, on real sockets: SIPp, sipsak. The torture messages are among the interop tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

mod foreign;
mod stage;
