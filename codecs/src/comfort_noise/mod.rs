//! Comfort noise (RFC 3389): what the background sounds like, in a few bytes, and a noise that sounds like it.
//!
//! The sender's [`NoiseAnalyser`] listens to frames without speech and makes [`NoiseParameters`], which travel as a payload;
//! the receiver's [`ComfortNoise`] speaks them. Both work at the rate of the codec whose silence they fill.

mod analyser;
mod generator;
mod parameters;

#[cfg(test)]
mod tests;

pub use analyser::NoiseAnalyser;
pub use generator::ComfortNoise;
pub use parameters::{HIGHEST_ORDER, NoiseParameters};
