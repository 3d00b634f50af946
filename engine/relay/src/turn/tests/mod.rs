#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod between;
mod data;
mod desks;
mod lending;
mod prepaid;
mod proving;
mod world;
