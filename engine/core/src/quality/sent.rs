//! How many packets the peer sent, by its own count, and which of them were the first and the last.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::RtpTimestamp;

/// What the sender reports of one source say (RFC 3550 §6.4.1), set against the packets that came.
///
/// A report's count is the index of the last packet sent before it. Which number that packet has is seen from the
/// packets that came: those whose last sample is not after the report's media time were sent before it. So the number
/// of the very first packet is known as soon as two packets with a report between them follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// The count of the last report, without wrapping.
    packets: Option<u64>,
    /// The report that packets are held against.
    at: Option<RtpTimestamp>,
    /// Bounds of the number of the first packet sent.
    first: (i128, i128),
    /// The newest packets by number and timestamp, because a report may come after them.
    newest: [Option<(u64, RtpTimestamp)>; NEWEST],
    next: usize,
}

impl Sent {
    pub(super) const fn new() -> Self {
        Self { packets: None, at: None, first: UNKNOWN, newest: [None; NEWEST], next: 0 }
    }

    /// The peer has sent so many packets, modulo 2³², when its media clock stood at `at`; each packet has
    /// `ticks`, if that is known yet.
    pub(super) fn on_sender_report(&mut self, packets: u32, at: RtpTimestamp, ticks: Option<u32>) {
        let count = match self.packets {
            None => u64::from(packets),
            Some(before) => {
                let more = packets.wrapping_sub((before & 0xffff_ffff) as u32);
                if more.cast_signed() < 0 {
                    // Overtaken by a later one.
                    return;
                }
                before.saturating_add(more.into())
            }
        };
        (self.packets, self.at) = (Some(count), Some(at));
        for (seq, timestamp) in self.newest.into_iter().flatten() {
            self.compare(seq, timestamp, ticks);
        }
    }

    /// The packet `seq`, counted on without wrapping, came.
    pub(super) fn on_packet(&mut self, seq: u64, timestamp: RtpTimestamp, ticks: Option<u32>) {
        if let Some(slot) = self.newest.get_mut(self.next) {
            *slot = Some((seq, timestamp));
        }
        self.next = self.next.wrapping_add(1).checked_rem(NEWEST).unwrap_or(0);
        self.compare(seq, timestamp, ticks);
    }

    /// The sequence starts anew, so that numbers say nothing any more about the start.
    pub(super) const fn restart(&mut self) {
        self.at = None;
        self.first = UNKNOWN;
        self.newest = [None; NEWEST];
    }

    fn compare(&mut self, seq: u64, timestamp: RtpTimestamp, ticks: Option<u32>) {
        let (Some(packets), Some(at), Some(ticks)) = (self.packets, self.at, ticks) else { return };
        let (seq, packets) = (i128::from(seq), i128::from(packets));
        let (least, most) = self.first;
        self.first = if timestamp.plus(ticks).since(at) <= 0 {
            // Its index is at most the count.
            (least.max(seq.saturating_add(1).saturating_sub(packets)), most)
        } else {
            (least, most.min(seq.saturating_sub(packets)))
        };
        if self.first.0 > self.first.1 {
            // The peer's media times are not those of its packets: nothing can be told from them.
            self.first = UNKNOWN;
        }
    }

    /// Packets sent by the last report; `None` before the first.
    pub(super) const fn packets(&self) -> Option<u64> {
        self.packets
    }

    /// Packets that were sent before the one numbered `first`, the first that came; the least there can have been.
    pub(super) fn before(&self, first: u64) -> u64 {
        let (_, most) = self.first;
        u64::try_from(i128::from(first).saturating_sub(most)).unwrap_or(0)
    }
}

/// No bounds.
const UNKNOWN: (i128, i128) = (i128::MIN, i128::MAX);
/// Packets kept: a report is not later than that behind packets that were sent after it.
const NEWEST: usize = 16;
