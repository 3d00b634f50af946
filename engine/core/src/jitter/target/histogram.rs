//! How late frames come: a histogram in steps of a millisecond that forgets.

/// Weights by how many milliseconds after the earliest they could, frames came.
///
/// New frames weigh more than old ones: instead of all weights shrinking, that of the next frame grows.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    bins: Box<[f64]>,
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
        Self { total: bins.iter().sum(), bins, weight: 1.0 }
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
        // Weights may have been scaled down since; what remains is found in proportion.
        let weight = if entry.weight > self.weight { entry.weight / RESCALE } else { entry.weight };
        self.put(entry.bin, -weight);
        self.put(bin(late), weight);
    }

    /// Weights from 0 ms upwards, and their sum.
    pub(super) fn weights(&self) -> (&[f64], f64) {
        (&self.bins, self.total)
    }

    /// Share of frames that came more than `after` and at most `until` milliseconds late.
    pub(super) fn share(&self, after: f64, until: f64) -> f64 {
        let (from, to) = (bin(after).saturating_add(1), bin(until).saturating_add(1));
        self.bins.get(from..to.max(from)).map_or(0.0, |bins| bins.iter().sum::<f64>()) / self.total.max(1e-9)
    }

    fn put(&mut self, bin: usize, weight: f64) {
        if let Some(bin) = self.bins.get_mut(bin) {
            let before = *bin;
            *bin = (before + weight).max(0.0);
            self.total += *bin - before;
        }
    }

    fn rescale(&mut self) {
        self.weight /= RESCALE;
        self.total = 0.0;
        for bin in &mut self.bins {
            *bin /= RESCALE;
            self.total += *bin;
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
