//! Which record ends when: a wheel of seconds.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Slots by the second in which they are due, modulo its size. What is due later than one turn stays where it is until
/// its turn comes.
#[derive(Debug)]
pub(super) struct Wheel {
    seconds: Vec<Vec<Due>>,
    /// All seconds up to this one have been looked at.
    swept: u32,
    len: usize,
}

/// A slot, and the second in which it was said to be due when it was put here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Due {
    pub(super) slot: u32,
    pub(super) at: u32,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self { seconds: vec![Vec::new(); SECONDS], swept: 0, len: 0 }
    }

    pub(super) fn add(&mut self, due: Due) {
        // What is over already is found with the next second.
        let at = due.at.max(self.swept.saturating_add(1));
        if let Some(second) = self.seconds.get_mut(Self::place(at)) {
            second.push(due);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Takes one out that is due sooner now.
    pub(super) fn remove(&mut self, due: Due) {
        let at = due.at.max(self.swept.saturating_add(1));
        let Some(second) = self.seconds.get_mut(Self::place(at)) else { return };
        if let Some(at) = second.iter().position(|one| *one == due) {
            second.swap_remove(at);
            self.len = self.len.saturating_sub(1);
        }
    }

    /// Whether `now` has not been looked at.
    pub(super) const fn has(&self, now: u32) -> bool {
        self.len > 0 && now > self.swept
    }

    /// The next second that something may be due in; `None` when nothing waits.
    pub(super) fn next(&self) -> Option<u32> {
        let ahead = 1..=u32::try_from(SECONDS).unwrap_or(u32::MAX);
        let mut times = ahead.map(|ahead| self.swept.saturating_add(ahead));
        times.find(|at| self.seconds.get(Self::place(*at)).is_some_and(|second| !second.is_empty()))
    }

    /// Takes out what is due by `now`.
    pub(super) fn sweep(&mut self, now: u32) -> Vec<Due> {
        let mut over = Vec::new();
        let turn = u32::try_from(SECONDS).unwrap_or(u32::MAX);
        let from = self.swept.saturating_add(1).max(now.saturating_sub(turn.saturating_sub(1)));
        for at in from..=now {
            if let Some(second) = self.seconds.get_mut(Self::place(at)) {
                over.extend(second.extract_if(.., |due| due.at <= now));
            }
        }
        self.swept = self.swept.max(now);
        self.len = self.len.saturating_sub(over.len());
        over
    }

    fn place(at: u32) -> usize {
        usize::try_from(at).unwrap_or_default() & (SECONDS - 1)
    }
}

/// More than an hour, so that most are looked at once. A power of two.
const SECONDS: usize = 4_096;
