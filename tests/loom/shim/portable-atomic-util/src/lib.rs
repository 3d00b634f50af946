//! The part of `portable-atomic-util` that `ringbuf` uses: how long the ring lives is not what is checked here.

pub use std::sync::Arc;
