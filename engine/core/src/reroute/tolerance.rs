//! What a user puts up with, and whether the last seconds were worse: slowly, and for as long as the call lasts.
//!
//! A guard suspects within tenths of a second that a way has become worse. Here whole seconds are judged by what the user has
//! asked for, also of a way that never was any better: [`ENOUGH`] bad ones of [`SECONDS`], never so many in a row, since a way
//! that is bad two seconds of three is bad.

use core::time::Duration;

use rove_base::{CodecId, Instant, Quality};

use super::{Cause, LIMIT};
use crate::quality::emodel;

/// How bad a way may be before it is left for a better one. What is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// The share of packets that may be lost; [`LIMIT`] when `None`.
    pub loss: Option<f32>,
    /// The mean opinion score that is wanted, 1 to 4.5: what loses so much that it cannot be reached is left.
    pub mos: Option<f32>,
    /// How long the network may take one way.
    pub delay: Option<Duration>,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Option<Duration>,
    /// The share of bits that may arrive changed, as far as that is seen: packets that are protected tell (RFC 3711 §3.3),
    /// the checksum of UDP drops others unseen.
    pub bit_errors: Option<f32>,
}

impl Tolerance {
    /// The share of packets that may be lost with `codec`.
    #[must_use]
    pub fn loss(&self, codec: CodecId) -> f32 {
        // What cannot be reached at all is no reason to leave one way for another.
        let by_mos = self.mos.and_then(|mos| emodel::loss_for(codec, mos));
        match (self.loss, by_mos) {
            (Some(one), Some(other)) => one.min(other),
            (one, other) => one.or(other).unwrap_or(LIMIT),
        }
    }

    /// How long the network may take one way with `codec`; `None`: any time.
    #[must_use]
    pub fn delay(&self, codec: CodecId) -> Option<Duration> {
        let by_mos = self.mos.and_then(|mos| emodel::delay_for(codec, mos));
        let by_mos = by_mos.map(|delay| delay.saturating_sub(ENDS));
        self.delay.into_iter().chain(by_mos).min()
    }

    /// Whether the user has asked for anything.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        *self != Self::default()
    }
}

/// What was wrong with the last seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complaint {
    /// What, mostly.
    pub cause: Cause,
    /// The last of them.
    pub second: Quality,
    /// There are other ways, the peer sends by whichever it is asked to, and none of them was any better a moment ago.
    pub compared: bool,
}

/// The last seconds, as far as they were bad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judgement {
    tolerance: Tolerance,
    bad: [Option<Cause>; SECONDS],
    /// Nothing is complained of before.
    rests: Instant,
}

impl Judgement {
    pub(crate) const fn new(tolerance: Tolerance, now: Instant) -> Self {
        Self { tolerance, bad: [None; SECONDS], rests: now }
    }

    pub(crate) const fn tolerance(&self) -> &Tolerance {
        &self.tolerance
    }

    /// One more second of a call that hears. `payload`: bytes of one packet that can be seen to have changed.
    pub(crate) fn on_second(
        &mut self,
        codec: CodecId,
        second: &Quality,
        payload: usize,
    ) -> Option<Complaint> {
        let wrong = self.wrong(codec, second, payload);
        self.bad.rotate_right(1);
        if let Some(newest) = self.bad.first_mut() {
            *newest = wrong;
        }
        let count = |cause: Cause| self.bad.iter().filter(|bad| **bad == Some(cause)).count();
        let bad = self.bad.iter().flatten().count();
        let silent = count(Cause::Silence) >= SILENT;
        if (bad < ENOUGH && !silent) || second.at < self.rests {
            return None;
        }
        let cause = self.bad.iter().flatten().copied().max_by_key(|cause| count(*cause))?;
        self.bad = [None; SECONDS];
        self.rests = second.at + REST;
        Some(Complaint { cause, second: *second, compared: false })
    }

    /// What is wrong with a second; `None`: nothing, or nobody spoke.
    fn wrong(&self, codec: CodecId, second: &Quality, payload: usize) -> Option<Cause> {
        let Tolerance { mos, delay, jitter, bit_errors, .. } = self.tolerance;
        let network = second.one_way.or(second.round_trip.and_then(|both| both.checked_div(2)));
        let above = |measured: Option<Duration>, limit: Option<Duration>| {
            measured.zip(limit).is_some_and(|(measured, limit)| measured > limit)
        };
        if second.received > 0 && second.interval.received == 0 {
            return Some(Cause::Silence);
        }
        let bits = 8.0 * payload.max(1) as f32;
        let broken = second.broken_share().map(|share| share / bits);
        if broken.zip(bit_errors).is_some_and(|(broken, limit)| broken > limit) {
            return Some(Cause::BitErrors);
        }
        let enough = second.interval.expected >= FEW;
        if enough && second.interval_loss.is_some_and(|loss| loss > self.tolerance.loss(codec)) {
            return Some(Cause::Loss);
        }
        if above(network, delay) || above(second.jitter, jitter) {
            return Some(Cause::Delay);
        }
        let below = second.mos.zip(mos).is_some_and(|(mos, wanted)| mos < wanted);
        (enough && below).then_some(Cause::Quality)
    }
}

/// What the two ends add to the delay of the network: packets and playout.
const ENDS: Duration = Duration::from_millis(80);
/// Seconds that are looked back at,
const SECONDS: usize = 5;
/// of which so many are bad, for a complaint;
const ENOUGH: usize = 3;
/// of seconds in which nothing came at all, so many.
const SILENT: usize = 2;
/// After a complaint there is none for so long: what is done about it has to show first.
const REST: Duration = Duration::from_secs(5);
/// Of fewer packets in a second no share is meant.
const FEW: u64 = 10;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
