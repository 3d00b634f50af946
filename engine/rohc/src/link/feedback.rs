//! What the decompressor of this end has to say goes to the other one.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Instant;

use super::{Counts, Link, PATIENCE, up};
use crate::Acknowledgement;

impl Link {
    /// Takes what is to be said; complaints go at once, the rest in front of a packet that goes there soon.
    pub(super) fn gather_feedback(&mut self, now: Instant) {
        let Some(coders) = &mut self.coders else { return };
        let mut urgent = false;
        while let Some(feedback) = coders.decompressor.feedback() {
            let before = coders.feedback.len();
            feedback.write(coders.agreed.cids, &mut coders.feedback);
            up(&mut self.counts.feedback_out, 1);
            up(&mut self.counts.feedback_bytes_out, coders.feedback.len().saturating_sub(before));
            urgent |= feedback.acknowledgement != Acknowledgement::Ack || coders.feedback.len() > MOST;
            coders.until = Some(coders.until.unwrap_or_else(|| now.later(PATIENCE)));
        }
        if urgent {
            self.send_compressed(&[]);
        }
    }
}

impl Counts {
    /// The other end has said what became of a packet.
    pub(super) fn heard(&mut self, acknowledgement: Acknowledgement) {
        match acknowledgement {
            Acknowledgement::Ack => up(&mut self.acks_in, 1),
            Acknowledgement::Nack => up(&mut self.nacks_in, 1),
            Acknowledgement::StaticNack => up(&mut self.static_nacks_in, 1),
        }
    }
}

/// Bytes of feedback in front of one packet.
const MOST: usize = 40;
