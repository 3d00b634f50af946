//! Deadlines of many machines, in the order in which they fall due.

use std::collections::BTreeSet;

use rove_base::Instant;

/// Which machine is due next. Holds exactly one entry for each machine that waits.
#[derive(Debug)]
pub(crate) struct Timers<K>(BTreeSet<(Instant, K)>);

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// The deadline of `key` was `before` and is `after`; `None` waits for nothing.
    pub(crate) fn change(&mut self, key: K, before: Option<Instant>, after: Option<Instant>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.0.remove(&(before, key));
        }
        if let Some(after) = after {
            self.0.insert((after, key));
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes out a machine whose deadline is not later than `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<K> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop_first().map(|(_, key)| key)
    }
}
