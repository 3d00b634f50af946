//! How the delay of a link varies: a first-order autoregressive process with a chosen distribution.
//!
//! A standard normal AR(1) series z is drawn; its quantile in the normal distribution is looked up in the wanted one.
//! So the distribution is exact whatever the correlation, and the correlation is exact for the normal distribution and
//! that of the underlying series for the others.

use core::{f64::consts::SQRT_2, time::Duration};

use puruspe::{erfc, invgammp};
use rand_distr::{Distribution, StandardNormal};
use rove_base::Entropy;

/// How the delay varies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter {
    /// By how much.
    pub spread: Spread,
    /// Of one datagram's with the one's before, 0 (independent) up to but not including 1 (slow waves).
    pub correlation: f64,
}

/// What is added to the fixed delay. The sum is never below zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// Anything between `-half_width` and `half_width`.
    Uniform {
        /// Half of the range.
        half_width: Duration,
    },
    /// Around zero.
    Normal {
        /// Standard deviation.
        deviation: Duration,
    },
    /// Above zero, with a long tail: what queues do.
    Gamma {
        /// Mean of what is added.
        mean: Duration,
        /// Above zero; the smaller, the heavier the tail: 1 is the exponential distribution.
        shape: f64,
    },
}

impl Jitter {
    /// Independent from datagram to datagram.
    #[must_use]
    pub const fn independent(spread: Spread) -> Self {
        Self { spread, correlation: 0.0 }
    }
}

#[derive(Debug)]
pub(super) struct JitterSource {
    jitter: Jitter,
    /// Weight of the new draw, so that the variance stays 1.
    innovation: f64,
    /// The series, from the first draw on.
    state: Option<f64>,
    /// Seconds by quantile; empty for the normal distribution.
    table: Vec<f64>,
}

impl JitterSource {
    pub(super) fn new(jitter: Jitter) -> Self {
        let correlation = jitter.correlation.clamp(-1.0, 1.0);
        let innovation = (1.0 - correlation * correlation).sqrt();
        Self { jitter, innovation, state: None, table: quantiles(jitter.spread) }
    }

    /// Seconds to add to the next datagram's delay.
    pub(super) fn next(&mut self, entropy: &mut Entropy) -> f64 {
        let z = self.draw(entropy);
        self.state = Some(z);
        self.shift(z)
    }

    /// The same for a datagram beside, of which the next one knows nothing.
    pub(super) fn beside(&self, entropy: &mut Entropy) -> f64 {
        self.shift(self.draw(entropy))
    }

    fn draw(&self, entropy: &mut Entropy) -> f64 {
        let draw: f64 = StandardNormal.sample(entropy);
        self.state.map_or(draw, |last| self.jitter.correlation * last + self.innovation * draw)
    }

    fn shift(&self, z: f64) -> f64 {
        match self.jitter.spread {
            Spread::Normal { deviation } => z * deviation.as_secs_f64(),
            Spread::Uniform { .. } | Spread::Gamma { .. } => self.look_up(z),
        }
    }

    fn look_up(&self, z: f64) -> f64 {
        let place = ((z + REACH) * STEPS_PER_UNIT).clamp(0.0, (self.table.len() - 2) as f64);
        let (index, rest) = (place as usize, place.fract());
        let [below, above] = [index, index + 1].map(|index| self.table.get(index).copied().unwrap_or(0.0));
        below * (1.0 - rest) + above * rest
    }
}

/// The wanted distribution's quantile for each z of the grid.
fn quantiles(spread: Spread) -> Vec<f64> {
    let cumulative = |z: f64| 0.5 * erfc(-z / SQRT_2);
    let grid = (0..=(2.0 * REACH * STEPS_PER_UNIT) as u32).map(|n| f64::from(n) / STEPS_PER_UNIT - REACH);
    match spread {
        Spread::Normal { .. } => Vec::new(),
        Spread::Uniform { half_width } => {
            grid.map(|z| (2.0 * cumulative(z) - 1.0) * half_width.as_secs_f64()).collect()
        }
        Spread::Gamma { mean, shape } => {
            let shape = shape.max(LEAST_SHAPE);
            grid.map(|z| invgammp(cumulative(z), shape) / shape * mean.as_secs_f64()).collect()
        }
    }
}

/// The grid reaches so many standard deviations to both sides: one datagram in 3.5 million lies beyond.
const REACH: f64 = 5.0;
/// A gamma distribution has a positive shape; this one is as heavy a tail as numbers can bear.
const LEAST_SHAPE: f64 = 0.01;
/// Points of the grid per standard deviation.
const STEPS_PER_UNIT: f64 = 64.0;
