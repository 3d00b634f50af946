//! Whether the two ends of a link agree, and when they say hello.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::time::Duration;

use rove_base::Instant;

use super::hello::{Agreed, Hello, Terms};

/// One end's knowledge of the other.
#[derive(Clone, Debug)]
pub(super) struct Agreement {
    terms: Terms,
    instance: u32,
    peer: Option<Peer>,
    /// When hello is to be said next; `None` before the first tick.
    next: Option<Instant>,
    /// When it was said last.
    said: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    terms: Terms,
    instance: u32,
    /// Whether it has heard this end as it is now.
    hears_us: bool,
    last: Instant,
}

/// What a hello, or its absence, has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    Nothing,
    /// The other end knows nothing of what was before; packets may come from it that are compressed as agreed, where something is.
    Anew(Option<Agreed>),
    /// The other end is not there any more.
    Gone,
}

impl Agreement {
    pub(super) const fn new(terms: Terms, instance: u32) -> Self {
        let instance = if instance == 0 { 1 } else { instance };
        Self { terms, instance, peer: None, next: None, said: None }
    }

    /// What packets may be compressed by: both ends have heard each other, and agree.
    pub(super) fn in_force(&self) -> Option<Agreed> {
        let peer = self.peer.filter(|peer| peer.hears_us)?;
        self.terms.with(peer.terms)
    }

    pub(super) fn on_hello(&mut self, now: Instant, hello: &Hello) -> Change {
        let hears_us = hello.heard == self.instance;
        let before = self.peer;
        let Hello { terms, instance, .. } = *hello;
        self.peer = Some(Peer { terms, instance, hears_us, last: now });
        let anew = before.is_none_or(|before| before.instance != instance || before.terms != terms);
        if anew || !hears_us {
            // It waits for an answer; not for more of them than there may be.
            let soonest = self.said.map_or(now, |said| said.later(AT_LEAST));
            self.next = Some(soonest.max(now));
        }
        if anew { Change::Anew(self.terms.with(terms)) } else { Change::Nothing }
    }

    pub(super) fn tick(&mut self, now: Instant) -> Change {
        match self.peer {
            Some(peer) if now.since(peer.last) >= GONE => {
                self.peer = None;
                Change::Gone
            }
            _ => Change::Nothing,
        }
    }

    /// What is to be said now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Hello> {
        if self.next.is_some_and(|next| next > now) {
            return None;
        }
        self.said = Some(now);
        self.next = Some(now.later(if self.in_force().is_some() { EVERY } else { ASKING }));
        let Self { terms, instance, peer, .. } = *self;
        Some(Hello { terms, instance, heard: peer.map_or(0, |peer| peer.instance) })
    }

    /// When there will be something to do.
    pub(super) fn wake(&self) -> Option<Instant> {
        let gone = self.peer.map(|peer| peer.last.later(GONE));
        Instant::earliest(Some(self.next.unwrap_or(Instant::ZERO)), gone)
    }
}

/// Between hellos while both ends agree.
const EVERY: Duration = Duration::from_secs(2);
/// And while they do not.
const ASKING: Duration = Duration::from_secs(1);
/// Between any two.
const AT_LEAST: Duration = Duration::from_millis(50);
/// An end that has said nothing for so long is gone: seven hellos were lost, or it has ended.
const GONE: Duration = Duration::from_secs(15);
