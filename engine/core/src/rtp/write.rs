//! The header of an RTP packet to be sent.

use rove_base::{PayloadType, RtpTimestamp, SeqNumber, Ssrc};

use super::{FIXED_HEADER_BYTES, VERSION};

/// The fixed header (RFC 3550 §5.1) of a packet without padding, extension or contributing sources.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RtpHeader {
    /// In voice, set on the first packet after a silence (RFC 3551 §4.1).
    pub marker: bool,
    /// What the payload is, as agreed in signalling.
    pub payload_type: PayloadType,
    /// One more than that of the packet before.
    pub seq: SeqNumber,
    /// Media time of the first sample in the payload.
    pub timestamp: RtpTimestamp,
    /// Names the sender.
    pub ssrc: Ssrc,
}

impl RtpHeader {
    /// Writes the header to the front of `out` and answers its length, [`FIXED_HEADER_BYTES`].
    ///
    /// `None`, with `out` untouched, when `out` is shorter than that.
    #[inline]
    #[must_use]
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        *out.first_chunk_mut::<FIXED_HEADER_BYTES>()? = self.to_bytes();
        Some(FIXED_HEADER_BYTES)
    }

    pub(crate) const fn to_bytes(self) -> [u8; FIXED_HEADER_BYTES] {
        let [s0, s1] = self.seq.0.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.0.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.0.to_be_bytes();
        let marker = if self.marker { 0x80 } else { 0 };
        [VERSION << 6, marker | self.payload_type.number(), s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]
    }
}
