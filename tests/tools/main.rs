//! `rove simulate` and `rove replay`: what they say is true, repeats itself, and knows nothing of the future.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod grid;
mod mapping;
mod programs;
mod replay;
mod truth;

use std::sync::OnceLock;

use rove_tests::programs::root;

/// The speech that comes with the program, at `rate`.
fn speech(rate: u32) -> Vec<f32> {
    rove_io::device::read_mono(&speech_file(), rate).unwrap()
}

fn speech_file() -> std::path::PathBuf {
    root().join("apps/rove/assets/speech-alice.wav")
}

/// The same at 48 kHz, read once.
fn fullband() -> &'static [f32] {
    static SPEECH: OnceLock<Vec<f32>> = OnceLock::new();
    SPEECH.get_or_init(|| speech(48_000))
}
