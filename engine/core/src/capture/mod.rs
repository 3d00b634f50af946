//! From samples as they come to frames as the encoder wants them, and to whether they are worth sending.

mod activity;
mod frame;
mod silence;

#[cfg(test)]
mod tests;

pub use activity::Activity;
pub use frame::Framer;
pub use silence::{HANGOVER, Silence};
