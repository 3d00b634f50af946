//! As much of ASN.1's distinguished encoding as one certificate needs, to read and to write.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Takes the next element off the front of `bytes`: its tag, its content, and the whole of it.
pub(super) fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8], &'a [u8])> {
    let whole = *bytes;
    let (&[tag, first], rest) = whole.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (told, rest) = rest.split_at_checked(usize::from(first & 3))?;
            (told.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    let element = whole.get(..whole.len().saturating_sub(rest.len()))?;
    Some((tag, content, element))
}

/// The content of the next element, which must have `tag`.
pub(super) fn expect<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let mut ahead = *bytes;
    let (found, content, _) = next(&mut ahead)?;
    *bytes = ahead;
    (found == tag).then_some(content)
}

/// Writes an element with `content`.
pub(super) fn element(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    match u16::try_from(content.len()) {
        Ok(length @ 0..=0x7f) => out.extend(length.to_be_bytes().iter().skip(1)),
        Ok(length @ 0x80..=0xff) => out.extend([0x81].iter().chain(length.to_be_bytes().iter().skip(1))),
        Ok(length) => out.extend([0x82].iter().chain(&length.to_be_bytes())),
        // No certificate of this program comes near.
        Err(_) => out.push(0),
    }
    out.extend(content);
}

/// Writes an element with what `write` writes.
pub(super) fn nested(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    element(out, tag, &inner);
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const UTF8: u8 = 0x0c;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERAL_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// The explicit tag 0 around a certificate's version.
pub(super) const VERSION: u8 = 0xa0;

pub(super) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(super) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
pub(super) const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(super) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
