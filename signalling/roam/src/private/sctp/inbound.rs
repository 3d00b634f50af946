//! What comes on an association: numbers that have come, messages put together and in order, and what is acknowledged
//! (RFC 9260 §6.2, §6.5 to §6.7, §6.9).

use std::collections::{BTreeMap, BTreeSet};

use rove_base::Instant;

use super::rules::{ACK_DELAY, AHEAD, MAX_FRAGMENTS, RECEIVE_WINDOW, STREAMS};

/// One direction of an association.
#[derive(Debug)]
pub(super) struct Inbound {
    /// All numbers up to this one have come. Counts on where the wire's wraps.
    got: u64,
    /// Those beyond it that have; within [`AHEAD`].
    beyond: BTreeSet<u64>,
    /// Pieces of messages that are not whole.
    fragments: BTreeMap<u64, Fragment>,
    /// Whole messages that wait for one before them, by stream and place in it.
    waiting: BTreeMap<(u16, u16), Message>,
    /// What is to be handed up next, by stream.
    next: Vec<u16>,
    /// What fragments and messages take.
    held: usize,
    /// Numbers that came twice since the last acknowledgement.
    twice: Vec<u32>,
    /// Packets with DATA since then.
    packets: u8,
    /// When it is to be sent at the latest.
    due: Option<Instant>,
}

/// A message for the owner.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) stream: u16,
    pub(super) protocol: u32,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
struct Fragment {
    flags: u8,
    place: u16,
    message: Message,
}

/// Why an association cannot go on (§3.3.10), or what was wrong with one chunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// A stream that was not agreed on; the chunk is taken and dropped.
    Stream(u16),
    /// More than is kept.
    Resource,
    /// DATA without data.
    Empty(u32),
    /// What the protocol does not allow.
    Violation,
}

impl Inbound {
    /// Numbers begin at `first`.
    pub(super) fn new(first: u32) -> Self {
        Self {
            got: (u64::from(first) | 1 << 32).saturating_sub(1),
            beyond: BTreeSet::new(),
            fragments: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next: vec![0; usize::from(STREAMS)],
            held: 0,
            twice: Vec::new(),
            packets: 0,
            due: None,
        }
    }

    /// The last number before the first that is missing.
    pub(super) const fn got(&self) -> u32 {
        low(self.got)
    }

    /// The value of a DATA chunk; what became whole and is next goes to `ready`.
    pub(super) fn data(
        &mut self,
        now: Instant,
        flags: u8,
        value: &[u8],
        ready: &mut Vec<Message>,
    ) -> Result<(), Fault> {
        let Some((&[a, b, c, d, e, f, g, h, i, j, k, l], bytes)) = value.split_first_chunk() else {
            return Err(Fault::Violation);
        };
        let number = u32::from_be_bytes([a, b, c, d]);
        let (stream, place) = (u16::from_be_bytes([e, f]), u16::from_be_bytes([g, h]));
        if bytes.is_empty() {
            return Err(Fault::Empty(number));
        }
        let ahead = number.wrapping_sub(self.got());
        let number = self.got.saturating_add(u64::from(ahead));
        if ahead == 0 || ahead > u32::MAX / 2 || self.beyond.contains(&number) {
            if self.twice.len() < MOST_TWICE {
                self.twice.push(low(number));
            }
            self.due = Some(now);
            return Ok(());
        }
        let full = self.held.saturating_add(cost(bytes)) > MOST_HELD;
        if ahead > AHEAD || (full && ahead > 1) {
            self.due = Some(now);
            return Ok(());
        }
        self.came(number);
        if flags & AT_ONCE != 0 || !self.beyond.is_empty() {
            self.due = Some(now);
        }
        if usize::from(stream) >= self.next.len() {
            return Err(Fault::Stream(stream));
        }
        if full && self.held > MOST_HELD {
            return Err(Fault::Resource);
        }
        let message = Message { stream, protocol: u32::from_be_bytes([i, j, k, l]), bytes: bytes.to_vec() };
        self.held = self.held.saturating_add(cost(bytes));
        self.fragments.insert(number, Fragment { flags, place, message });
        if let Some(Fragment { flags, place, message }) = self.assemble(number)? {
            self.deliver(flags, place, message, ready);
        }
        Ok(())
    }

    fn came(&mut self, number: u64) {
        if number != self.got.saturating_add(1) {
            self.beyond.insert(number);
            return;
        }
        self.got = number;
        while self.beyond.remove(&self.got.saturating_add(1)) {
            self.got = self.got.saturating_add(1);
        }
    }

