//! From parameters to noise: a deterministic excitation through a lattice filter, which is stable whatever it is told.

use super::{HIGHEST_ORDER, NoiseParameters};

/// Speaks a background noise; changes of level and colour take about a tenth of a second.
#[derive(Clone, Debug)]
pub struct ComfortNoise {
    goal: Shape,
    now: Shape,
    /// Backward prediction errors of the lattice.
    backward: [f32; HIGHEST_ORDER],
    seed: u64,
    /// Samples between two steps towards the goal, and until the next.
    block: usize,
    left: usize,
    heard_of: bool,
}

/// A noise by the square root of its mean square and by its reflection coefficients.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    amplitude: f32,
    reflections: [f32; HIGHEST_ORDER],
}

impl ComfortNoise {
    /// Silence until told; `seed` chooses which noise of all that sound alike.
    #[must_use]
    pub fn new(sample_rate: u32, seed: u64) -> Self {
        Self {
            goal: Shape::default(),
            now: Shape::default(),
            backward: [0.0; HIGHEST_ORDER],
            seed: seed ^ 0x9e37_79b9_7f4a_7c15,
            block: (sample_rate / BLOCKS_PER_SECOND).max(1) as usize,
            left: 0,
            heard_of: false,
        }
    }

    /// Turns towards `parameters`: at once if they are the first, else smoothly.
    pub fn update(&mut self, parameters: &NoiseParameters) {
        let mut goal = Shape { amplitude: parameters.mean_square().sqrt(), ..Shape::default() };
        for (to, reflection) in goal.reflections.iter_mut().zip(parameters.reflections()) {
            *to = reflection.clamp(-STEEPEST, STEEPEST);
        }
        self.goal = goal;
        if !self.heard_of {
            (self.now, self.heard_of) = (goal, true);
        }
    }

    /// Fills `out`; with silence before the first [`ComfortNoise::update`].
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    pub fn generate(&mut self, mut out: &mut [f32]) {
        while !out.is_empty() {
            if self.left == 0 {
                self.left = self.block;
                self.now.approach(&self.goal);
            }
            let until = self.left.min(out.len());
            let (piece, rest) = core::mem::take(&mut out).split_at_mut(until);
            self.left -= piece.len();
            let gain = self.now.excitation();
            for sample in piece {
                let excitation = self.white() * gain;
                *sample = self.filter(excitation);
            }
            out = rest;
        }
    }

    /// Forgets everything but its place in the sequence of noise.
    pub fn reset(&mut self) {
        (self.goal, self.now, self.heard_of) = (Shape::default(), Shape::default(), false);
        (self.backward, self.left) = ([0.0; HIGHEST_ORDER], 0);
    }

    /// The all-pole lattice: forward error down, backward errors up.
    fn filter(&mut self, excitation: f32) -> f32 {
        let mut forward = excitation;
        for i in (0..HIGHEST_ORDER).rev() {
            let k = self.now.reflections[i];
            forward -= k * self.backward[i];
            if let Some(next) = self.backward.get(i + 1).map(|_| self.backward[i] + k * forward) {
                self.backward[i + 1] = next;
            }
        }
        self.backward[0] = forward;
        forward
    }

    /// Uniform between −√3 and √3, of mean square 1 (xorshift64*).
    fn white(&mut self) -> f32 {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        let bits = self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        (bits as f32 / 8_388_608.0 - 1.0) * 1.732_050_8
    }
}

impl Shape {
    fn approach(&mut self, goal: &Self) {
        self.amplitude += (goal.amplitude - self.amplitude) * STEP;
        for (now, goal) in self.reflections.iter_mut().zip(goal.reflections) {
            *now += (goal - *now) * STEP;
        }
    }

    /// How loud the excitation must be for the filtered noise to have the amplitude.
    fn excitation(&self) -> f32 {
        let left: f32 = self.reflections.iter().map(|k| 1.0 - k * k).product();
        self.amplitude * left.max(0.0).sqrt()
    }
}

/// The steepest resonance: nearer to 1 a filter would ring for seconds.
const STEEPEST: f32 = 0.995;
/// Steps of 5 ms.
const BLOCKS_PER_SECOND: u32 = 200;
/// The part of the way that a step takes: most of it in a tenth of a second.
const STEP: f32 = 0.15;
