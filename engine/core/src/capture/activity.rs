//! Whether somebody speaks: a small neural network (earshot) on 16 ms of sound at 16 kHz.

use earshot::Detector;

/// Listens to one stream of captured sound.
pub struct Activity {
    detector: Box<Detector>,
    sample_rate: u32,
    block: [f32; BLOCK],
    filled: usize,
    /// The last sample, and samples of it that wait to be averaged.
    last: f32,
    sum: f32,
    summed: u32,
    score: f32,
}

impl Activity {
    /// For sound of 8, 16 or 48 kHz. The only allocation.
    #[must_use]
    pub fn new(sample_rate: u32) -> Self {
        Self {
            detector: Detector::default_boxed(),
            sample_rate,
            block: [0.0; BLOCK],
            filled: 0,
            last: 0.0,
            sum: 0.0,
            summed: 0,
            score: 0.0,
        }
    }

    /// Takes in the next samples; answers how surely there is speech in them, 0 to 1.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    pub fn hear(&mut self, pcm: &[f32]) -> f32 {
        let mut most: Option<f32> = None;
        for &sample in pcm {
            let sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            match self.sample_rate {
                // The missing samples lie between their neighbours; what that adds above 4 kHz is faint.
                ..=8_000 => {
                    let between = f32::midpoint(self.last, sample);
                    most = self.push(between).map_or(most, |score| Some(most.unwrap_or(0.0).max(score)));
                    most = self.push(sample).map_or(most, |score| Some(most.unwrap_or(0.0).max(score)));
                }
                _ => {
                    // A mean of neighbours takes away most of what would fold down.
                    (self.sum, self.summed) = (self.sum + sample, self.summed + 1);
                    if self.summed >= self.sample_rate / RATE {
                        let mean = self.sum / self.summed as f32;
                        (self.sum, self.summed) = (0.0, 0);
                        most = self.push(mean).map_or(most, |score| Some(most.unwrap_or(0.0).max(score)));
                    }
                }
            }
            self.last = sample;
        }
        self.score = most.unwrap_or(self.score);
        self.score
    }

    fn push(&mut self, sample: f32) -> Option<f32> {
        if let Some(place) = self.block.get_mut(self.filled) {
            *place = sample;
        }
        self.filled += 1;
        if self.filled < BLOCK {
            return None;
        }
        self.filled = 0;
        Some(self.detector.predict_f32(&self.block))
    }
}

impl core::fmt::Debug for Activity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Activity").field("score", &self.score).finish_non_exhaustive()
    }
}

/// Samples per second and per block that the network takes.
const RATE: u32 = 16_000;
const BLOCK: usize = 256;
