//! The payload: a level and reflection coefficients (RFC 3389 §3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::CodecError;

/// Coefficients kept of a payload; what a sender says beyond them is too fine to be heard in noise, and the standard lets a
/// receiver leave it out (RFC 3389 §3.3).
pub const HIGHEST_ORDER: usize = 12;

/// Level and spectrum of a background noise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NoiseParameters {
    level: u8,
    order: u8,
    codes: [u8; HIGHEST_ORDER],
}

impl NoiseParameters {
    /// A noise of `mean_square` (full scale at 1) shaped by `reflections`, each between −1 and 1, of which as many as
    /// [`HIGHEST_ORDER`] are kept. Those are the coefficients kᵢ of the recursion that ends in the prediction error filter
    /// 1 + Σ aᵢ z⁻ⁱ with a₁ = k₁: a noise of low frequencies has a negative first one.
    #[must_use]
    pub fn new(mean_square: f32, reflections: &[f32]) -> Self {
        let mut parameters = Self { level: level(mean_square), ..Self::default() };
        for (code, &reflection) in parameters.codes.iter_mut().zip(reflections) {
            *code = quantize(reflection);
            parameters.order = parameters.order.saturating_add(1);
        }
        parameters
    }

    /// Reads a payload. The bit before the level is reserved and ignored.
    ///
    /// # Errors
    ///
    /// [`CodecError::Payload`] when it is empty.
    pub fn parse(payload: &[u8]) -> Result<Self, CodecError> {
        let Some((&level, codes)) = payload.split_first() else { return Err(CodecError::Payload { len: 0 }) };
        let mut parameters = Self { level: level & 0x7f, ..Self::default() };
        for (to, &code) in parameters.codes.iter_mut().zip(codes) {
            *to = code;
            parameters.order = parameters.order.saturating_add(1);
        }
        Ok(parameters)
    }

    /// Writes the payload into the front of `out` and answers its length.
    ///
    /// # Errors
    ///
    /// [`CodecError::OutputTooSmall`].
    pub fn write(&self, out: &mut [u8]) -> Result<usize, CodecError> {
        let codes = self.codes();
        let need = codes.len().saturating_add(1);
        let have = out.len();
        let Some((level, rest)) = out.get_mut(..need).and_then(<[u8]>::split_first_mut) else {
            return Err(CodecError::OutputTooSmall { need, have });
        };
        *level = self.level;
        rest.copy_from_slice(codes);
        Ok(need)
    }

    /// The level below overload, in dB (−dBov), 0 to 127; a square wave at full scale has 0.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// The mean square that the level means, full scale at 1.
    #[must_use]
    pub fn mean_square(&self) -> f32 {
        10.0_f32.powf(-f32::from(self.level) / 10.0)
    }

    /// The reflection coefficients; none for white noise.
    pub fn reflections(&self) -> impl Iterator<Item = f32> {
        self.codes().iter().map(|&code| reflection(code))
    }

    fn codes(&self) -> &[u8] {
        self.codes.get(..usize::from(self.order)).unwrap_or_default()
    }
}

/// Rounds to whole dB; below what there is a number for is the quietest.
fn level(mean_square: f32) -> u8 {
    // NaN becomes the quietest, too.
    (-10.0 * mean_square.max(1e-13).log10()).round().clamp(0.0, 127.0) as u8
}

/// RFC 3389 §3.2: kᵢ = 258 · (Nᵢ − 127) / 32 768, where Nᵢ is 0 to 254; 255 is reserved, and read as the highest.
fn reflection(code: u8) -> f32 {
    258.0 * (f32::from(code.min(254)) - 127.0) / 32_768.0
}

fn quantize(reflection: f32) -> u8 {
    (reflection * 32_768.0 / 258.0 + 127.0).round().clamp(0.0, 254.0) as u8
}
