//! Events that wait to be asked for.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::event::Event;

/// A bounded queue. When nobody takes events, those that tell the least go first.
#[derive(Default)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    news: Condvar,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Event>,
    missed: u64,
    over: bool,
}

impl Outbox {
    /// Puts an event in.
    pub(super) fn put(&self, event: Event) {
        let mut inner = self.lock();
        if inner.events.len() >= MOST {
            let least = inner.events.iter().position(|event| matches!(event, Event::Quality { .. }));
            inner.events.remove(least.unwrap_or(0));
            inner.missed += 1;
        }
        inner.events.push_back(event);
        drop(inner);
        self.news.notify_all();
    }

    /// The next one; waits for it.
    pub(super) fn take(&self, patience: Duration) -> Option<Event> {
        let deadline = Instant::now().checked_add(patience);
        let mut inner = self.lock();
        loop {
            let missed = core::mem::take(&mut inner.missed);
            if missed > 0 {
                return Some(Event::Missed { events: missed });
            }
            if let Some(event) = inner.events.pop_front() {
                return Some(event);
            }
            let left = deadline.map_or(FAR, |deadline| deadline.saturating_duration_since(Instant::now()));
            if inner.over || left.is_zero() {
                return None;
            }
            inner = self.news.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nothing comes any more.
    pub(super) fn end(&self) {
        self.lock().over = true;
        self.news.notify_all();
    }

    /// Whether nothing comes any more, before `patience` is over.
    pub(super) fn wait_over(&self, patience: Duration) -> bool {
        let inner = self.lock();
        let waited = self.news.wait_timeout_while(inner, patience, |inner| !inner.over);
        waited.unwrap_or_else(PoisonError::into_inner).0.over
    }

    /// Whoever waits looks again.
    pub(super) fn nudge(&self) {
        self.news.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events that wait at most.
const MOST: usize = 4_096;
/// Longer than anybody waits.
const FAR: Duration = Duration::from_secs(365 * 24 * 3_600);

#[cfg(test)]
mod tests;
