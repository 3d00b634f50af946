//! Two devices, two clocks: samples that one brings are handed to another at the other's pace.
//!
//! Quartzes differ by up to some hundred parts in a million. A ring between two such clocks runs over or dry within
//! minutes, so what comes out of it is resampled, by a ratio that follows how full the ring is: a controller with a
//! proportional and an integral part, critically damped and so slow that nobody hears the pitch move.
//!
//! ```text
//!  clock of one device            clock of another
//!  PcmTx ──── ring, stamped ────▶ held ──▶ resampler ──▶ pull
//!                                   └─ fill ─▶ control ─▲
//! ```

use std::time::Duration;

use audioadapter_buffers::direct::InterleavedSlice;
use rove_base::Instant;
use rubato::{Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, WindowFunction};

use crate::bridge::{Captured, PcmRx};

#[cfg(test)]
mod tests;

/// Follows the clock behind a [`PcmRx`]: samples come out as fast as they are asked for.
pub struct Follower {
    ring: PcmRx,
    held: Held,
    resampler: Async<f32>,
    block: Box<[f32]>,
    /// Samples of `block` handed out already.
    taken: usize,
    rate: f64,
    /// Samples that shall wait.
    target: f64,
    control: Control,
    state: State,
    counts: FollowerCounts,
}

/// What a [`Follower`] counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FollowerCounts {
    /// Times it ran dry, and was silent until enough waited again.
    pub underruns: u64,
    /// Samples that were left out because far too many waited.
    pub overrun: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Filling,
    Running,
}

/// What came out of the ring and was not resampled yet.
struct Held {
    pcm: Box<[f32]>,
    len: usize,
    /// All that ever came in.
    total: u64,
    /// When the first sample of the last block was due, and what had come in before it.
    last: Option<(Instant, u64)>,
}

/// Turns the error of the fill, in seconds, into a relative speed.
#[derive(Clone, Copy, Debug, Default)]
struct Control {
    smooth: f64,
    sum: f64,
    at: Option<Instant>,
}

impl Follower {
    /// Follows what comes out of `ring` at `rate` samples a second, nominally the rate that is asked for as well.
    ///
    /// `target` is the delay it adds, counted from the stamps of the blocks: one block of what is pulled, and in a
    /// ring whose blocks come after they were captured one of those too. `None` when it cannot be built.
    #[must_use]
    pub fn new(ring: PcmRx, rate: u32, target: Duration) -> Option<Self> {
        let rate = rate.max(1_000);
        let chunk = (rate / CHUNKS_PER_SECOND).max(1) as usize;
        let filter = SincInterpolationParameters::new(FILTER_TAPS, WindowFunction::BlackmanHarris2);
        let resampler =
            Async::new_sinc(1.0, 1.0 + 2.0 * MAX_SPEED, &filter, chunk, 1, FixedAsync::Output).ok()?;
        let target = target.min(MAX_TARGET).as_secs_f64() * f64::from(rate);
        let room = rate as usize / 2 + resampler.input_frames_max();
        Some(Self {
            ring,
            held: Held { pcm: vec![0.0; room].into(), len: 0, total: 0, last: None },
            resampler,
            taken: chunk,
            block: vec![0.0; chunk].into(),
            rate: f64::from(rate),
            target,
            control: Control::default(),
            state: State::Filling,
            counts: FollowerCounts::default(),
        })
    }

