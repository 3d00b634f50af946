//! Captures played again.

mod upsample;

pub use upsample::RECORDING_RATE;
pub(crate) use upsample::Upsampler;
