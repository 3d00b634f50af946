//! Calls whose ends come to different desks.
//!
//! What a packet needs is known at every desk, so that none is handed from one to another. What changes seldom is told: which
//! end was let in where, that a call was ended, and, before another desk would take a call for silent, that something was heard
//! of it. Of what two desks decide at once for one end the later holds, at all of them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::{Instant, Now, UdpFlow};

use super::{Calls, Leg, Ticket};
use crate::{counts::Cause, desks::Desk};

/// When and at which desk an end was let in: of two, the later one holds.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Stamp {
    at: Instant,
    desk: u8,
}

/// What one desk tells all others of a call, in the order in which it came about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tiding {
    /// An end has shown its ticket at `flow`, which was judged there.
    Joined {
        /// The ticket.
        ticket: Ticket,
        /// Where the end is.
        flow: UdpFlow,
        /// When.
        stamp: Stamp,
    },
    /// A call was ended for all that had come by then.
    Ended {
        /// The call.
        call: [u8; 16],
        /// Whose.
        pair: [u8; 16],
        /// When each of its ends had come.
        came: [Stamp; 2],
    },
    /// Something was heard of a call.
    Heard {
        /// The call.
        call: [u8; 16],
        /// When.
        at: Instant,
    },
}

/// What a desk knows of and for the others.
#[derive(Debug)]
pub(super) struct Others {
    desk: Desk,
    /// How often each call is looked at.
    every: Duration,
    /// By the index of the call.
    marks: Vec<Mark>,
    /// The latest time of all stamps that it knows.
    last: Instant,
    news: VecDeque<Tiding>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// When each end came to where it is.
    came: [Stamp; 2],
    /// When something was heard last, as far as all desks know.
    known: Instant,
}

impl Others {
    /// Whether so much waits to be told that nobody more is let in.
    pub(super) fn is_full(&self) -> bool {
        self.news.len() >= MOST_NEWS
    }

    pub(super) fn next_look(&self, now: Instant) -> Instant {
        now.later(self.every)
    }

    /// A call has begun in this place.
    pub(super) fn begun(&mut self, index: u32, now: Instant) {
        let index = index as usize;
        if self.marks.len() <= index {
            self.marks.resize(index.saturating_add(1), Mark::default());
        }
        if let Some(mark) = self.marks.get_mut(index) {
            *mark = Mark { known: now, ..Mark::default() };
        }
    }

    /// Tells what was heard here since all desks knew, and answers when to look again.
    pub(super) fn look(&mut self, now: Instant, index: u32, call: [u8; 16], at: Instant) -> Instant {
        let full = self.is_full();
        if let Some(mark) = self.marks.get_mut(index as usize).filter(|mark| mark.known < at && !full) {
            mark.known = at;
            self.news.push_back(Tiding::Heard { call, at });
        }
        self.next_look(now)
    }

    /// An end was let in here: later than all that this desk knows.
    pub(super) fn joined(&mut self, now: Instant, index: u32, flow: UdpFlow, ticket: &Ticket) {
        let stamp = Stamp { at: now.max(self.last.later(MOMENT)), desk: self.desk.index() };
        let Some(came) = self.came_mut(index, ticket.leg) else { return };
        *came = stamp;
        self.last = stamp.at;
        self.news.push_back(Tiding::Joined { ticket: *ticket, flow, stamp });
    }

    /// A call ends here for all that have come. There are never more of these than there were calls.
    fn ended(&mut self, index: u32, call: [u8; 16], pair: [u8; 16]) {
        let came = [Leg::Caller, Leg::Callee].map(|leg| self.came(index, leg));
        self.news.push_back(Tiding::Ended { call, pair, came });
    }

    /// All desks know that something was heard `at` this time.
    fn know(&mut self, index: u32, at: Instant) {
        if let Some(mark) = self.marks.get_mut(index as usize) {
            mark.known = mark.known.max(at);
        }
    }

    fn came(&self, index: u32, leg: Leg) -> Stamp {
        self.marks
            .get(index as usize)
            .and_then(|mark| mark.came.get(leg.index()))
            .copied()
            .unwrap_or_default()
    }

    fn came_mut(&mut self, index: u32, leg: Leg) -> Option<&mut Stamp> {
        self.marks.get_mut(index as usize)?.came.get_mut(leg.index())
    }
}

