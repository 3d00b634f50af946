//! What a millisecond of delay costs against a lost sound, as ITU-T G.107 has it.

/// Price of stretching for a millisecond, and back, against that of concealing for one. Where delay is dear.
const STRETCH: f64 = 0.2;
/// The same where delay is cheap: a listener would rather wait.
const STRETCH_HEARD: f64 = 0.6;
/// Frames are also stretched that would have come in time.
const IN_VAIN: f64 = 1.25;
/// What stretching bridges.
const BRIDGE_MS: f64 = 14.0;
/// Milliseconds of delay that a percent of concealment is worth on a path whose delay nobody measured.
const PERCENT_MS: f64 = 42.0;
/// The same where delay is known to be cheap: below the knee, G.107 has a percent of loss cost as much as 150 ms and more,
/// and what is concealed or stretched in the middle of speech is heard for longer than it lasts. Twice that, then: chosen by
/// PESQ on speech with jitter, not a figure of the standard.
const PERCENT_CHEAP_MS: f64 = 300.0;
/// Share of the frames that tells how the rest falls off.
const TAIL: f64 = 0.03;
/// One-way delay from which on it is heard (G.107: Id rises by 0.024 a millisecond below, by 0.134 above).
const KNEE_MS: f64 = 177.3;
/// Above the knee G.107 has so many milliseconds cost as much as a percent of concealment.
const ABOVE_MS: f64 = 27.0;
/// Delay outside of path and playout: a frame on the sender's side, and the devices.
const REST_MS: f64 = 40.0;
/// A path whose delay nobody measured.
const TYPICAL_PATH_MS: f64 = 50.0;

/// The prices on one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    knee: f64,
    percent: f64,
    stretch: f64,
}

impl Price {
    /// For a path with this one-way delay in milliseconds, at its least.
    pub(super) fn new(path: Option<f64>) -> Self {
        let knee = (KNEE_MS - REST_MS - path.unwrap_or(TYPICAL_PATH_MS)).max(0.0);
        Self { knee, percent: PERCENT_MS, stretch: STRETCH }.cheap(path.is_some())
    }

    /// The same where delay is known to be cheap, or taken for it.
    pub(super) fn cheap(self, cheap: bool) -> Self {
        let (percent, stretch) =
            if cheap { (PERCENT_CHEAP_MS, STRETCH_HEARD) } else { (PERCENT_MS, STRETCH) };
        Self { percent, stretch, ..self }
    }

    /// How much cheaper delay is than on a path whose delay nobody measured.
    pub(super) const fn ease(self) -> f64 {
        self.percent / PERCENT_MS
    }

    /// What stretching costs of what it saves.
    pub(super) const fn stretch(self) -> f64 {
        self.stretch
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
        if self.percent > PERCENT_MS {
            extend(later, weights, total);
        }
        let (step, whole) = (pull.clamp(2.0, 40.0), frame.clamp(5.0, 120.0));
        let pulls = (whole / step).ceil().max(1.0) as usize;
        let percent = 100.0 * self.percent / whole / total.max(1e-9);
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
            let always = awaited * self.stretch * IN_VAIN * BRIDGE_MS + concealed(wait, BRIDGE_MS);
            let delay = wait as f64;
            *cost = delay
                + (delay - self.knee).max(0.0) * (self.percent / ABOVE_MS - 1.0)
                + percent * never.min(always);
            if *cost < least {
                (least, best) = (*cost, wait);
            }
        }
        best as f64
    }
}

/// What comes latest is told by few frames, and the next may come later than all of them: beyond the [`TAIL`] latest the
/// lateness is taken to fall off exponentially, as it did among these. Where they all came at once, as copies do, nothing
/// is added.
fn extend(later: &mut [f64], weights: &[f64], total: f64) {
    let enough = total * TAIL;
    let Some(from) = later.iter().rposition(|later| *later >= enough) else { return };
    let Some(&sum) = later.get(from) else { return };
    let beyond = weights.iter().enumerate().skip(from.saturating_add(1));
    let mean =
        beyond.map(|(bin, weight)| weight * bin.saturating_sub(from) as f64).sum::<f64>() / sum.max(1e-9);
    let keep = (-1.0 / (mean - 1.0).max(0.1)).exp();
    let mut left = sum;
    for later in later.iter_mut().skip(from.saturating_add(1)) {
        left *= keep;
        *later = later.max(left);
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
