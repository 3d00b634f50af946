//! One received packet, by value: the ring of slots is its own pool.

use core::fmt;

use rove_base::{Instant, PayloadType, RtpTimestamp, SeqNumber, Ssrc};

use crate::rtp::RtpView;

/// Longest payload a slot holds, in bytes: more than an Ethernet frame leaves of an RTP packet, so that captures with
/// uncoded samples (1 920 bytes in 20 ms) can be replayed as well.
pub const SLOT_BYTES: usize = 2_000;

/// A received RTP packet: what playout needs of its header, and its payload.
#[derive(Clone)]
pub struct Slot {
    /// When it came.
    pub arrived: Instant,
    /// Its place in the order of sending.
    pub seq: SeqNumber,
    /// Media time of its first sample.
    pub timestamp: RtpTimestamp,
    /// Who sent it.
    pub ssrc: Ssrc,
    /// First packet after a silence (RFC 3551 §4.1).
    pub marker: bool,
    /// What the payload is.
    pub payload_type: PayloadType,
    len: u16,
    payload: [u8; SLOT_BYTES],
}

impl Slot {
    /// A slot that holds nothing yet.
    pub const EMPTY: Self = Self {
        arrived: Instant::ZERO,
        seq: SeqNumber(0),
        timestamp: RtpTimestamp(0),
        ssrc: Ssrc(0),
        marker: false,
        payload_type: PayloadType::from_header(0),
        len: 0,
        payload: [0; SLOT_BYTES],
    };

    /// Copies `packet`, which came at `arrived`. `None` when its payload is longer than [`SLOT_BYTES`].
    #[inline]
    #[must_use]
    pub fn new(arrived: Instant, packet: &RtpView<'_>) -> Option<Self> {
        let payload = packet.payload();
        let mut slot = Self {
            arrived,
            seq: packet.seq(),
            timestamp: packet.timestamp(),
            ssrc: packet.ssrc(),
            marker: packet.marker(),
            payload_type: packet.payload_type(),
            len: u16::try_from(payload.len()).ok()?,
            ..Self::EMPTY
        };
        slot.payload.get_mut(..payload.len())?.copy_from_slice(payload);
        Some(slot)
    }

    /// The payload; at most [`SLOT_BYTES`] bytes.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.payload.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Becomes a copy of `other`; touches only the bytes that count.
    #[inline]
    pub fn copy_from(&mut self, other: &Self) {
        let Self { arrived, seq, timestamp, ssrc, marker, payload_type, len, payload: _ } = *other;
        let payload = other.payload();
        if let Some(room) = self.payload.get_mut(..payload.len()) {
            room.copy_from_slice(payload);
        }
        (self.arrived, self.seq, self.timestamp, self.ssrc) = (arrived, seq, timestamp, ssrc);
        (self.marker, self.payload_type, self.len) = (marker, payload_type, len);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("arrived", &self.arrived)
            .field("seq", &self.seq)
            .field("timestamp", &self.timestamp)
            .field("ssrc", &self.ssrc)
            .field("payload_type", &self.payload_type)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
