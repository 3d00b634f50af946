//! Where the counters of a stream begin.

use rove_base::{Entropy, RtpTimestamp, SeqNumber, Ssrc};

/// The numbers a stream begins with. A call draws them; who wants to see a counter wrap in minutes instead of years sets
/// them just under it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FirstNumbers {
    /// The stream's name.
    pub ssrc: Ssrc,
    /// The number of the first packet. With SRTP only its lower 15 bits count while `rollover` is 0: a receiver that
    /// missed a wrap between the first packets would never find the rollover counter again (RFC 3711 §3.3.1).
    pub seq: SeqNumber,
    /// The timestamp of the first captured sample.
    pub timestamp: RtpTimestamp,
    /// SRTP's rollover counter, the same at both ends; 0 in a call.
    pub rollover: u32,
    /// SRTCP's first index, the same at both ends; 0 in a call.
    pub srtcp_index: u32,
    /// What sender reports add to the packets sent; 0 in a call.
    pub packets: u32,
    /// What sender reports add to the bytes sent; 0 in a call.
    pub octets: u32,
}

impl FirstNumbers {
    /// All 0: for what joins a stream that runs.
    pub(super) const ZERO: Self = Self {
        ssrc: Ssrc(0),
        seq: SeqNumber(0),
        timestamp: RtpTimestamp(0),
        rollover: 0,
        srtcp_index: 0,
        packets: 0,
        octets: 0,
    };

    /// Those of a call: name, number and timestamp random (RFC 3550 §5.1), all else 0.
    #[must_use]
    pub fn draw(entropy: &mut Entropy) -> Self {
        Self {
            ssrc: Ssrc(entropy.next_u32()),
            seq: SeqNumber((entropy.next_u32() >> 16) as u16),
            timestamp: RtpTimestamp(entropy.next_u32()),
            rollover: 0,
            srtcp_index: 0,
            packets: 0,
            octets: 0,
        }
    }

    /// The first number that may be sent.
    pub(super) fn sendable(&self, protected: bool) -> SeqNumber {
        if protected && self.rollover == 0 { SeqNumber(self.seq.0 & 0x7fff) } else { self.seq }
    }
}
