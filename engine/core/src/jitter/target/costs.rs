//! What each wait costs, and the one that costs least.

use super::{
    histogram::BINS,
    price::{Pace, Price},
};

/// What each wait, in whole milliseconds, costs in milliseconds of delay: its own, and that of frames that come later than it.
///
/// A frame that is not here when it is asked for is concealed, a pull at a time, until it comes, at most for its own length.
/// Or what is in hand was stretched a pull before that, which bridges [`BRIDGE_MS`], at less than a concealment's price, but
/// for frames as well that would have come in time.
#[derive(Clone, Debug)]
pub(super) struct Costs {
    price: Price,
    /// Weights of frames that come later than each whole millisecond, as when they were weighed.
    later: Box<[f64]>,
    /// How long after a wait each pull conceals: when nothing was done before, and when that was bridged.
    pulls: [(usize, usize); MOST_PULLS],
    count: usize,
    /// What a pull conceals of a frame.
    piece: f64,
    /// Weight of frames that never come.
    lost: f64,
    /// Price of a millisecond concealed, by weight.
    percent: f64,
}

impl Costs {
    /// Nothing weighed yet. The only allocation.
    pub(super) fn new() -> Self {
        Self {
            price: Price::new(None),
            later: core::iter::repeat_n(0.0, BINS).collect(),
            pulls: [(0, 0); MOST_PULLS],
            count: 0,
            piece: 0.0,
            lost: 0.0,
            percent: 0.0,
        }
    }

    /// Takes in how late frames come, as [`later`](super::histogram::Histogram::later) has it, and whether an `even` tail is
    /// expected. Answers the wait that costs least, the shortest of those.
    pub(super) fn weigh(
        &mut self,
        price: Price,
        (later, total, frame): (&[f64], f64, f64),
        pace: Pace,
        even: bool,
    ) -> f64 {
        for (own, later) in self.later.iter_mut().zip(later) {
            *own = *later;
        }
        if price.is_cheap() {
            let few = if even { LATEST * frame } else { 0.0 };
            extend(&mut self.later, few.max(total * TAIL));
        }
        let (step, whole) = (pace.pull.clamp(2.0, 40.0), pace.frame.clamp(5.0, 120.0));
        self.count = (whole / step).ceil().max(1.0) as usize;
        for (n, pull) in self.pulls.iter_mut().take(self.count).enumerate() {
            let after = n as f64 * step;
            *pull = (after as usize, (BRIDGE_MS + after) as usize);
        }
        self.price = price;
        self.piece = step.min(whole);
        self.lost = pace.lost * total;
        self.percent = 100.0 * price.percent() / whole / total.max(1e-9);
        let (mut least, mut best) = (f64::INFINITY, 0);
        for wait in 0..BINS {
            // No wait costs less than its own delay.
            if wait as f64 >= least {
                break;
            }
            let cost = self.of(wait);
            if cost < least {
                (least, best) = (cost, wait);
            }
        }
        best as f64
    }

    /// What a wait costs.
    pub(super) fn of(&self, wait: usize) -> f64 {
        let later = self.later.get(wait..).unwrap_or_default();
        let beyond = |more: usize| later.get(more).copied().unwrap_or(0.0);
        let (mut never, mut bridged) = (0.0, 0.0);
        for (plain, past) in self.pulls.iter().take(self.count) {
            never += beyond(*plain);
            bridged += beyond(*past);
        }
        let awaited = beyond(0) + self.lost;
        let always = awaited * self.price.stretch() * IN_VAIN * BRIDGE_MS + bridged * self.piece;
        self.price.delay(wait) + self.percent * always.min(never * self.piece)
    }
}

/// What comes latest is told by few frames, and the next may come later than all of them: beyond the latest `enough` the
/// lateness is taken to fall off exponentially, as it did among these. Where they all came at once, as copies do, nothing
/// is added.
fn extend(later: &mut [f64], enough: f64) {
    let from = later.partition_point(|later| *later >= enough);
    let Some((sum, beyond)) = later.get_mut(from.saturating_sub(1)..).and_then(<[f64]>::split_first_mut)
    else {
        return;
    };
    if *sum < enough {
        return;
    }
    let mean = (*sum + added(beyond)) / sum.max(1e-9);
    let keep = (-1.0 / (mean - 1.0).max(0.1)).exp();
    // Several at a time: each alone would wait for the one before.
    let mut left: [f64; LANES] = core::array::from_fn(|_| 0.0);
    let mut power = *sum;
    for left in &mut left {
        power *= keep;
        *left = power;
    }
    let stride = power / sum.max(1e-9);
    for later in beyond.chunks_mut(LANES) {
        for (later, left) in later.iter_mut().zip(&mut left) {
            *later = later.max(*left);
            *left *= stride;
        }
    }
}

/// The sum, several at a time.
fn added(values: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for values in values.chunks(LANES) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    sums.iter().sum()
}

/// Frames are also stretched that would have come in time.
const IN_VAIN: f64 = 1.25;
/// What stretching bridges.
const BRIDGE_MS: f64 = 14.0;
/// Share of the frames that tells how the rest falls off.
const TAIL: f64 = 0.03;
/// Where the tail is even, these are so many at least: fewer tell by chance alone how fast it falls off. What later packets
/// tell again comes by packet times later and has no such tail.
const LATEST: f64 = 20.0;
/// Of 2 ms, in a frame of 120 ms.
const MOST_PULLS: usize = 60;
const LANES: usize = 8;
