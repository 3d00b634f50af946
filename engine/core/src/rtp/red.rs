//! Redundant audio data: several payloads in one packet, older ones first (RFC 2198).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::PayloadType;

/// Bytes of the header in front of each redundant block.
pub const RED_HEADER_BYTES: usize = 4;
/// Bytes of the header in front of the primary block, the last one.
pub const RED_PRIMARY_HEADER_BYTES: usize = 1;
/// The furthest back a redundant block can reach, in ticks of the media clock: 14 bits.
pub const RED_MAX_OFFSET: u32 = 0x3fff;
/// The longest redundant block: 10 bits.
pub const RED_MAX_BLOCK: usize = 0x3ff;
/// Blocks that are looked at in one packet, the primary one included.
pub const RED_MAX_BLOCKS: usize = 16;

/// One payload of a RED packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RedBlock<'a> {
    /// What it is.
    pub payload_type: PayloadType,
    /// How many ticks before the packet's timestamp it begins; 0 for the primary block.
    pub offset: u32,
    /// Its bytes; possibly none.
    pub payload: &'a [u8],
}

/// A checked RED payload: if you hold one, all its blocks lie within it.
#[derive(Clone, Copy, Debug)]
pub struct RedView<'a> {
    headers: &'a [u8],
    bodies: &'a [u8],
    primary: RedBlock<'a>,
}

/// Why a payload is not RED.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RedError {
    /// It ends within its headers, or they promise more bytes than there are.
    #[error("truncated RED payload of {0} bytes")]
    Truncated(usize),
    /// It has more than [`RED_MAX_BLOCKS`] blocks.
    #[error("a RED payload of more than {RED_MAX_BLOCKS} blocks")]
    TooManyBlocks,
}

impl<'a> RedView<'a> {
    /// # Errors
    ///
    /// [`RedError`] if the blocks do not fit into `payload`.
    pub fn parse(payload: &'a [u8]) -> Result<Self, RedError> {
        let truncated = || RedError::Truncated(payload.len());
        let (mut rest, mut bodies_len) = (payload, 0_usize);
        for blocks in 0..RED_MAX_BLOCKS {
            let (&first, after) = rest.split_first().ok_or_else(truncated)?;
            if first & MORE == 0 {
                let redundant = after.get(..bodies_len).ok_or_else(truncated)?;
                let primary = after.get(bodies_len..).ok_or_else(truncated)?;
                let headers = payload.get(..blocks.saturating_mul(RED_HEADER_BYTES)).ok_or_else(truncated)?;
                let payload_type = PayloadType::from_header(first);
                return Ok(Self {
                    headers,
                    bodies: redundant,
                    primary: RedBlock { payload_type, offset: 0, payload: primary },
                });
            }
            let (header, after) = rest.split_first_chunk::<RED_HEADER_BYTES>().ok_or_else(truncated)?;
            bodies_len = bodies_len.saturating_add(fields(*header).2);
            rest = after;
        }
        Err(RedError::TooManyBlocks)
    }

    /// The block that is not redundant.
    #[must_use]
    pub const fn primary(&self) -> RedBlock<'a> {
        self.primary
    }

    /// The redundant blocks, in the order they stand in, which is the oldest first by custom.
    pub fn redundant(&self) -> impl Iterator<Item = RedBlock<'a>> + use<'a> {
        let mut bodies = self.bodies;
        self.headers.as_chunks::<RED_HEADER_BYTES>().0.iter().map(move |header| {
            let (payload_type, offset, len) = fields(*header);
            let (payload, rest) = bodies.split_at_checked(len).unwrap_or_default();
            bodies = rest;
            RedBlock { payload_type, offset, payload }
        })
    }
}

/// Writes the header of a redundant block: `None` when offset or length do not fit.
#[must_use]
pub fn red_header(payload_type: PayloadType, offset: u32, len: usize) -> Option<[u8; RED_HEADER_BYTES]> {
    if offset > RED_MAX_OFFSET || len > RED_MAX_BLOCK {
        return None;
    }
    let len = u32::try_from(len).ok()?;
    let word = (u32::from(MORE | payload_type.number()) << 24) | (offset << 10) | len;
    Some(word.to_be_bytes())
}

/// The header of the primary block.
#[must_use]
pub const fn red_primary_header(payload_type: PayloadType) -> u8 {
    payload_type.number()
}

fn fields(header: [u8; RED_HEADER_BYTES]) -> (PayloadType, u32, usize) {
    let word = u32::from_be_bytes(header);
    let len = usize::try_from(word & 0x3ff).unwrap_or(0);
    (PayloadType::from_header((word >> 24) as u8), (word >> 10) & RED_MAX_OFFSET, len)
}

/// Set in every block header but the primary one's.
const MORE: u8 = 0x80;

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn write(blocks: &[(u32, Vec<u8>)], primary: &[u8]) -> Vec<u8> {
        let number = PayloadType::from_header(111);
        let mut out = Vec::new();
        for (offset, body) in blocks {
            out.extend(red_header(number, *offset, body.len()).unwrap());
        }
        out.push(red_primary_header(number));
        blocks.iter().for_each(|(_, body)| out.extend(body));
        out.extend(primary);
        out
    }

    #[test]
    fn the_layout_is_that_of_rfc2198_section_3() {
        let out = write(&[(960, vec![7, 8])], &[9]);
        // F=1, PT=111; offset 960 in 14 bits, length 2 in 10; F=0, PT=111; then the bodies.
        assert_eq!(out, [0xef, 0x0f, 0x00, 0x02, 0x6f, 7, 8, 9]);
        assert!(red_header(PayloadType::from_header(0), 0x4000, 0).is_none());
        assert!(red_header(PayloadType::from_header(0), 0, 0x400).is_none());
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            blocks in vec((0_u32..=RED_MAX_OFFSET, vec(any::<u8>(), 0..200)), 0..RED_MAX_BLOCKS),
            primary in vec(any::<u8>(), 0..200),
        ) {
            let out = write(&blocks, &primary);
            let view = RedView::parse(&out).unwrap();
            prop_assert_eq!(view.primary().payload, &primary[..]);
            let read: Vec<_> = view.redundant().map(|b| (b.offset, b.payload.to_vec())).collect();
            prop_assert_eq!(read, blocks);
        }

        #[test]
        fn nothing_makes_it_panic_or_invent_bytes(bytes in vec(any::<u8>(), 0..300)) {
            if let Ok(view) = RedView::parse(&bytes) {
                let total: usize = view.redundant().map(|b| b.payload.len()).sum();
                prop_assert!(total.saturating_add(view.primary().payload.len()) < bytes.len());
            }
        }
    }
}
