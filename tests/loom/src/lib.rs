//! The crossings between threads, under every interleaving and every outcome the memory model allows.
//!
//! What is checked is the code that runs in a call: `engine/io/src/bridge/ring.rs` and `pcm.rs` are compiled here as they
//! are, and below them `ringbuf` itself, whose feature `portable-atomic` lets its indices be loom's atomics, and whose
//! storage, being a parameter, lets loom watch every access to a place of the ring. See `shim/`.
//!
//! Each model runs once as it is, and twice as a negative control: without the release of the stores, and without the
//! acquire of the loads. Then loom must find the race.
//!
//! Latest values (`bridge/latest.rs`) are not here: `triple_buffer` offers no way to replace its atomics. Miri runs them.

#![cfg(test)]

mod models;

#[path = "../../../engine/io/src/bridge/pcm.rs"]
#[allow(dead_code, unreachable_pub)]
mod pcm;
#[path = "../../../engine/io/src/bridge/ring.rs"]
#[allow(dead_code, unreachable_pub)]
mod ring;
