//! What a millisecond of delay costs against a lost sound, as ITU-T G.107 has it.

/// Price of stretching for a millisecond, and back, against that of concealing for one. Where delay is dear.
const STRETCH: f64 = 0.2;
/// The same where delay is cheap: a listener would rather wait.
const STRETCH_HEARD: f64 = 0.6;
/// Milliseconds of delay that a percent of concealment is worth on a path whose delay nobody measured.
const PERCENT_MS: f64 = 42.0;
/// The same where delay is known to be cheap: below the knee, G.107 has a percent of loss cost as much as 150 ms and more,
/// and what is concealed or stretched in the middle of speech is heard for longer than it lasts. Twice that, then: chosen by
/// PESQ on speech with jitter, not a figure of the standard. From the knee on [`ABOVE_MS`] holds whatever this is: with much
/// jitter the wait ends where mouth to ear reaches the knee.
const PERCENT_CHEAP_MS: f64 = 300.0;
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

    /// Whether delay is cheap.
    pub(super) fn is_cheap(self) -> bool {
        self.percent > PERCENT_MS
    }

    /// Milliseconds of delay that a percent of concealment is worth.
    pub(super) const fn percent(self) -> f64 {
        self.percent
    }

    /// How much cheaper delay is than on a path whose delay nobody measured.
    pub(super) const fn ease(self) -> f64 {
        self.percent / PERCENT_MS
    }

    /// What stretching costs of what it saves.
    pub(super) const fn stretch(self) -> f64 {
        self.stretch
    }

    /// A wait of so many milliseconds by itself.
    pub(super) fn delay(self, wait: usize) -> f64 {
        let delay = wait as f64;
        delay + (delay - self.knee).max(0.0) * (self.percent / ABOVE_MS - 1.0)
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
