//! Transfers that are under way: one message at a time, in turns, no more of them in a while than the loop can bear, and
//! none to a reader that has not read what was sent before. A whole zone is given as it was when it was asked for,
//! whatever changes meanwhile.

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::{Flow, Instant, Now, StreamId, UnixTime};

use super::history::Steps;
use crate::{
    server::{
        Outbox, Peer,
        answer::{Answer, Section},
        request::Request,
    },
    tsig::{self, Mac, TsigKey, Verified},
    wire::{Name, rtype},
    zones::{Record, WalkId, Walked, Zone, Zones},
};

/// Where the records of a transfer come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The whole zone, its SOA first and last (RFC 5936 §2.2).
    Whole(Whole),
    /// What changed.
    Steps(Steps),
}

/// A walk through a zone.
#[derive(Debug)]
pub(super) struct Whole {
    zone: Name,
    /// `None` once it has ended.
    walk: Option<WalkId>,
    soa: Option<Record>,
    /// Of the name that was reached.
    records: std::vec::IntoIter<Record>,
}

/// What comes next.
enum Next {
    Record(Record),
    /// Nothing yet, but that was work.
    Nothing,
    End,
}

impl Source {
    /// All of `zone` as it is now.
    pub(super) fn whole(zone: &mut Zone) -> Self {
        let soa = zone.soa().map(|(set, rdata)| set.record(zone.origin(), rdata));
        let first: Vec<_> = soa.iter().cloned().collect();
        let (walk, records) = (Some(zone.begin_walk()), first.into_iter());
        Self::Whole(Whole { zone: zone.origin().clone(), walk, soa, records })
    }

    fn next(&mut self, zones: &mut Zones) -> Next {
        match self {
            Self::Steps(steps) => steps.next().map_or(Next::End, Next::Record),
            Self::Whole(whole) => whole.next(zones),
        }
    }

    /// Must be called when the transfer ends, however it does.
    fn end(&mut self, zones: &mut Zones) {
        if let Self::Whole(Whole { zone, walk, .. }) = self
            && let Some((zone, walk)) = zones.get_mut(zone).zip(walk.take())
        {
            zone.end_walk(walk);
        }
    }
}

impl Whole {
    fn next(&mut self, zones: &mut Zones) -> Next {
        if let Some(record) = self.records.next() {
            return Next::Record(record);
        }
        let walked = match (self.walk, zones.get_mut(&self.zone)) {
            (Some(walk), Some(zone)) => zone.walk(walk),
            _ => Walked::End,
        };
        match walked {
            Walked::Name(name, contents) => {
                let records = contents.records(&name).filter(|record| record.rtype != rtype::SOA);
                self.records = records.collect::<Vec<_>>().into_iter();
                Next::Nothing
            }
            Walked::Nothing => Next::Nothing,
            Walked::End => self.soa.take().map_or(Next::End, Next::Record),
        }
    }
}

/// One transfer.
#[derive(Debug)]
pub(super) struct Feed {
    peer: Peer,
    /// Header and question of the request.
    head: Vec<u8>,
    /// The question's name, lowered.
    question: Vec<u8>,
    flags: u16,
    source: Source,
    /// A record that did not fit the last message.
    left: Option<Record>,
    /// Which key signs, and the last signature: the request's at first.
    signer: Option<(usize, Mac)>,
    first: bool,
    /// Bytes that its reader has not read.
    waits: usize,
}

/// What a feed has.
enum Fed {
    /// A message.
    Message,
    /// Nothing yet.
    Nothing,
    /// It has ended.
    End,
}

impl Feed {
    pub(super) fn new(peer: Peer, request: &Request<'_>, signer: Option<&Verified>, source: Source) -> Self {
        Self {
            peer,
            head: request.bytes.get(..request.question_end).unwrap_or_default().to_vec(),
            question: request.question.name.as_wire().to_vec(),
            flags: request.header.flags,
            source,
            left: None,
            signer: signer.map(|signer| (signer.index, signer.mac)),
            first: true,
            waits: 0,
        }
    }

