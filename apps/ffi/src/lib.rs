//! The phone for other languages: a C interface ([`c`], whose header is `include/rove.h`), and the same phone as an object
//! for Kotlin, Swift and Python by UniFFI ([`object`]).
//!
//! ```text
//!  C: numbers, pointers ──▶ c ────────┐
//!                                     ├──▶ agent ──▶ rove_phone::Phone (control and media threads of its own)
//!  UniFFI: objects, records ──▶ object┘      │
//!                                            └── pump: one thread, which reads events, puts those of a call into the
//!                                                order that platforms want (lifecycle), and polls or calls back
//! ```
//!
//! Any thread may call anything, a finaliser's as well: nothing waits for the network but what has a time limit in its
//! arguments. A panic inside becomes an error.

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod agent;
pub mod c;
pub mod config;
pub mod error;
pub mod event;
pub mod lifecycle;
pub mod object;

uniffi::setup_scaffolding!("rove");
