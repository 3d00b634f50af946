//! Samples as 16-bit integers.

/// The nearest 16-bit sample; beyond full scale clips, not-a-number is silence.
#[inline]
pub(crate) fn quantize(sample: f32) -> i16 {
    let scaled = sample * FULL_SCALE;
    let rounded = (scaled + 0.5_f32.copysign(scaled)) as i32;
    rounded.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// The magnitude of the 16-bit sample that ±1 stands for.
pub(crate) const FULL_SCALE: f32 = 32_768.0;
