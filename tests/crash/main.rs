//! The node's disk fails at every write and at every byte: what was acknowledged is there afterwards, what was not is
//! there whole or not at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod names;
mod own;
