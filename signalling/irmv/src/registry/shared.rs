//! One registry in the hands of several faces.

use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Registry;

/// A registry that each face of a server has a hand on. They take turns on one thread, so nobody ever waits.
#[derive(Clone)]
pub struct SharedRegistry(Arc<Mutex<Registry>>);

impl SharedRegistry {
    /// The first hand on it.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self(Arc::new(Mutex::new(registry)))
    }

    /// The registry itself, until this is dropped.
    pub fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}
