//! Datagrams as parts of a stream, and back (RFC 8656 §12.5, RFC 8489 §6.2.2), in room that is there from the beginning.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::VecDeque;

use rove_nat::stun::turn::{Frame, frame};

/// What waits to leave by the stream, oldest first. Where it is full, the oldest media make room.
pub(super) struct Outbox {
    waiting: VecDeque<Slot>,
    free: Vec<Slot>,
    /// Bytes of the first that have left: it cannot be thrown away any more.
    left: usize,
    /// Questions that were passed on.
    asked: VecDeque<[u8; 12]>,
    /// Datagrams that were thrown away.
    dropped: u64,
}

/// One message with its padding.
struct Slot {
    bytes: Box<[u8; MOST]>,
    len: usize,
}

impl Outbox {
    pub(super) fn new() -> Self {
        let slot = || Slot { bytes: Box::new([0; MOST]), len: 0 };
        Self {
            waiting: VecDeque::with_capacity(SLOTS),
            free: core::iter::repeat_with(slot).take(SLOTS).collect(),
            left: 0,
            asked: VecDeque::with_capacity(ASKED),
            dropped: 0,
        }
    }

    /// Takes a datagram for the server. What is none that a server knows would end the stream, and a question that is asked
    /// again has not been lost there: neither is passed on.
    pub(super) fn push(&mut self, datagram: &[u8]) {
        let Frame::Of(len) = frame(datagram) else { return };
        let padding = len.checked_sub(datagram.len()).filter(|padding| *padding < 4 && len <= MOST);
        let question = question(datagram);
        if padding.is_none() || question.is_some_and(|question| self.asked.contains(&question)) {
            return;
        }
        let Some(mut slot) = self.room() else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        let (start, rest) = slot.bytes.split_at_mut(datagram.len());
        start.copy_from_slice(datagram);
        rest.iter_mut().take(3).for_each(|byte| *byte = 0);
        slot.len = len;
        self.waiting.push_back(slot);
        if let Some(question) = question {
            if self.asked.len() == ASKED {
                self.asked.pop_front();
            }
            self.asked.push_back(question);
        }
    }

    /// Media are worth nothing late; what is said to the server itself is not thrown away.
    fn room(&mut self) -> Option<Slot> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let under_way = usize::from(self.left > 0);
        let is_media = |slot: &Slot| slot.bytes.first().is_some_and(|first| *first >= 0x40);
        let oldest = self.waiting.iter().skip(under_way).position(is_media)?;
        self.dropped = self.dropped.saturating_add(1);
        self.waiting.remove(oldest.saturating_add(under_way))
    }

    /// What is to leave next.
    pub(super) fn front(&self) -> Option<&[u8]> {
        let slot = self.waiting.front()?;
        slot.bytes.get(self.left..slot.len)
    }

    /// So many bytes of it have left.
    pub(super) fn left(&mut self, count: usize) {
        self.left = self.left.saturating_add(count);
        if self.waiting.front().is_some_and(|slot| slot.len <= self.left) {
            self.left = 0;
            self.free.extend(self.waiting.pop_front());
        }
    }

    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Which question this is: requests alone have an answer (RFC 8489 §5).
fn question(datagram: &[u8]) -> Option<[u8; 12]> {
    let [0x00, low] = datagram.first_chunk::<2>()? else { return None };
    let transaction = datagram.get(8..20)?.first_chunk::<12>()?;
    (low & 0x10 == 0).then_some(*transaction)
}

/// What has come by the stream and is not whole yet.
pub(super) struct Inbox {
    bytes: Box<[u8; ROOM]>,
    len: usize,
    /// Bytes to come of a message that is passed over.
    over: usize,
}

/// The stream says what no server says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lost;

impl Inbox {
    pub(super) fn new() -> Self {
        Self { bytes: Box::new([0; ROOM]), len: 0, over: 0 }
    }

    /// Where the next bytes go; never empty.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.len..).unwrap_or_default()
    }

    /// So many bytes have come there: hands out each message that is whole. One that is longer than any that a call sends is
    /// passed over: whoever shares the other side's address could end the stream with it.
    pub(super) fn came(&mut self, count: usize, mut each: impl FnMut(&[u8])) -> Result<(), Lost> {
        self.len = self.len.saturating_add(count).min(ROOM);
        let mut rest = self.bytes.get(..self.len).unwrap_or_default();
        loop {
            let over = self.over.min(rest.len());
            self.over = self.over.saturating_sub(over);
            rest = rest.get(over..).unwrap_or_default();
            match frame(rest) {
                Frame::Of(len) if len > MOST => self.over = len,
                Frame::Of(len) => match rest.split_at_checked(len) {
                    Some((message, behind)) => {
                        each(message);
                        rest = behind;
                    }
                    None => break,
                },
                Frame::Short => break,
                Frame::Lost => return Err(Lost),
            }
        }
        let begin = self.len.saturating_sub(rest.len());
        let kept = rest.len();
        self.bytes.copy_within(begin..self.len, 0);
        self.len = kept;
        Ok(())
    }
}

/// The longest message that a call sends or takes: a datagram of 1500 bytes with what stands before it, in channels or without.
const MOST: usize = 1_600;
/// Messages that may wait: 0.4 seconds of media, as long as a call that is not told otherwise waits for a packet.
const SLOTS: usize = 20;
/// Bytes that are read at once.
const ROOM: usize = 16 * 1_024;
/// Questions that may be asked again: more than a client has open.
const ASKED: usize = 64;

#[cfg(test)]
mod tests;