    /// The message that the piece `number` belongs to, when all of its pieces are there.
    fn assemble(&mut self, number: u64) -> Result<Option<Fragment>, Fault> {
        let (mut first, mut last) = (number, number);
        let mut count = 1_usize;
        let mut grow = || {
            count = count.saturating_add(1);
            if count > MAX_FRAGMENTS { Err(Fault::Violation) } else { Ok(()) }
        };
        loop {
            match self.fragments.get(&first) {
                None => return Ok(None),
                Some(piece) if piece.flags & BEGINS != 0 => break,
                Some(_) => first = first.saturating_sub(1),
            }
            grow()?;
        }
        loop {
            match self.fragments.get(&last) {
                None => return Ok(None),
                Some(piece) if piece.flags & ENDS != 0 => break,
                Some(_) => last = last.saturating_add(1),
            }
            grow()?;
        }
        let Some(mut whole) = self.fragments.remove(&first) else { return Ok(None) };
        for number in first.saturating_add(1)..=last {
            let Some(piece) = self.fragments.remove(&number) else { return Err(Fault::Violation) };
            let same = piece.message.stream == whole.message.stream && piece.place == whole.place;
            if !same || piece.flags & BEGINS != 0 {
                return Err(Fault::Violation);
            }
            self.held = self.held.saturating_sub(PIECE);
            whole.message.bytes.extend_from_slice(&piece.message.bytes);
        }
        Ok(Some(whole))
    }

    fn deliver(&mut self, flags: u8, place: u16, message: Message, ready: &mut Vec<Message>) {
        let stream = message.stream;
        let Some(next) = self.next.get_mut(usize::from(stream)) else { return };
        if flags & UNORDERED == 0 && place != *next {
            // Who sends the same place twice gets the later one.
            if let Some(old) = self.waiting.insert((stream, place), message) {
                self.held = self.held.saturating_sub(cost(&old.bytes));
            }
            return;
        }
        self.held = self.held.saturating_sub(cost(&message.bytes));
        ready.push(message);
        if flags & UNORDERED == 0 {
            *next = next.wrapping_add(1);
            while let Some(message) = self.waiting.remove(&(stream, *next)) {
                self.held = self.held.saturating_sub(cost(&message.bytes));
                ready.push(message);
                *next = next.wrapping_add(1);
            }
        }
    }

    /// A packet with DATA is over.
    pub(super) fn end_of_packet(&mut self, now: Instant) {
        self.packets = self.packets.saturating_add(1);
        let latest = if self.packets >= 2 { now } else { now.later(ACK_DELAY) };
        self.due = Some(self.due.map_or(latest, |due| due.min(latest)));
    }

    /// When an acknowledgement has to leave; `None` when none is owed.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The value of the SACK that is owed (§3.3.4).
    pub(super) fn acknowledge(&mut self) -> Vec<u8> {
        let mut gaps: Vec<(u16, u16)> = Vec::new();
        for number in &self.beyond {
            let offset = u16::try_from(number.saturating_sub(self.got)).unwrap_or(u16::MAX);
            if gaps.len() > MOST_GAPS {
                break;
            }
            match gaps.last_mut() {
                Some((_, last)) if last.saturating_add(1) == offset => *last = offset,
                _ => gaps.push((offset, offset)),
            }
        }
        let window = RECEIVE_WINDOW.saturating_sub(u32::try_from(self.held).unwrap_or(u32::MAX));
        let mut value = self.got().to_be_bytes().to_vec();
        value.extend_from_slice(&window.to_be_bytes());
        for count in [gaps.len(), self.twice.len()] {
            value.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
        }
        for (first, last) in gaps {
            value.extend_from_slice(&first.to_be_bytes());
            value.extend_from_slice(&last.to_be_bytes());
        }
        self.twice.drain(..).for_each(|number| value.extend_from_slice(&number.to_be_bytes()));
        (self.packets, self.due) = (0, None);
        value
    }

    /// What it keeps, in bytes; for tests of its bound.
    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.held
    }
}

/// The number as it is on the wire.
#[expect(clippy::cast_possible_truncation, reason = "its lower half is meant")]
const fn low(number: u64) -> u32 {
    number as u32
}

/// What bytes take, with what is kept beside them.
const fn cost(bytes: &[u8]) -> usize {
    bytes.len().saturating_add(PIECE)
}

/// Of a DATA chunk (§3.3.1).
pub(super) const ENDS: u8 = 1;
pub(super) const BEGINS: u8 = 2;
const UNORDERED: u8 = 4;
/// Its sender waits for the acknowledgement.
pub(super) const AT_ONCE: u8 = 8;

/// What is kept beside the bytes of a piece.
const PIECE: usize = 96;
/// Beside the window that was told, which counts bytes alone.
pub(super) const MOST_HELD: usize = 2 * RECEIVE_WINDOW as usize;
/// How many gaps and doubles an acknowledgement tells; of the others, later ones do.
const MOST_GAPS: usize = 64;
const MOST_TWICE: usize = 16;
