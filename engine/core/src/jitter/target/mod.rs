//! How long frames should wait: arrival statistics, and the wait that costs least by them.
//!
//! All times are milliseconds. The *relative delay* of a frame is its arrival less its media time; only differences of it mean anything.
//!
//! ```text
//!  relative delay = base (levels.rs: least of two seconds, drift carried on) + lateness (histogram.rs)
//!  target         = base + the wait that costs least (costs.rs, by the prices of price.rs), within the user's bounds
//! ```

mod costs;
mod histogram;
mod levels;
mod price;

#[cfg(test)]
mod tests;

use self::{
    costs::Costs,
    histogram::{BINS, Entry, Histogram},
    levels::{Levels, REACH},
    price::{Pace, Price},
};

/// What is known about when frames come.
#[derive(Debug)]
pub struct Arrivals {
    levels: Levels,
    histogram: Histogram,
    /// The frames of the last pieces, whose base may turn out another one.
    recent: [Recent; RECENT],
    added: usize,
    /// The piece whose frames were judged anew last.
    settled: usize,
    price: Price,
    pace: Pace,
    /// Frames that came so far, up to some billions.
    frames: u32,
    /// Those of them that a later packet told, and that have not come themselves.
    told: u32,
    path_known: bool,
    /// Frames judged so far.
    verdicts: u32,
    wait: f64,
    /// What each wait costs.
    costs: Costs,
    dirty: u32,
    now: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    piece: usize,
    at: f64,
    relative: f64,
    entry: Entry,
}

impl Arrivals {
    /// Nothing known yet; a first wait is assumed. The only allocation.
    #[must_use]
    pub fn new() -> Self {
        let (histogram, price) = (Histogram::new(), Price::new(None).cheap(true));
        let mut arrivals = Self {
            levels: Levels::new(),
            histogram,
            recent: [Recent::default(); RECENT],
            added: 0,
            settled: 0,
            price,
            pace: Pace { frame: FRAME_MS, pull: FRAME_MS / 2.0, lost: 0.0 },
            frames: 0,
            told: 0,
            path_known: false,
            verdicts: 0,
            wait: 0.0,
            costs: Costs::new(),
            dirty: 0,
            now: 0.0,
        };
        arrivals.choose();
        arrivals
    }

    /// A frame came, in whatever form, for the first time.
    ///
    /// # Realtime
    ///
    /// No allocation; a bounded number of steps.
    pub fn came(&mut self, at: f64, relative: f64) {
        self.now = self.now.max(at);
        let before = self.levels.base(at);
        let ended = self.levels.add(at, relative);
        let base = self.levels.base(at);
        let entry = self.histogram.add(relative - base);
        if let Some(place) = self.recent.get_mut(self.added % RECENT) {
            *place = Recent { piece: self.levels.newest(), at, relative, entry };
        }
        self.added = self.added.saturating_add(1);
        self.frames = self.frames.saturating_add(1);
        if self.frames == UNTOLD && !self.path_known {
            self.price = self.price.cheap(false);
        }
        if ended {
            self.settle();
        }
        self.dirty = self.dirty.saturating_add(1);
        let late = relative - base > self.wait;
        if ended || late || self.dirty >= EVERY || (before - base).abs() > 1.0 {
            self.choose();
        }
    }

    /// The frame that [`came`](Self::came) next did so in a later packet only.
    pub fn told(&mut self) {
        self.told = self.told.saturating_add(1);
    }

    /// A frame told by a later packet was not lost: it has come itself.
    pub fn overtaken(&mut self) {
        self.told = self.told.saturating_sub(1);
    }

    /// A frame, some time after it was due, has come in whatever form, or has not.
    pub fn judged(&mut self, came: bool) {
        self.verdicts = self.verdicts.saturating_add(1);
        let step = (1.0 / f64::from(self.verdicts.saturating_add(LOSS_ASSUMED))).max(LOSS_STEP);
        self.pace.lost += (if came { 0.0 } else { 1.0 } - self.pace.lost) * step;
    }

    /// Frames last this long, and so much is asked for at a time.
    pub fn set_pace(&mut self, frame: f64, pull: f64) {
        if (frame - self.pace.frame).abs() > 0.1 || (pull - self.pace.pull).abs() > 0.1 {
            self.pace = Pace { frame, pull, ..self.pace };
            self.choose();
        }
    }

