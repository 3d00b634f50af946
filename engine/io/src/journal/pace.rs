//! How long a commit waits for company.

use std::{
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use super::thread::Order;

/// How long a commit waits for company.
///
/// Whoever was just told that his record is durable often hands over the next one at once. Were the next commit to start
/// before those are here, they would wait for it and the one after: two crowds by turns, each waiting for the other.
/// So a commit waits a little for as many as were served by the last, as long as that is what happens.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the last commit ended and how many it served.
    last: Option<(Instant, usize)>,
    /// Whether something waited already when it ended.
    crowd: bool,
    /// How long this one may wait, and for how many records; 0 before that is decided.
    until: Option<Instant>,
    wanted: usize,
    patience: Duration,
    /// Commits that still start without waiting, because waiting brought nobody.
    skip: u32,
}

impl Pace {
    /// The first order of a group. Waits for one, unless there is something else to do.
    pub(super) fn first(&mut self, inbox: &Receiver<Order>, busy: bool) -> First {
        let waiting = inbox.try_recv();
        self.crowd = waiting.is_ok();
        (self.until, self.wanted) = (None, 0);
        match waiting {
            Ok(order) => First::Order(order),
            Err(TryRecvError::Empty) if busy => First::Nothing,
            Err(TryRecvError::Empty) => inbox.recv().map_or(First::End, First::Order),
            Err(TryRecvError::Disconnected) => First::End,
        }
    }

    /// Another order of a group that has `have` records.
    pub(super) fn next(&mut self, inbox: &Receiver<Order>, have: usize) -> Option<Order> {
        if let Ok(order) = inbox.try_recv() {
            return Some(order);
        }
        if self.wanted == 0 {
            self.decide(have);
        }
        let until = self.until.filter(|_| have < self.wanted)?;
        let left = until.checked_duration_since(Instant::now())?;
        inbox.recv_timeout(left).ok()
    }

    /// Whether to wait, all that waited at the start being here.
    fn decide(&mut self, have: usize) {
        let Some((ended, served)) = self.last else { return };
        self.wanted = if self.crowd { served + have } else { served };
        if self.skip > 0 {
            self.skip -= 1;
        } else if have < self.wanted {
            self.until = Some(ended + self.patience);
        }
    }

    /// A commit of `served` records that began at `start` has ended.
    pub(super) fn committed(&mut self, start: Instant, served: usize) {
        let ended = Instant::now();
        if self.until.is_some() && served.saturating_mul(2) < self.wanted {
            self.skip = SKIP;
        }
        self.patience = ended.duration_since(start).mul_f64(PATIENCE).min(LONGEST_PATIENCE);
        self.last = Some((ended, served));
    }
}

/// What a group begins with.
pub(super) enum First {
    Order(Order),
    /// Nothing waits.
    Nothing,
    /// There will be no more.
    End,
}

/// Of the time that a commit takes, what the next may wait for company.
const PATIENCE: f64 = 0.4;
/// However slow the disk is.
const LONGEST_PATIENCE: Duration = Duration::from_millis(8);
/// Commits without waiting after one that waited in vain.
const SKIP: u32 = 16;
