//! One direction of a link: what it does to datagrams, drawn from a seed.
//!
//! ```text
//!  send ─▶ cut? ─▶ queue and rate ─▶ loss on the way ─▶ delay + jitter ─▶ twice? overtaken? ─▶ arrive
//! ```
//! What it did is counted in [`LinkStats`], the truth that measurements are compared with.
#![allow(clippy::cast_precision_loss, reason = "counts of datagrams stay far below 2⁵³")]

mod jitter;
mod loss;
mod stats;
#[cfg(test)]
mod tests;
mod trace;

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::{Entropy, Instant};

use jitter::JitterSource;
pub use jitter::{Jitter, Spread};
use loss::LossSource;
pub use loss::{GilbertElliott, Loss};
pub use stats::LinkStats;
pub use trace::{DelayTrace, TraceError};

/// What a link does to datagrams. The default does nothing: they arrive at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impairments {
    /// How long every datagram takes.
    pub delay: Duration,
    /// How its delay varies around that.
    pub jitter: Option<Jitter>,
    /// What each datagram takes beside `delay`, and which get lost beside those of `loss`: as recorded elsewhere.
    pub trace: Option<DelayTrace>,
    /// How many get lost on the way, and how.
    pub loss: Loss,
    /// Share of the datagrams that arrive twice, 0 to 1; the copy takes a delay of its own.
    pub duplicate: f64,
    /// Datagrams that are held back so that later ones overtake them.
    pub reorder: Option<Reorder>,
    /// Whether jitter alone never lets a datagram overtake another, as in one queue; [`Self::reorder`] still does.
    pub in_order: bool,
    /// How fast it is, and how much waits in front of it.
    pub rate: Option<Rate>,
    /// When it carries nothing. What is on the way already still arrives.
    pub cuts: Vec<Cut>,
}

/// Datagrams that are held back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// Share of the datagrams, 0 to 1.
    pub share: f64,
    /// How much longer these take.
    pub by: Duration,
}

/// A rate with a queue in front, which drops what does not fit (tail drop).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// Bits per second on the IP layer: payload, UDP and IP headers.
    pub bits_per_second: u64,
    /// Bytes that may wait, what is being sent included.
    pub queue_bytes: u64,
}

/// A time during which a link carries nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    /// From here on,
    pub from: Instant,
    /// until here; for ever when `None`.
    pub until: Option<Instant>,
}

impl Impairments {
    /// A fixed delay and nothing else.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// The same with jitter.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// The same with recorded delays.
    #[must_use]
    pub fn with_trace(mut self, trace: DelayTrace) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The same with loss.
    #[must_use]
    pub const fn with_loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// The same with a rate and its queue.
    #[must_use]
    pub const fn with_rate(mut self, bits_per_second: u64, queue_bytes: u64) -> Self {
        self.rate = Some(Rate { bits_per_second, queue_bytes });
        self
    }

    /// The same with duplicates.
    #[must_use]
    pub const fn with_duplicates(mut self, share: f64) -> Self {
        self.duplicate = share;
        self
    }

    /// The same with datagrams held back.
    #[must_use]
    pub const fn with_reorder(mut self, share: f64, by: Duration) -> Self {
        self.reorder = Some(Reorder { share, by });
        self
    }

    /// The same without overtaking by jitter.
    #[must_use]
    pub const fn kept_in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// The same, cut in between.
    #[must_use]
    pub fn with_cut(mut self, from: Instant, until: Option<Instant>) -> Self {
        self.cuts.push(Cut { from, until });
        self
    }

    /// Whether it carries nothing at `now`.
    #[must_use]
    pub fn is_cut(&self, now: Instant) -> bool {
        self.cuts.iter().any(|cut| cut.from <= now && cut.until.is_none_or(|until| now < until))
    }
}

/// What becomes of one datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It arrives.
    Arrives(Instant),
    /// It arrives, and a copy of it too.
    ArrivesTwice(Instant, Instant),
    /// The link was cut.
    Cut,
    /// The queue was full.
    Dropped,
    /// It got lost on the way.
    Lost,
}

/// One direction of a link at work.
#[derive(Debug)]
pub struct Link {
    impairments: Impairments,
    entropy: Entropy,
    jitter: Option<JitterSource>,
    loss: LossSource,
    /// Datagrams that took a delay of the trace.
    traced: u64,
    /// When all that is queued will have been sent.
    busy_until: Instant,
    last_arrival: Instant,
    /// Arrivals to come that nobody has overtaken yet, in order.
    ahead: VecDeque<Instant>,
    stats: LinkStats,
}

impl Link {
    /// A link that has carried nothing yet. `entropy` decides all that is left to chance.
    #[must_use]
    pub fn new(impairments: Impairments, entropy: Entropy) -> Self {
        Self {
            jitter: impairments.jitter.map(JitterSource::new),
            loss: LossSource::new(impairments.loss),
            traced: 0,
            impairments,
            entropy,
            busy_until: Instant::ZERO,
            last_arrival: Instant::ZERO,
            ahead: VecDeque::new(),
            stats: LinkStats::default(),
        }
    }

    /// From now on the link does this. What is counted and queued stays.
    pub fn change(&mut self, impairments: Impairments) {
        if impairments.jitter != self.impairments.jitter {
            self.jitter = impairments.jitter.map(JitterSource::new);
        }
        if impairments.loss != self.impairments.loss {
            self.loss = LossSource::new(impairments.loss);
        }
        if impairments.trace != self.impairments.trace {
            self.traced = 0;
        }
        self.impairments = impairments;
    }

