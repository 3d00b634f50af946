//! What is done to the signal: slowed down, sped up, concealed, or left silent.

use super::{
    Playout,
    decide::{Change, Next, Relief, Shortage, relief},
    stretch::Care,
    wide,
};
use crate::jitter::PacketSource;

impl<S: PacketSource> Playout<S> {
    /// What is in hand does not suffice for `wanted`, and the next frame is not here.
    pub(super) fn bridge(&mut self, now: f64, wanted: usize, next: Next) {
        if next == Next::Told {
            return self.recover(now);
        }
        if self.slow_down(now, wanted, next) {
            return;
        }
        let lacking = wanted.saturating_sub(self.buffer.hand());
        let lacking = if next == Next::Missing { self.missing().clamp(1, lacking.max(1)) } else { lacking };
        self.conceal(lacking, next == Next::Missing);
    }

    /// Stretches what is in hand if that helps; answers whether it did.
    fn slow_down(&mut self, now: f64, wanted: usize, next: Next) -> bool {
        if self.pause || self.meter.first_played.is_none() {
            return false;
        }
        let hand = self.buffer.hand();
        let beyond = self.ms(hand) - self.ms(wanted);
        if beyond > self.ms(wanted) {
            return false;
        }
        let pure = self.pure.saturating_sub(hand) >= self.samples(PURE_MS);
        let arrivals = &self.reception.arrivals;
        let late = now - self.media_ms(self.end) - arrivals.base(now);
        let period = self.ms(wanted);
        let then = late + if beyond < 0.0 { 0.0 } else { period };
        let shortage = Shortage {
            next,
            beyond,
            hand: self.ms(hand),
            credit: if pure { self.ms(self.credit) } else { 0.0 },
            in_time: arrivals.odds(late, period),
            soon: arrivals.odds(then, super::decide::BRIDGE),
            ever: arrivals.odds(then, f64::INFINITY),
            price: arrivals.stretch_price(),
        };
        let Relief::Lengthen(most) = relief(shortage) else { return false };
        let care = match beyond < 0.0 {
            // Where delay is cheap there is no need to force a place.
            true if arrivals.ease() > 1.0 => Care::Similar(FORCED_SIMILAR),
            true => Care::AnyRate,
            false => Care::Similar(BRIDGE_SIMILAR),
        };
        let most = self.samples(most);
        let count = self.buffer.lengthen(&mut self.stretcher, most, care);
        self.count_preempted(count);
        count > 0
    }

    /// What is in hand suffices for `wanted`; the delay is led towards its target.
    pub(super) fn adapt(&mut self, now: f64, wanted: usize) {
        let passed = (now - self.adapted).clamp(0.0, 100.0);
        self.adapted = now;
        if self.pause || self.dry > 0 || self.meter.first_played.is_none() {
            return;
        }
        let hand = self.buffer.hand();
        // What held up the frame that was sent last may hold up the next one: no delay is given away that it needed.
        let needed = self.delay(now) - self.reception.newest;
        let excess = self.excess(now, wanted);
        let excess = if excess > 0.0 { excess.min(needed.max(0.0)) } else { excess };
        if self.ms(hand) < self.ms(wanted) + NEAR_MS {
            let next = self.next();
            if matches!(next, Next::Nothing | Next::Missing) {
                self.slow_down(now, wanted, next);
                return;
            }
        }
        let pause = self.ms(self.calm) >= PAUSE_MS;
        match self.drift.decide(excess, passed, self.reception.arrivals.ease(), pause) {
            Change::None => {}
            Change::Shorten(most, care) => {
                if excess > CUT_MS {
                    self.cut(now, excess);
                }
                self.look_ahead(now, wanted);
                let most = self.samples(most);
                let count = self.buffer.shorten(&mut self.stretcher, most, care);
                self.count_accelerated(count);
            }
            Change::Lengthen(most, care) => {
                let most = self.samples(most).min(self.credit);
                let count = self.buffer.lengthen(&mut self.stretcher, most, care);
                self.count_preempted(count);
            }
        }
    }

