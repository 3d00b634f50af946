//! The visited network's register: who is here, on whose word, under which name.
//!
//! ```text
//!  terminals ── attach streams ──▶ Vlr ── Ask, Answer ──▶ private network ──▶ homes
//!                                   │── PoolAsk ────────▶ address pool (DHCP)
//!                                   └── Change ─────────▶ journal and name server, as one record
//! ```
//!
//! A terminal gets an address only after its home has authenticated it, has said what it may do, and has bound its name;
//! whatever ends a stay takes address, reverse name and binding with it. What peers can make the register hold is
//! bounded by [`Limits`]; what cannot be served is refused before the home is asked.

mod agreement;
mod answers;
mod bind;
mod calls;
mod config;
mod home;
mod identify;
mod leave;
mod line;
mod locate;
mod metrics;
mod record;
mod reserve;
mod restart;
mod timers;
mod visitor;

use std::collections::{BTreeMap, BTreeSet};

use rove_base::{Arrival, Entropy, Machine, Now, Outbox, Scratch, Step, StreamId};

use crate::{
    Addresses, Cause, Change, ChangeId, Generation, HostName, Imsi, Operation, Outcome,
    attach::{Reason, ToTerminal},
    private::{DialogueId, PartnerId, Told},
};
pub use agreement::{Agreement, Agreements, Terms};
use answers::{Question, Waiting};
pub use config::{Limits, NamePolicy, Patience, VlrConfig};
use leave::Leaving;
use line::Line;
pub use metrics::Metrics;
pub use record::ReplayError;
pub use reserve::{PoolAsk, PoolTold, Reserve, carry, reconcile};
use timers::Timers;
use visitor::Visitor;

/// What can happen to a register.
#[derive(Debug)]
pub enum Input<'a> {
    /// On an attach stream.
    Arrival(Arrival<'a>),
    /// On the private network.
    Told(Told),
    /// A change is durable and its names are visible; or it never will be.
    Committed(ChangeId, Result<(), Cause>),
    /// In the address pool.
    Pool(PoolTold),
}

/// What a register asks of its owner, and tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Ask a partner; [`Told::Answered`] with the same id is awaited.
    Ask {
        /// Whom.
        partner: PartnerId,
        /// For the answer.
        id: DialogueId,
        /// What.
        operation: Operation,
    },
    /// Answer what a partner asked.
    Answer {
        /// Whom.
        partner: PartnerId,
        /// Which question.
        id: DialogueId,
        /// With what.
        result: Result<Outcome, Cause>,
    },
    /// Make this durable and visible, in the order in which they come; [`Input::Committed`] is awaited.
    Commit(Change),
    /// To the address pool.
    Pool(PoolAsk),
    /// A stay stands: name and addresses belong together, here and at home.
    Attached {
        /// Whose.
        imsi: Imsi,
        /// Its name.
        name: HostName,
        /// Its addresses.
        addresses: Addresses,
        /// Which stay.
        generation: Generation,
    },
    /// A stay is over.
    Left {
        /// Whose.
        imsi: Imsi,
        /// Which stay.
        generation: Generation,
        /// Why.
        reason: Reason,
    },
    /// No stay began.
    Refused {
        /// Whose; `None` when the terminal had not said it, or nobody may believe it.
        imsi: Option<Imsi>,
        /// Why.
        reason: Reason,
    },
}

/// The register, a [`Machine`].
#[derive(Debug)]
pub struct Vlr {
    config: VlrConfig,
    entropy: Entropy,
    now: Now,
    lines: BTreeMap<StreamId, Line>,
    /// Streams of terminals that have not proved who they are.
    strangers: BTreeSet<StreamId>,
    /// Who they say they are.
    claims: BTreeSet<(Imsi, StreamId)>,
    visitors: BTreeMap<Imsi, Visitor>,
    /// Visitors who are not bound yet.
    arriving: BTreeSet<Imsi>,
    leaving: BTreeMap<(Imsi, Generation), Leaving>,
    up: BTreeSet<PartnerId>,
    questions: BTreeMap<DialogueId, Question>,
    changes: BTreeMap<ChangeId, Waiting>,
    timers: Timers<Timer>,
    /// The last number given to a question, a change or an attempt.
    last: u64,
    outbox: Outbox<Event>,
    metrics: Metrics,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Timer {
    Line(StreamId),
    Visitor(Imsi),
    Purge(Imsi, Generation),
}

impl Vlr {
    /// A register in which nobody is. Give it the journal's records by [`Vlr::replay`] and say [`Vlr::start`] before
    /// anything else; no partner is up before the private network says so.
    #[must_use]
    pub fn new(config: VlrConfig, entropy: Entropy) -> Self {
        Self {
            config,
            entropy,
            now: Now::default(),
            lines: BTreeMap::new(),
            strangers: BTreeSet::new(),
            claims: BTreeSet::new(),
            visitors: BTreeMap::new(),
            arriving: BTreeSet::new(),
            leaving: BTreeMap::new(),
            up: BTreeSet::new(),
            questions: BTreeMap::new(),
            changes: BTreeMap::new(),
            timers: Timers::default(),
            last: 0,
            outbox: Outbox::default(),
            metrics: Metrics::default(),
        }
    }

