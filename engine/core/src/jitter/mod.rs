//! Between network and playout: a packet by value, the crossing it takes, and the window that puts it in order.
//!
//! ```text
//!  media thread                                   audio callback
//!  PacketSink ──── ring of slots, in arrival order ───▶ PacketSource ──▶ Window ──▶ playout
//! ```
//!
//! The ring is the only thing two threads share; the window has one owner.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod slot;
pub mod target;
mod window;

#[cfg(test)]
mod tests;

use rove_base::Instant;

pub use slot::{SLOT_BYTES, Slot};
pub use window::{Verdict, Window};

use crate::rtp::RtpView;

/// Where received packets go in.
pub trait PacketSink {
    /// Hands over one packet. `false` when there is no room, or no slot is large enough; the caller counts it.
    ///
    /// # Realtime
    ///
    /// Wait-free: neither allocates nor waits for the other side.
    fn push(&mut self, arrived: Instant, packet: &RtpView<'_>) -> bool;
}

/// Where received packets come out, in the order they went in.
pub trait PacketSource {
    /// Shows `accept` every packet that waits, oldest first, and removes it.
    ///
    /// # Realtime
    ///
    /// Wait-free, and bounded by the capacity: what comes in meanwhile is left for the next call.
    fn drain(&mut self, accept: impl FnMut(&Slot));
}
