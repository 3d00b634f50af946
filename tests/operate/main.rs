//! A server run by its operator: begun, watched, changed while it works, and shared by tenants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod credit;
mod first_call;
mod pages;
mod running;
mod stage;
mod tenants;
