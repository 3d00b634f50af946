//! Packets become a continuous signal: each is decoded when its time has come, and what is missing is bridged or invented.
//!
//! ```text
//!  source ─▶ reception.rs ─▶ window ─▶ supply.rs ─▶ buffer.rs ─▶ out
//!               │ order, arrivals        decode        │ history, in hand
//!               ▼                        recover       ▼
//!           jitter/target ── target ─▶ shape.rs ◀── stretch/
//!                                      slow down, speed up, conceal: as decide.rs says
//! ```
//!
//! Playing is a queue of samples, not of packets. The delay follows a target that the arrivals set ([`Arrivals`](crate::jitter::target::Arrivals)): beyond
//! it, sound is taken out where nobody hears it, and short of it put in. When the next packet is not here in time, what is
//! in hand is slowed down first, and concealed only when that does not do. When a packet comes after a part of its time
//! was concealed, it is played from where it fits.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod buffer;
mod decide;
mod formats;
mod meter;
mod noise;
mod reception;
mod shape;
pub mod stretch;
mod succession;
mod supply;
mod trace;

#[cfg(test)]
mod tests;

use core::time::Duration;

use rove_base::{Instant, Ssrc};
use rove_codecs::Decoder;

use self::{
    buffer::Buffer,
    decide::{Next, Pull},
    noise::Noise,
    reception::{Reception, millis},
    stretch::Stretcher,
};
use crate::jitter::PacketSource;

pub use formats::Formats;
pub use meter::PlayoutMeter;
pub use trace::PlayoutTrace;

/// Settings of a [`Playout`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PlayoutConfig {
    /// A packet waits at least this long before it is played. Zero unless said: as little as the arrivals allow.
    pub least: Duration,
    /// It waits this long at most, and at most [`MAX_DELAY`]. 400 ms unless said. Equal to `least`, the delay is fixed.
    pub most: Duration,
    /// Packets the reorder window holds, a power of two from 16 to 1 024. 128 unless said: [`MAX_DELAY`] and some
    /// reordering, in packets of 10 ms.
    pub window: usize,
}

impl Default for PlayoutConfig {
    fn default() -> Self {
        Self { least: Duration::ZERO, most: Duration::from_millis(400), window: 128 }
    }
}

/// The longest wait: with more, people no longer talk to each other (ITU-T G.114 advises 400 ms mouth to ear at most).
pub const MAX_DELAY: Duration = Duration::from_secs(1);

/// Pulls packets out of a [`PacketSource`], puts them in order and turns them into samples, at the pace of its caller.
pub struct Playout<S> {
    source: S,
    decoder: Box<dyn Decoder>,
    reception: Reception,
    buffer: Buffer,
    stretcher: Stretcher,
    noise: Noise,
    rate: u32,
    samples_per_tick: i64,
    least: Duration,
    most: Duration,
    path: Option<Duration>,
    state: State,
    /// Media time just after the last sample in hand, in samples.
    end: i64,
    ssrc: Option<Ssrc>,
    /// Samples of the frame decoded last.
    length: usize,
    /// Samples invented since then.
    dry: u64,
    /// Samples received since something was invented, up to a second.
    pure: usize,
    /// Samples that may be put in, so that nothing lasts longer than twice.
    credit: usize,
    /// The sender is silent on purpose, as far as is known.
    pause: bool,
    /// Samples still to be put in before the packet after a pause, to reach the target.
    hold: Option<usize>,
    /// Quiet samples received in a row.
    calm: usize,
    drift: Pull,
    adapted: f64,
    filtered: f64,
    /// The sequence number of the packet whose reach was asked for last, and the answer.
    reach: Option<(u16, usize)>,
    meter: PlayoutMeter,
    trace: PlayoutTrace,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// No packet yet.
    Idle,
    /// Packets are collected until the first one's time has come.
    Filling,
    /// The timeline runs.
    Running,
}

