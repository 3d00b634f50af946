//! Messages as they come: in pieces, in any order, twice, and some of them forged.
//!
//! A handshake's first messages are authentic only once a later one has signed them. So a forged message may not drive
//! out the genuine one: up to [`RIVALS`] messages of one number and kind are kept beside each other until a signature
//! or a fingerprint tells which is genuine. Memory is bounded by [`MESSAGES`] and [`PARTS`] of [`LONGEST`] bytes.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::message::{Fragment, Message};

/// What was received of a handshake and not yet used up.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    parts: Parts,
    /// Each with the number of the datagram that made it whole.
    messages: Vec<(u64, Message)>,
    datagram: u64,
}

impl Inbox {
    /// Takes in a piece. `true`: a message is there that was not before.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) -> bool {
        let Some(message) = self.parts.add(fragment) else { return false };
        if self.messages.iter().any(|(_, kept)| *kept == message) {
            return false;
        }
        let alike = |(_, kept): &(u64, Message)| kept.seq == message.seq && kept.kind == message.kind;
        if self.messages.iter().filter(|kept| alike(kept)).count() >= RIVALS {
            if let Some(oldest) = self.messages.iter().position(alike) {
                self.messages.remove(oldest);
            }
        } else if self.messages.len() >= MESSAGES {
            self.messages.remove(0);
        }
        self.messages.push((self.datagram, message));
        true
    }

    /// The messages of a kind with a number, the oldest first.
    pub(super) fn of(&self, kind: u8, seq: u16) -> impl Iterator<Item = &Message> + Clone {
        self.of_kind(kind).filter(move |message| message.seq == seq)
    }

    /// The messages of a kind.
    pub(super) fn of_kind(&self, kind: u8) -> impl Iterator<Item = &Message> + Clone {
        self.messages.iter().map(|(_, message)| message).filter(move |message| message.kind == kind)
    }

    /// The message of a kind with a number that came with `other`, or else the oldest one: what nothing signs is believed
    /// rather when it came in one datagram with what is signed.
    pub(super) fn beside(&self, other: &Message, kind: u8, seq: u16) -> Option<&Message> {
        let (datagram, _) = self.messages.iter().find(|(_, kept)| kept == other)?;
        let fits = |(_, kept): &&(u64, Message)| kept.kind == kind && kept.seq == seq;
        let beside = self.messages.iter().filter(fits).find(|(came, _)| came == datagram);
        beside.or_else(|| self.messages.iter().find(fits)).map(|(_, message)| message)
    }

    /// What is added from now on came in another datagram.
    pub(super) fn next_datagram(&mut self) {
        self.datagram = self.datagram.wrapping_add(1);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Pieces of messages that are not whole.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Part>);

#[derive(Debug)]
struct Part {
    kind: u8,
    seq: u16,
    bytes: Vec<u8>,
    /// Which bytes are there.
    have: Vec<bool>,
}

impl Parts {
    /// The message that `fragment` is, or makes whole.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) -> Option<Message> {
        if fragment.whole > LONGEST {
            return None;
        }
        if fragment.bytes.len() == fragment.whole {
            return Some(Message::new(fragment.kind, fragment.seq, fragment.bytes));
        }
        if fragment.bytes.is_empty() {
            return None;
        }
        let index = match self.0.iter().position(|part| part.fits(fragment)) {
            Some(index) => index,
            None => {
                if self.0.len() >= PARTS {
                    self.0.remove(0);
                }
                self.0.push(Part {
                    kind: fragment.kind,
                    seq: fragment.seq,
                    bytes: vec![0; fragment.whole],
                    have: vec![false; fragment.whole],
                });
                self.0.len().saturating_sub(1)
            }
        };
        let part = self.0.get_mut(index)?;
        part.bytes.iter_mut().skip(fragment.offset).zip(fragment.bytes).for_each(|(to, from)| *to = *from);
        part.have.iter_mut().skip(fragment.offset).take(fragment.bytes.len()).for_each(|have| *have = true);
        if !part.have.iter().all(|have| *have) {
            return None;
        }
        let part = self.0.remove(index);
        Some(Message::new(part.kind, part.seq, &part.bytes))
    }
}

impl Part {
    /// Whether `fragment` may be of the same message: nothing that is there contradicts it.
    fn fits(&self, fragment: &Fragment<'_>) -> bool {
        let same = (self.kind, self.seq, self.bytes.len()) == (fragment.kind, fragment.seq, fragment.whole);
        let there = self.bytes.iter().zip(&self.have).skip(fragment.offset);
        same && there.zip(fragment.bytes).all(|((byte, have), new)| !have || byte == new)
    }
}

/// Messages of one number and kind, at most.
const RIVALS: usize = 3;
/// Messages kept, at most.
const MESSAGES: usize = 24;
/// Messages of which pieces are kept, at most.
const PARTS: usize = 8;
/// The longest message: a chain of certificates.
const LONGEST: usize = 16_384;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn piece<'a>(whole: &'a [u8], seq: u16, from: usize, to: usize) -> Fragment<'a> {
        Fragment { kind: 11, whole: whole.len(), seq, offset: from, bytes: &whole[from..to] }
    }

    #[test]
    fn pieces_make_a_whole_in_any_order_and_overlapping() {
        let body: Vec<u8> = (0..100).collect();
        let mut inbox = Inbox::default();
        assert!(!inbox.add(&piece(&body, 2, 60, 100)));
        assert!(!inbox.add(&piece(&body, 2, 0, 30)));
        assert!(!inbox.add(&piece(&body, 2, 0, 30)));
        assert!(inbox.add(&piece(&body, 2, 20, 70)));
        assert_eq!(inbox.of(11, 2).next().unwrap().body(), body);
        assert!(!inbox.add(&piece(&body, 2, 0, 100)), "it is there already");
    }

    #[test]
    fn forged_pieces_do_not_spoil_the_genuine_ones() {
        let (body, forged) = ([1; 100], [2; 100]);
        let mut inbox = Inbox::default();
        inbox.add(&piece(&forged, 2, 0, 50));
        inbox.add(&piece(&body, 2, 0, 50));
        inbox.add(&piece(&forged, 2, 40, 60));
        assert!(inbox.add(&piece(&body, 2, 50, 100)));
        assert!(inbox.of(11, 2).any(|message| message.body() == body));
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut inbox = Inbox::default();
        for seq in 0..10_000 {
            let body = [seq as u8, (seq >> 8) as u8, 3];
            inbox.add(&piece(&body, seq, 0, 3));
            inbox.add(&piece(&body, 7, 0, 3));
            inbox.add(&piece(&body, seq, 0, 2));
        }
        assert!(inbox.messages.len() <= MESSAGES && inbox.parts.0.len() <= PARTS);
        assert!(inbox.of(11, 7).count() <= RIVALS);
    }
}
