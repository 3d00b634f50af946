//! What a millisecond of delay costs against a lost sound, as ITU-T G.107 has it.

/// Price of stretching for a millisecond, and back, against that of concealing for one.
const STRETCH: f64 = 0.25;
/// What stretching bridges.
const BRIDGE_MS: f64 = 14.0;
/// Milliseconds of delay that a percent of concealment is worth where delay is cheap.
const PERCENT_MS: f64 = 42.0;
/// One-way delay from which on it is heard (G.107: Id rises by 0.024 a millisecond below, by 0.134 above).
const KNEE_MS: f64 = 177.3;
/// How much dearer delay is above the knee: there, G.107 has 27 ms of it cost as much as a percent of concealment.
const ABOVE: f64 = PERCENT_MS / 27.0;
/// Delay outside of path and playout: a frame on the sender's side, and the devices.
const REST_MS: f64 = 40.0;
/// A path whose delay nobody measured.
const TYPICAL_PATH_MS: f64 = 50.0;

/// The prices on one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    knee: f64,
}

impl Price {
    /// For a path with this one-way delay in milliseconds, at its least.
    pub(super) fn new(path: Option<f64>) -> Self {
        Self { knee: (KNEE_MS - REST_MS - path.unwrap_or(TYPICAL_PATH_MS)).max(0.0) }
    }

    /// What each wait, in whole milliseconds, costs in milliseconds of delay: its own, and that of frames that come
    /// later than it. Answers the one that costs least.
    ///
    /// `weights` are those of frames by lateness. A frame that is not here when it is asked for is concealed, a pull at a
    /// time, until it comes, at most for its own length. Or what is in hand was stretched a pull before that, which
    /// bridges [`BRIDGE_MS`], at less than a concealment's price, but for frames as well that would have come in time.
    pub(super) fn costs(
        self,
        (weights, total): (&[f64], f64),
        pace: Pace,
        later: &mut [f64],
        costs: &mut [f64],
    ) -> f64 {
        let Pace { frame, pull, lost } = pace;
        let mut sum = 0.0;
        for (later, weight) in later.iter_mut().zip(weights).rev() {
            *later = sum;
            sum += weight;
        }
        let (step, whole) = (pull.clamp(2.0, 40.0), frame.clamp(5.0, 120.0));
        let pulls = (whole / step).ceil().max(1.0) as usize;
        let percent = 100.0 * PERCENT_MS / whole / total.max(1e-9);
        let beyond = |wait: usize, more: f64| {
            let at = wait as f64 + more;
            if at < 0.0 { sum } else { later.get(at as usize).copied().unwrap_or(0.0) }
        };
        let concealed = |wait: usize, from: f64| {
            (0..pulls).map(|n| beyond(wait, from + n as f64 * step) * step.min(whole)).sum::<f64>()
        };
        let (mut least, mut best) = (f64::INFINITY, 0);
        for (wait, cost) in costs.iter_mut().enumerate() {
            let never = concealed(wait, 0.0);
            let awaited = beyond(wait, 0.0) + lost * total;
            let always = awaited * STRETCH * BRIDGE_MS + concealed(wait, BRIDGE_MS);
            let delay = wait as f64;
            *cost = delay + (delay - self.knee).max(0.0) * (ABOVE - 1.0) + percent * never.min(always);
            if *cost < least {
                (least, best) = (*cost, wait);
            }
        }
        best as f64
    }
}

/// How sound comes and goes, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// A frame.
    pub(super) frame: f64,
    /// What is asked for at a time.
    pub(super) pull: f64,
    /// Share of frames that never come: they are waited for as well.
    pub(super) lost: f64,
}
