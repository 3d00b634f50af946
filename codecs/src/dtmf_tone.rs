//! The tones of a telephone's keys (ITU-T Q.23), for the ear of who presses them.

#[cfg(test)]
mod tests;

use core::f32::consts::TAU;

use crate::telephone_event::DtmfKey;

/// Sounds while a key is pressed; fades in and out within 5 ms, so that it does not click.
#[derive(Clone, Debug)]
pub struct DtmfTone {
    sample_rate: f32,
    amplitude: f32,
    /// Both oscillators: the point on a circle, and the rotation of one sample.
    row: Oscillator,
    column: Oscillator,
    pressed: bool,
    /// 0 to 1.
    fade: f32,
}

#[derive(Clone, Copy, Debug)]
struct Oscillator {
    at: (f32, f32),
    step: (f32, f32),
}

impl DtmfTone {
    /// Silent until a key is pressed; then each of both tones has `amplitude`, full scale at 1.
    #[must_use]
    pub fn new(sample_rate: u32, amplitude: f32) -> Self {
        let still = Oscillator { at: (1.0, 0.0), step: (1.0, 0.0) };
        let sample_rate = sample_rate as f32;
        Self { sample_rate, amplitude, row: still, column: still, pressed: false, fade: 0.0 }
    }

    /// `key` sounds from now on.
    pub fn press(&mut self, key: DtmfKey) {
        let (row, column) = key.frequencies();
        self.row.tune(row, self.sample_rate);
        self.column.tune(column, self.sample_rate);
        self.pressed = true;
    }

    /// It falls silent.
    pub const fn release(&mut self) {
        self.pressed = false;
    }

    /// Whether there is anything to hear.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        !self.pressed && self.fade <= 0.0
    }

    /// Adds the tone to `out`.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    pub fn add_to(&mut self, out: &mut [f32]) {
        if self.is_silent() {
            return;
        }
        let step = if self.pressed { FADES_PER_SECOND } else { -FADES_PER_SECOND } / self.sample_rate;
        for sample in out {
            self.fade = (self.fade + step).clamp(0.0, 1.0);
            *sample += self.amplitude * self.fade * (self.row.next() + self.column.next());
        }
        self.row.renormalize();
        self.column.renormalize();
    }
}

impl Oscillator {
    fn tune(&mut self, hertz: u16, sample_rate: f32) {
        let (sin, cos) = (TAU * f32::from(hertz) / sample_rate).sin_cos();
        self.step = (cos, sin);
    }

    fn next(&mut self) -> f32 {
        let ((x, y), (cos, sin)) = (self.at, self.step);
        self.at = (x * cos - y * sin, x * sin + y * cos);
        self.at.1
    }

    /// Rounding makes the circle a spiral, very slowly.
    fn renormalize(&mut self) {
        let (x, y) = self.at;
        let scale = 1.0 / x.hypot(y);
        self.at = (x * scale, y * scale);
    }
}

/// 5 ms each.
const FADES_PER_SECOND: f32 = 200.0;
