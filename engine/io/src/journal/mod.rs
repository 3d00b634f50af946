//! The journal: records that survive a crash once they are acknowledged.
//!
//! ```text
//!  owner ── append(ticket, bytes) ──▶ queue ──▶ thread: one write + one sync for all that wait ──▶ file
//!  owner ◀── Outcome::Durable(ticket), through the callback given at opening ──┘
//! ```
//! A program has one journal. [`Log`] is the same without the thread, for worlds in virtual time; [`FaultyStorage`] is the
//! disk that forgets, tears and fails.

mod faulty;
mod frame;
mod log;
mod pace;
mod storage;
mod thread;

#[cfg(test)]
mod tests;

pub use faulty::FaultyStorage;
pub use frame::MAX_RECORD;
pub use log::{Cut, JournalError, Log, Replay};
pub use storage::{FileStorage, Storage};
pub use thread::{Journal, Outcome, QUEUE_BYTES};