impl<S: PacketSource> Playout<S> {
    /// Plays what comes out of `source` through `decoder`; `formats` tells what is for it. Allocates all it will ever need.
    #[must_use]
    pub fn new(source: S, decoder: Box<dyn Decoder>, formats: Formats, config: PlayoutConfig) -> Self {
        let rate = decoder.sample_rate().max(MIN_RATE);
        let ms = |ms: u32| usize::try_from(rate / 1_000).unwrap_or(0).saturating_mul(ms as usize);
        let samples_per_tick = i64::from(rate.checked_div(formats.clock.hertz()).unwrap_or(1).max(1));
        let frame = i64::from(formats.clock.hertz() / 50);
        let mut playout = Self {
            source,
            reception: Reception::new(config.window, formats, frame),
            buffer: Buffer::new(ms(HISTORY_MS), ms(MAX_PACKET_MS).saturating_mul(2)),
            stretcher: Stretcher::new(rate),
            noise: Noise::new(decoder.as_ref()),
            rate,
            samples_per_tick,
            least: Duration::ZERO,
            most: Duration::ZERO,
            path: None,
            state: State::Idle,
            end: 0,
            ssrc: None,
            length: ms(20),
            dry: 0,
            pure: 0,
            credit: 0,
            pause: false,
            hold: None,
            calm: 0,
            drift: Pull::default(),
            adapted: 0.0,
            filtered: 0.0,
            reach: None,
            meter: PlayoutMeter::default(),
            trace: PlayoutTrace::default(),
            decoder,
        };
        playout.set_bounds(config.least, config.most);
        playout
    }

