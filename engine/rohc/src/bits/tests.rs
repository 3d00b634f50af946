#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use proptest::prelude::*;

use super::*;

#[test]
fn intervals_lie_as_section_5_7_has_them() {
    let cases = [
        ("SN of 4 bits: one before, fourteen after", Number::Sn, 4, 1, 14),
        ("SN of 6 bits", Number::Sn, 6, 1, 62),
        ("SN of 9 bits", Number::Sn, 9, 15, 496),
        ("SN of 14 bits", Number::Sn, 14, 511, 15_872),
        ("TS of 5 bits", Number::Ts, 5, 7, 24),
        ("TS of 6 bits", Number::Ts, 6, 15, 48),
        ("IP-ID never goes back", Number::IpId, 5, 0, 31),
    ];
    for (what, number, bits, before, after) in cases {
        let reference = 1_000_u32;
        assert!(number.fits(reference - before, reference, bits), "{what}");
        assert!(!number.fits(reference - before - 1, reference, bits), "{what}");
        assert!(number.fits(reference + after, reference, bits), "{what}");
        assert!(!number.fits(reference + after + 1, reference, bits), "{what}");
    }
}

#[test]
fn self_describing_numbers_are_as_long_as_section_4_5_6_says() {
    let cases = [(0x7f, vec![0x7f]), (0x80, vec![0x80, 0x80]), (0x3fff, vec![0xbf, 0xff])];
    let longer = [(0x4000, vec![0xc0, 0x40, 0]), (0x20_0000, vec![0xe0, 0x20, 0, 0])];
    for (value, expected) in cases.into_iter().chain(longer) {
        let mut out = Vec::new();
        write_sdvl(value, width(value), &mut out);
        assert_eq!(out, expected);
        assert_eq!(Reader::new(&out, "number").sdvl().unwrap().0, value);
    }
}

proptest! {
    #[test]
    fn whatever_fits_is_understood(value: u16, reference: u16, bits in 1_u32..16, which in 0..3_usize) {
        let number: Number = [Number::Sn, Number::Ts, Number::IpId][which];
        if number.fits(value.into(), reference.into(), bits) {
            let lsb = Lsb { value: u32::from(value) & mask(bits), count: bits };
            prop_assert_eq!(number.decode(lsb, reference.into()), u32::from(value));
        }
    }
}
