//! Virtual time: it moves only when told, and the wall can be stepped apart from the rest.

use core::time::Duration;

use rove_base::{Instant, Now, UnixTime};

/// Both clocks of the world.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Now);

impl Clock {
    /// Starts at instant zero, at this time of the wall.
    #[must_use]
    pub const fn new(wall: UnixTime) -> Self {
        Self(Now { mono: Instant::ZERO, wall })
    }

    /// What both show.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.0
    }

    /// Moves both forward until the monotonic one shows `mono`; does nothing when it does already.
    pub fn advance_to(&mut self, mono: Instant) {
        self.0 = self.0.later(mono.since(self.0.mono));
    }

    /// Sets the wall clock forward, as an administrator or NTP may.
    pub fn step_wall_forward(&mut self, by: Duration) {
        self.0.wall = self.0.wall + by;
    }

    /// Sets the wall clock back.
    pub fn step_wall_back(&mut self, by: Duration) {
        self.0.wall = before(self.0.wall, by);
    }
}

impl Default for Clock {
    /// Starts on 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(UnixTime::from_secs(1_767_225_600))
    }
}

/// How wrong the wall clock of one host is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WallError {
    /// It is right.
    #[default]
    None,
    /// It shows later than it is.
    Ahead(Duration),
    /// It shows earlier than it is.
    Behind(Duration),
}

impl WallError {
    pub(crate) fn apply(self, wall: UnixTime) -> UnixTime {
        match self {
            Self::None => wall,
            Self::Ahead(by) => wall + by,
            Self::Behind(by) => before(wall, by),
        }
    }
}

fn before(wall: UnixTime, by: Duration) -> UnixTime {
    let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
    UnixTime::from_nanos(wall.as_nanos().saturating_sub(by))
}
