//! The quadrature mirror filters that split 16 kHz into two bands of 8 kHz and join them again (ITU-T G.722 §3.1 and §4.4).

use super::band::saturate;

/// Splits.
#[derive(Clone, Debug)]
pub(super) struct Analysis(Line);

/// Joins.
#[derive(Clone, Debug)]
pub(super) struct Synthesis(Line);

impl Analysis {
    pub(super) const fn new() -> Self {
        Self(Line::new())
    }

    /// As if it had heard `samples` last, in 16-bit values.
    pub(super) fn after(samples: [i32; TAPS]) -> Self {
        let mut line = Line::new();
        samples.as_chunks().0.iter().for_each(|&pair| line.push(pair));
        Self(line)
    }

    /// The lower and the higher band of two samples more.
    pub(super) fn split(&mut self, earlier: i32, later: i32) -> (i32, i32) {
        self.0.push([earlier, later]);
        let (odd, even) = self.0.sums();
        // Products of 16 and 13 bits: one bit less than they have, so that both bands together fit again.
        ((even + odd) >> 14, (even - odd) >> 14)
    }
}

impl Synthesis {
    pub(super) const fn new() -> Self {
        Self(Line::new())
    }

    /// The two samples of one sample of each band.
    pub(super) fn join(&mut self, low: i32, high: i32) -> [i32; 2] {
        self.0.push([low + high, low - high]);
        let (odd, even) = self.0.sums();
        [saturate(even >> 11), saturate(odd >> 11)]
    }
}

/// The last [`TAPS`] samples, oldest first, twice, so that they always stand in one piece.
#[derive(Clone, Debug)]
struct Line {
    samples: [i32; 2 * TAPS],
    at: usize,
}

impl Line {
    const fn new() -> Self {
        Self { samples: [0; 2 * TAPS], at: 0 }
    }

    fn push(&mut self, [first, second]: [i32; 2]) {
        let at = self.at;
        for (offset, value) in [(0, first), (1, second)] {
            self.samples[at + offset] = value;
            self.samples[at + offset + TAPS] = value;
        }
        self.at = (at + 2) % TAPS;
    }

    /// The filter on every second sample from the oldest on, and on the others.
    fn sums(&self) -> (i32, i32) {
        let (pairs, _) = self.samples[self.at..self.at + TAPS].as_chunks::<2>();
        let (mut odd, mut even) = (0, 0);
        for (i, &[first, second]) in pairs.iter().enumerate() {
            odd += first * COEFFICIENTS[i];
            even += second * COEFFICIENTS[11 - i];
        }
        (odd, even)
    }
}

/// Length of the filters.
pub(super) const TAPS: usize = 24;

/// Every second coefficient (table 11); the others are the same from the end.
const COEFFICIENTS: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