    /// Fills `out`, of any length, with what is to be heard from `now` on: silence before the first packet's time.
    ///
    /// # Realtime
    ///
    /// Wait-free; no allocation, lock or system call. The work is bounded by the length of `out` and the capacity of
    /// source and window.
    pub fn pull(&mut self, now: Instant, out: &mut [f32]) {
        self.take_in();
        self.reception.arrivals.set_pace(self.ms(self.length), self.ms(out.len()));
        let at = millis(now);
        self.trace.timestamp = None;
        let mut done: usize = 0;
        // A second at a time is more than any device asks for, and as much as fits.
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let now = at + self.ms(done);
            let piece = rest.len().min(self.length.max(1));
            let Some(piece) = rest.get_mut(..piece) else { break };
            done = done.saturating_add(self.piece(now, piece));
        }
        self.note();
    }

    /// What was counted so far.
    #[must_use]
    pub const fn meter(&self) -> PlayoutMeter {
        self.meter
    }

    /// Where it stands after the last pull.
    #[must_use]
    pub const fn trace(&self) -> PlayoutTrace {
        self.trace
    }

    /// Samples per second that [`Playout::pull`] gives.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        self.rate
    }

    /// The shortest and the longest wait of a packet that came as fast as any.
    #[must_use]
    pub const fn bounds(&self) -> (Duration, Duration) {
        (self.least, self.most)
    }

    /// Moves the bounds; what is beyond them is reached by stretching.
    pub fn set_bounds(&mut self, least: Duration, most: Duration) {
        self.most = most.min(MAX_DELAY);
        self.least = least.min(self.most);
    }

    /// Tells the one-way delay of the path without its jitter, on which the price of more delay depends; `None` when it
    /// is not known.
    pub fn set_path_delay(&mut self, delay: Option<Duration>) {
        if delay != self.path {
            self.path = delay;
            self.reception.arrivals.set_path(delay.map(|delay| delay.as_secs_f64() * 1_000.0));
        }
    }

    fn take_in(&mut self) {
        let Self { source, reception, decoder, meter, .. } = self;
        source.drain(|slot| reception.accept(slot, decoder.as_mut()));
        (meter.duplicates, meter.late, meter.strays) =
            (reception.duplicates, reception.late, reception.strays);
        if core::mem::take(&mut self.reception.restarted) {
            self.rebase();
        }
    }

    /// Fills `out`, which is not longer than a frame; answers how much of it.
    fn piece(&mut self, now: f64, out: &mut [f32]) -> usize {
        if !self.begun(now) && self.buffer.hand() == 0 {
            return self.nothing(out);
        }
        if self.state == State::Running {
            self.produce(now, out.len());
        }
        let count = self.buffer.play(out);
        self.meter.played = self.meter.played.saturating_add(wide(count));
        if count == 0 { self.nothing(out) } else { count }
    }

    /// Silence, before the first packet's time or while a new timeline begins.
    fn nothing(&mut self, out: &mut [f32]) -> usize {
        out.fill(0.0);
        if self.meter.first_played.is_some() {
            self.meter.played = self.meter.played.saturating_add(wide(out.len()));
            self.count_concealed(out.len());
        }
        out.len()
    }

    /// Sees to it that `wanted` samples are in hand.
    fn produce(&mut self, now: f64, wanted: usize) {
        // Each round appends samples or takes a packet away.
        for _ in 0..=self.reception.window.capacity().saturating_add(ROUNDS) {
            let lacking = wanted.saturating_sub(self.buffer.hand());
            if lacking == 0 {
                break;
            }
            match self.next() {
                Next::Here => self.decode(now),
                Next::Copied => self.decode_copy(now),
                Next::Silence => self.silence(now, lacking),
                next => self.bridge(now, wanted, next),
            }
        }
        self.adapt(now, wanted);
    }

    /// Whether the timeline runs; begins it when the first packet's time has come.
    fn begun(&mut self, now: f64) -> bool {
        if self.state == State::Running {
            return true;
        }
        // Whatever else comes before the first speech tells nothing to be heard.
        if matches!(self.next(), Next::Nothing) {
            return false;
        }
        let Some(front) = self.reception.window.front() else { return false };
        let (ticks, ssrc) = (self.reception.clock.ticks(front.timestamp), front.ssrc);
        if self.ssrc.replace(ssrc).is_some_and(|before| before != ssrc) {
            self.decoder.reset();
            self.stretcher.reset();
            self.noise.reset();
        }
        self.state = State::Filling;
        if now < self.reception.media_ms(ticks) + self.target(now) {
            return false;
        }
        self.end = ticks.saturating_mul(self.samples_per_tick);
        self.state = State::Running;
        self.adapted = now;
        true
    }

    /// The timeline no longer fits the stream: it is laid anew through the front packet.
    fn rebase(&mut self) {
        if self.state == State::Running {
            self.meter.rebased = self.meter.rebased.saturating_add(1);
            self.settle(true);
        }
        self.reception.relearn();
        (self.dry, self.hold, self.pause) = (0, None, false);
        self.state = State::Idle;
    }

    /// The relative delay at which frames should be played.
    fn target(&self, now: f64) -> f64 {
        let (least, most) = (self.least.as_secs_f64() * 1e3, self.most.as_secs_f64() * 1e3);
        self.reception.arrivals.base(now) + self.reception.arrivals.wait().max(least).min(most)
    }

    /// The relative delay of what comes after the samples in hand.
    fn delay(&self, now: f64) -> f64 {
        now + self.ms(self.buffer.hand()) - self.media_ms(self.end)
    }

    fn note(&mut self) {
        let arrivals = &self.reception.arrivals;
        let (least, most) = (self.least.as_secs_f64(), self.most.as_secs_f64());
        let wait = (arrivals.wait() / 1e3).max(least).min(most);
        self.trace.target = Duration::from_secs_f64(wait.max(0.0));
        self.trace.filtered = Duration::from_secs_f64((self.filtered / 1e3).max(0.0));
        let held = self.reception.window.len().saturating_mul(self.length).saturating_add(self.buffer.hand());
        self.trace.level = Duration::from_secs_f64((self.ms(held) / 1e3).max(0.0));
        (self.meter.target, self.meter.least, self.meter.most) = (self.trace.target, self.least, self.most);
        #[expect(clippy::cast_possible_truncation, reason = "at most a thousand")]
        let drift = arrivals.drift_ppm() as i16;
        self.meter.drift_ppm = drift;
        if self.meter.first_played.is_some() && !self.pause {
            let ticks = self.end.saturating_sub(self.samples_i64(self.buffer.hand()));
            #[expect(clippy::cast_possible_truncation, reason = "a jump is some thousand samples")]
            let ticks = ticks.saturating_add(self.buffer.jump().round() as i64);
            let ticks = ticks.checked_div_euclid(self.samples_per_tick).unwrap_or(0);
            self.trace.timestamp = Some(self.reception.clock.timestamp(ticks));
        }
    }

    fn ms(&self, samples: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "some seconds")]
        let samples = samples as f64;
        samples * 1_000.0 / f64::from(self.rate)
    }

    fn media_ms(&self, samples: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a stream of some thousand years")]
        let samples = samples as f64;
        samples * 1_000.0 / f64::from(self.rate)
    }

    fn samples(&self, ms: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; never negative"
        )]
        let samples = (ms.max(0.0) * f64::from(self.rate) / 1_000.0) as usize;
        samples
    }

    fn samples_i64(&self, samples: usize) -> i64 {
        i64::try_from(samples).unwrap_or(i64::MAX)
    }
}

impl<S> core::fmt::Debug for Playout<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Playout")
            .field("state", &self.state)
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}

fn wide(samples: usize) -> u64 {
    u64::try_from(samples).unwrap_or(u64::MAX)
}

/// What was played is kept this long, to be heard again.
const HISTORY_MS: u32 = 80;
/// The longest packet: 120 ms (RFC 6716 §2.1.4; RFC 3551 §4.2 allows telephony codecs 200 ms).
const MAX_PACKET_MS: u32 = 200;
/// No codec samples slower; keeps divisions by the rate harmless.
const MIN_RATE: u32 = 8_000;
/// Rounds in which a piece may be put together, beyond one for each packet.
const ROUNDS: usize = 32;
