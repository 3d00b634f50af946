//! What phones leave behind, in a process of its own: other tests would hold memory, descriptors and threads.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cycles;
#[allow(dead_code, reason = "shared with the tests that compare sound")]
mod world;
