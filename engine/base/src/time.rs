//! Two kinds of time: one that only moves forward, and the one on the wall.

use core::{
    fmt,
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

/// A point on the monotonic clock: nanoseconds since the driver started counting.
///
/// Not `std::time::Instant`: code below floor 2 is told the time, and the virtual world, the replay of a seed and
/// `wasm32` all need instants that can be made and printed.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant(u64);

impl Instant {
    /// The driver's first instant.
    pub const ZERO: Self = Self(0);

    /// `nanos` nanoseconds after [`Instant::ZERO`].
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since [`Instant::ZERO`].
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The instant that is `by` later; saturates after 584 years.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        self + by
    }

    /// The time since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The earlier of two waits, where `None` waits for ever.
    #[must_use]
    pub fn earliest(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, None) | (None, one) => one,
        }
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    /// Saturates after 584 years.
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, by: Duration) {
        *self = *self + by;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    /// Saturates at [`Instant::ZERO`].
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// Wall-clock time: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted. May step in both directions.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(u64);

impl UnixTime {
    /// `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// `secs` whole seconds after the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The same moment as an NTP timestamp (RFC 3550 §4), which counts from 1900.
    #[must_use]
    pub const fn ntp(self) -> NtpTime {
        let secs = (self.0 / 1_000_000_000).wrapping_add(NTP_TO_UNIX_SECS) & 0xffff_ffff;
        let frac = ((self.0 % 1_000_000_000) << 32) / 1_000_000_000;
        NtpTime((secs << 32) | frac)
    }
}

impl Add<Duration> for UnixTime {
    type Output = Self;
    /// Saturates in the year 2554.
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// An NTP timestamp: 32 bits of seconds since 1900, 32 bits of fraction (RFC 3550 §4).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The middle 32 bits, in units of 1/65 536 s, as reception reports carry them (RFC 3550 §6.4.1).
    #[must_use]
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// Both clocks at one moment. Timers use `mono`; protocol timestamps and persisted deadlines use `wall`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Now {
    /// The clock that only moves forward.
    pub mono: Instant,
    /// The clock on the wall, which may step.
    pub wall: UnixTime,
}

impl Now {
    /// This moment moved by `by` on both clocks.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self { mono: self.mono + by, wall: self.wall + by }
    }
}

/// Seconds between 1900 and 1970.
const NTP_TO_UNIX_SECS: u64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_time_counts_from_1900_and_wraps_in_2036() {
        let cases: &[(&str, UnixTime, u64)] = &[
            ("the Unix epoch", UnixTime::from_secs(0), 2_208_988_800 << 32),
            ("half a second later", UnixTime::from_nanos(500_000_000), (2_208_988_800 << 32) | 0x8000_0000),
            ("the first second of NTP era 1", UnixTime::from_secs(2_085_978_496), 0),
        ];
        for &(what, unix, ntp) in cases {
            assert_eq!(unix.ntp(), NtpTime(ntp), "{what}");
        }
    }

    #[test]
    fn instants_saturate_instead_of_wrapping() {
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
        assert_eq!(Instant::from_nanos(u64::MAX) + Duration::from_secs(1), Instant::from_nanos(u64::MAX));
        assert_eq!(Instant::ZERO.since(Instant::from_nanos(5)), Duration::ZERO);
    }
}
