//! Loss run-length encoding (RFC 3611 §4.1): one bit for each packet, in chunks.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{SeqNumber, Ssrc};

/// A loss RLE block: for each packet from `begin` up to but without `end`, whether it was received.
#[derive(Clone, Copy, Debug)]
pub struct LossRle<'a> {
    /// Whose packets.
    pub ssrc: Ssrc,
    /// The first packet.
    pub begin: SeqNumber,
    /// One past the last.
    pub end: SeqNumber,
    /// Only every 2ᵗʰⁱⁿⁿⁱⁿᵍth packet is told about: those whose number is a multiple of it. 0 to 15.
    pub thinning: u8,
    chunks: &'a [[u8; 2]],
}

impl<'a> LossRle<'a> {
    pub(super) fn read(specific: u8, body: &'a [u8]) -> Option<Self> {
        let (&[s0, s1, s2, s3, b0, b1, e0, e1], chunks) = body.split_first_chunk::<8>()?;
        Some(Self {
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            begin: SeqNumber(u16::from_be_bytes([b0, b1])),
            end: SeqNumber(u16::from_be_bytes([e0, e1])),
            thinning: specific & THINNING,
            chunks: chunks.as_chunks().0,
        })
    }

    /// Each packet told about, and whether it was received; at most 65 535.
    ///
    /// Ends early where the chunks do: what is not told is not invented.
    pub fn fates(&self) -> impl Iterator<Item = (SeqNumber, bool)> + use<'a> {
        let step = 1_u32.checked_shl(self.thinning.into()).unwrap_or(1);
        let len = u32::from(self.end.0.wrapping_sub(self.begin.0));
        let first = u32::from(self.begin.0).next_multiple_of(step).wrapping_sub(self.begin.0.into());
        let begin = self.begin;
        let offsets = (first..len).step_by(usize::try_from(step).unwrap_or(1));
        offsets.zip(bits(self.chunks)).map(move |(offset, bit)| (begin.plus((offset & 0xffff) as u16), bit))
    }
}

/// What the chunks say, one bit a packet, up to the null chunk.
fn bits(chunks: &[[u8; 2]]) -> impl Iterator<Item = bool> + use<'_> {
    chunks
        .iter()
        .map(|bytes| Chunk::read(u16::from_be_bytes(*bytes)))
        .take_while(|chunk| *chunk != Chunk::Run { received: false, len: 0 })
        .flat_map(Chunk::bits)
}

/// Sixteen bits of run-length encoding (RFC 3611 §4.1.1 and §4.1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chunk {
    /// The same fate `len` times; of length 0 it is the null chunk (§4.1.3).
    Run { received: bool, len: u16 },
    /// Fifteen fates, the first in the most significant of the 15 bits.
    Vector(u16),
}

impl Chunk {
    const fn read(chunk: u16) -> Self {
        if chunk & VECTOR == 0 {
            Self::Run { received: chunk & RECEIVED != 0, len: chunk & LONGEST_RUN }
        } else {
            Self::Vector(chunk & !VECTOR)
        }
    }

    pub(super) const fn write(self) -> u16 {
        match self {
            Self::Run { received, len } => (if received { RECEIVED } else { 0 }) | (len & LONGEST_RUN),
            Self::Vector(bits) => VECTOR | bits,
        }
    }

    fn bits(self) -> impl Iterator<Item = bool> {
        let len = match self {
            Self::Run { len, .. } => len,
            Self::Vector(_) => VECTOR_BITS,
        };
        (1..=len).map(move |nth| match self {
            Self::Run { received, .. } => received,
            Self::Vector(bits) => {
                bits.checked_shr(VECTOR_BITS.saturating_sub(nth).into()).unwrap_or(0) & 1 == 1
            }
        })
    }

    /// The chunk that tells the beginning of `fates` best, and how many of them it tells. `None` when there are none.
    pub(super) fn of(fates: &(impl Iterator<Item = bool> + Clone)) -> Option<(Self, usize)> {
        let mut rest = fates.clone();
        let received = rest.next()?;
        let run = 1_usize.saturating_add(
            rest.by_ref()
                .take(usize::from(LONGEST_RUN).saturating_sub(1))
                .take_while(|fate| *fate == received)
                .count(),
        );
        let all = fates.clone().nth(run).is_none();
        if all || run >= usize::from(VECTOR_BITS) {
            return Some((Self::Run { received, len: u16::try_from(run).unwrap_or(LONGEST_RUN) }, run));
        }
        let mut bits = 0_u16;
        let mut fates = fates.clone();
        for _ in 0..VECTOR_BITS {
            bits = (bits << 1) | u16::from(fates.next().unwrap_or(false));
        }
        Some((Self::Vector(bits), VECTOR_BITS.into()))
    }
}

/// A vector chunk.
const VECTOR: u16 = 0x8000;
/// A run of received packets.
const RECEIVED: u16 = 0x4000;
const LONGEST_RUN: u16 = 0x3fff;
const VECTOR_BITS: u16 = 15;
const THINNING: u8 = 0x0f;
/// Packets one block can tell about (RFC 3611 §4.1: 65 534).
pub(super) const MOST_PACKETS: usize = 65_534;
