//! The numbers that an association keeps to (RFC 9260 §16), and what it holds at most.

use core::time::Duration;

/// What is kept at most of what has come and cannot be handed up yet; the other end is told.
pub(super) const RECEIVE_WINDOW: u32 = 262_144;
/// How far ahead of the first missing number others are taken.
pub(super) const AHEAD: u32 = 2_048;
/// Of one message.
pub(super) const MAX_FRAGMENTS: usize = 64;
/// What waits at most to be sent, or to be acknowledged. An association whose other end lets more wait is given up.
pub(super) const MAX_WAITING: usize = 1_048_576;
/// How many streams are sent on, and taken: one for management and the others for signalling (RFC 4666 §1.4.7).
pub(super) const STREAMS: u16 = 16;

/// RTO.Initial.
pub(super) const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
/// RTO.Min: half of what the standard recommends, more than twice what an acknowledgement waits.
pub(super) const LEAST_TIMEOUT: Duration = Duration::from_millis(500);
/// RTO.Max: less than the standard's minute, so that a partner whose way is back is heard soon.
pub(super) const MOST_TIMEOUT: Duration = Duration::from_secs(8);
/// How long an acknowledgement waits for a second packet.
pub(super) const ACK_DELAY: Duration = Duration::from_millis(200);
/// HB.Interval.
pub(super) const HEARTBEATS: Duration = Duration::from_secs(30);
/// Association.Max.Retrans, and Max.Init.Retransmits.
pub(super) const MOST_ERRORS: u32 = 8;
/// Acknowledgements of later packets after which one is taken for lost (§7.2.4).
pub(super) const MISSES: u8 = 3;
/// Max.Burst.
pub(super) const BURST: usize = 4;
/// The congestion window in packets: at first, and after a loss at least.
pub(super) const FIRST_WINDOW: usize = 4;
/// What it never grows beyond, in bytes.
pub(super) const MOST_WINDOW: usize = MAX_WAITING;
