//! The audio output callback.

use core::fmt;

use rove_base::Instant;
use rove_core::{
    mix::Level,
    playout::{Playout, PlayoutMeter},
};

use super::gain::{Gain, wanted};
use crate::bridge::{Levels, OutputEnds, PacketRx};

/// Everything the output callback owns. What it no longer needs goes to the graveyard; what it still has is dropped
/// with it, on whichever thread ends the device.
pub struct Output {
    playout: Box<Playout<PacketRx>>,
    /// Takes over with the first packet for it.
    successor: Option<Box<Playout<PacketRx>>>,
    ends: OutputEnds,
    gain: Gain,
    level: Level,
}

impl Output {
    /// Plays `playout`, joined to the other threads by `ends`.
    #[must_use]
    pub fn new(playout: Box<Playout<PacketRx>>, mut ends: OutputEnds) -> Self {
        let knobs = ends.knobs.get();
        let level = Level::new(playout.sample_rate());
        Self { playout, successor: None, ends, gain: Gain::new(wanted(knobs.gain, knobs.muted)), level }
    }

    /// Fills `out`, mono at the stream's rate, with what is to be heard from `now` on. Called by the sound card every
    /// few milliseconds.
    ///
    /// # Realtime
    ///
    /// No allocation, lock, system call or log line may be reached from here: tests/realtime proves the first and the
    /// third over 100 000 calls.
    pub fn render(&mut self, now: Instant, out: &mut [f32]) {
        self.succeed();
        let knobs = self.ends.knobs.get();
        if (knobs.least_delay, knobs.most_delay) != self.playout.bounds() {
            self.playout.set_bounds(knobs.least_delay, knobs.most_delay);
        }
        self.playout.set_path_delay(knobs.path_delay);
        if let Some(formats) = knobs.formats {
            self.playout.set_formats(formats);
        }
        self.playout.pull(now, out);
        self.gain.apply(wanted(knobs.gain, knobs.muted), out);
        self.level.measure(out);
        self.ends.levels.set(Levels { peak: self.level.peak(), rms: self.level.rms() });
        self.ends.meter.set(self.playout.meter());
    }

    /// Samples per second that [`Output::render`] gives.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        self.playout.sample_rate()
    }

    /// What was counted so far.
    #[must_use]
    pub const fn meter(&self) -> PlayoutMeter {
        self.playout.meter()
    }

    /// A new playout takes over only when there is a grave for the old one; and when something is there for it, as long
    /// as the old one plays: what is on its way is still of the old kind.
    fn succeed(&mut self) {
        if self.ends.burial.has_room()
            && let Some(successor) = self.ends.playouts.take()
            && let Some(retired) = self.successor.replace(successor)
        {
            self.bury(retired);
        }
        let begun = |next: &mut Box<Playout<PacketRx>>| next.source().has_packets();
        let idle = self.playout.meter().first_played.is_none();
        if self.ends.burial.has_room()
            && let Some(successor) = self.successor.take_if(|next| idle || begun(next))
        {
            let retired = core::mem::replace(&mut self.playout, successor);
            self.playout.succeed(&retired);
            if retired.sample_rate() != self.playout.sample_rate() {
                self.level = Level::new(self.playout.sample_rate());
            }
            self.bury(retired);
        }
    }

    fn bury(&mut self, retired: Box<Playout<PacketRx>>) {
        if let Err(kept) = self.ends.burial.bury(retired) {
            // Cannot be: there was room, and only this end fills it. Better a leak than a deallocation here.
            core::mem::forget(kept);
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("meter", &self.playout.meter()).finish_non_exhaustive()
    }
}
