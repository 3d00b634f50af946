//! The clock of a running program: the only place that asks the operating system for the time.

use std::time::{Duration, SystemTime};

use rove_base::{Instant, Now, UnixTime};

/// Counts from the moment it was made. Copies agree with each other; make one per program.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A clock whose [`Instant::ZERO`] is this moment.
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }

    /// Both clocks at this moment. A wall clock set before 1970 reads as 1970.
    #[must_use]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.mono(), wall: UnixTime::from_nanos(nanos(wall)) }
    }

    /// The monotonic clock alone.
    #[must_use]
    pub fn mono(&self) -> Instant {
        Instant::from_nanos(nanos(self.start.elapsed()))
    }

    /// The instant of `stamp`, a kernel receive stamp on the wall clock, as seen at `now`.
    ///
    /// The two clocks are compared at `now`, so only a step of the wall clock between `stamp` and `now` can disturb the
    /// answer; a stamp from the future or older than [`STALEST_STAMP`] gives `now` instead.
    #[must_use]
    pub fn instant_of(now: Now, stamp: UnixTime) -> Instant {
        let age = now.wall.as_nanos().checked_sub(stamp.as_nanos()).map(Duration::from_nanos);
        match age {
            Some(age) if age <= STALEST_STAMP => now.mono - age,
            _ => now.mono,
        }
    }

    /// The time to sleep at `now` before it is `until`; zero when that has passed.
    #[must_use]
    pub fn patience(now: Instant, until: Instant) -> Duration {
        until.since(now)
    }

    /// The same instant as the standard library counts it, for drivers that sleep with its timers.
    #[must_use]
    pub fn std_instant(&self, at: Instant) -> std::time::Instant {
        let after = Duration::from_nanos(at.as_nanos());
        self.start.checked_add(after).unwrap_or_else(|| self.start + FAR)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A receive stamp older than this says that the wall clock was stepped.
pub const STALEST_STAMP: Duration = Duration::from_secs(1);

/// Stands for "never" where an instant cannot be represented.
const FAR: Duration = Duration::from_secs(86_400 * 365);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_clock_agree_and_never_run_backwards() {
        let clock = Clock::new();
        let copy = clock;
        let mut last = clock.mono();
        for _ in 0..1_000 {
            let now = copy.mono();
            assert!(now >= last);
            last = now;
        }
        assert!(clock.now().wall > UnixTime::from_secs(1_700_000_000), "the wall clock is past 2023");
    }

    #[test]
    fn a_receive_stamp_becomes_a_monotonic_instant_unless_the_wall_clock_stepped() {
        let now = Now { mono: Instant::from_nanos(50_000_000_000), wall: UnixTime::from_secs(1_800_000_000) };
        let wall = now.wall.as_nanos();
        let cases: &[(&str, u64, u64)] = &[
            ("3 ms ago", wall - 3_000_000, 49_997_000_000),
            ("this moment", wall, 50_000_000_000),
            ("from the future: the wall clock went back", wall + 1, 50_000_000_000),
            ("an hour old: the wall clock went forward", wall - 3_600_000_000_000, 50_000_000_000),
        ];
        for &(what, stamp, expected) in cases {
            assert_eq!(
                Clock::instant_of(now, UnixTime::from_nanos(stamp)),
                Instant::from_nanos(expected),
                "{what}"
            );
        }
    }

    #[test]
    fn the_standard_library_sees_the_same_instants() {
        let clock = Clock::new();
        let later = clock.std_instant(Instant::from_nanos(5_000));
        assert_eq!(later - clock.std_instant(Instant::ZERO), Duration::from_nanos(5_000));
        assert!(clock.std_instant(Instant::from_nanos(u64::MAX)) > later);
    }
}
