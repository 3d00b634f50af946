//! What crosses between the threads of a call, and all that crosses.
//!
//! ```text
//!  control                        media thread                        audio callbacks
//!                                 PacketTx ──── ring, every packet ──▶ PacketRx
//!                                 PcmRx    ◀─── ring, every sample ─── PcmTx
//!                                 LatestRx ◀─── latest meter ───────── LatestTx
//!  LatestTx ───────────────────────────────────  latest knobs ───────▶ LatestRx
//!  LatestRx ◀──────────────────────────────────  latest levels ─────── LatestTx
//!  PlayoutTx ──────────────────────────────────  ring, a new playout ▶ PlayoutRx
//!  Graveyard ◀─────────────────────────────────  ring, retired ────── Burial
//! ```
//!
//! Every end but those of `control` is wait-free: no lock, no allocation, no system call, and a bounded number of steps.
//! Each ring has one producer and one consumer. A ring that is full refuses, and its producer counts; it never waits.

mod graveyard;
mod knobs;
mod latest;
mod packets;
mod pcm;
mod ring;
mod voices;

#[cfg(test)]
mod tests;

use rove_base::{MediaPlan, Quality};
use rove_core::playout::{Formats, Playout, PlayoutMeter};

pub use self::{
    graveyard::{Burial, Graveyard, PlayoutRx, PlayoutTx},
    knobs::{InputKnobs, Levels, OutputKnobs},
    latest::{LatestRx, LatestTx, latest},
    packets::{PacketRx, PacketTx, packet_ring},
    pcm::{Captured, MAX_BLOCKS, PcmRx, PcmTx, pcm_ring},
    voices::{PartRx, PartTx, VoiceRx, VoiceTx, part, voice_ring},
};

/// How much the rings of a call hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sizes {
    /// Packets between two callbacks, at most. 64 unless said: 1.28 s of packets of 20 ms, 126 KiB.
    pub packets: usize,
    /// Samples between two wake-ups of the media thread, at most. 9 600 unless said: 200 ms at 48 kHz.
    pub samples: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { packets: 64, samples: 9_600 }
    }
}

/// The media thread's ends.
#[derive(Debug)]
pub struct MediaEnds {
    /// Received packets go in here.
    pub packets: PacketTx,
    /// Captured samples come out here.
    pub pcm: PcmRx,
    /// What the playout counted.
    pub meter: LatestRx<PlayoutMeter>,
}

/// The ends of the input callback.
#[derive(Debug)]
pub struct InputEnds {
    /// Captured samples go in here.
    pub pcm: PcmTx,
    /// What the user wants.
    pub knobs: LatestRx<InputKnobs>,
    /// How loud it is.
    pub levels: LatestTx<Levels>,
}

/// The ends of the output callback.
#[derive(Debug)]
pub struct OutputEnds {
    /// What the playout counted.
    pub meter: LatestTx<PlayoutMeter>,
    /// What the user wants.
    pub knobs: LatestRx<OutputKnobs>,
    /// How loud it is.
    pub levels: LatestTx<Levels>,
    /// New playouts come out here.
    pub playouts: PlayoutRx,
    /// What is no longer needed goes in here.
    pub burial: Burial,
}

/// The ends of the thread that may allocate, lock and wait.
#[derive(Debug)]
pub struct ControlEnds {
    /// Microphone gain and mute.
    pub input: LatestTx<InputKnobs>,
    /// Speaker gain and mute, bounds of the playout delay.
    pub output: LatestTx<OutputKnobs>,
    /// How loud the microphone is, after gain and mute.
    pub input_levels: LatestRx<Levels>,
    /// How loud the loudspeaker is, after gain and mute.
    pub output_levels: LatestRx<Levels>,
    /// Where a new playout goes in, when the codec changes in a running call.
    pub playouts: PlayoutTx,
    /// Where the old one comes home.
    pub graveyard: Graveyard,
}

impl ControlEnds {
    /// The codec stays, and what its payload types mean is by `plan` from now on.
    pub fn on_formats(&mut self, plan: &MediaPlan) {
        self.output.update(|knobs| knobs.formats = Some(Formats::of(plan)));
    }

    /// Another playout takes over with the first packet for it. What came home until now is dropped here.
    ///
    /// # Errors
    ///
    /// Gives it back when those sent before have not been taken yet.
    pub fn succeed(&mut self, playout: Box<Playout<PacketRx>>) -> Result<(), Box<Playout<PacketRx>>> {
        self.graveyard.clear();
        self.output.update(|knobs| knobs.formats = None);
        self.playouts.send(playout)
    }

    /// Tells the playout what was measured of the path: what more delay costs depends on how much there is already.
    pub fn on_quality(&mut self, quality: &Quality) {
        let path_delay = quality.path_delay();
        if path_delay != self.output.get().path_delay {
            self.output.update(|knobs| knobs.path_delay = path_delay);
        }
    }
}

/// All crossings of one call.
#[derive(Debug)]
pub struct Crossings {
    /// For the media thread.
    pub media: MediaEnds,
    /// For the [`Playout`] that the output callback begins with.
    pub packets: PacketRx,
    /// For the input callback.
    pub input: InputEnds,
    /// For the output callback.
    pub output: OutputEnds,
    /// For the control thread.
    pub control: ControlEnds,
}

/// Makes all crossings of one call at once. Nothing is allocated afterwards.
#[must_use]
pub fn crossings(sizes: Sizes, input_knobs: InputKnobs, output_knobs: OutputKnobs) -> Crossings {
    let (packet_tx, packet_rx) = packet_ring(sizes.packets);
    let (pcm_tx, pcm_rx) = pcm_ring(sizes.samples);
    let (meter_tx, meter_rx) = latest(PlayoutMeter::default());
    let (input_tx, input_rx) = latest(input_knobs);
    let (output_tx, output_rx) = latest(output_knobs);
    let (heard_tx, heard_rx) = latest(Levels::default());
    let (played_tx, played_rx) = latest(Levels::default());
    let (playout_tx, playout_rx) = graveyard::playouts();
    let (burial, graveyard) = graveyard::graveyard();
    Crossings {
        media: MediaEnds { packets: packet_tx, pcm: pcm_rx, meter: meter_rx },
        packets: packet_rx,
        input: InputEnds { pcm: pcm_tx, knobs: input_rx, levels: heard_tx },
        output: OutputEnds {
            meter: meter_tx,
            knobs: output_rx,
            levels: played_tx,
            playouts: playout_rx,
            burial,
        },
        control: ControlEnds {
            input: input_tx,
            output: output_tx,
            input_levels: heard_rx,
            output_levels: played_rx,
            playouts: playout_tx,
            graveyard,
        },
    }
}
