//! Writes extended reports, block by block.

use rove_base::{NtpTime, SeqNumber, Ssrc};

use super::{
    Dlrr, StatisticsSummary, VoipMetrics, block,
    loss::{Chunk, MOST_PACKETS},
    metrics::range,
};
use crate::rtcp::{kind, write::packet};

/// Appends an extended report of `ssrc` with the blocks that `fill` adds, to be sent behind
/// [`crate::rtcp::write_report`] in the same compound (RFC 3611 §2).
///
/// Allocates only when `out` has to grow.
pub fn write_extended_report(out: &mut Vec<u8>, ssrc: Ssrc, fill: impl FnOnce(&mut ExtendedReport<'_>)) {
    packet(out, kind::EXTENDED_REPORT, 0, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        fill(&mut ExtendedReport(out));
    });
}

/// An extended report that is being written.
#[derive(Debug)]
pub struct ExtendedReport<'a>(&'a mut Vec<u8>);

impl ExtendedReport<'_> {
    /// What became of the packets of `ssrc` from `begin` on, one by one (RFC 3611 §4.1); at most 65 534 are told.
    pub fn loss_rle(&mut self, ssrc: Ssrc, begin: SeqNumber, fates: impl Iterator<Item = bool> + Clone) {
        let mut rest = fates.take(MOST_PACKETS);
        let len = rest.clone().count() as u16;
        self.block(block::LOSS_RLE, 0, |out| {
            out.extend_from_slice(&ssrc.0.to_be_bytes());
            out.extend_from_slice(&range(begin, begin.plus(len)));
            while let Some((chunk, told)) = Chunk::of(&rest) {
                out.extend_from_slice(&chunk.write().to_be_bytes());
                rest.by_ref().take(told).for_each(drop);
            }
        });
    }

    /// That it is `now` (RFC 3611 §4.4).
    pub fn reference_time(&mut self, now: NtpTime) {
        self.block(block::REFERENCE_TIME, 0, |out| out.extend_from_slice(&now.0.to_be_bytes()));
    }

    /// What others need for their round trips (RFC 3611 §4.5).
    pub fn dlrr(&mut self, items: &[Dlrr]) {
        self.block(block::DLRR, 0, |out| {
            for item in items {
                for word in [item.ssrc.0, item.last_rr, item.delay_since_last_rr] {
                    out.extend_from_slice(&word.to_be_bytes());
                }
            }
        });
    }

    /// Sums over a stretch (RFC 3611 §4.6).
    pub fn statistics(&mut self, summary: &StatisticsSummary) {
        let (specific, body) = summary.write();
        self.block(block::STATISTICS, specific, |out| out.extend_from_slice(body.as_flattened()));
    }

    /// How the call sounds (RFC 3611 §4.7).
    pub fn voip_metrics(&mut self, metrics: &VoipMetrics) {
        let body = metrics.write();
        self.block(block::VOIP_METRICS, 0, |out| out.extend_from_slice(body.as_flattened()));
    }

    /// The block header, what `body` appends, and zeros (which are null chunks) up to a whole word.
    fn block(&mut self, block_type: u8, specific: u8, body: impl FnOnce(&mut Vec<u8>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[block_type, specific, 0, 0]);
        body(self.0);
        let len = self.0.len().saturating_sub(start).next_multiple_of(4);
        self.0.resize(start.saturating_add(len), 0);
        let words = (len / 4).saturating_sub(1) as u16;
        if let Some([_, _, high, low]) = self.0.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<4>) {
            [*high, *low] = words.to_be_bytes();
        }
    }
}