impl Calls {
    /// The same at one of several desks: it is told what others have to say with [`Calls::told`], and says by
    /// [`Calls::next_tiding`] what they are to be told, before what it has to send leaves. All of them have the same secrets,
    /// limits and clock.
    #[must_use]
    pub fn among(mut self, desk: Desk) -> Self {
        let every = self.limits.idle.checked_div(LOOKS).unwrap_or_default();
        let (marks, last, news) = (Vec::new(), Instant::ZERO, VecDeque::new());
        let others = Others { desk, every, marks, last, news };
        self.others = (!desk.is_alone()).then(|| Box::new(others));
        self
    }

    /// What all other desks are to be told next.
    pub fn next_tiding(&mut self) -> Option<Tiding> {
        self.others.as_mut()?.news.pop_front()
    }

    /// Whether there is something to tell.
    #[must_use]
    pub fn has_tidings(&self) -> bool {
        self.others.as_ref().is_some_and(|others| !others.news.is_empty())
    }

    /// Another desk tells this.
    pub fn told(&mut self, now: Now, tiding: &Tiding) {
        match tiding {
            Tiding::Joined { ticket, flow, stamp } => self.joined_elsewhere(now, *flow, ticket, *stamp),
            Tiding::Ended { call, pair, came } => self.ended_elsewhere(call, pair, came),
            Tiding::Heard { call, at } => self.heard_elsewhere(call, *at),
        }
    }

    /// Ends a call here, and at all other desks.
    pub(super) fn end_everywhere(&mut self, index: u32) {
        if let (Some(others), Some(Some(call))) = (&mut self.others, self.calls.get(index as usize)) {
            others.ended(index, call.id, call.pair);
        }
        self.end(index);
    }

    fn joined_elsewhere(&mut self, now: Now, flow: UdpFlow, ticket: &Ticket, stamp: Stamp) {
        let Some(others) = &mut self.others else { return };
        others.last = others.last.max(stamp.at);
        let was = self.flows.get(&flow).copied();
        if was.is_some_and(|(index, leg)| others.came(index, leg) > stamp) {
            // Something newer is known of this address.
            return;
        }
        let Ok((index, _)) = self.enter(now, ticket, None) else {
            return self.counts.refuse(Cause::BadToken);
        };
        let Some(others) = &mut self.others else { return };
        others.know(index, now.mono);
        match others.came_mut(index, ticket.leg) {
            Some(came) if *came < stamp => {
                *came = stamp;
                self.place(index, ticket.leg, flow);
            }
            // This end has moved on since; what its address was before, it is no more.
            _ => {
                if let Some((other, leg)) = was.filter(|was| *was != (index, ticket.leg)) {
                    self.vacate(other, leg);
                }
            }
        }
    }

    fn ended_elsewhere(&mut self, id: &[u8; 16], pair: &[u8; 16], came: &[Stamp; 2]) {
        let Some(index) = self.ids.get(id).copied() else { return };
        if self.calls.get(index as usize).and_then(Option::as_ref).is_none_or(|call| call.pair != *pair) {
            return;
        }
        for (leg, came) in [Leg::Caller, Leg::Callee].into_iter().zip(came) {
            if self.others.as_ref().is_some_and(|others| others.came(index, leg) <= *came) {
                self.vacate(index, leg);
            }
        }
        // Who has come since stays.
        if let Some(Some(call)) = self.calls.get(index as usize)
            && call.legs.iter().all(Option::is_none)
        {
            self.end(index);
        }
    }

    fn heard_elsewhere(&mut self, id: &[u8; 16], at: Instant) {
        let Some(index) = self.ids.get(id).copied() else { return };
        let (Some(Some(call)), Some(others)) = (self.calls.get_mut(index as usize), &mut self.others) else {
            return;
        };
        call.heard = call.heard.max(at);
        others.know(index, at);
    }

    /// An end is nowhere any more.
    fn vacate(&mut self, index: u32, leg: Leg) {
        let call = self.calls.get_mut(index as usize).and_then(Option::as_mut);
        if let Some(flow) = call.and_then(|call| call.legs.get_mut(leg.index())?.take()) {
            self.flows.remove(&flow);
        }
    }
}

/// How often a call is looked at within the time after which it is over when nothing is heard: what one desk has heard last is
/// known to the others well before it is.
const LOOKS: u32 = 3;
/// Tidings that wait; there is never reason for many.
const MOST_NEWS: usize = 4_096;
/// What makes one time later than another.
const MOMENT: Duration = Duration::from_nanos(1);
