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
    #[must_use]
    pub fn new(arrived: Instant, packet: &RtpView<'_>) -> Option<Self> {
        let mut slot = Self::EMPTY;
        slot.set(arrived, packet).then_some(slot)
    }

    /// Becomes a copy of `packet`, which came at `arrived`; touches only the bytes that count. `false`, and unchanged, when
    /// the payload is longer than [`SLOT_BYTES`].
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the length of the payload.
    #[inline]
    pub fn set(&mut self, arrived: Instant, packet: &RtpView<'_>) -> bool {
        let payload = packet.payload();
        let (Ok(len), Some(room)) = (u16::try_from(payload.len()), self.payload.get_mut(..payload.len()))
        else {
            return false;
        };
        room.copy_from_slice(payload);
        (self.arrived, self.seq, self.timestamp, self.ssrc) =
            (arrived, packet.seq(), packet.timestamp(), packet.ssrc());
        (self.marker, self.payload_type, self.len) = (packet.marker(), packet.payload_type(), len);
        true
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
