//! One sub-band of G.722: a quantizer whose step adapts, around a predictor that adapts (ITU-T G.722 §3 and §6.2).
//!
//! The names in parentheses are those of the blocks of §6.2. All numbers are 16-bit integers with the standard's binary
//! points, held in `i32` so that a product fits.

/// What encoder and decoder keep of a sub-band; both follow the same steps, so that they agree.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// Signal estimate, and its part from the zeros of the predictor (SL, SZL).
    estimate: i32,
    from_zeros: i32,
    /// Reconstructed signals and partially reconstructed ones, newest first (RLT, PLT).
    reconstructed: [i32; 2],
    partial: [i32; 2],
    /// Quantized differences, newest first (DLT).
    differences: [i32; 6],
    /// Coefficients of the poles and of the zeros (AL, BL).
    poles: [i32; 2],
    zeros: [i32; 6],
    /// Logarithm of the quantizer's step, and the step (NBL, DETL).
    log_step: i32,
    step: i32,
}

impl Band {
    /// A band at rest whose quantizer's step is `step` (table 15: 32 for the lower, 8 for the higher band).
    pub(super) const fn new(step: i32) -> Self {
        Self {
            estimate: 0,
            from_zeros: 0,
            reconstructed: [0; 2],
            partial: [0; 2],
            differences: [0; 6],
            poles: [0; 2],
            zeros: [0; 6],
            log_step: 0,
            step,
        }
    }

    /// How much `sample` differs from what was expected (SUBTRA).
    pub(super) const fn difference(&self, sample: i32) -> i32 {
        saturate(sample - self.estimate)
    }

    pub(super) const fn estimate(&self) -> i32 {
        self.estimate
    }

    pub(super) const fn step(&self) -> i32 {
        self.step
    }

    /// The difference that a quantizer's output `level` stands for (INVQAL, INVQAH).
    pub(super) const fn inverse(&self, level: i32) -> i32 {
        (self.step * level) >> 15
    }

    /// Adapts step and predictor to the quantized `difference`, whose code moves the logarithm of the step by `weight`, no
    /// further than to `highest`; `shift` is the step's scale (LOGSCL to PREDIC).
    pub(super) fn adapt(&mut self, difference: i32, weight: i32, highest: i32, shift: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + weight).clamp(0, highest);
        let mantissa = ANTILOG[((self.log_step >> 6) & 31) as usize];
        let exponent = shift - (self.log_step >> 11);
        let step = if exponent < 0 { mantissa << -exponent } else { mantissa >> exponent };
        self.step = step << 2;

        let reconstructed = saturate(self.estimate + difference);
        let partial = saturate(self.from_zeros + difference);
        self.adapt_poles(partial);
        self.adapt_zeros(difference);
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.predict();
    }

    /// UPPOL2 and UPPOL1: sign-sign gradient steps, kept stable.
    fn adapt_poles(&mut self, partial: i32) {
        let same = |other: i32| (partial < 0) == (other < 0);
        let [first, second] = self.poles;
        let pull = saturate(first << 2);
        let pull = if same(self.partial[0]) { saturate(-pull) } else { pull };
        let nudge = if same(self.partial[1]) { 128 } else { -128 };
        let second = (nudge + (pull >> 7) + ((second * 32_512) >> 15)).clamp(-12_288, 12_288);
        let nudge = if same(self.partial[0]) { 192 } else { -192 };
        let limit = saturate(15_360 - second);
        let first = saturate(nudge + ((first * 32_640) >> 15)).clamp(-limit, limit);
        self.poles = [first, second];
    }

    /// UPZERO.
    fn adapt_zeros(&mut self, difference: i32) {
        for (zero, &before) in self.zeros.iter_mut().zip(&self.differences) {
            let nudge = match difference {
                0 => 0,
                _ if (difference < 0) == (before < 0) => 128,
                _ => -128,
            };
            *zero = saturate(nudge + ((*zero * 32_640) >> 15));
        }
    }

    /// FILTEP, FILTEZ and PREDIC.
    fn predict(&mut self) {
        let tap = |coefficient: i32, value: i32| (coefficient * saturate(2 * value)) >> 15;
        let from_poles: i32 = self.poles.iter().zip(&self.reconstructed).map(|(&c, &v)| tap(c, v)).sum();
        let from_zeros: i32 = self.zeros.iter().zip(&self.differences).map(|(&c, &v)| tap(c, v)).sum();
        self.from_zeros = saturate(from_zeros);
        self.estimate = saturate(saturate(from_poles) + self.from_zeros);
    }
}

/// The nearest 16-bit number.
pub(super) const fn saturate(value: i32) -> i32 {
    if value > 32_767 {
        32_767
    } else if value < -32_768 {
        -32_768
    } else {
        value
    }
}

/// 2 048 · 2^(n/32) (table 16, ILA's mantissas).
const ANTILOG: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774,
    2_834, 2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838,
    3_922, 4_008,
];
