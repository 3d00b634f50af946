//! Names that follow a terminal: homes, visited networks and terminals in virtual time, from seeds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod crashes;
mod histories;
mod leaving;
mod network;
mod node;
mod private;
mod seat;
mod visited;
mod world;
