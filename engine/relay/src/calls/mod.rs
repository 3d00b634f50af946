//! Calls on one port: two ends each, let in by what a server has given them, each at the address that its sealed messages
//! come from. What they send each other passes unread.
//!
//! An end says hello, is given a challenge where it is, shows it, and is welcome: nobody who has seen its messages on the way
//! can take its place from elsewhere, nobody gets more bytes than he has sent, and nothing is kept of whoever has shown
//! nothing. Afterwards a packet costs one look-up and one copy.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod desks;
mod token;

#[cfg(test)]
mod tests;

use core::{convert::Infallible, time::Duration};
use std::collections::{BTreeSet, HashMap, VecDeque};

use rove_base::{Dscp, Flow, Instant, Now, Scratch, Step, Transmit, UdpFlow};

use self::desks::Others;
use crate::{
    counts::{Cause, Counts},
    table::Table,
};

pub use desks::{Stamp, Tiding};
pub use token::{
    ANSWER_BYTES, Answer, Grant, HELLO_BYTES, Hello, Leg, Secret, Ticket, Word, is_control, pair,
};

/// What may grow, and how far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CallLimits {
    /// Calls at once, at all desks together.
    pub calls: usize,
    /// How long a call stands in which nobody says anything.
    pub idle: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { calls: 131_072, idle: Duration::from_secs(60) }
    }
}

/// All calls of one port.
#[derive(Debug)]
pub struct Calls {
    /// The first makes challenges; all of them have made keys.
    secrets: Vec<Secret>,
    limits: CallLimits,
    calls: Vec<Option<Call>>,
    free: Vec<u32>,
    ids: HashMap<[u8; 16], u32>,
    flows: Table<UdpFlow, (u32, Leg)>,
    /// When each call is to be looked at; one entry each.
    ends: BTreeSet<(Instant, u32)>,
    steps: VecDeque<Transmit>,
    counts: Counts,
    /// Desks that share its port, and what they are to be told.
    others: Option<Box<Others>>,
    /// How what it sends is marked.
    dscp: Dscp,
}

/// A call as the operator sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallSight {
    /// Which.
    pub id: [u8; 16],
    /// Where its ends are, as far as they have come.
    pub legs: [Option<UdpFlow>; 2],
    /// When it began.
    pub begun: Instant,
    /// When something was heard of it last.
    pub heard: Instant,
    /// Packets passed on.
    pub packets: u64,
}

#[derive(Debug)]
struct Call {
    id: [u8; 16],
    pair: [u8; 16],
    legs: [Option<UdpFlow>; 2],
    heard: Instant,
    begun: Instant,
    /// Passed on so far.
    packets: u64,
    /// When its tickets are over.
    expires: Instant,
    /// Its entry in [`Calls::ends`].
    look: Instant,
}

impl Call {
    const fn sight(&self) -> CallSight {
        let Self { id, legs, heard, begun, packets, .. } = *self;
        CallSight { id, legs, begun, heard, packets }
    }
}

impl Calls {
    /// None yet, for tickets of any of these secrets; without one nobody is let in.
    #[must_use]
    pub fn new(secrets: Vec<Secret>, limits: CallLimits) -> Self {
        Self {
            secrets,
            limits,
            calls: Vec::new(),
            free: Vec::new(),
            ids: HashMap::new(),
            flows: Table::default(),
            ends: BTreeSet::new(),
            steps: VecDeque::new(),
            counts: Counts::default(),
            others: None,
            dscp: Dscp::DEFAULT,
        }
    }

    /// All that it sends is marked so from now on.
    pub const fn mark(&mut self, dscp: Dscp) {
        self.dscp = dscp;
    }

