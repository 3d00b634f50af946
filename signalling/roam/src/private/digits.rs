//! Digits two to an octet, the first in the lower half, as SCCP and MAP write numbers.

use arrayvec::ArrayVec;

use crate::{E164, Imsi};

/// Digits as octets: at most 15 of them, and a type in front where there is one.
pub(crate) type Octets = ArrayVec<u8, 9>;

/// `digits` with `filler` in the upper half of the last octet when their number is odd.
pub(crate) fn pack(digits: &str, filler: u8, out: &mut Octets) {
    for pair in digits.as_bytes().chunks(2) {
        let low = pair.first().map_or(0, |digit| digit & 0x0f);
        let high = pair.get(1).map_or(filler, |digit| digit & 0x0f);
        let _ = out.try_push(high << 4 | low);
    }
}

/// TBCD-STRING (3GPP TS 29.002 §17.7.8) of an IMSI.
pub(crate) fn imsi(imsi: &Imsi) -> Octets {
    let mut out = Octets::new();
    pack(imsi.as_str(), FILLER, &mut out);
    out
}

/// ISDN-AddressString (3GPP TS 29.002 §17.7.8): an international number of the ISDN plan.
pub(crate) fn isdn(number: &E164) -> Octets {
    let mut out = Octets::new();
    let _ = out.try_push(INTERNATIONAL_ISDN);
    pack(number.as_str(), FILLER, &mut out);
    out
}

/// The digits of `octets`, up to a filler or `count`; `None` when something else stands there, or more than 15.
pub(crate) fn unpack(octets: &[u8], count: usize) -> Option<arrayvec::ArrayString<15>> {
    let mut digits = arrayvec::ArrayString::new();
    let mut ended = false;
    for half in octets.iter().flat_map(|octet| [octet & 0x0f, octet >> 4]).take(count) {
        match half {
            0..=9 if !ended => digits.try_push(char::from(half | b'0')).ok()?,
            FILLER => ended = true,
            _ => return None,
        }
    }
    Some(digits)
}

/// An IMSI out of its TBCD-STRING.
pub(crate) fn read_imsi(octets: &[u8]) -> Option<Imsi> {
    unpack(octets, usize::MAX)?.parse().ok()
}

/// A number out of its ISDN-AddressString, whatever type it says it is.
pub(crate) fn read_isdn(octets: &[u8]) -> Option<E164> {
    let (&kind, digits) = octets.split_first()?;
    if kind & 0x80 == 0 {
        return None;
    }
    unpack(digits, usize::MAX)?.parse().ok()
}

/// Where the digits end in the middle of an octet.
const FILLER: u8 = 0x0f;

/// No extension, international, ISDN numbering plan.
const INTERNATIONAL_ISDN: u8 = 0x91;
