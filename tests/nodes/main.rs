//! Whole nodes of home and visited networks: in virtual time, and as programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backends;
mod daemons;
mod figures;
mod network;
mod programs;
mod scene;
mod stays;
