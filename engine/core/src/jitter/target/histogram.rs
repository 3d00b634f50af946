//! How late frames come: a histogram in steps of a millisecond that forgets.

/// Weights by how many milliseconds after the earliest they could, frames came.
///
/// New frames weigh more than old ones: instead of all weights shrinking, that of the next frame grows.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    bins: Box<[f64]>,
    /// The sum of the weights above each bin, kept with every change: so no question needs a walk over the bins.
    later: Box<[f64]>,
    total: f64,
    weight: f64,
}

/// Where and with how much weight a frame was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Entry {
    bin: usize,
    weight: f64,
}

impl Histogram {
    /// Begins with an assumption that is worth [`ASSUMED`] frames: delays spread exponentially, [`ASSUMED_MS`] on average.
    pub(super) fn new() -> Self {
        let mut bins: Box<[f64]> = core::iter::repeat_n(0.0, BINS).collect();
        let (keep, mut left) = ((-1.0 / ASSUMED_MS).exp(), ASSUMED);
        for bin in bins.iter_mut().skip(1).take(ASSUMED_TO) {
            *bin = left * (1.0 - keep);
            left *= keep;
        }
        let later = bins.clone();
        let mut histogram = Self { bins, later, total: 0.0, weight: 1.0 };
        histogram.sum_up();
        histogram
    }

    /// Counts a frame that came `late` milliseconds after the earliest.
    pub(super) fn add(&mut self, late: f64) -> Entry {
        let entry = Entry { bin: bin(late), weight: self.weight };
        self.put(entry.bin, entry.weight);
        self.weight *= GROWTH;
        if self.weight > RESCALE {
            self.rescale();
        }
        entry
    }

    /// Counts the frame behind `entry`, added `ago` frames ago, anew as one that came `late` after the earliest.
    pub(super) fn change(&mut self, entry: Entry, late: f64) {
        let to = bin(late);
        if to == entry.bin {
            return;
        }
        // Weights may have been scaled down since; what remains is found in proportion.
        let weight = if entry.weight > self.weight { entry.weight / RESCALE } else { entry.weight };
        self.put(entry.bin, -weight);
        self.put(to, weight);
    }

    /// Weights of frames that came later than each whole millisecond from 0 on, that of all, and that of one that came now.
    pub(super) fn later(&self) -> (&[f64], f64, f64) {
        (&self.later, self.total, self.weight)
    }

    /// Share of frames that came more than `after` and at most `until` milliseconds late.
    pub(super) fn share(&self, after: f64, until: f64) -> f64 {
        let later = |late| self.later.get(bin(late)).copied().unwrap_or(0.0);
        (later(after) - later(until)).max(0.0) / self.total.max(1e-9)
    }

    fn put(&mut self, bin: usize, weight: f64) {
        let Some(place) = self.bins.get_mut(bin) else { return };
        let before = *place;
        *place = (before + weight).max(0.0);
        let more = *place - before;
        self.total += more;
        for later in self.later.iter_mut().take(bin) {
            *later += more;
        }
    }

    fn rescale(&mut self) {
        self.weight /= RESCALE;
        for bin in &mut self.bins {
            *bin /= RESCALE;
        }
        self.sum_up();
    }

    /// Sums anew what is otherwise kept by differences, and with that their roundings go.
    fn sum_up(&mut self) {
        self.total = 0.0;
        for (later, weight) in self.later.iter_mut().zip(&self.bins).rev() {
            *later = self.total;
            self.total += weight;
        }
    }
}

/// The bin of a lateness, rounded up.
fn bin(late: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let bin = (late - 1e-6).ceil().clamp(0.0, (BINS - 1) as f64) as usize;
    bin
}

/// Half a second and a little: what comes later than that is as bad as lost.
pub(super) const BINS: usize = 512;
/// A frame weighs this much more than the one before it: the memory is 1 200 frames, 24 s of 20 ms.
const GROWTH: f64 = 1.0 + 1.0 / 1_200.0;
const RESCALE: f64 = 1e6;
const ASSUMED: f64 = 10.0;
const ASSUMED_MS: f64 = 11.0;
const ASSUMED_TO: usize = 150;
