//! Questions to a TURN server on their way, and again while no answer comes.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::Instant;

use crate::stun::Transaction;

/// What is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wish {
    /// An address.
    Address,
    /// To have it for so many seconds more; none: to give it back.
    Longer(u32),
    /// A peer is to be let in, and have a number.
    Peer(SocketAddr, u16),
}

/// A question without an answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) wish: Wish,
    pub(super) transaction: Transaction,
    pub(super) bytes: Vec<u8>,
    /// How often the server has found its nonce too old.
    pub(super) stale: u8,
    sent: u8,
    pub(super) due: Instant,
    wait: Duration,
}

impl Request {
    pub(super) fn new(now: Instant, wish: Wish, transaction: Transaction, bytes: Vec<u8>) -> Self {
        Self { wish, transaction, bytes, stale: 0, sent: 0, due: now, wait: FIRST_WAIT }
    }

    /// Whether it is to be sent now; it is counted as sent then.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.due > now || self.is_over(now) {
            return false;
        }
        self.sent = self.sent.saturating_add(1);
        self.due = now.later(self.wait);
        self.wait = self.wait.saturating_mul(2);
        true
    }

    /// Whether no answer will come.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.sent >= ATTEMPTS && self.due <= now
    }
}

/// RFC 8489 §6.2.1.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// After so many there is no server: 31.5 seconds.
const ATTEMPTS: u8 = 6;
