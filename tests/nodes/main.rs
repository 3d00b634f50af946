//! Whole nodes of home and visited networks: in virtual time, and as programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backends;
mod calls;
mod crashes;
mod daemons;
mod figures;
mod hidden;
mod network;
mod pairs;
mod partner;
mod programs;
mod scene;
mod spoofs;
mod stays;
mod throughput;
mod walk;
