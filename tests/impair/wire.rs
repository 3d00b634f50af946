//! One direction of one wire at work: frames that wait until they are due.

use std::{cmp::Reverse, collections::BinaryHeap};

use rove_base::{Entropy, Instant};
use rove_phone::netem::{Fate, Impairments, Link};
use serde_json::{Value, json};

use crate::{
    order::Bad,
    packet::{Packet, Voice, voice},
    truth::Ledger,
};

/// One direction of one wire.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Which wire.
    wire: usize,
    link: Link,
    bad: Bad,
    entropy: Entropy,
    /// UDP ports whose datagrams pass whatever happens to others.
    spared: Vec<u16>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    count: u64,
    tally: Tally,
}

/// What was done since the mark.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    given: u64,
    lost: u64,
    cut: u64,
    broken: u64,
    delivered: u64,
    refused: u64,
    /// Seconds from when they were given to when they left, of all that did.
    delay: f64,
    /// Seconds after they were due.
    latest: f64,
}

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Waiting {
    due: Instant,
    order: u64,
    given: Instant,
    frame: Vec<u8>,
    voice: Option<(u32, u16)>,
    /// It fares as it was told, and is counted.
    counts: bool,
}

impl Lane {
    pub(crate) fn new(wire: usize, mut entropy: Entropy, spared: &[u16]) -> Self {
        Self {
            wire,
            link: Link::new(Impairments::default(), entropy.fork()),
            bad: Bad::default(),
            entropy,
            spared: spared.to_vec(),
            waiting: BinaryHeap::new(),
            count: 0,
            tally: Tally::default(),
        }
    }

    pub(crate) fn change(&mut self, bad: Bad) {
        self.link.change(bad.link.clone());
        self.bad = bad;
    }

    /// Takes a frame. What is no UDP, or spared, leaves at once.
    pub(crate) fn give(&mut self, now: Instant, frame: &mut [u8], ledger: &mut Ledger) {
        let packet = Packet::of(frame);
        let spared = |packet: &Packet| packet.ports.iter().any(|port| self.spared.contains(port));
        let free = packet.as_ref().is_none_or(spared);
        let voice = packet.as_ref().and_then(|packet| packet.payload(frame)).and_then(|bytes| voice(bytes));
        let mut voice = voice.filter(|_| !free);
        let bytes = packet.as_ref().map_or(frame.len(), |packet| packet.bytes);
        if let Some(voice) = voice {
            ledger.sent(now, self.wire, voice, bytes);
        }
        let due = if free { Some(now) } else { self.fate(now, bytes) };
        let Some(due) = due else { return };
        if let Some(packet) = &packet {
            let payload = packet.payload(frame).filter(|_| !free);
            if payload.is_some_and(|payload| break_bits(payload, self.bad.bit_errors, &mut self.entropy)) {
                self.tally.broken += 1;
                voice = None;
            }
            packet.seal(frame);
        }
        self.count += 1;
        let voice = voice.map(|voice| (voice.source, voice.number));
        let (order, frame) = (self.count, frame.to_vec());
        let waiting = Waiting { due, order, given: now, frame, voice, counts: !free };
        self.waiting.push(Reverse(waiting));
    }

    /// When it leaves; `None` when it does not.
    fn fate(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        self.tally.given += 1;
        if self.bad.cut {
            self.tally.cut += 1;
            return None;
        }
        match self.link.send(now, bytes as u64) {
            Fate::Arrives(at) | Fate::ArrivesTwice(at, _) => Some(at),
            Fate::Cut | Fate::Dropped | Fate::Lost => {
                self.tally.lost += 1;
                None
            }
        }
    }

    /// When the next frame leaves.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse(waiting)| waiting.due)
    }

    /// Puts out what is due.
    pub(crate) fn put(&mut self, now: Instant, ledger: &mut Ledger, mut to: impl FnMut(&[u8]) -> bool) {
        while self.due().is_some_and(|due| due <= now) {
            let Some(Reverse(Waiting { due, given, frame, voice, counts, .. })) = self.waiting.pop() else {
                return;
            };
            if !to(&frame) {
                self.tally.refused += u64::from(counts);
                continue;
            }
            if !counts {
                continue;
            }
            self.tally.delivered += 1;
            self.tally.delay += now.since(given).as_secs_f64();
            self.tally.latest = self.tally.latest.max(now.since(due).as_secs_f64());
            if let Some((source, number)) = voice {
                ledger.came(now, Voice { source, number });
            }
        }
    }

    pub(crate) fn mark(&mut self) {
        self.tally = Tally::default();
    }

    /// What it did since the mark.
    pub(crate) fn tell(&self) -> Value {
        let Tally { given, lost, cut, broken, delivered, refused, delay, latest } = self.tally;
        let share = |part: u64| (given > 0).then(|| part as f64 / given as f64);
        json!({
            "given": given, "lost": lost, "cut": cut, "broken": broken, "delivered": delivered, "refused": refused,
            "loss": share(lost + cut), "broken_share": share(broken),
            "delay_ms": (delivered > 0).then(|| delay * 1_000.0 / delivered as f64),
            "latest_ms": latest * 1_000.0,
        })
    }
}

/// Changes each bit with this probability; whether one was.
fn break_bits(payload: &mut [u8], share: f64, entropy: &mut Entropy) -> bool {
    if share <= 0.0 {
        return false;
    }
    let mut broken = false;
    for byte in payload {
        for bit in 0..8 {
            if entropy.unit() < share {
                *byte ^= 1 << bit;
                broken = true;
            }
        }
    }
    broken
}
