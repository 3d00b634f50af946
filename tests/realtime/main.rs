//! The audio callbacks keep their contract: over 100 000 of them, with real codecs and a bad network, no allocation and no
//! system call. Each guard has a negative control, which shows that it bites.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod allocations;
mod guard;
mod media;
mod relay;
mod scene;
#[cfg(target_os = "linux")]
mod syscalls;

/// How many callbacks each proof runs.
const CALLBACKS: u32 = 100_000;
