//! What reports carry: the sender's account, and what a receiver saw (RFC 3550 §6.4).

use rove_base::{NtpTime, RtpTimestamp, Ssrc};

/// What a sender says about what it has sent (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SenderInfo {
    /// Wall-clock time when the report was sent.
    pub ntp: NtpTime,
    /// The same moment on the media clock.
    pub rtp_timestamp: RtpTimestamp,
    /// Packets sent since the start, modulo 2³².
    pub packets: u32,
    /// Payload bytes sent since the start, without headers and padding, modulo 2³².
    pub octets: u32,
}

/// What one receiver saw of one sender (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReportBlock {
    /// The sender it is about.
    pub ssrc: Ssrc,
    /// Share of packets lost since the report before, in units of 1/256.
    pub fraction_lost: u8,
    /// Packets expected less packets received since the start, −2²³ to 2²³ − 1; duplicates make it smaller.
    pub cumulative_lost: i32,
    /// Highest sequence number received, below the count of its wraps.
    pub extended_highest: u32,
    /// Interarrival jitter in ticks of the media clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time in the last sender report; zero when there was none.
    pub last_sr: u32,
    /// Time since that report arrived, in units of 1/65 536 s; zero when there was none.
    pub delay_since_last_sr: u32,
}

impl SenderInfo {
    pub(super) const BYTES: usize = 20;

    pub(super) const fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [n0, n1, n2, n3, n4, n5, n6, n7, t0, t1, t2, t3, p0, p1, p2, p3, o0, o1, o2, o3] = *bytes;
        Self {
            ntp: NtpTime(u64::from_be_bytes([n0, n1, n2, n3, n4, n5, n6, n7])),
            rtp_timestamp: RtpTimestamp(u32::from_be_bytes([t0, t1, t2, t3])),
            packets: u32::from_be_bytes([p0, p1, p2, p3]),
            octets: u32::from_be_bytes([o0, o1, o2, o3]),
        }
    }
}

impl ReportBlock {
    pub(super) const BYTES: usize = 24;

    pub(super) const fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [s0, s1, s2, s3, fraction_lost, c0, c1, c2, rest @ ..] = *bytes;
        let [h0, h1, h2, h3, j0, j1, j2, j3, l0, l1, l2, l3, d0, d1, d2, d3] = rest;
        Self {
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            fraction_lost,
            // The 24 bits are read as the upper ones and shifted down, which keeps the sign.
            cumulative_lost: i32::from_be_bytes([c0, c1, c2, 0]) >> 8,
            extended_highest: u32::from_be_bytes([h0, h1, h2, h3]),
            jitter: u32::from_be_bytes([j0, j1, j2, j3]),
            last_sr: u32::from_be_bytes([l0, l1, l2, l3]),
            delay_since_last_sr: u32::from_be_bytes([d0, d1, d2, d3]),
        }
    }
}

/// Round-trip time from a reception report, in units of 1/65 536 s.
///
/// `arrival` and `last_sr` are the middle 32 bits of NTP timestamps on this end's clock; `delay_since_last_sr` is what
/// the peer says it waited (RFC 3550 §6.4.1, figure 2). `None` when the peer has seen no sender report yet, or when its
/// clock makes the result negative.
#[must_use]
pub const fn round_trip(arrival: u32, last_sr: u32, delay_since_last_sr: u32) -> Option<u32> {
    if last_sr == 0 {
        return None;
    }
    let elapsed = arrival.wrapping_sub(last_sr);
    // Half the circle, nine hours, is taken as the past.
    match elapsed.checked_sub(delay_since_last_sr) {
        Some(round_trip) if elapsed.cast_signed() >= 0 => Some(round_trip),
        _ => None,
    }
}
