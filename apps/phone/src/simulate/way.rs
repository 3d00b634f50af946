//! Both directions of the link, and what is on its way.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use rove_base::{Entropy, Instant, RtpTimestamp};
use rove_core::{
    demux::{Kind, kind},
    rtp::RtpView,
};

use crate::netem::{Fate, Impairments, Link, wire_bytes};

pub(super) struct Way {
    links: [Link; 2],
    /// Decides what becomes of reports.
    beside: Entropy,
    /// By time of arrival; of those that arrive together, the one sent first.
    heap: BinaryHeap<Reverse<(Instant, u64, Datagram)>>,
    count: u64,
}

/// A datagram on its way.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Datagram {
    pub at: Instant,
    pub sent: Instant,
    /// The end it arrives at.
    pub to: usize,
    /// Media time, if it is media.
    pub timestamp: Option<u32>,
    pub bytes: Vec<u8>,
}

/// A media packet that was sent.
pub(super) struct Media {
    pub timestamp: RtpTimestamp,
    /// Bytes of its payload.
    pub payload: usize,
    pub arrives: bool,
}

impl Way {
    pub(super) fn new(impairments: &Impairments, entropy: &mut Entropy) -> Self {
        let mut link = || Link::new(impairments.clone(), entropy.fork());
        Self { links: [link(), link()], beside: entropy.fork(), heap: BinaryHeap::new(), count: 0 }
    }

    /// Sends what `end` gives; answers what is to be known when it is media. `safely` lets reports arrive in any case.
    pub(super) fn send(&mut self, now: Instant, end: usize, bytes: &[u8], safely: bool) -> Option<Media> {
        let link = self.links.get_mut(end)?;
        let view = RtpView::parse(bytes).ok().filter(|_| kind(bytes) == Kind::Rtp);
        let size = wire_bytes(bytes.len(), false);
        let fate = match view {
            Some(_) => link.send(now, size),
            None => link.send_beside(now, size, &mut self.beside),
        };
        let arrival = match fate {
            Fate::Arrives(at) | Fate::ArrivesTwice(at, _) => Some(at),
            _ if view.is_none() && safely => Some(now + link.impairments().delay),
            _ => None,
        };
        if let Some(at) = arrival {
            let timestamp = view.map(|packet| packet.timestamp().0);
            let datagram = Datagram { at, sent: now, to: 1 - end.min(1), timestamp, bytes: bytes.to_vec() };
            self.heap.push(Reverse((at, self.count, datagram)));
            self.count += 1;
        }
        let view = view?;
        Some(Media { timestamp: view.timestamp(), payload: view.payload().len(), arrives: arrival.is_some() })
    }

    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next datagram that has arrived by `now`.
    pub(super) fn arrived(&mut self, now: Instant) -> Option<Datagram> {
        self.next_arrival().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse((_, _, datagram))| datagram)
    }

    /// Whether anything is on its way to `end`.
    pub(super) fn is_leading_to(&self, end: usize) -> bool {
        self.heap.iter().any(|Reverse((_, _, datagram))| datagram.to == end)
    }
}
