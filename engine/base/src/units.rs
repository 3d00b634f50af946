//! Quantities with their unit in the type, so that a sample never meets a millisecond.

use core::{num::NonZeroU32, time::Duration};

/// Names one sender of RTP within a session (RFC 3550 §3).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ssrc(pub u32);

/// An RTP sequence number, modulo 2¹⁶ (RFC 3550 §5.1).
///
/// Not `Ord`: half of the circle is always "before" the other. Use [`SeqNumber::since`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct SeqNumber(pub u16);

impl SeqNumber {
    /// Signed distance from `earlier` in packets, correct across the wrap at 2¹⁶.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The number `by` packets later.
    #[must_use]
    pub const fn plus(self, by: u16) -> Self {
        Self(self.0.wrapping_add(by))
    }
}

/// An RTP timestamp: a 32-bit wrapping count of media clock ticks (RFC 3550 §5.1).
///
/// Not `Ord`: half of the circle is always "before" the other. Use [`RtpTimestamp::since`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// Signed distance from `earlier` in ticks, correct across the wrap at 2³².
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The timestamp `ticks` later.
    #[must_use]
    pub const fn plus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }
}

/// An RTP payload type, 0 to 127 (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PayloadType(u8);

impl PayloadType {
    /// `None` above 127.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 128 { Some(Self(number)) } else { None }
    }

    /// The lower seven bits of an RTP header's second byte.
    #[must_use]
    pub const fn from_header(byte: u8) -> Self {
        Self(byte & 0x7f)
    }

    /// 0 to 127.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Ticks of a media clock per second.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClockRate(NonZeroU32);

impl ClockRate {
    /// Opus always counts at 48 kHz, whatever it samples at (RFC 7587 §4.1).
    pub const OPUS: Self = Self(NonZeroU32::new(48_000).unwrap());
    /// G.711 and other telephone-band codecs (RFC 3551 §6); also G.722, by an old mistake kept for compatibility.
    pub const TELEPHONE: Self = Self(NonZeroU32::new(8_000).unwrap());

    /// `None` for zero.
    #[must_use]
    pub const fn new(hertz: u32) -> Option<Self> {
        match NonZeroU32::new(hertz) {
            Some(hertz) => Some(Self(hertz)),
            None => None,
        }
    }

    /// Ticks per second.
    #[must_use]
    pub const fn hertz(self) -> u32 {
        self.0.get()
    }

    /// The time `ticks` take.
    #[must_use]
    pub const fn duration(self, ticks: u32) -> Duration {
        Duration::from_nanos(ticks as u64 * 1_000_000_000 / self.0.get() as u64)
    }

    /// Whole ticks in `time`, modulo 2³².
    #[must_use]
    pub const fn ticks(self, time: Duration) -> u32 {
        (time.as_nanos() * self.0.get() as u128 / 1_000_000_000) as u32
    }
}

/// A level relative to digital full scale: 0 dB is the loudest, negative is quieter.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Db(pub f32);

impl Db {
    /// The linear factor to multiply samples by.
    #[must_use]
    pub fn amplitude(self) -> f32 {
        10_f32.powf(self.0 / 20.0)
    }

    /// The level of a linear amplitude; negative infinity for silence.
    #[must_use]
    pub fn from_amplitude(amplitude: f32) -> Self {
        Self(20.0 * amplitude.abs().log10())
    }
}

/// A differentiated services code point, 0 to 63 (RFC 2474).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Dscp(u8);

impl Dscp {
    /// Best effort.
    pub const DEFAULT: Self = Self(0);
    /// Expedited forwarding, for voice (RFC 3246, RFC 8837 §5).
    pub const EF: Self = Self(46);
    /// Class selector 3, for signalling (RFC 4594 §4.2).
    pub const CS3: Self = Self(24);

    /// The value of the IPv4 TOS or IPv6 traffic class byte.
    #[must_use]
    pub const fn traffic_class(self) -> u8 {
        self.0 << 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_right_across_every_wrap() {
        let cases: &[(&str, u16, u16, i16)] =
            &[("next", 1, 0, 1), ("over the wrap", 2, 0xfffe, 4), ("late", 0xffff, 1, -2), ("same", 9, 9, 0)];
        for &(what, later, earlier, distance) in cases {
            assert_eq!(SeqNumber(later).since(SeqNumber(earlier)), distance, "{what}");
        }
        assert_eq!(RtpTimestamp(959).since(RtpTimestamp(0xffff_ffff)), 960);
    }

    #[test]
    fn twenty_milliseconds_are_960_ticks_of_opus_and_160_of_the_telephone() {
        let frame = Duration::from_millis(20);
        assert_eq!((ClockRate::OPUS.ticks(frame), ClockRate::TELEPHONE.ticks(frame)), (960, 160));
        assert_eq!(ClockRate::OPUS.duration(960), frame);
    }

    #[test]
    fn expedited_forwarding_is_marked_b8() {
        assert_eq!(Dscp::EF.traffic_class(), 0xb8);
    }
}
