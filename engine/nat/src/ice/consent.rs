//! The peer's consent to be sent to (RFC 7675).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{Entropy, Instant, UdpFlow};

use crate::stun::Transaction;

/// Consent on one way, renewed by each answer.
#[derive(Debug)]
pub(super) struct Consent {
    flow: UdpFlow,
    until: Instant,
    next: Instant,
    /// The last questions, any of which may still be answered.
    asked: [Transaction; ASKED],
    count: usize,
}

impl Consent {
    /// Given just now, by the answer that nominated.
    pub(super) fn new(now: Instant, flow: UdpFlow, entropy: &mut Entropy) -> Self {
        let next = now + pause(entropy);
        Self { flow, until: now + LIFE, next, asked: [[0; 12]; ASKED], count: 0 }
    }

    pub(super) const fn flow(&self) -> UdpFlow {
        self.flow
    }

    pub(super) fn is_lost(&self, now: Instant) -> bool {
        self.until <= now
    }

    /// The question that is due. It is not repeated: another one follows.
    pub(super) fn ask(&mut self, now: Instant, entropy: &mut Entropy) -> Option<Transaction> {
        if self.next > now {
            return None;
        }
        let mut transaction = [0; 12];
        entropy.fill(&mut transaction);
        self.next = now + pause(entropy);
        self.asked.rotate_right(1);
        if let Some(newest) = self.asked.first_mut() {
            *newest = transaction;
        }
        self.count = self.count.saturating_add(1).min(ASKED);
        Some(transaction)
    }

    /// The next question is due at once.
    pub(super) fn hasten(&mut self, now: Instant) {
        self.next = self.next.min(now);
    }

    /// Whether an authentic answer was to one of the questions; then consent is renewed.
    pub(super) fn answered(&mut self, now: Instant, flow: UdpFlow, transaction: Transaction) -> bool {
        let asked = self.asked.iter().take(self.count).any(|asked| *asked == transaction);
        if asked && flow == self.flow {
            self.until = now + LIFE;
        }
        asked
    }

    pub(super) fn next_wake(&self) -> Instant {
        self.next.min(self.until)
    }
}

/// 5 s, give or take a fifth, so that questions do not fall into step (RFC 7675 §5.1).
fn pause(entropy: &mut Entropy) -> Duration {
    Duration::from_secs_f64(entropy.unit().mul_add(2.0, 4.0))
}

/// Consent not renewed is lost after that (RFC 7675 §5.1).
const LIFE: Duration = Duration::from_secs(30);
/// Questions remembered: all that can be under way.
const ASKED: usize = 8;
