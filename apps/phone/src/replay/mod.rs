//! A capture played again through the receive path, in virtual time: what happened in that call.
//!
//! ```text
//!  file ─▶ frames ─▶ UDP ─▶ RTP ─▶ one stream ─▶ Stream ─▶ ring ─▶ Playout ─▶ 48 kHz ─▶ sound and rows
//! ```
//! Stream, ring and playout are those of a call, with the same rules for what is believed and what is refused. What comes
//! out up to a moment depends on what arrived up to it and on nothing later.

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod capture;
mod formats;
mod frame;
mod pcap;
mod play;
mod row;
mod select;
#[cfg(test)]
mod tests;
mod upsample;

pub use capture::{Capture, CaptureError, Counts};
pub use formats::{Format, FormatMap};
pub use play::{Replay, ReplayError, Replayed};
pub use row::Row;
pub use select::Source;
pub use upsample::RECORDING_RATE;
pub(crate) use upsample::Upsampler;
