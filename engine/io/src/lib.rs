//! Threads, sockets, devices, files and clocks around the voice core.
//!
//! The only crate with `unsafe`, and with it the only one that touches the operating system on the way of a packet.

pub mod bridge;
pub mod callback;
pub mod clock;
pub mod device;
pub mod entropy;
mod files;
pub mod journal;
pub mod media_thread;
pub mod net;
pub mod raw;
pub mod spaces;

pub use clock::Clock;
pub use entropy::os_entropy;
pub use files::write_whole;

/// Lets tests forbid allocation for a while.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
