//! Packets become a continuous signal: each is decoded when its time has come, and what is missing is invented.
//!
//! This first form keeps a fixed target: a packet is played `target` after the first one's arrival would have it.
//! The policy is one pure function, in `decide.rs`; this file is the state around it.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod decide;
mod formats;
mod frame;
mod meter;
pub mod stretch;
mod trace;

#[cfg(test)]
mod tests;

use core::time::Duration;

use rove_base::{Instant, RtpTimestamp, Ssrc};
use rove_codecs::Decoder;

use self::{
    decide::{Action, Context, Head, Why, decide, time},
    frame::Frame,
};
use crate::jitter::{PacketSource, SLOT_BYTES, Verdict, Window};

pub use formats::Formats;
pub use meter::PlayoutMeter;
pub use trace::PlayoutTrace;

/// Settings of a [`Playout`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PlayoutConfig {
    /// How long a packet waits before it is played, at most [`MAX_TARGET`]. 60 ms unless said: three packets of 20 ms,
    /// enough for the jitter of most paths.
    pub target: Duration,
    /// Packets the reorder window holds, a power of two from 16 to 1 024. 128 unless said: [`MAX_TARGET`] and some
    /// reordering, in packets of 10 ms.
    pub window: usize,
}

impl Default for PlayoutConfig {
    fn default() -> Self {
        Self { target: Duration::from_millis(60), window: 128 }
    }
}

/// The longest target: with more, people no longer talk to each other (ITU-T G.114 advises 400 ms mouth to ear at most).
pub const MAX_TARGET: Duration = Duration::from_secs(1);

/// Pulls packets out of a [`PacketSource`], puts them in order and turns them into samples, at the pace of its caller.
pub struct Playout<S> {
    source: S,
    decoder: Box<dyn Decoder>,
    window: Window,
    frame: Frame,
    rate: u32,
    samples_per_tick: u32,
    target: Duration,
    state: State,
    /// Media time of the next sample to be produced.
    next: RtpTimestamp,
    ssrc: Option<Ssrc>,
    /// Samples of the packet decoded last.
    length: usize,
    /// Samples invented since then.
    dry: u64,
    /// Samples to be invented without moving the timeline: the target has grown.
    stretch: usize,
    trim: Trim,
    meter: PlayoutMeter,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// No packet yet.
    Idle,
    /// Packets are collected until this instant, then the timeline starts at [`Playout::next`].
    Filling { until: Instant },
    /// The timeline runs.
    Running,
}

/// Watches for delay that no packet needs.
#[derive(Clone, Copy, Debug)]
struct Trim {
    /// The shortest wait of the interval; `None` when nothing was decoded in it.
    least: Option<Duration>,
    until: Instant,
    due: bool,
}

impl<S: PacketSource> Playout<S> {
    /// Plays what comes out of `source` through `decoder`; `formats` tells what is for it. Allocates all it will ever need.
    #[must_use]
    pub fn new(source: S, decoder: Box<dyn Decoder>, formats: Formats, config: PlayoutConfig) -> Self {
        let rate = decoder.sample_rate().max(MIN_RATE);
        let longest = usize::try_from(rate / 1_000).unwrap_or(0).saturating_mul(MAX_PACKET_MS);
        Self {
            source,
            window: Window::new(config.window),
            frame: Frame::new(longest.max(SLOT_BYTES)),
            rate,
            samples_per_tick: rate.checked_div(formats.clock.hertz()).unwrap_or(1).max(1),
            target: config.target.min(MAX_TARGET),
            state: State::Idle,
            next: RtpTimestamp(0),
            ssrc: None,
            length: usize::try_from(rate / 50).unwrap_or(1),
            dry: 0,
            stretch: 0,
            trim: Trim { least: None, until: Instant::ZERO, due: false },
            meter: PlayoutMeter::default(),
            decoder,
        }
    }

