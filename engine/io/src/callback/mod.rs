//! What the sound card calls every few milliseconds, and everything it may touch.
//!
//! A device, be it a sound card, a file at its pace or a virtual clock, drives an [`Input`] and an [`Output`]. Both are
//! built by [`wire`] on the control thread and moved into the callbacks whole.

mod gain;
mod input;
mod output;

#[cfg(test)]
mod tests;

use rove_base::MediaPlan;
use rove_codecs::CodecError;
use rove_core::{
    codec,
    playout::{Formats, Playout, PlayoutConfig},
};

pub use self::{input::Input, output::Output};

use crate::bridge::{ControlEnds, InputKnobs, MediaEnds, OutputKnobs, PacketRx, Sizes, crossings};

/// One call's parts, each to be moved to its thread.
#[derive(Debug)]
pub struct Wired {
    /// For the media thread, beside the stream.
    pub media: MediaEnds,
    /// For the callback that brings captured samples. They are at [`Wired::sample_rate`].
    pub input: Input,
    /// For the callback that asks for samples to play. They are at [`Wired::sample_rate`].
    pub output: Output,
    /// For whoever turns the knobs.
    pub control: ControlEnds,
    /// Samples per second in both directions; a device at another rate converts.
    pub sample_rate: u32,
}

/// Builds the callbacks of a call, and all that joins them to the other threads.
///
/// # Errors
///
/// [`CodecError`] when the plan's decoder cannot be built.
pub fn wire(plan: &MediaPlan, config: PlayoutConfig) -> Result<Wired, CodecError> {
    let decoder = codec::decoder_for(plan)?;
    let sample_rate = decoder.sample_rate();
    let samples = usize::try_from(sample_rate / PCM_RING_PER_SECOND).unwrap_or(Sizes::default().samples);
    let PlayoutConfig { least, most, .. } = config;
    let knobs = OutputKnobs { least_delay: least, most_delay: most, ..OutputKnobs::default() };
    let ends = crossings(Sizes { samples, ..Sizes::default() }, InputKnobs::default(), knobs);
    let playout = Box::new(Playout::new(ends.packets, decoder, Formats::of(plan), config));
    Ok(Wired {
        media: ends.media,
        input: Input::new(ends.input, sample_rate),
        output: Output::new(playout, ends.output),
        control: ends.control,
        sample_rate,
    })
}

/// A playout for a changed plan at `rate` samples per second, that of the call's device, and the media thread's end of its
/// packets; send it through [`ControlEnds::playouts`].
///
/// # Errors
///
/// [`CodecError`] when the plan's decoder cannot be built, or not at that rate.
pub fn replacement(
    plan: &MediaPlan,
    rate: u32,
    config: PlayoutConfig,
) -> Result<(crate::bridge::PacketTx, Box<Playout<PacketRx>>), CodecError> {
    let (tx, rx) = crate::bridge::packet_ring(Sizes::default().packets);
    Ok((tx, Box::new(Playout::new(rx, codec::decoder_at(plan, rate)?, Formats::of(plan), config))))
}

/// The ring of captured samples holds 200 ms.
const PCM_RING_PER_SECOND: u32 = 5;
