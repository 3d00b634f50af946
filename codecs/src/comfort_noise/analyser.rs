//! From background noise to its parameters: autocorrelation, and the Levinson-Durbin recursion.

use super::{HIGHEST_ORDER, NoiseParameters};

/// Listens to frames without speech.
#[derive(Clone, Debug)]
pub struct NoiseAnalyser {
    order: usize,
    /// Mean products of samples so far apart, per sample; of what was heard of late.
    correlation: [f32; HIGHEST_ORDER + 1],
    /// How many frames are in it, up to [`MEMORY`].
    frames: u16,
}

impl NoiseAnalyser {
    /// Makes `order` coefficients, at most [`HIGHEST_ORDER`].
    #[must_use]
    pub fn new(order: usize) -> Self {
        Self { order: order.min(HIGHEST_ORDER), correlation: [0.0; HIGHEST_ORDER + 1], frames: 0 }
    }

    /// Takes note of a frame without speech, 10 to 60 ms long.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    pub fn hear(&mut self, pcm: &[f32]) {
        if pcm.len() <= self.order || pcm.iter().any(|s| !s.is_finite()) {
            return;
        }
        self.frames = (self.frames + 1).min(MEMORY);
        let weight = 1.0 / f32::from(self.frames);
        let mut window = Window::new(pcm.len());
        // The last samples under the window, newest first.
        let mut recent = [0.0_f32; HIGHEST_ORDER + 1];
        let mut sums = [0.0_f32; HIGHEST_ORDER + 1];
        for &sample in pcm {
            recent.copy_within(..HIGHEST_ORDER, 1);
            recent[0] = sample * window.next();
            for (sum, &earlier) in sums.iter_mut().zip(&recent) {
                *sum += recent[0] * earlier;
            }
        }
        let per_sample = 1.0 / (Window::MEAN_SQUARE * pcm.len() as f32);
        for (mean, sum) in self.correlation.iter_mut().zip(sums) {
            *mean += (sum * per_sample - *mean) * weight;
        }
    }

    /// What the background sounded like of late; `None` when none was heard.
    #[must_use]
    pub fn parameters(&self) -> Option<NoiseParameters> {
        if self.frames == 0 {
            return None;
        }
        let mut reflections = [0.0; HIGHEST_ORDER];
        reflect(&self.correlation, &mut reflections[..self.order]);
        Some(NoiseParameters::new(self.correlation[0], &reflections[..self.order]))
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        (self.correlation, self.frames) = ([0.0; HIGHEST_ORDER + 1], 0);
    }
}

/// The Levinson-Durbin recursion; what cannot be predicted gets zeros.
fn reflect(correlation: &[f32; HIGHEST_ORDER + 1], reflections: &mut [f32]) {
    // A little white noise keeps it well-conditioned where there is a tone or nothing.
    let mut error = correlation[0] * 1.001 + 1e-12;
    let mut filter = [0.0_f32; HIGHEST_ORDER + 1];
    filter[0] = 1.0;
    for (i, reflection) in reflections.iter_mut().enumerate() {
        let unexplained: f32 = (0..=i).map(|j| filter[j] * correlation[i + 1 - j]).sum();
        let k = (-unexplained / error).clamp(-0.999, 0.999);
        let before = filter;
        for j in 1..=i + 1 {
            filter[j] = before[j] + k * before[i + 1 - j];
        }
        error *= 1.0 - k * k;
        *reflection = k;
    }
}

/// A Hann window, by a rotation instead of a cosine for each sample.
struct Window {
    turned: (f32, f32),
    step: (f32, f32),
}

impl Window {
    /// Of the window's values.
    const MEAN_SQUARE: f32 = 0.375;

    fn new(samples: usize) -> Self {
        let (sin, cos) = (core::f32::consts::TAU / samples as f32).sin_cos();
        let (half_sin, half_cos) = (core::f32::consts::PI / samples as f32).sin_cos();
        Self { turned: (half_cos, half_sin), step: (cos, sin) }
    }

    fn next(&mut self) -> f32 {
        let ((x, y), (cos, sin)) = (self.turned, self.step);
        self.turned = (x * cos - y * sin, x * sin + y * cos);
        0.5 - 0.5 * x
    }
}

/// Frames over which the mean is taken; half a second in frames of 20 ms.
const MEMORY: u16 = 25;
