//! The part of `portable-atomic` that `ringbuf` uses, on loom's atomics, with orderings that a test can weaken.

use std::cell::Cell;

pub use loom::sync::atomic::{AtomicBool, Ordering};

/// Which ordering of the ring is taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weakened {
    /// None: the ring as it is.
    Nothing,
    /// Stores of an index no longer release what was done before.
    Stores,
    /// Loads of an index no longer acquire it.
    Loads,
}

thread_local! {
    // loom runs all threads of a model on the thread that started it.
    static WEAKENED: Cell<Weakened> = const { Cell::new(Weakened::Nothing) };
}

/// From here on, on this thread.
pub fn weaken(what: Weakened) {
    WEAKENED.set(what);
}

/// An index of the ring.
#[derive(Debug)]
pub struct AtomicUsize(loom::sync::atomic::AtomicUsize);

impl AtomicUsize {
    /// See `core`.
    pub fn new(value: usize) -> Self {
        Self(loom::sync::atomic::AtomicUsize::new(value))
    }

    /// See `core`.
    pub fn load(&self, ordering: Ordering) -> usize {
        self.0.load(if WEAKENED.get() == Weakened::Loads { Ordering::Relaxed } else { ordering })
    }

    /// See `core`.
    pub fn store(&self, value: usize, ordering: Ordering) {
        self.0.store(value, if WEAKENED.get() == Weakened::Stores { Ordering::Relaxed } else { ordering });
    }
}