    /// Fills `out` with what comes next, as the other clock has it `now`; silence until enough waits.
    ///
    /// # Realtime
    ///
    /// Wait-free; no allocation, lock or system call.
    pub fn pull(&mut self, now: Instant, out: &mut [f32]) {
        self.take_in();
        if self.state == State::Filling {
            self.begin(now);
        } else {
            self.steer(now);
        }
        let mut out = out;
        while !out.is_empty() {
            if self.taken >= self.block.len() && !self.next_block() {
                return out.fill(0.0);
            }
            let ready = self.block.get(self.taken..).unwrap_or_default();
            let count = ready.len().min(out.len());
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(ready.get(..count).unwrap_or_default());
            self.taken += count;
            out = later;
        }
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counts(&self) -> FollowerCounts {
        self.counts
    }

    /// How much faster the clock behind the ring runs than the one that pulls, in parts per million, as far as is
    /// known; `None` before anything came.
    #[must_use]
    pub fn drift_ppm(&self) -> Option<f64> {
        (self.state == State::Running).then_some(self.control.sum * 1e6)
    }

    fn take_in(&mut self) {
        let Self { ring, held, counts, .. } = self;
        ring.read(|captured| match captured {
            Captured::Sound { at, pcm } => {
                if held.last.is_none_or(|(last, _)| last != at) {
                    held.last = Some((at, held.total));
                }
                counts.overrun += held.push(pcm.len(), |room| {
                    room.copy_from_slice(pcm.get(..room.len()).unwrap_or_default());
                });
            }
            Captured::Missed { samples } => counts.overrun += held.push(samples, |room| room.fill(0.0)),
        });
    }

    /// Starts when there is enough, with just so much that the fill is where it shall be.
    fn begin(&mut self, now: Instant) {
        let needed = self.resampler.input_frames_next();
        let Some(fill) = self.fill(now) else { return };
        if fill < self.target || self.held.len < needed {
            return;
        }
        let excess = ((fill - self.target) as usize).min(self.held.len - needed);
        self.held.skip(excess);
        self.taken = self.block.len();
        self.control = Control { at: Some(now), smooth: 0.0, ..self.control };
        self.state = State::Running;
    }

    /// Samples between what has been handed out and what the other clock has brought until `now`, its blocks taken for
    /// a steady flow.
    fn fill(&self, now: Instant) -> Option<f64> {
        let (at, before) = self.held.last?;
        let elapsed = now.since(at).as_secs_f64() - at.since(now).as_secs_f64();
        let since = elapsed.clamp(-MAX_GAP, MAX_GAP) * self.rate;
        let consumed = self.held.total - self.held.len as u64;
        let pending = self.block.len() - self.taken;
        Some(before as f64 + since - consumed as f64 + pending as f64)
    }

    fn steer(&mut self, now: Instant) {
        let Some(fill) = self.fill(now) else { return };
        let error = (fill - self.target) / self.rate;
        if error > MAX_EXCESS {
            // The other device was late and then quick; to steer this away would take minutes.
            let excess = (fill - self.target) as usize;
            self.counts.overrun += excess.min(self.held.len) as u64;
            return self.held.skip(excess);
        }
        let speed = self.control.step(now, error);
        // The bounds of the resampler are wider than those of the controller.
        let _ = self.resampler.set_resample_ratio_relative(1.0 / (1.0 + speed), true);
    }

    /// `false` when too little waits.
    fn next_block(&mut self) -> bool {
        let wanted = self.resampler.input_frames_next();
        if self.state == State::Filling || self.held.len < wanted {
            if self.state == State::Running {
                self.counts.underruns += 1;
                self.state = State::Filling;
            }
            return false;
        }
        let room = self.block.len();
        let made = match (
            InterleavedSlice::new(&self.held.pcm, 1, wanted),
            InterleavedSlice::new_mut(&mut self.block, 1, room),
        ) {
            (Ok(input), Ok(mut output)) => {
                self.resampler.process_into_buffer(&input, &mut output, None).map_or(0, |(_, made)| made)
            }
            _ => 0,
        };
        self.held.skip(wanted);
        self.taken = room - made.min(room);
        made == room
    }
}

impl Held {
    /// Takes in `count` samples as `write` puts them; what is oldest gives way, and is counted in the answer.
    fn push(&mut self, count: usize, write: impl FnOnce(&mut [f32])) -> u64 {
        let fits = count.min(self.pcm.len());
        let excess = (self.len + fits).saturating_sub(self.pcm.len());
        self.skip(excess);
        if let Some(room) = self.pcm.get_mut(self.len..self.len + fits) {
            write(room);
        }
        self.len += fits;
        self.total += fits as u64;
        (excess + count - fits) as u64
    }

    fn skip(&mut self, count: usize) {
        let count = count.min(self.len);
        self.pcm.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

impl Control {
    fn step(&mut self, now: Instant, error: f64) -> f64 {
        let passed = self.at.replace(now).map_or(0.0, |at| now.since(at).as_secs_f64()).min(1.0);
        self.smooth += (error - self.smooth) * (passed / (passed + SMOOTH_SECS));
        self.sum = (self.sum + INTEGRAL * self.smooth * passed).clamp(-MAX_SPEED, MAX_SPEED);
        (PROPORTIONAL * self.smooth + self.sum).clamp(-MAX_SPEED, MAX_SPEED)
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// 5 ms are resampled at a time.
const CHUNKS_PER_SECOND: u32 = 200;
/// Length of the filter: 0.7 ms of delay at 48 kHz.
const FILTER_TAPS: usize = 64;
/// 1 000 ppm, twice what the worst sound cards are off.
const MAX_SPEED: f64 = 1e-3;
const MAX_TARGET: Duration = Duration::from_millis(250);
/// More than this above the target is left out.
const MAX_EXCESS: f64 = 0.1;
/// A clock that brought nothing for this long has stopped.
const MAX_GAP: f64 = 0.5;
/// The fill is averaged over so many seconds: callbacks come late now and then.
const SMOOTH_SECS: f64 = 2.0;
/// Critical damping at 0.05 rad/s: a step of 500 ppm moves the fill by 4 ms at most, and is followed within 100 s.
const PROPORTIONAL: f64 = 0.1;
const INTEGRAL: f64 = 0.0025;
