//! When to let datagrams gather before they are read, as network cards do with their interrupts.
//!
//! To be woken for one datagram costs more than to deal with it. Where many come a second, a short pause before reading
//! lets some more arrive, so one wake and one system call serve them all. Where few come, or the pause brings none,
//! nothing waits.

use core::time::Duration;

use rove_base::Instant;

/// Decides on the pause before each read.
#[derive(Debug)]
pub(crate) struct Moderation {
    began: Instant,
    datagrams: u32,
    busy: bool,
    /// Reads to come without a pause, because the last one was in vain or was not needed.
    skip: u8,
    paused: bool,
}

impl Moderation {
    pub(crate) const fn new() -> Self {
        Self { began: Instant::ZERO, datagrams: 0, busy: false, skip: 0, paused: false }
    }

    /// How long to wait before what is there is read.
    pub(crate) fn before_reading(&mut self) -> Option<Duration> {
        self.paused = self.busy && self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        self.paused.then_some(PAUSE)
    }

    /// So many were read at `now`; with `full` more may be waiting already.
    pub(crate) fn read(&mut self, now: Instant, datagrams: usize, full: bool) {
        if full {
            self.skip = 1;
        } else if self.paused && datagrams <= 1 {
            self.skip = IN_VAIN;
        }
        self.datagrams = self.datagrams.saturating_add(u32::try_from(datagrams).unwrap_or(u32::MAX));
        let elapsed = now.since(self.began);
        if elapsed >= WINDOW {
            self.busy = f64::from(self.datagrams) > MANY * elapsed.as_secs_f64();
            (self.began, self.datagrams) = (now, 0);
        }
    }
}

/// Adds this much at most to what a datagram waits.
const PAUSE: Duration = Duration::from_micros(500);
/// Datagrams a second from which pausing pays.
const MANY: f64 = 3_000.0;
/// Over which they are counted.
const WINDOW: Duration = Duration::from_millis(20);
/// Reads without a pause after one that brought nothing.
const IN_VAIN: u8 = 32;

#[cfg(test)]
mod tests;
