//! Whole nodes of home and visited networks: in virtual time, and as programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod crashes;
mod figures;
mod network;
mod programs;
mod scene;
mod spoofs;
mod stays;
