//! Transfers that are under way: one message at a time, in turns, and no more of them in a while than the loop can
//! bear.

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::{Flow, Instant, Now, StreamId, UnixTime};

use crate::{
    server::{
        Outbox, Peer,
        answer::{Answer, Section},
        request::Request,
    },
    tsig::{self, Mac, TsigKey, Verified},
    zones::Record,
};

/// One transfer.
#[derive(Debug)]
pub(super) struct Feed {
    peer: Peer,
    /// Header and question of the request.
    head: Vec<u8>,
    /// The question's name, lowered.
    question: Vec<u8>,
    flags: u16,
    records: std::vec::IntoIter<Record>,
    /// A record that did not fit the last message.
    left: Option<Record>,
    /// Which key signs, and the last signature: the request's at first.
    signer: Option<(usize, Mac)>,
    first: bool,
}

impl Feed {
    pub(super) fn new(
        peer: Peer,
        request: &Request<'_>,
        signer: Option<&Verified>,
        records: Vec<Record>,
    ) -> Self {
        Self {
            peer,
            head: request.bytes.get(..request.question_end).unwrap_or_default().to_vec(),
            question: request.question.name.as_wire().to_vec(),
            flags: request.header.flags,
            records: records.into_iter(),
            left: None,
            signer: signer.map(|signer| (signer.index, signer.mac)),
            first: true,
        }
    }

    /// Writes the next message; `false` when there is nothing more.
    fn next(&mut self, now: UnixTime, keys: &[TsigKey], message: &mut Vec<u8>) -> bool {
        let mut next = self.left.take().or_else(|| self.records.next());
        if next.is_none() {
            return false;
        }
        let mut answer = Answer::following(message, &self.head, &self.question, self.flags, MESSAGE_BYTES);
        let mut empty = true;
        while let Some(record) = next {
            let Record { name, rtype, ttl, rdata } = &record;
            // The largest record is larger than the usual message: it travels alone.
            if empty {
                answer.set_limit(usize::from(u16::MAX).saturating_sub(SIGNATURE_ROOM));
            }
            if !answer.push_one(Section::Answer, name.as_wire(), *rtype, *ttl, rdata) {
                self.left = Some(record).filter(|_| !empty);
                break;
            }
            empty = false;
            answer.set_limit(MESSAGE_BYTES);
            next = self.records.next();
        }
        answer.set_authoritative();
        answer.finish(None, 0);
        if let Some((index, last)) = &mut self.signer
            && let Some(key) = keys.get(*index)
        {
            *last = if self.first {
                tsig::sign(message, key, now, Some(last.as_bytes()))
            } else {
                tsig::sign_next(message, key, now, last)
            };
        }
        self.first = false;
        true
    }

    fn stream(&self) -> Option<StreamId> {
        match self.peer.flow {
            Flow::Stream(stream) => Some(stream),
            Flow::Udp(_) => None,
        }
    }
}

/// All transfers that are under way.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    running: VecDeque<Feed>,
    /// Bytes that may still leave before `refill_at`.
    budget: usize,
    refill_at: Instant,
    wall: UnixTime,
    message: Vec<u8>,
}

impl Feeds {
    /// `false` when too many run already, or too many with this peer.
    pub(super) fn start(&mut self, feed: Feed) -> bool {
        let address = feed.peer.address.ip();
        let his = self.running.iter().filter(|other| other.peer.address.ip() == address).count();
        if self.running.len() >= MAX_RUNNING || his >= MAX_OF_ONE {
            return false;
        }
        self.running.push_back(feed);
        true
    }

    pub(super) fn refill(&mut self, now: Now) {
        self.wall = now.wall;
        if self.refill_at <= now.mono {
            (self.budget, self.refill_at) = (BUDGET, now.mono.later(REFILL));
        }
    }

    /// Sends the next message of the transfer whose turn it is.
    pub(super) fn next(&mut self, keys: &[TsigKey], outbox: &mut Outbox) -> bool {
        while self.budget > 0
            && let Some(mut feed) = self.running.pop_front()
        {
            if feed.next(self.wall, keys, &mut self.message) {
                self.budget = self.budget.saturating_sub(self.message.len());
                outbox.send(feed.peer.flow, &self.message);
                self.running.push_back(feed);
                return true;
            }
        }
        false
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        (!self.running.is_empty()).then_some(self.refill_at)
    }

    pub(super) fn closed(&mut self, stream: StreamId) {
        self.running.retain(|feed| feed.stream() != Some(stream));
    }

    pub(super) fn is_feeding(&self, stream: StreamId) -> bool {
        self.running.iter().any(|feed| feed.stream() == Some(stream))
    }
}

/// Bytes of one message: as many as compression pointers reach (RFC 5936 §2.2).
const MESSAGE_BYTES: usize = 16_000;
/// What the longest signature takes.
const SIGNATURE_ROOM: usize = 600;
/// Transfers at one time.
const MAX_RUNNING: usize = 16;
/// Of these with one peer.
const MAX_OF_ONE: usize = 4;
/// Bytes that leave in one go, and how long the next waits: 50 MB/s, with questions answered between.
const BUDGET: usize = 256 * 1_024;
const REFILL: Duration = Duration::from_millis(5);
