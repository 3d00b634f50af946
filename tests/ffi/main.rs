//! The phone as other languages see it: calls over the C interface, threads, memory, samples in C, Python and Kotlin, and
//! the header and bindings that are committed.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bindings;
mod calls;
mod samples;
mod threads;
mod world;