    /// Writes the next message, as far as one piece of work goes.
    fn next(&mut self, now: UnixTime, keys: &[TsigKey], zones: &mut Zones, message: &mut Vec<u8>) -> Fed {
        let mut answer = Answer::following(message, &self.head, &self.question, self.flags, MESSAGE_BYTES);
        let (mut empty, mut work) = (true, 0_usize);
        let ended = loop {
            let record = match self.left.take().map_or_else(|| self.source.next(zones), Next::Record) {
                Next::Record(record) => record,
                Next::Nothing if work < WORK => {
                    work = work.saturating_add(1);
                    continue;
                }
                Next::Nothing => break false,
                Next::End => break true,
            };
            // The largest record is larger than the usual message: it travels alone.
            if empty {
                answer.set_limit(usize::from(u16::MAX).saturating_sub(SIGNATURE_ROOM));
            }
            let Record { name, rtype, ttl, rdata } = &record;
            if !answer.push_one(Section::Answer, name.as_wire(), *rtype, *ttl, rdata) {
                self.left = Some(record).filter(|_| !empty);
                break false;
            }
            empty = false;
            answer.set_limit(MESSAGE_BYTES);
        };
        if empty {
            return if ended { Fed::End } else { Fed::Nothing };
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
        Fed::Message
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
    pub(super) fn has_room_for(&self, peer: Peer) -> bool {
        let address = peer.address.ip();
        let his = self.running.iter().filter(|other| other.peer.address.ip() == address).count();
        self.running.len() < MAX_RUNNING && his < MAX_OF_ONE
    }

    pub(super) fn start(&mut self, feed: Feed) {
        self.running.push_back(feed);
    }

    pub(super) fn refill(&mut self, now: Now) {
        self.wall = now.wall;
        if self.refill_at <= now.mono {
            (self.budget, self.refill_at) = (BUDGET, now.mono.later(REFILL));
        }
    }

    /// Sends the next message of the transfer whose turn it is. `false` when there is none for now.
    pub(super) fn next(&mut self, zones: &mut Zones, keys: &[TsigKey], outbox: &mut Outbox) -> bool {
        for _ in 0..self.running.len() {
            if self.budget == 0 {
                return false;
            }
            let Some(mut feed) = self.running.pop_front() else { return false };
            if feed.waits >= MOST_WAITING {
                self.running.push_back(feed);
                continue;
            }
            match feed.next(self.wall, keys, zones, &mut self.message) {
                Fed::Message => {
                    self.budget = self.budget.saturating_sub(self.message.len());
                    outbox.send(feed.peer.flow, &self.message);
                }
                Fed::Nothing => self.budget = self.budget.saturating_sub(MESSAGE_BYTES),
                Fed::End => {
                    feed.source.end(zones);
                    continue;
                }
            }
            self.running.push_back(feed);
            return true;
        }
        false
    }

    pub(super) fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.running.iter().filter_map(Feed::stream)
    }

    pub(super) fn waits(&mut self, stream: StreamId, bytes: usize) {
        for feed in self.running.iter_mut().filter(|feed| feed.stream() == Some(stream)) {
            feed.waits = bytes;
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        (!self.running.is_empty()).then_some(self.refill_at)
    }

    pub(super) fn closed(&mut self, stream: StreamId, zones: &mut Zones) {
        self.running.retain_mut(|feed| {
            let stays = feed.stream() != Some(stream);
            if !stays {
                feed.source.end(zones);
            }
            stays
        });
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
/// Bytes that leave in one go, and how long the next waits: 32 MB/s, with questions answered between.
const BUDGET: usize = 32 * 1_024;
const REFILL: Duration = Duration::from_millis(1);
/// Names looked at for one message at most.
const WORK: usize = 1_024;
/// Bytes that a reader may leave unread before he is given more.
const MOST_WAITING: usize = 256 * 1_024;
