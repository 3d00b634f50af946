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
    first: (i64, i64),
    /// That number if the peer sent without a pause between the last report and the packet nearest to it, and how far from
    /// it that packet was in ticks. Between bounds it is the best guess.
    likely: Option<(u32, i64)>,
    /// The newest packets by number and timestamp, because a report may come after them.
    newest: [Option<(u64, RtpTimestamp)>; NEWEST],
    next: usize,
}

impl Sent {
    pub(super) const fn new() -> Self {
        Self { packets: None, at: None, first: UNKNOWN, likely: None, newest: [None; NEWEST], next: 0 }
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
        // The number that it told stays until a packet is near to the new report.
        self.likely = self.likely.map(|(_, first)| (u32::MAX, first));
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
        self.likely = None;
        self.newest = [None; NEWEST];
    }

    fn compare(&mut self, seq: u64, timestamp: RtpTimestamp, ticks: Option<u32>) {
        let (Some(packets), Some(at), Some(ticks)) = (self.packets, self.at, ticks) else { return };
        let (seq, packets) = (seq.cast_signed(), packets.cast_signed());
        let (least, most) = self.first;
        let ahead = i64::from(at.since(timestamp.plus(ticks)));
        let distance = u32::try_from(ahead.unsigned_abs()).unwrap_or(u32::MAX);
        if self.likely.is_none_or(|(nearest, _)| distance < nearest)
            && let Some(later) = ahead.checked_div_euclid(ticks.into())
        {
            let last = seq.saturating_add(later);
            self.likely = Some((distance, last.saturating_add(1).saturating_sub(packets)));
        }
        let narrower = if timestamp.plus(ticks).since(at) <= 0 {
            // Its index is at most the count.
            (least.max(seq.saturating_add(1).saturating_sub(packets)), most)
        } else {
            (least, most.min(seq.saturating_sub(packets)))
        };
        if narrower.0 <= narrower.1 {
            self.first = narrower;
        } else if least != most {
            // The peer's media times are not those of its packets, or the packets changed their length just then. What was
            // known for sure stays; else nothing can be told so far.
            self.first = UNKNOWN;
        }
    }

    /// Packets sent by the last report; `None` before the first.
    pub(super) const fn packets(&self) -> Option<u64> {
        self.packets
    }

    /// Packets that were sent before the one numbered `first`, the first that came, as far as can be told.
    pub(super) fn before(&self, first: u64) -> u64 {
        let (least, most) = self.first;
        let guess = self.likely.map_or(most, |(_, likely)| likely.clamp(least, most));
        u64::try_from(first.cast_signed().saturating_sub(guess)).unwrap_or(0)
    }
}

/// No bounds.
const UNKNOWN: (i64, i64) = (i64::MIN, i64::MAX);
/// Packets kept: a report is not later than that behind packets that were sent after it.
const NEWEST: usize = 16;
