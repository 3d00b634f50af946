//! Extended reports (RFC 3611): what became of each packet, and how a voice sounds on the way.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod loss;
mod metrics;
mod write;

#[cfg(test)]
mod tests;

use rove_base::{NtpTime, Ssrc};

pub use loss::LossRle;
pub use metrics::{StatisticsSummary, Ttl, VoipMetrics};
pub use write::{ExtendedReport, write_extended_report};

/// Block types (RFC 3611 §4).
mod block {
    pub(super) const LOSS_RLE: u8 = 1;
    pub(super) const REFERENCE_TIME: u8 = 4;
    pub(super) const DLRR: u8 = 5;
    pub(super) const STATISTICS: u8 = 6;
    pub(super) const VOIP_METRICS: u8 = 7;
}

/// The report blocks of an extended report, borrowed from the buffer they arrived in.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedBlocks<'a>(pub(super) &'a [u8]);

impl<'a> ExtendedBlocks<'a> {
    /// The blocks in order. Ends at a block that runs over the end of its packet; [`super::parse`] refuses such packets.
    pub fn iter(&self) -> impl Iterator<Item = ExtendedBlock<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (raw, after) = split(rest)?;
            rest = after;
            Some(ExtendedBlock::read(&raw))
        })
    }

    /// Whether the blocks fill the packet to its last byte.
    pub(super) fn are_whole(&self) -> bool {
        let mut rest = self.0;
        while let Some((_, after)) = split(rest) {
            rest = after;
        }
        rest.is_empty()
    }
}

/// One block of an extended report.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ExtendedBlock<'a> {
    /// What became of each packet of a stretch (RFC 3611 §4.1).
    LossRle(LossRle<'a>),
    /// When a receiver sent this (RFC 3611 §4.4).
    ReferenceTime(NtpTime),
    /// What is needed for the round trip of those who told their time (RFC 3611 §4.5).
    Dlrr(DlrrItems<'a>),
    /// Sums over a stretch (RFC 3611 §4.6).
    Statistics(StatisticsSummary),
    /// How a call sounds (RFC 3611 §4.7).
    VoipMetrics(VoipMetrics),
    /// A type that is not read here, or whose length is not the one it must have.
    Unknown {
        /// Its number.
        block_type: u8,
    },
}

impl<'a> ExtendedBlock<'a> {
    fn read(raw: &Raw<'a>) -> Self {
        let &Raw { block_type, specific, body } = raw;
        let known = match block_type {
            block::LOSS_RLE => LossRle::read(specific, body).map(Self::LossRle),
            block::REFERENCE_TIME => <&[u8; 8]>::try_from(body)
                .ok()
                .map(|ntp| Self::ReferenceTime(NtpTime(u64::from_be_bytes(*ntp)))),
            block::DLRR => match body.as_chunks::<{ Dlrr::BYTES }>() {
                (items, []) => Some(Self::Dlrr(DlrrItems(items))),
                _ => None,
            },
            block::STATISTICS => StatisticsSummary::read(specific, body).map(Self::Statistics),
            block::VOIP_METRICS => VoipMetrics::read(body).map(Self::VoipMetrics),
            _ => None,
        };
        known.unwrap_or(Self::Unknown { block_type })
    }
}

/// The items of a DLRR block.
#[derive(Clone, Copy, Debug)]
pub struct DlrrItems<'a>(&'a [[u8; Dlrr::BYTES]]);

impl<'a> DlrrItems<'a> {
    /// The items in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Dlrr> + use<'a> {
        self.0.iter().map(Dlrr::from_bytes)
    }
}

/// When a receiver's [`ExtendedBlock::ReferenceTime`] was last heard (RFC 3611 §4.5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dlrr {
    /// Who told its time.
    pub ssrc: Ssrc,
    /// Middle 32 bits of that time; zero when there was none.
    pub last_rr: u32,
    /// Time since it arrived, in units of 1/65 536 s; zero when there was none.
    pub delay_since_last_rr: u32,
}

impl Dlrr {
    const BYTES: usize = 12;

    const fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [s0, s1, s2, s3, l0, l1, l2, l3, d0, d1, d2, d3] = *bytes;
        Self {
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            last_rr: u32::from_be_bytes([l0, l1, l2, l3]),
            delay_since_last_rr: u32::from_be_bytes([d0, d1, d2, d3]),
        }
    }
}

/// One block, cut out of its packet.
struct Raw<'a> {
    block_type: u8,
    /// The byte whose meaning depends on the type.
    specific: u8,
    body: &'a [u8],
}

/// Splits the first block off.
fn split(bytes: &[u8]) -> Option<(Raw<'_>, &[u8])> {
    let (&[block_type, specific, words_hi, words_lo], after) = bytes.split_first_chunk::<4>()?;
    let len = usize::from(u16::from_be_bytes([words_hi, words_lo])).saturating_mul(4);
    let (body, rest) = after.split_at_checked(len)?;
    Some((Raw { block_type, specific, body }, rest))
}
