//! The three checksums (§5.9): bits of a byte lowest first, registers full of ones.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::ops::Range;

/// A checksum by its length in bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Crc {
    /// 1 + x + x³.
    Three,
    /// 1 + x + x² + x³ + x⁶ + x⁷.
    Seven,
    /// 1 + x + x² + x⁸.
    Eight,
}

impl Crc {
    /// How many wrong headers it lets pass, as bits: one of 2 to the power of this.
    pub(crate) const fn bits(self) -> u32 {
        match self {
            Self::Three => 3,
            Self::Seven => 7,
            Self::Eight => 8,
        }
    }

    const fn start(self) -> u8 {
        match self {
            Self::Three => 0x07,
            Self::Seven => 0x7f,
            Self::Eight => 0xff,
        }
    }

    const fn table(self) -> &'static [u8; 256] {
        const THREE: [u8; 256] = table(0x06);
        const SEVEN: [u8; 256] = table(0x79);
        const EIGHT: [u8; 256] = table(0xe0);
        match self {
            Self::Three => &THREE,
            Self::Seven => &SEVEN,
            Self::Eight => &EIGHT,
        }
    }

    fn go_on(self, crc: u8, bytes: &[u8]) -> u8 {
        let table = self.table();
        bytes.iter().fold(crc, |crc, byte| table.get(usize::from(crc ^ byte)).copied().unwrap_or(0))
    }

    /// Of bytes as they stand.
    pub(crate) fn of(self, bytes: &[u8]) -> u8 {
        self.go_on(self.start(), bytes)
    }

    /// Of bytes of which the one at `zero`, where the checksum itself stands, counts as zero.
    pub(crate) fn of_but(self, bytes: &[u8], zero: usize) -> u8 {
        let (before, rest) = bytes.split_at_checked(zero).unwrap_or((bytes, &[]));
        let crc = self.go_on(self.start(), before);
        match rest.split_first() {
            Some((_, after)) => self.go_on(self.go_on(crc, &[0]), after),
            None => crc,
        }
    }

    /// Of the headers of an uncompressed packet (§5.9.2): first the bytes that hardly change, then those that do.
    pub(crate) fn of_headers(self, headers: &[u8]) -> u8 {
        let v4 = headers.first().is_none_or(|first| first >> 4 == 4);
        let (still, moving) =
            if v4 { (&V4_STILL[..], &V4_MOVING[..]) } else { (&V6_STILL[..], &V6_MOVING[..]) };
        let all = still.iter().chain(moving);
        all.fold(self.start(), |crc, range| {
            let end = range.end.min(headers.len());
            self.go_on(crc, headers.get(range.start..end).unwrap_or_default())
        })
    }
}

/// IPv4 but its lengths, identification and checksum; UDP's ports; RTP's first byte and its sources.
const V4_STILL: [Range<usize>; 5] = [0..2, 6..10, 12..24, 28..29, 36..usize::MAX];
const V4_MOVING: [Range<usize>; 4] = [2..6, 10..12, 24..28, 29..36];
const V6_STILL: [Range<usize>; 4] = [0..4, 6..44, 48..49, 56..usize::MAX];
const V6_MOVING: [Range<usize>; 3] = [4..6, 44..48, 49..56];

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
const fn table(polynomial: u8) -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ polynomial } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]
mod tests {
    use super::Crc;

    #[test]
    fn every_single_bit_that_is_flipped_is_seen() {
        let header = [0x45_u8; 40];
        for crc in [Crc::Three, Crc::Seven, Crc::Eight] {
            for bit in 0..320 {
                let mut other = header;
                other[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(crc.of(&header), crc.of(&other), "{crc:?}, bit {bit}");
                assert_ne!(crc.of_headers(&header), crc.of_headers(&other), "{crc:?}, bit {bit}");
            }
            assert!(u32::from(crc.of(&header)) < 1 << crc.bits());
        }
    }

    #[test]
    fn known_answers_of_the_catalogue_of_checksums() {
        // "123456789", as checksums are usually told: CRC-3/ROHC, CRC-7/ROHC, CRC-8/ROHC.
        for (crc, expected) in [(Crc::Three, 0x6), (Crc::Seven, 0x53), (Crc::Eight, 0xd0)] {
            assert_eq!(crc.of(b"123456789"), expected, "{crc:?}");
        }
    }
}
