//! The two companding laws of G.711, on 16-bit samples.
//!
//! The standard counts 14-bit (µ) and 13-bit (A) values; both are the upper bits of the 16-bit samples used here.

use crate::pcm::FULL_SCALE;

/// A companding law. Sealed: there are two.
pub trait Law: sealed::Sealed + Send + 'static {
    /// Its name.
    const NAME: &'static str;

    /// The sample each code stands for, full scale at ±1.
    const SAMPLES: &'static [f32; 256];

    /// The code of the quantizing interval that `sample` lies in.
    fn compress(sample: i16) -> u8;
}

/// µ-law (ITU-T G.711, table 2).
#[derive(Clone, Copy, Debug)]
pub enum MuLaw {}

/// A-law (ITU-T G.711, table 1).
#[derive(Clone, Copy, Debug)]
pub enum ALaw {}

impl Law for MuLaw {
    const NAME: &'static str = "PCMU";
    const SAMPLES: &'static [f32; 256] = &table(Table::Mu);

    #[inline]
    fn compress(sample: i16) -> u8 {
        let (sign, magnitude) = split(sample);
        let code = segment_and_interval((magnitude + MU_BIAS).min(0x7fff));
        !(sign | code as u8)
    }
}

impl MuLaw {
    const fn expand(code: u8) -> i16 {
        let code = !code;
        let segment = (code >> 4) & 7;
        let magnitude = ((((code & 0x0f) as i16) << 3) + MU_BIAS as i16) << segment;
        if code & 0x80 == 0 { magnitude - MU_BIAS as i16 } else { MU_BIAS as i16 - magnitude }
    }
}

impl Law for ALaw {
    const NAME: &'static str = "PCMA";
    const SAMPLES: &'static [f32; 256] = &table(Table::A);

    #[inline]
    fn compress(sample: i16) -> u8 {
        let (sign, magnitude) = split(sample);
        // Segments 0 and 1 have the same step; below 256 there is no leading one to find.
        let code = if magnitude < 0x100 { magnitude >> 4 } else { segment_and_interval(magnitude) };
        ((0x80 ^ sign) | code as u8) ^ A_TOGGLE
    }
}

impl ALaw {
    const fn expand(code: u8) -> i16 {
        let code = code ^ A_TOGGLE;
        let interval = ((code & 0x0f) as i16) << 4;
        let magnitude = match (code >> 4) & 7 {
            0 => interval + 0x08,
            segment => (interval + 0x108) << (segment - 1),
        };
        if code & 0x80 == 0 { -magnitude } else { magnitude }
    }
}

/// The sign bit and the distance from zero; below zero one less, so that −1 is the quietest negative value.
#[inline]
const fn split(sample: i16) -> (u8, i32) {
    let below = sample >> 15;
    ((below & 0x80) as u8, (sample ^ below) as i32)
}

/// Where the leading one of `value`, 128 to 32 767, stands above bit 7, and the four bits below it.
///
/// These are the exponent and the first bits of the mantissa of the same number as a float, where they are found without a
/// branch or a count of zeros, in several samples at once.
#[inline]
const fn segment_and_interval(value: i32) -> i32 {
    ((value as f32).to_bits() >> 19) as i32 - (EXPONENT_OF_128 << 4)
}

const fn table(law: Table) -> [f32; 256] {
    let mut samples = [0.0; 256];
    let mut code = 0;
    while code < samples.len() {
        let sample = match law {
            Table::Mu => MuLaw::expand(code as u8),
            Table::A => ALaw::expand(code as u8),
        };
        samples[code] = sample as f32 / FULL_SCALE;
        code += 1;
    }
    samples
}

/// Which law a table is for; a `const fn` cannot be generic over a trait's function.
#[derive(Clone, Copy)]
enum Table {
    Mu,
    A,
}

/// Added before taking the logarithm, so that the lowest segment is linear: 33 of 14 bits.
const MU_BIAS: i32 = 33 << 2;

/// How an IEEE 754 single says 2⁷.
const EXPONENT_OF_128: i32 = 127 + 7;

/// Every other bit is inverted on the line (G.711 table 1, note 2), against long runs of zeros.
const A_TOGGLE: u8 = 0x55;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::MuLaw {}
    impl Sealed for super::ALaw {}
}