    /// Delay beyond the target, just before `wanted` samples are handed out.
    ///
    /// A frame is missed when samples are asked for and what is in hand does not suffice, not when its last sample is out:
    /// what is in hand then is delay that helps nothing. So where frames are a multiple of what is asked for at a time,
    /// the delay is led to where they end together.
    fn excess(&self, now: f64, wanted: usize) -> f64 {
        let (delay, target) = (self.delay(now), self.target(now));
        let whole = self.length.checked_rem(wanted) == Some(0) && self.ms(wanted) >= 4.0;
        if !whole || self.least == self.most {
            return delay - target;
        }
        let base = self.reception.arrivals.base(now);
        let idle = self.ms(self.buffer.hand().checked_rem(wanted).unwrap_or(0));
        let useful = delay - base - idle;
        let (least, most) = (self.least.as_secs_f64() * 1e3, self.most.as_secs_f64() * 1e3);
        let best = self.reception.arrivals.best_of(useful, self.ms(wanted)).max(least).min(most);
        delay - base - best - IDLE_MS
    }

    /// Decodes ahead, so that there is something to take a pitch period out of.
    fn look_ahead(&mut self, now: f64, wanted: usize) {
        let enough = wanted.saturating_add(self.samples(AHEAD_MS));
        for _ in 0..ROUNDS {
            if self.buffer.hand() >= enough || self.next() != Next::Here {
                return;
            }
            self.decode(now);
        }
    }

    /// Far beyond the target, whole packets are left out.
    fn cut(&mut self, now: f64, excess: f64) {
        let mut left = excess - CUT_TO_MS;
        while left > self.ms(self.length) && self.next() == Next::Here && self.reception.window.len() > 2 {
            let length = self.length;
            let hand = self.buffer.fold(self.samples(FADE_MS));
            self.count_accelerated(hand);
            self.reception.window.pass();
            self.meter.discarded = self.meter.discarded.saturating_add(1);
            self.end = self.end.saturating_add(self.samples_i64(length));
            self.trace.accelerated = self.trace.accelerated.saturating_add(wide(length));
            left -= self.ms(hand.saturating_add(length));
        }
        if self.buffer.hand() == 0 && self.next() == Next::Here {
            self.decode(now);
        }
    }

    /// Fills up to `lacking` samples of the sender's silence; the delay moves to its target for nothing.
    pub(super) fn silence(&mut self, now: f64, lacking: usize) {
        let Some(front) = self.reception.window.front() else { return };
        let begin = self.reception.clock.ticks(front.timestamp).saturating_mul(self.samples_per_tick);
        let gap = begin.saturating_sub(self.end);
        let arrived = super::reception::millis(front.arrived);
        let relative = arrived - self.media_ms(begin);
        let off = relative - self.reception.arrivals.base(now);
        if off < -MAX_EARLY {
            return self.rebase_now(now);
        }
        self.settle(false);
        let excess = self.delay(now) - self.target(now);
        if self.hold.is_none() {
            self.hold = Some(0);
            if excess > 0.0 {
                // Sooner: less of the silence.
                let less = self.samples_i64(self.samples(excess)).min(gap);
                self.end = self.end.saturating_add(less);
                self.trace.accelerated = self.trace.accelerated.saturating_add(less.unsigned_abs());
            } else {
                // Later: more of it.
                let more = self.samples(-excess);
                self.end = self.end.saturating_sub(self.samples_i64(more));
                self.trace.preempted = self.trace.preempted.saturating_add(wide(more));
            }
        }
        let gap = usize::try_from(begin.saturating_sub(self.end)).unwrap_or(0);
        let samples = gap.min(lacking);
        if samples > 0 {
            self.pause_for(samples);
        }
    }

    /// The sender's silence: what the decoder makes of it, in the end nothing.
    fn pause_for(&mut self, samples: usize) {
        self.pause = true;
        self.invent(samples);
        self.meter.silence = self.meter.silence.saturating_add(wide(samples));
        self.trace.comfort_noise = self.trace.comfort_noise.saturating_add(wide(samples));
    }

    /// Invents `samples` for want of a frame.
    pub(super) fn conceal(&mut self, samples: usize, missing: bool) {
        if self.pause {
            return self.pause_for(samples);
        }
        if self.dry == 0 || self.pure > 0 {
            self.trace.concealment_events = self.trace.concealment_events.saturating_add(1);
        }
        self.invent(samples);
        self.trace.concealed = self.trace.concealed.saturating_add(wide(samples));
        let count = if missing { &mut self.meter.concealed } else { &mut self.meter.starving };
        *count = count.saturating_add(wide(samples));
    }