    /// What the link does.
    #[must_use]
    pub const fn impairments(&self) -> &Impairments {
        &self.impairments
    }

    /// What it has done.
    #[must_use]
    pub const fn stats(&self) -> &LinkStats {
        &self.stats
    }

    /// Sends one datagram of `wire_bytes` bytes, IP and UDP headers included (see [`wire_bytes`]).
    pub fn send(&mut self, now: Instant, wire_bytes: u64) -> Fate {
        self.stats.sent += 1;
        self.stats.sent_bytes += wire_bytes;
        if self.impairments.is_cut(now) {
            self.stats.cut += 1;
            return Fate::Cut;
        }
        let Some(leaves) = self.enqueue(now, wire_bytes) else {
            self.stats.dropped += 1;
            return Fate::Dropped;
        };
        let lost = self.loss.next(&mut self.entropy);
        let recorded = self.recorded(self.traced);
        self.traced += 1;
        let Some(recorded) = recorded.filter(|_| !lost) else {
            self.stats.channel(true);
            return Fate::Lost;
        };
        self.stats.channel(false);
        let leaves = leaves + recorded;
        let at = self.arrival(leaves);
        self.stats.arrival(at.since(now));
        self.overtake(now, at);
        if self.happens(self.impairments.duplicate) {
            self.stats.duplicated += 1;
            return Fate::ArrivesTwice(at, self.arrival(leaves));
        }
        Fate::Arrives(at)
    }

    /// Sends a datagram that goes along with the others, as reports do with media: it shares their queue and fares as they
    /// do at the moment, but none of them fares differently because of it, nor does it count in [`Link::stats`].
    pub fn send_beside(&mut self, now: Instant, wire_bytes: u64, entropy: &mut Entropy) -> Fate {
        if self.impairments.is_cut(now) {
            return Fate::Cut;
        }
        let Some(leaves) = self.enqueue(now, wire_bytes) else { return Fate::Dropped };
        let recorded = self.recorded(self.traced.saturating_sub(1));
        let Some(recorded) = recorded.filter(|_| !self.loss.beside(entropy)) else { return Fate::Lost };
        let shift = self.jitter.as_ref().map_or(0.0, |jitter| jitter.beside(entropy));
        let seconds = self.impairments.delay.as_secs_f64() + shift;
        Fate::Arrives(leaves + recorded + Duration::from_secs_f64(seconds.max(0.0)))
    }

    /// What the trace says of the datagram with this number; `None` when it gets lost.
    fn recorded(&self, number: u64) -> Option<Duration> {
        self.impairments.trace.as_ref().map_or(Some(Duration::ZERO), |trace| trace.at(number))
    }

    /// When the datagram has left the queue; `None` when it does not fit in.
    fn enqueue(&mut self, now: Instant, wire_bytes: u64) -> Option<Instant> {
        let Some(rate) = self.impairments.rate else { return Some(now) };
        let waiting = time_bytes(self.busy_until.since(now), rate.bits_per_second);
        if waiting + wire_bytes > rate.queue_bytes {
            return None;
        }
        let nanos =
            wire_bytes.saturating_mul(8_000_000_000).checked_div(rate.bits_per_second).unwrap_or(u64::MAX);
        self.busy_until = self.busy_until.max(now) + Duration::from_nanos(nanos);
        Some(self.busy_until)
    }

    fn arrival(&mut self, leaves: Instant) -> Instant {
        let shift = self.jitter.as_mut().map_or(0.0, |jitter| jitter.next(&mut self.entropy));
        let seconds = self.impairments.delay.as_secs_f64() + shift;
        let mut at = leaves + Duration::from_secs_f64(seconds.max(0.0));
        if self.impairments.in_order {
            at = at.max(self.last_arrival);
        }
        let reorder = self.impairments.reorder;
        if let Some(Reorder { share, by }) = reorder
            && self.happens(share)
        {
            // Those held back are not waited for.
            return at + by;
        }
        self.last_arrival = self.last_arrival.max(at);
        at
    }

    /// Counts those that the datagram overtakes which is sent now and arrives at `at` (RFC 4737 §4.1.1: reordered is
    /// what comes late, not what comes early).
    fn overtake(&mut self, now: Instant, at: Instant) {
        while self.ahead.front().is_some_and(|arrival| *arrival <= now) {
            self.ahead.pop_front();
        }
        while self.ahead.back().is_some_and(|arrival| *arrival > at) {
            self.ahead.pop_back();
            self.stats.reordered += 1;
        }
        self.ahead.push_back(at);
    }

    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.entropy.unit() < share
    }
}

/// Bytes on the IP layer of a UDP datagram with this payload: IPv4 adds 28, IPv6 48.
#[must_use]
pub const fn wire_bytes(payload: usize, v6: bool) -> u64 {
    payload as u64 + if v6 { 48 } else { 28 }
}

/// Bytes that a rate takes this long for, rounded up.
fn time_bytes(time: Duration, bits_per_second: u64) -> u64 {
    let bits = time.as_nanos().saturating_mul(u128::from(bits_per_second));
    u64::try_from(bits.div_ceil(8_000_000_000)).unwrap_or(u64::MAX)
}
