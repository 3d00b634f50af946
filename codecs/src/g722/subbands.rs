//! Both sub-bands of G.722 together: one byte for two samples (ITU-T G.722 §3, mode 1).

use super::band::{Band, saturate};

/// The state of an encoder, and of a decoder.
#[derive(Clone, Debug)]
pub(super) struct Subbands {
    low: Band,
    high: Band,
}

impl Subbands {
    pub(super) const fn new() -> Self {
        Self { low: Band::new(32), high: Band::new(8) }
    }

    /// Codes one sample of each band (§3.2 to §3.5): two bits for the higher, six for the lower one.
    pub(super) fn encode(&mut self, low: i32, high: i32) -> u8 {
        let code = self.quantize(low, high);
        self.adapt(code);
        code
    }

    /// The code that one sample of each band would get, without going on.
    pub(super) fn quantize(&self, low: i32, high: i32) -> u8 {
        self.quantize_high(high) << 6 | self.quantize_low(low)
    }

    /// The sample of each band that `code` stands for (§4).
    pub(super) fn decode(&mut self, code: u8) -> (i32, i32) {
        let limit = |value: i32| value.clamp(-16_384, 16_383);
        let low = self.low.inverse(SIX_BIT[usize::from(code & 63)]);
        let high = self.high.inverse(TWO_BIT[usize::from(code >> 6)]);
        let out = (limit(self.low.estimate() + low), limit(self.high.estimate() + high));
        self.adapt(code);
        out
    }

    /// The lower band adapts by four of its six bits alone, so that the others may be taken for data (§2.2).
    fn adapt(&mut self, code: u8) {
        let four = usize::from(code & 63) >> 2;
        let difference = self.low.inverse(FOUR_BIT[four]);
        // Codes mirror at the middle: 8 to 15 are above zero, loudest first.
        let weight = match four {
            0 | 15 => LOW_WEIGHTS[0],
            1..=7 => LOW_WEIGHTS[8 - four],
            _ => LOW_WEIGHTS[15 - four],
        };
        self.low.adapt(difference, weight, 18_432, 8);
        let two = usize::from(code >> 6);
        let difference = self.high.inverse(TWO_BIT[two]);
        self.high.adapt(difference, HIGH_WEIGHTS[two & 1], 22_528, 10);
    }

    /// QUANTL.
    fn quantize_low(&self, sample: i32) -> u8 {
        let difference = self.low.difference(sample);
        let size = magnitude(difference);
        let step = self.low.step();
        let level = DECISIONS.iter().take_while(|&&decision| size >= (decision * step) >> 12).count() as u8;
        match (difference < 0, level) {
            (true, level @ 0..=1) => 63 - level,
            (true, level) => 33 - level,
            (false, level) => 61 - level,
        }
    }

    /// QUANTH.
    fn quantize_high(&self, sample: i32) -> u8 {
        let difference = self.high.difference(sample);
        let outer = magnitude(difference) >= (564 * self.high.step()) >> 12;
        match (difference < 0, outer) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        }
    }
}

/// The distance from zero; below zero one less.
const fn magnitude(difference: i32) -> i32 {
    if difference < 0 { saturate(-(difference + 1)) } else { difference }
}

/// Decision levels of the lower band's quantizer (table 17, Q6); beyond the last is one more interval.
const DECISIONS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121,
    1_219, 1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];

/// Output levels of the lower band by all six bits (table 18, QQ6).
const SIX_BIT: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232,
    -9_360, -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776,
    -2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280,
    11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168,
    2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432, 136, -432, -136,
];

/// Output levels of the lower band by its first four bits (table 18, QQ4).
const FOUR_BIT: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584,
    1_200, 0,
];

/// Output levels of the higher band (table 18, QQ2).
const TWO_BIT: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];

/// How the logarithm of the step moves, from the quietest code to the loudest (table 19, WL).
const LOW_WEIGHTS: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1_198, 3_042];

/// The same for the outer and the inner codes of the higher band (table 19, WH).
const HIGH_WEIGHTS: [i32; 2] = [798, -214];