    pub(super) fn count_concealed(&mut self, samples: usize) {
        self.dry = self.dry.saturating_add(wide(samples));
        (self.pure, self.credit) = (0, 0);
        self.trace.concealed = self.trace.concealed.saturating_add(wide(samples));
        self.meter.concealed = self.meter.concealed.saturating_add(wide(samples));
    }

    /// What was invented while nothing was here turns out to have been loss or delay (`ours`), or the sender's silence.
    pub(super) fn settle(&mut self, ours: bool) {
        let starving = core::mem::take(&mut self.meter.starving);
        let count = if ours { &mut self.meter.concealed } else { &mut self.meter.silence };
        *count = count.saturating_add(starving);
    }

    fn invent(&mut self, samples: usize) {
        let worth = self.dry < u64::from(self.rate).saturating_mul(MAX_CONCEALED_SECS);
        let worth = worth && self.meter.first_played.is_some();
        let more = self.quantum_up(self.samples(FADE_MS));
        let lacking = samples.saturating_add(more).saturating_sub(self.buffer.spare());
        let more = more.saturating_add(self.quantum_up(lacking).saturating_sub(lacking));
        let noisy = self.noisy();
        let Self { buffer, decoder, noise, .. } = self;
        buffer.invent(samples, more, |pcm| match () {
            () if noisy && noise.fill(decoder.as_mut(), pcm) => {}
            () if worth => decoder.conceal(pcm),
            () => pcm.fill(0.0),
        });
        self.end = self.end.saturating_add(self.samples_i64(samples));
        self.dry = self.dry.saturating_add(wide(samples));
        (self.pure, self.credit) = (0, 0);
    }

    fn missing(&self) -> usize {
        let Some(front) = self.reception.window.front() else { return 0 };
        let begin = self.reception.clock.ticks(front.timestamp).saturating_mul(self.samples_per_tick);
        usize::try_from(begin.saturating_sub(self.end)).unwrap_or(0)
    }

    fn count_preempted(&mut self, count: usize) {
        self.credit = self.credit.saturating_sub(count);
        self.trace.preempted = self.trace.preempted.saturating_add(wide(count));
        self.meter.preempted = self.meter.preempted.saturating_add(wide(count));
        if count > 0 {
            self.drift.made();
        }
    }

    fn count_accelerated(&mut self, count: usize) {
        self.trace.accelerated = self.trace.accelerated.saturating_add(wide(count));
        self.meter.accelerated = self.meter.accelerated.saturating_add(wide(count));
        if count > 0 {
            self.drift.made();
        }
    }

    /// The next multiple of 2.5 ms: codecs conceal in no shorter steps.
    pub(super) fn quantum_up(&self, samples: usize) -> usize {
        let quantum = usize::try_from(self.rate / 400).unwrap_or(1).max(1);
        samples.checked_next_multiple_of(quantum).unwrap_or(samples)
    }
}

/// After this long without a packet there is nothing left to continue: silence.
const MAX_CONCEALED_SECS: u64 = 1;
/// A packet that came this much sooner than any before lies on another timeline.
const MAX_EARLY: f64 = 200.0;
/// Received samples that must lie before what is heard twice.
const PURE_MS: f64 = 15.0;
/// What is looked at beyond what is asked for.
const NEAR_MS: f64 = 6.0;
/// What may be in hand when a frame is due, lest it be missed by a hair.
const IDLE_MS: f64 = 2.5;
const AHEAD_MS: f64 = 30.0;
const FADE_MS: f64 = 5.0;
const ROUNDS: usize = 8;
/// Quiet for so long is a pause between words, not within one.
const PAUSE_MS: f64 = 160.0;
const FORCED_SIMILAR: f32 = 0.5;
const BRIDGE_SIMILAR: f32 = 0.3;
/// So far beyond the target, packets are left out as a whole, until this is left.
const CUT_MS: f64 = 150.0;
const CUT_TO_MS: f64 = 20.0;
