//! Two operators' servers and their users, as programs on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access_point;
mod accounts;
mod dying;
mod figures;
mod foreign;
mod numbers;
mod programs;
mod rows;
mod shared;
mod stage;
mod three;