    /// Fills `out`, of any length, with what is to be heard from `now` on: silence before the first packet's time.
    ///
    /// # Realtime
    ///
    /// Wait-free; no allocation, lock or system call. The work is bounded by the length of `out` and the capacity of
    /// source and window.
    pub fn pull(&mut self, now: Instant, out: &mut [f32]) {
        self.take_in(now);
        let mut done: usize = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = now + time(done, self.rate);
            if self.frame.is_empty() {
                self.produce(at, rest.len());
            }
            done = done.saturating_add(self.frame.hand_out(rest));
        }
        if self.meter.first_played.is_some() {
            self.meter.played = self.meter.played.saturating_add(wide(out.len()));
        }
    }

    /// What was counted so far.
    #[must_use]
    pub const fn meter(&self) -> PlayoutMeter {
        self.meter
    }

    /// Where it stands after the last pull.
    #[must_use]
    pub fn trace(&self) -> PlayoutTrace {
        let held =
            u32::try_from(self.frame.len()).unwrap_or(0).checked_div(self.samples_per_tick).unwrap_or(0);
        let begun = self.meter.first_played.is_some();
        PlayoutTrace {
            timestamp: begun.then(|| RtpTimestamp(self.next.0.wrapping_sub(held))),
            target: self.target,
            concealed: self.meter.concealed.saturating_add(self.meter.starving),
            accelerated: self.meter.trimmed,
            comfort_noise: self.meter.silence,
            ..PlayoutTrace::default()
        }
    }

    /// Samples per second that [`Playout::pull`] gives.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        self.rate
    }

    /// How long a packet shall wait before it is played.
    #[must_use]
    pub const fn target(&self) -> Duration {
        self.target
    }

    /// Moves the target. A longer one takes effect at once, by a moment of concealment; a shorter one by leaving out
    /// a packet a second until it is reached.
    pub fn set_target(&mut self, target: Duration) {
        let target = target.min(MAX_TARGET);
        if self.state == State::Running {
            self.stretch = self.stretch.saturating_add(self.samples(target.saturating_sub(self.target)));
        }
        self.target = target;
    }

    fn take_in(&mut self, now: Instant) {
        let Self { source, window, meter, state, .. } = self;
        let mut restarted = false;
        source.drain(|slot| match window.accept(slot) {
            Verdict::Accepted => {}
            Verdict::Restarted => restarted = true,
            Verdict::Duplicate => meter.duplicates = meter.duplicates.saturating_add(1),
            Verdict::Late => meter.late = meter.late.saturating_add(1),
            Verdict::Stray => meter.strays = meter.strays.saturating_add(1),
        });
        if restarted || (*state == State::Idle && !window.is_empty()) {
            self.rebase(now);
        } else if let State::Filling { .. } = self.state {
            // A packet that overtook the first one may have shown up: the timeline starts at the lowest.
            self.next = self.window.front().map_or(self.next, |front| front.timestamp);
        }
    }

    /// Puts at least one sample into the empty frame, of which `wanted` are needed now.
    fn produce(&mut self, at: Instant, wanted: usize) {
        match self.state {
            State::Idle => return self.frame.silence(wanted),
            State::Filling { until } if at < until => {
                let wait = self.samples(until.since(at)).max(1).min(wanted);
                return self.bridge(wait);
            }
            State::Filling { .. } => self.state = State::Running,
            State::Running => {}
        }
        if self.stretch > 0 {
            let samples = self.stretch.min(self.length);
            self.stretch = self.stretch.saturating_sub(samples);
            return self.bridge(samples);
        }
        // Each round either produces or takes a packet away, or waits for a new timeline.
        for _ in 0..=self.window.capacity() {
            match decide(self.head(at), self.context()) {
                Action::Decode { skip } => self.decode(at, skip),
                Action::Defer => {
                    self.next = self.window.front().map_or(self.next, |front| front.timestamp);
                    self.settle(true);
                    self.decode(at, 0);
                }
                Action::Fill { samples, why } => self.fill(samples.max(1), why),
                Action::Discard => {
                    self.window.pass();
                    self.settle(true);
                    self.meter.late = self.meter.late.saturating_add(1);
                }
                Action::Rebase => {
                    self.rebase(at);
                    if let State::Filling { until } = self.state
                        && at < until
                    {
                        return self.bridge(self.samples(until.since(at)).max(1).min(wanted));
                    }
                    self.state = State::Running;
                }
            }
            if !self.frame.is_empty() {
                return;
            }
        }
        self.fill(wanted, Why::Starving);
    }

    fn head(&self, at: Instant) -> Option<Head> {
        let front = self.window.front()?;
        let ticks = i64::from(front.timestamp.since(self.next));
        Some(Head {
            gap: ticks.saturating_mul(i64::from(self.samples_per_tick)),
            samples: self.decoder.duration(front.payload()).unwrap_or(self.length),
            waited: at.since(front.arrived),
            next: self.window.front_is_next(),
            alone: self.window.len() == 1,
        })
    }

    const fn context(&self) -> Context {
        Context { rate: self.rate, frame: self.length, target: self.target, dry: self.dry }
    }

    fn decode(&mut self, at: Instant, skip: usize) {
        let Self { window, decoder, frame, meter, .. } = self;
        let Some(front) = window.front() else { return };
        let arrived = front.arrived;
        let decoded = frame.decode(decoder.as_mut(), front.payload());
        let in_sequence = window.front_is_next();
        window.pass();
        let Some(samples) = decoded else {
            meter.undecodable = meter.undecodable.saturating_add(1);
            return self.fill(self.length, Why::Lost);
        };
        self.settle(skip > 0 || !in_sequence);
        self.length = samples;
        self.dry = 0;
        self.frame.skip(skip);
        self.advance(samples.saturating_sub(skip));
        let waited = at.since(arrived);
        self.meter.decoded_packets = self.meter.decoded_packets.saturating_add(1);
        self.meter.waited = self.meter.waited.saturating_add(waited);
        self.meter.first_played.get_or_insert(at);
        self.watch(at, waited);
    }

    /// Invents `samples` samples of media time.
    fn fill(&mut self, samples: usize, why: Why) {
        let samples = self.invent(samples);
        self.advance(samples);
        self.dry = self.dry.saturating_add(wide(samples));
        let count = match why {
            Why::Lost => &mut self.meter.concealed,
            Why::Starving => &mut self.meter.starving,
            Why::Silence => &mut self.meter.silence,
        };
        if self.meter.first_played.is_some() {
            *count = count.saturating_add(wide(samples));
        }
    }

    /// Invents `samples` samples that are in no packet: the timeline stands still.
    fn bridge(&mut self, samples: usize) {
        if self.meter.first_played.is_none() {
            return self.frame.silence(samples);
        }
        let samples = self.invent(samples);
        self.meter.concealed = self.meter.concealed.saturating_add(wide(samples));
    }

    fn invent(&mut self, samples: usize) -> usize {
        let worth = self.dry < u64::from(self.rate).saturating_mul(MAX_CONCEALED_SECS);
        if worth && self.meter.first_played.is_some() {
            let quantum = usize::try_from(self.rate / 400).unwrap_or(1).max(1);
            self.frame.conceal(self.decoder.as_mut(), samples, quantum)
        } else {
            self.frame.silence(samples);
            self.frame.len()
        }
    }

    /// What was invented while starving turns out to have been loss or delay (`ours`), or the sender's silence.
    fn settle(&mut self, ours: bool) {
        let starving = core::mem::take(&mut self.meter.starving);
        let count = if ours { &mut self.meter.concealed } else { &mut self.meter.silence };
        *count = count.saturating_add(starving);
    }

    /// Lays the timeline through the front packet, which is played `target` after it came; what has waited far longer
    /// than that already is left out.
    fn rebase(&mut self, at: Instant) {
        let patience = self.target.saturating_add(MAX_STALE);
        while self.window.len() > 1 && self.window.front().is_some_and(|f| at.since(f.arrived) > patience) {
            self.window.pass();
            self.meter.late = self.meter.late.saturating_add(1);
        }
        let Some(front) = self.window.front() else { return };
        let (arrived, timestamp, ssrc) = (front.arrived, front.timestamp, front.ssrc);
        if self.ssrc.replace(ssrc).is_some_and(|before| before != ssrc) {
            self.decoder.reset();
        }
        if self.state != State::Idle {
            self.meter.rebased = self.meter.rebased.saturating_add(1);
        }
        self.settle(true);
        (self.stretch, self.dry) = (0, 0);
        self.next = timestamp;
        self.state = State::Filling { until: arrived + self.target };
        self.trim = Trim { least: None, until: arrived + self.target + TRIM_INTERVAL, due: false };
    }

    /// Once a second: when even the fastest packet waited longer than it should, the next one is left out, faded into
    /// the one after it.
    fn watch(&mut self, at: Instant, waited: Duration) {
        if core::mem::take(&mut self.trim.due) {
            let left_out = self.frame.fold();
            self.meter.trimmed = self.meter.trimmed.saturating_add(wide(left_out));
            return;
        }
        self.trim.least = Some(self.trim.least.map_or(waited, |least| least.min(waited)));
        if at >= self.trim.until {
            let length = time(self.length, self.rate);
            let spare = self.target.saturating_add(length.max(TRIM_SLACK));
            self.trim.due =
                self.trim.least.take().is_some_and(|least| least > spare) && !self.window.is_empty();
            self.trim.until = at + TRIM_INTERVAL;
        }
    }

    fn advance(&mut self, samples: usize) {
        let ticks = u32::try_from(samples).unwrap_or(0).checked_div(self.samples_per_tick).unwrap_or(0);
        self.next = self.next.plus(ticks);
    }

    fn samples(&self, duration: Duration) -> usize {
        let samples = duration.as_nanos().saturating_mul(u128::from(self.rate)) / 1_000_000_000;
        usize::try_from(samples).unwrap_or(usize::MAX)
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

/// The longest packet: 120 ms (RFC 6716 §2.1.4; RFC 3551 §4.2 allows telephony codecs 200 ms, which fit as well).
const MAX_PACKET_MS: usize = 120;
/// No codec samples slower; keeps divisions by the rate harmless.
const MIN_RATE: u32 = 8_000;
/// After this long without a packet there is nothing left to continue: silence.
const MAX_CONCEALED_SECS: u64 = 1;
/// A timeline is not begun with packets that waited this much longer than the target.
const MAX_STALE: Duration = Duration::from_millis(100);
/// How long the fastest packet is looked for before one is left out.
const TRIM_INTERVAL: Duration = Duration::from_secs(1);
/// Excess delay that is not worth leaving out sound for.
const TRIM_SLACK: Duration = Duration::from_millis(20);
