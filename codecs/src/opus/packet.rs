//! What a payload carries beside its own sound (RFC 6716 §2.1.7 and §3.2.5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::ffi;

/// The redundancy in a payload.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Carried {
    /// A coarser copy of the frame before (in-band FEC, LBRR).
    pub in_band: bool,
    /// Bytes spent on deep redundancy (DRED); 0 when there is none.
    pub deep_bytes: usize,
}

impl Carried {
    /// Looks into `payload` without decoding it. Bytes that are no payload carry nothing.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor blocks.
    #[must_use]
    pub fn by(payload: &[u8]) -> Self {
        Self { in_band: ffi::has_redundancy(payload), deep_bytes: deep_bytes(payload).unwrap_or(0) }
    }
}

/// Whether `payload` is coded by the transform alone, which has no in-band redundancy (RFC 6716 table 2).
pub(super) fn is_transform_only(payload: &[u8]) -> bool {
    payload.first().is_some_and(|toc| toc & 0x80 != 0)
}

/// The length of the padding, if an extension in it is deep redundancy.
fn deep_bytes(payload: &[u8]) -> Option<usize> {
    let (&[toc, count], mut rest) = payload.split_first_chunk::<2>()?;
    // Padding stands only in packets of code 3, and a bit says whether there is any.
    if toc & 3 != 3 || count & PADDING == 0 {
        return None;
    }
    let mut len = 0_usize;
    loop {
        let (&more, tail) = rest.split_first()?;
        rest = tail;
        len = len.checked_add(usize::from(if more == 255 { 254 } else { more }))?;
        if more != 255 {
            break;
        }
    }
    let padding = rest.get(rest.len().checked_sub(len)?..)?;
    let mut extension = padding;
    // Extensions of later frames stand behind separators: one step, or as many as the next byte says.
    loop {
        match extension {
            [SEPARATOR, tail @ ..] | [SEPARATOR_BY, _, tail @ ..] => extension = tail,
            [id, ..] if id >> 1 == DRED => return Some(len),
            _ => return None,
        }
    }
}

const PADDING: u8 = 0x40;
const SEPARATOR: u8 = 2;
const SEPARATOR_BY: u8 = 3;
/// The number that libopus 1.6 gives deep redundancy until one is assigned.
const DRED: u8 = 126;