    /// The least one-way delay of the path, if somebody measured it.
    pub fn set_path(&mut self, path: Option<f64>) {
        self.path_known = path.is_some();
        self.price = Price::new(path).cheap(self.path_known || self.frames < UNTOLD);
        self.choose();
    }

    /// How much cheaper delay is on this path than on one whose delay nobody measured; never less than 1.
    #[must_use]
    pub const fn ease(&self) -> f64 {
        self.price.ease()
    }

    /// What stretching costs of what it saves: where delay is cheap there is no need to make much of it be heard.
    #[must_use]
    pub const fn stretch_price(&self) -> f64 {
        self.price.stretch()
    }

    /// The stream's timestamps begin anew, or the path is another one: the base is forgotten, the jitter is not.
    pub fn restart(&mut self) {
        self.levels.forget();
        (self.added, self.settled) = (0, 0);
    }

    /// The relative delay of the fastest frames at this time.
    #[must_use]
    pub fn base(&self, at: f64) -> f64 {
        self.levels.base(at)
    }

    /// How long a frame that came as fast as any should wait.
    #[must_use]
    pub const fn wait(&self) -> f64 {
        self.wait
    }

    /// The best of the waits that are `from` or a multiple of `step` away from it; `from` itself unless another one
    /// is clearly better.
    #[must_use]
    pub fn best_of(&self, from: f64, step: f64) -> f64 {
        let cost = |wait: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let place = wait.floor().clamp(0.0, (BINS - 1) as f64) as usize;
            let missing = if wait < 0.0 { -wait * 10.0 } else { 0.0 };
            self.costs.of(place) + missing
        };
        let steps = ((self.wait - from) / step.max(1.0)).floor();
        let (low, high) = (from + steps * step, from + (steps + 1.0) * step);
        let (best, least) = if cost(low) <= cost(high) { (low, cost(low)) } else { (high, cost(high)) };
        if cost(from) - least < CLEARLY { from } else { best }
    }

    /// Clock drift in parts per million; positive when the sender's clock is slow.
    #[must_use]
    pub fn drift_ppm(&self) -> f64 {
        self.levels.drift() * 1e6
    }

    /// The chance that a frame, `late` milliseconds late and not here, comes within the next `within`.
    #[must_use]
    pub fn odds(&self, late: f64, within: f64) -> f64 {
        let soon = self.histogram.share(late, late + within);
        let ever = self.histogram.share(late, f64::INFINITY) + self.pace.lost;
        if ever > 0.0 { soon / ever } else { 0.0 }
    }

    /// Frames of the oldest piece that has its surroundings complete are judged by its final base.
    fn settle(&mut self) {
        let Some(piece) = self.levels.newest().checked_sub(REACH.saturating_add(1)) else { return };
        for back in 1..=RECENT.min(self.added) {
            let Some(place) = self.recent.get(self.added.saturating_sub(back) % RECENT) else { return };
            if place.piece < piece {
                break;
            }
            if place.piece == piece {
                let base = self.levels.settled(piece, place.at);
                self.histogram.change(place.entry, place.relative - base);
            }
        }
    }

    fn choose(&mut self) {
        self.dirty = 0;
        let even = self.path_known && self.told < LOSSY;
        self.wait = self.costs.weigh(self.price, self.histogram.later(), self.pace, even);
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::new()
    }
}

/// Frames remembered: those of three seconds, at 10 ms each.
const RECENT: usize = 320;
/// The wait is chosen anew after so many frames.
const EVERY: u32 = 5;
/// A change of wait that saves less than this many milliseconds is not worth it.
const CLEARLY: f64 = 0.7;
/// Frames before which nobody can have measured the path: so long delay is taken for cheap.
const UNTOLD: u32 = 75;
/// So many frames told by later packets alone are no chance: what is late now is so by packet times.
const LOSSY: u32 = 2;
const LOSS_STEP: f64 = 0.005;
/// So many frames are taken to have come before the first was judged.
const LOSS_ASSUMED: u32 = 20;
/// Until a frame came.
const FRAME_MS: f64 = 20.0;
