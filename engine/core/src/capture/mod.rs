//! From samples as they come to frames as the encoder wants them.

mod frame;

#[cfg(test)]
mod tests;

pub use frame::Framer;
