//! The last payloads sent, kept to be sent again. Fixed memory.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::RtpTimestamp;

use super::MAX_DISTANCE;
use crate::rtp::{RED_MAX_BLOCK, RED_MAX_OFFSET};

/// One payload that was sent.
#[derive(Clone, Copy)]
struct Sent {
    timestamp: RtpTimestamp,
    /// Its duration, in ticks of the media clock.
    ticks: u32,
    len: usize,
    payload: [u8; RED_MAX_BLOCK],
}

impl Sent {
    const NOTHING: Self = Self { timestamp: RtpTimestamp(0), ticks: 0, len: 0, payload: [0; RED_MAX_BLOCK] };
}

/// The payloads of the last packets, newest last.
pub(super) struct History {
    sent: Box<[Sent]>,
    /// Where the next one goes.
    next: usize,
    held: usize,
}

impl History {
    /// The only allocation.
    pub(super) fn new() -> Self {
        Self { sent: vec![Sent::NOTHING; usize::from(MAX_DISTANCE)].into(), next: 0, held: 0 }
    }

    /// Keeps `payload`, which begins at `timestamp` and lasts `ticks`. One too long for a RED block is not repeated.
    pub(super) fn keep(&mut self, timestamp: RtpTimestamp, ticks: u32, payload: &[u8]) {
        let len = self.sent.len();
        if let Some(slot) = self.sent.get_mut(self.next) {
            slot.timestamp = timestamp;
            slot.ticks = ticks;
            slot.len = 0;
            if let Some(room) = slot.payload.get_mut(..payload.len()) {
                room.copy_from_slice(payload);
                slot.len = payload.len();
            }
        }
        self.next = self.next.saturating_add(1).checked_rem(len).unwrap_or(0);
        self.held = self.held.saturating_add(1).min(len);
    }

    /// The payload `distance` packets before the one that begins at `timestamp`, and how many ticks before it begins.
    ///
    /// `None` when a silence lies between: what was said before it is past, and no copy of it helps.
    pub(super) fn back(&self, distance: u8, timestamp: RtpTimestamp) -> Option<(u32, &[u8])> {
        let (distance, len) = (usize::from(distance), self.sent.len());
        if distance == 0 || distance > self.held {
            return None;
        }
        let place = |back: usize| self.next.saturating_add(len).saturating_sub(back).checked_rem(len);
        let mut begins = timestamp;
        let mut found = None;
        for back in 1..=distance {
            let sent = self.sent.get(place(back)?)?;
            if sent.timestamp.plus(sent.ticks) != begins {
                return None;
            }
            begins = sent.timestamp;
            found = sent.payload.get(..sent.len);
        }
        let offset =
            u32::try_from(timestamp.since(begins)).ok().filter(|offset| *offset <= RED_MAX_OFFSET)?;
        found.filter(|payload| !payload.is_empty()).map(|payload| (offset, payload))
    }
}
