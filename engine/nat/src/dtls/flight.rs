//! What is sent, and sent again until it is answered (RFC 6347 §4.2.4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::Instant;

use super::{
    message::{HEADER as MESSAGE_HEADER, Message, fragment_header},
    record::{self, CHANGE_CIPHER, HANDSHAKE, HEADER, OVERHEAD, RecordKeys, VERSION},
};

/// The way out of a handshake: numbers its records, keeps its last flight, and knows when to send that again.
pub(super) struct Outbound {
    datagrams: VecDeque<Vec<u8>>,
    flight: Vec<Item>,
    keys: Option<RecordKeys>,
    /// Records sent in each epoch.
    sent: [u64; 2],
    /// Messages sent.
    next_message: u16,
    /// When the flight is sent again, and how long after that once more. `None`: it was answered, or is the last one.
    timer: Option<(Instant, Duration)>,
    repeated: Option<Instant>,
}

enum Item {
    Message(Message),
    ChangeCipher,
    Protected(Message),
}

impl Outbound {
    pub(super) fn new(first_message: u16) -> Self {
        let (datagrams, flight) = (VecDeque::new(), Vec::new());
        Self {
            datagrams,
            flight,
            keys: None,
            sent: [0; 2],
            next_message: first_message,
            timer: None,
            repeated: None,
        }
    }

    /// The flight before was answered; another begins.
    pub(super) fn begin(&mut self) {
        self.flight.clear();
        self.timer = None;
        self.repeated = None;
    }

    /// Adds a message to the flight.
    pub(super) fn say(&mut self, kind: u8, body: &[u8]) -> Message {
        let message = self.number(kind, body);
        self.flight.push(Item::Message(message.clone()));
        message
    }

    /// From here on the flight is protected with `keys`.
    pub(super) fn change_cipher(&mut self, keys: RecordKeys) {
        self.keys = Some(keys);
        self.flight.push(Item::ChangeCipher);
    }

    /// Adds a protected message to the flight.
    pub(super) fn say_protected(&mut self, kind: u8, body: &[u8]) -> Message {
        let message = self.number(kind, body);
        self.flight.push(Item::Protected(message.clone()));
        message
    }

    /// The messages that follow count from `seq`.
    pub(super) fn count_from(&mut self, seq: u16) {
        self.next_message = seq;
    }

    /// The number of the next message.
    pub(super) const fn count(&self) -> u16 {
        self.next_message
    }

    fn number(&mut self, kind: u8, body: &[u8]) -> Message {
        let message = Message::new(kind, self.next_message, body);
        self.next_message = self.next_message.wrapping_add(1);
        message
    }

    /// Sends the flight; again and again until the next one begins, unless it is the last.
    pub(super) fn send(&mut self, now: Instant, last: bool) {
        self.write();
        self.repeated = Some(now);
        self.timer = (!last).then(|| (now + FIRST_WAIT, FIRST_WAIT));
    }

    /// Sends the flight again because the peer repeated its own; not more often than each [`REPEAT`].
    pub(super) fn repeat(&mut self, now: Instant) {
        if self.repeated.is_none_or(|before| now.since(before) >= REPEAT) {
            self.repeated = Some(now);
            self.write();
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if let Some((due, wait)) = self.timer
            && due <= now
        {
            let wait = wait.saturating_mul(2).min(LONGEST_WAIT);
            self.timer = Some((now + wait, wait));
            self.repeated = Some(now);
            self.write();
        }
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.timer.map(|(due, _)| due)
    }

    pub(super) fn next_datagram(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    /// Sends an alert, protected where it can be.
    pub(super) fn alert(&mut self, level: u8, description: u8) {
        let mut datagram = Vec::new();
        let body = [level, description];
        let epoch = usize::from(self.keys.is_some());
        let Some(sent) = self.sent.get_mut(epoch) else { return };
        match &self.keys {
            Some(keys) => drop(keys.seal(&mut datagram, record::ALERT, *sent, &body)),
            None => record::write(&mut datagram, record::ALERT, VERSION, *sent, &body),
        }
        *sent = sent.saturating_add(1);
        self.enqueue(datagram);
    }

    fn write(&mut self) {
        let flight = core::mem::take(&mut self.flight);
        let mut datagram = Vec::new();
        for item in &flight {
            match item {
                Item::Message(message) => self.pieces(&mut datagram, message, false),
                Item::Protected(message) => self.pieces(&mut datagram, message, true),
                Item::ChangeCipher => self.record(&mut datagram, CHANGE_CIPHER, &[1], false),
            }
        }
        self.enqueue(datagram);
        self.flight = flight;
    }

    /// Writes a message in as many pieces as it needs.
    fn pieces(&mut self, datagram: &mut Vec<u8>, message: &Message, protected: bool) {
        let body = message.body();
        let mut offset = 0_usize;
        loop {
            let overhead = MESSAGE_HEADER.saturating_add(if protected { OVERHEAD } else { HEADER });
            let mut room = MTU.saturating_sub(datagram.len()).saturating_sub(overhead);
            if room < SMALLEST.min(body.len().saturating_sub(offset)) {
                self.enqueue(core::mem::take(datagram));
                room = MTU.saturating_sub(overhead);
            }
            let piece = body.get(offset..).unwrap_or_default();
            let piece = piece.get(..room).unwrap_or(piece);
            let mut record = Vec::with_capacity(piece.len().saturating_add(MESSAGE_HEADER));
            fragment_header(&mut record, message.kind, body.len(), message.seq, offset, piece.len());
            record.extend(piece);
            self.record(datagram, HANDSHAKE, &record, protected);
            offset = offset.saturating_add(piece.len());
            if offset >= body.len() {
                return;
            }
        }
    }

    fn record(&mut self, datagram: &mut Vec<u8>, kind: u8, body: &[u8], protected: bool) {
        let Some(sent) = self.sent.get_mut(usize::from(protected)) else { return };
        match (&self.keys, protected) {
            (Some(keys), true) => drop(keys.seal(datagram, kind, *sent, body)),
            _ => record::write(datagram, kind, VERSION, *sent, body),
        }
        *sent = sent.saturating_add(1);
    }

    fn enqueue(&mut self, datagram: Vec<u8>) {
        if !datagram.is_empty() && self.datagrams.len() < WAITING {
            self.datagrams.push_back(datagram);
        }
    }
}

/// The longest datagram; the paths of calls carry it.
const MTU: usize = 1_200;
/// A piece of a message is not made shorter than this to fill a datagram up.
const SMALLEST: usize = 128;
/// Datagrams that wait to leave, at most.
const WAITING: usize = 16;
/// The first repetition; each following one waits twice as long (RFC 6347 §4.2.4.1 lets a path with short delays have less
/// than a second).
const FIRST_WAIT: Duration = Duration::from_millis(400);
const LONGEST_WAIT: Duration = Duration::from_millis(1_600);
/// A flight asked for again is not sent more often than this.
const REPEAT: Duration = Duration::from_millis(200);
