//! Segments of long messages until they are whole.

use core::time::Duration;
use std::{borrow::Cow, collections::VecDeque};

use rove_base::Instant;

use super::{Address, MAX_SEGMENTS, Message, SccpError};

/// What one partner has under way in segments. Bounded: `MAX_PENDING` messages, each of 16 segments of a message.
#[derive(Debug, Default)]
pub struct Reassembly {
    /// The oldest first.
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Pending {
    calling: Address,
    reference: u32,
    remaining: u8,
    until: Instant,
    data: Vec<u8>,
}

/// A message with all that belongs to it.
#[derive(Debug, Eq, PartialEq)]
pub struct Whole<'a> {
    /// Whom it is for.
    pub called: Address,
    /// Who sent it.
    pub calling: Address,
    /// What it carries.
    pub data: Cow<'a, [u8]>,
    /// Why it came back, when it did.
    pub returned: Option<u8>,
}

impl Reassembly {
    /// Takes a message; answers with what is whole now.
    ///
    /// # Errors
    ///
    /// [`SccpError::Segment`] for a segment out of order, with which all that came before of the same message is
    /// forgotten; [`SccpError::TooMany`] when as many are under way as are kept.
    pub fn take<'a>(&mut self, now: Instant, message: Message<'a>) -> Result<Option<Whole<'a>>, SccpError> {
        let Message { called, calling, data, segment, returned } = message;
        let whole = |data| Ok(Some(Whole { called, calling, data, returned }));
        let Some(segment) = segment.filter(|segment| !(segment.first && segment.remaining == 0)) else {
            return whole(Cow::Borrowed(data));
        };
        self.pending.retain(|pending| pending.until > now);
        let of_this =
            |pending: &Pending| pending.reference == segment.reference && pending.calling == calling;
        let at = self.pending.iter().position(of_this);
        let known = at.and_then(|at| self.pending.remove(at));
        let mut pending = match (segment.first, known) {
            (true, None) if self.pending.len() < MAX_PENDING => Pending {
                calling,
                reference: segment.reference,
                remaining: segment.remaining,
                until: now.later(PATIENCE),
                data: Vec::with_capacity(data.len().saturating_mul(MAX_SEGMENTS.min(4))),
            },
            (true, None) => return Err(SccpError::TooMany),
            (false, Some(pending)) if pending.remaining.checked_sub(1) == Some(segment.remaining) => pending,
            _ => return Err(SccpError::Segment),
        };
        pending.data.extend_from_slice(data);
        pending.remaining = segment.remaining;
        if pending.remaining == 0 {
            return whole(Cow::Owned(pending.data));
        }
        self.pending.push_back(pending);
        Ok(None)
    }
}

/// Messages in segments that one partner may have under way.
pub(super) const MAX_PENDING: usize = 64;

/// Until the last segment must be there (the reassembly timer of Q.714 annex C, 10 to 20 s).
const PATIENCE: Duration = Duration::from_secs(10);