    /// A datagram came in. `false`: it is no call's.
    pub fn datagram(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], out: &mut Scratch) -> bool {
        if is_control(bytes) {
            self.control(now, flow, bytes, out);
            return true;
        }
        if self.flows.is_empty() {
            return false;
        }
        let Some((index, leg)) = self.flows.get(&flow).copied() else { return false };
        let Some(Some(call)) = self.calls.get_mut(index as usize) else { return false };
        call.heard = now.mono;
        match call.legs.get(leg.other().index()) {
            Some(Some(to)) => {
                call.packets = call.packets.saturating_add(1);
                let range = out.push(bytes);
                self.counts.went_out(bytes.len());
                self.steps.push_back(Transmit { flow: Flow::Udp(*to), range, dscp: self.dscp });
            }
            _ => self.counts.refuse(Cause::HalfCall),
        }
        true
    }

    /// It is `now`: calls that are over are forgotten.
    pub fn tick(&mut self, now: Now) {
        while let Some((due, index)) = self.ends.first().copied()
            && due <= now.mono
        {
            self.ends.remove(&(due, index));
            let Some(Some(call)) = self.calls.get_mut(index as usize) else { continue };
            let end = call.expires.min(call.heard.later(self.limits.idle));
            if end > now.mono {
                call.look = match &mut self.others {
                    Some(others) => end.min(others.look(now.mono, index, call.id, call.heard)),
                    None => end,
                };
                self.ends.insert((call.look, index));
            } else {
                self.end(index);
            }
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Step<Infallible> {
        let wake = || self.ends.first().map(|(due, _)| *due);
        self.steps.pop_front().map_or_else(|| Step::Wait(wake()), Step::Send)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Each of them.
    pub fn sights(&self) -> impl Iterator<Item = CallSight> {
        self.calls.iter().flatten().map(Call::sight)
    }

    /// The one with this id.
    #[must_use]
    pub fn sight(&self, id: &[u8; 16]) -> Option<CallSight> {
        self.calls.get(*self.ids.get(id)? as usize)?.as_ref().map(Call::sight)
    }

    /// Whether there is one with this id.
    #[must_use]
    pub fn has(&self, id: &[u8; 16]) -> bool {
        self.ids.contains_key(id)
    }

    /// Ends one: nothing of it is passed on any more, until its ends come again with their tickets.
    pub fn hang_up(&mut self, id: &[u8; 16]) {
        if let Some(index) = self.ids.get(id).copied() {
            self.end_everywhere(index);
        }
    }

    /// As many at once from now on.
    pub const fn set_most(&mut self, calls: usize) {
        self.limits.calls = calls;
    }

    /// What happened so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn control(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], out: &mut Scratch) {
        let Some(hello) = Hello::parse(bytes) else { return self.counts.refuse(Cause::NotUnderstood) };
        if !hello.ticket.is_current(now.wall) {
            return self.counts.refuse(Cause::OldToken);
        }
        let by = |secret: &Secret| Some(secret.key(&hello.ticket)).filter(|key| hello.is_by(key));
        let (Some(key), Some(first)) = (self.secrets.iter().find_map(by), self.secrets.first()) else {
            return self.counts.refuse(Cause::BadToken);
        };
        let window = now.mono.since(Instant::ZERO).as_secs() / WINDOW_SECS;
        let fits = |window| first.challenge(flow.remote, window) == hello.challenge;
        if !fits(window) && !window.checked_sub(1).is_some_and(fits) {
            let answer = Answer::Challenge(first.challenge(flow.remote, window));
            return self.answer(flow, &answer, out);
        }
        match hello.word {
            Word::Hello => {
                if let Err(cause) = self.join(now, flow, &hello.ticket) {
                    return self.counts.refuse(cause);
                }
                let here = self
                    .ids
                    .get(&hello.ticket.call)
                    .and_then(|index| self.calls.get(*index as usize)?.as_ref());
                let joined = here.is_some_and(|call| call.legs.iter().all(Option::is_some));
                let proof = token::welcome(key.as_slice(), hello.challenge);
                self.answer(flow, &Answer::Welcome { joined, proof }, out);
            }
            Word::Bye => {
                if let Some(index) = self.ids.get(&hello.ticket.call).copied()
                    && self
                        .calls
                        .get(index as usize)
                        .and_then(Option::as_ref)
                        .is_some_and(|call| call.pair == hello.ticket.pair)
                {
                    self.end_everywhere(index);
                }
            }
        }
    }

    fn answer(&mut self, flow: UdpFlow, answer: &Answer, out: &mut Scratch) {
        let range = out.push(&answer.write());
        self.steps.push_back(Transmit { flow: Flow::Udp(flow), range, dscp: self.dscp });
    }

    /// An end is at `flow`, in a call that begins with the first of them; other desks are told of what they do not know.
    fn join(&mut self, now: Now, flow: UdpFlow, ticket: &Ticket) -> Result<(), Cause> {
        if self.others.as_ref().is_some_and(|others| others.is_full()) {
            return Err(Cause::Capacity);
        }
        let (index, longer) = self.enter(now, ticket, Some(self.limits.calls))?;
        let moved = self.place(index, ticket.leg, flow);
        if let Some(others) = self.others.as_mut().filter(|_| moved || longer) {
            others.joined(now.mono, index, flow, ticket);
        }
        Ok(())
    }

    /// The call that a ticket is for, and whether it stands longer now. Begun where there are fewer than `most`; `None`: it has
    /// begun elsewhere.
    fn enter(&mut self, now: Now, ticket: &Ticket, most: Option<usize>) -> Result<(u32, bool), Cause> {
        let left = u64::from(ticket.expires).saturating_sub(now.wall.as_secs());
        let expires = now.mono.later(Duration::from_secs(left));
        let index = match self.ids.get(&ticket.call) {
            Some(index) => *index,
            None if most.is_some_and(|most| self.ids.len() >= most) => return Err(Cause::Capacity),
            None => {
                self.counts.begun = self.counts.begun.saturating_add(most.is_some().into());
                self.begin(now, ticket, expires)?
            }
        };
        let Some(Some(call)) = self.calls.get_mut(index as usize) else { return Err(Cause::BadToken) };
        if call.pair != ticket.pair {
            return Err(Cause::BadToken);
        }
        call.heard = call.heard.max(now.mono);
        // The same ticket shown again differs by less, for its time is told in seconds.
        let longer = expires.since(call.expires) > Duration::from_secs(1);
        call.expires = call.expires.max(expires);
        Ok((index, longer))
    }

    /// An end of a call is at `flow` from now on. Answers whether it was not before.
    fn place(&mut self, index: u32, leg: Leg, flow: UdpFlow) -> bool {
        let Some(Some(call)) = self.calls.get_mut(index as usize) else { return false };
        let Some(place) = call.legs.get_mut(leg.index()) else { return false };
        let was = place.replace(flow);
        if let Some(was) = was.filter(|was| *was != flow) {
            self.flows.remove(&was);
        }
        // An address is in one call, that of its last hello.
        if let Some((other, left)) = self.flows.insert(flow, (index, leg))
            && (other, left) != (index, leg)
            && let Some(Some(call)) = self.calls.get_mut(other as usize)
            && let Some(left) = call.legs.get_mut(left.index())
        {
            *left = None;
        }
        was != Some(flow)
    }

    fn begin(&mut self, now: Now, ticket: &Ticket, expires: Instant) -> Result<u32, Cause> {
        let idle = now.mono.later(self.limits.idle);
        let look = self.others.as_ref().map_or(idle, |others| idle.min(others.next_look(now.mono)));
        let Ticket { call: id, pair, .. } = *ticket;
        let call = Call {
            id,
            pair,
            legs: [None, None],
            heard: now.mono,
            begun: now.mono,
            packets: 0,
            expires,
            look,
        };
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(place) = self.calls.get_mut(index as usize) {
                    *place = Some(call);
                }
                index
            }
            None => {
                let index = u32::try_from(self.calls.len()).map_err(|_| Cause::Capacity)?;
                self.calls.push(Some(call));
                index
            }
        };
        self.ids.insert(id, index);
        self.ends.insert((look, index));
        if let Some(others) = &mut self.others {
            others.begun(index, now.mono);
        }
        Ok(index)
    }

    fn end(&mut self, index: u32) {
        let Some(call) = self.calls.get_mut(index as usize).and_then(Option::take) else { return };
        self.ids.remove(&call.id);
        self.ends.remove(&(call.look, index));
        for flow in call.legs.iter().flatten() {
            self.flows.remove(flow);
        }
        self.free.push(index);
    }
}

/// How long a challenge is good, at least, in seconds.
const WINDOW_SECS: u64 = 30;