    /// What was counted so far.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Seconds of an address lease.
    #[must_use]
    pub const fn address_lease(&self) -> u32 {
        self.config.address_lease
    }

    /// Who is bound here, with name, addresses and stay.
    pub fn holders(&self) -> impl Iterator<Item = (Imsi, &HostName, Addresses, Generation)> {
        let bound = self.visitors.values().filter_map(Visitor::journaled);
        bound
            .map(|kept| &kept.claim)
            .map(|claim| (claim.imsi, &claim.name, claim.addresses, claim.generation))
    }

    /// What the addresses of those who are bound here resolve to.
    #[must_use]
    pub fn names(&self) -> Vec<crate::NameChange> {
        let kept = self.visitors.values().filter_map(Visitor::journaled);
        kept.flat_map(|kept| bind::reverse(&kept.claim, Some(&kept.claim.name), self.config.reverse_ttl))
            .collect()
    }

    /// Terminals on the way to a stay.
    #[must_use]
    pub fn attaching(&self) -> usize {
        self.strangers.len().saturating_add(self.arriving.len())
    }

    const fn number(&mut self) -> u64 {
        self.last = self.last.saturating_add(1);
        self.last
    }

    fn ask(&mut self, partner: PartnerId, question: Question, operation: Operation) {
        let id = DialogueId(self.number());
        self.questions.insert(id, question);
        self.outbox.event(Event::Ask { partner, id, operation });
    }

    fn commit(&mut self, waiting: Waiting, record: Vec<u8>, names: Vec<crate::NameChange>) {
        let id = ChangeId(self.number());
        self.changes.insert(id, waiting);
        self.outbox.event(Event::Commit(Change { id, record, names }));
    }

    fn pool(&mut self, ask: PoolAsk) {
        self.outbox.event(Event::Pool(ask));
    }

    fn tell(&mut self, stream: StreamId, message: &ToTerminal) {
        self.outbox.frame(stream, &[&message.encode()]);
    }

    /// Tells the visitor, when a stream leads there.
    fn tell_visitor(&mut self, imsi: Imsi, message: &ToTerminal) {
        if let Some(stream) = self.visitors.get(&imsi).and_then(|visitor| visitor.stream) {
            self.tell(stream, message);
        }
    }

    /// A moment up to `percent` per cent earlier or later than after `time`.
    fn about(&mut self, time: core::time::Duration, percent: u32) -> rove_base::Instant {
        let off = (self.entropy.unit() * 2.0 - 1.0) * f64::from(percent.min(99)) / 100.0;
        self.now.mono.later(time.mul_f64(1.0 + off))
    }
}

impl Machine for Vlr {
    type Input<'a> = Input<'a>;
    type Event = Event;

    fn handle(&mut self, now: Now, input: Input<'_>) {
        self.now = now;
        match input {
            Input::Arrival(arrival) => self.arrived(arrival),
            Input::Told(told) => self.told(told),
            Input::Committed(id, result) => self.committed(id, result.is_ok()),
            Input::Pool(told) => self.pool_told(told),
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        while let Some(timer) = self.timers.due(now.mono) {
            match timer {
                Timer::Line(stream) => self.refuse(stream, Reason::Timeout),
                Timer::Visitor(imsi) => self.visitor_due(imsi),
                Timer::Purge(imsi, generation) => self.purge(imsi, generation),
            }
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        self.outbox.poll(out).unwrap_or(Step::Wait(self.timers.next()))
    }
}

#[cfg(test)]
mod tests;
