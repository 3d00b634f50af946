//! The window, driven as a person drives it: with real phones on loopback, and with a script in place of one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod loopback;
mod person;
mod screens;
mod shapes;
mod world;
