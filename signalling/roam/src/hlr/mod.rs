//! The home location register: who the subscribers are, where they are, and what their names resolve to for that.
//!
//! ```text
//!  partner ── asked ──▶ checks ──▶ Commit ──▶ owner: record and names, durable together
//!          ◀─ Answer ── then ◀── committed ──
//!          ◀─ Ask ───── profile, cancel, reset; told again until answered
//! ```
//!
//! A subscriber has at most two stays. A visited network that says "it is here now" begins one, which is only
//! *arriving*: name, renewals and calls stay where they were, so that a partner cannot take a subscriber away who is
//! not there. With the first binding, on a proof that the home has verified itself, the stay becomes the *serving* one,
//! and the one before is cancelled.
//!
//! Changes of one subscriber are made one after the other; a refusal changes nothing.

mod administer;
mod authenticate;
mod bind;
mod commit;
mod config;
mod errands;
mod lane;
mod leave;
mod locate;
mod services;
mod step;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use core::net::IpAddr;

use rove_base::{Entropy, Instant, Now};

use crate::{
    Cause, ChangeId, E164, Generation, HostName, Imsi, NetworkName, Operation, Outcome, Refusals,
    private::{DialogueId, PartnerId},
    subscriber::{Database, Entry, Record, ReplayError, Stay, Subscriber, decode, encode},
};

use authenticate::{Authentications, Wanted};
use commit::Pending;
use errands::{Ask, Errands};
use lane::{Asker, MOST_WAITING, Work};
use timers::Timers;

pub use administer::{AdministerError, Command, RequestId};
pub use config::{AddressPrefix, Agreement, HlrConfig, Limits, PrefixError};
pub use services::{Call, Destination};
pub use step::{HlrEvent, HlrStep, Unbinding};

/// A home location register.
pub struct Hlr {
    config: HlrConfig,
    database: Database,
    entropy: Entropy,
    out: VecDeque<HlrStep>,
    /// Subscribers with a change under way, and what waits for its end.
    lanes: BTreeMap<Imsi, VecDeque<Work>>,
    pending: BTreeMap<ChangeId, Pending>,
    asks: BTreeMap<DialogueId, Ask>,
    authentications: BTreeMap<Imsi, Authentications>,
    claims: Claims,
    timers: Timers,
    errands: Errands,
    refusals: Refusals,
    last_change: ChangeId,
    last_dialogue: DialogueId,
    last_generation: Generation,
}

/// What changes under way will take when they are durable; nobody else may have it meanwhile.
#[derive(Default)]
struct Claims {
    addresses: BTreeSet<IpAddr>,
    names: BTreeSet<HostName>,
    numbers: BTreeSet<E164>,
    subscribers: usize,
}

impl Hlr {
    /// A home without subscribers. [`Hlr::replay`] what its journal holds, then [`Hlr::start`].
    #[must_use]
    pub fn new(config: HlrConfig, entropy: Entropy) -> Self {
        Self {
            config,
            database: Database::default(),
            entropy,
            out: VecDeque::new(),
            lanes: BTreeMap::new(),
            pending: BTreeMap::new(),
            asks: BTreeMap::new(),
            authentications: BTreeMap::new(),
            claims: Claims::default(),
            timers: Timers::default(),
            errands: Errands::default(),
            refusals: Refusals::default(),
            last_change: ChangeId::default(),
            last_dialogue: DialogueId(0),
            last_generation: Generation::default(),
        }
    }

    /// Does again what a record of the journal says.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] if it is none of this home.
    pub fn replay(&mut self, record: &[u8]) -> Result<(), ReplayError> {
        decode(record)?.into_iter().for_each(|record| self.database.apply(record));
        Ok(())
    }

    /// The journal in fewer words: replayed into a new home, these records make it what this one is, changes that were
    /// handed over and are not committed yet included.
    pub fn snapshot(&self) -> impl Iterator<Item = Vec<u8>> {
        let newest = self.last_generation.max(self.database.newest);
        let counters = encode(&[Record::Counters { newest, floor: self.database.floor }]);
        let whole = |entry: &Entry| encode(&[Record::Whole(Box::new(entry.clone()))]);
        let under_way = self.pending.values().map(|pending| encode(&pending.records));
        core::iter::once(counters).chain(self.database.iter().map(whole)).chain(under_way)
    }

    /// The journal is read: leases go on where they were, those that ended meanwhile are over, and the networks where
    /// subscribers are hear that the home was started again.
    pub fn start(&mut self, now: Now) {
        self.last_generation = self.database.newest;
        let mut places = BTreeSet::new();
        for entry in self.database.iter() {
            self.timers.resume(now, entry, &self.config.limits);
            places.extend(entry.stays().map(|stay| stay.network.clone()));
        }
        for network in places {
            self.tell_reset(now, &network);
        }
        self.tick(now);
    }

    /// A partner asks.
    pub fn asked(&mut self, now: Now, partner: PartnerId, id: DialogueId, operation: Operation) {
        let asker = Asker { partner, id };
        match operation {
            Operation::SendAuthenticationInfo { imsi, visited, count, resynchronisation, eps } => {
                let wanted = Wanted { asker, network: visited.network, count, eps };
                self.authenticate(imsi, wanted, resynchronisation);
            }
            Operation::RestoreData { imsi } => {
                let asked = self.restore(asker, imsi);
                self.refuse_if(asker, asked);
            }
            Operation::UpdateLocation { imsi, .. } | Operation::PurgeMs { imsi, .. } => {
                self.enter(now, imsi, Work::Asked { asker, operation });
            }
            Operation::Bind { ref claim, .. } => {
                self.enter(now, claim.imsi, Work::Asked { asker, operation });
            }
            _ => self.answer(asker, Err(Cause::NotSupported)),
        }
    }

    /// A partner answers, or its time is up.
    pub fn answered(
        &mut self,
        now: Now,
        _partner: PartnerId,
        id: DialogueId,
        result: Result<Outcome, Cause>,
    ) {
        match self.asks.remove(&id) {
            Some(Ask::Located { asker, imsi, stay, told }) => {
                self.located(now, asker, imsi, stay, &told, result);
            }
            Some(Ask::Restored { asker }) => {
                let outcome = Outcome::Restored { hlr: self.config.hlr };
                self.answer(asker, result.map(|_| outcome).map_err(|_| Cause::SystemFailure));
            }
            Some(Ask::Errand(errand)) => self.errand_answered(now, &errand, result.err()),
            None => {}
        }
    }

    /// A partner's link stands: what waits for it is told at once.
    pub fn up(&mut self, now: Now, partner: PartnerId) {
        self.errands.hurry(now, partner);
        self.tick(now);
    }

    /// Nothing else happened. Harmless when early.
    pub fn tick(&mut self, now: Now) {
        while self.has_room() {
            let Some(imsi) = self.timers.due(now) else { break };
            if self.lanes.contains_key(&imsi) {
                self.timers.again(now, imsi);
            } else {
                self.enter(now, imsi, Work::Overdue);
            }
        }
        while let Some(errand) = self.errands.due(now) {
            self.run_errand(now, errand);
        }
    }

    /// The next thing to do. [`HlrStep::Wait`] ends the drain and, until the next input, repeats.
    pub fn poll(&mut self) -> HlrStep {
        if let Some(step) = self.out.pop_front() {
            return step;
        }
        let timers = self.timers.next().filter(|_| self.has_room());
        HlrStep::Wait(Instant::earliest(timers, self.errands.next()))
    }

    /// How often what was refused.
    #[must_use]
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// A subscriber by identity.
    #[must_use]
    pub fn subscriber(&self, imsi: Imsi) -> Option<&Subscriber> {
        Some(&self.database.get(imsi)?.subscriber)
    }

    /// All subscribers, by identity.
    pub fn subscribers(&self) -> impl Iterator<Item = &Subscriber> {
        self.database.iter().map(|entry| &entry.subscriber)
    }

    /// What each subscriber's name resolves to.
    pub fn names(&self) -> impl Iterator<Item = crate::NameChange> {
        self.database.iter().map(|entry| {
            let binding = entry.serving.as_ref().and_then(|stay| stay.binding);
            self.forward(entry, binding.iter().flat_map(|binding| binding.addresses.iter()).collect())
        })
    }

    /// Where a subscriber has proven to be.
    #[must_use]
    pub fn serving(&self, imsi: Imsi) -> Option<&Stay> {
        self.database.get(imsi)?.serving.as_ref()
    }

    /// Where a subscriber is said to be, but has not proven it yet.
    #[must_use]
    pub fn arriving(&self, imsi: Imsi) -> Option<&Stay> {
        self.database.get(imsi)?.arriving.as_ref()
    }

    fn agreement(&self, partner: PartnerId) -> Result<&Agreement, Cause> {
        let agreement = self.config.agreements.iter().find(|agreement| agreement.partner == partner);
        agreement.ok_or(Cause::NoAgreement)
    }

    /// The agreement with the network that `partner` says it is.
    fn agreement_of(&self, partner: PartnerId, network: &NetworkName) -> Result<&Agreement, Cause> {
        let agreement = self.agreement(partner)?;
        if agreement.network == *network { Ok(agreement) } else { Err(Cause::WrongNetwork) }
    }

    fn agreement_with(&self, network: &NetworkName) -> Option<&Agreement> {
        self.config.agreements.iter().find(|agreement| agreement.network == *network)
    }

    fn entry(&self, imsi: Imsi) -> Result<&Entry, Cause> {
        self.database.get(imsi).ok_or(Cause::UnknownSubscriber)
    }

    fn has_room(&self) -> bool {
        let asks = self.asks.len().saturating_sub(self.errands.under_way);
        self.pending.len().saturating_add(asks) < self.config.limits.changes
    }

    fn room(&self) -> Result<(), Cause> {
        if self.has_room() { Ok(()) } else { Err(Cause::Overload) }
    }

    fn answer(&mut self, asker: Asker, result: Result<Outcome, Cause>) {
        if let Err(cause) = result {
            self.refusals.count(cause);
        }
        self.out.push_back(HlrStep::Answer { partner: asker.partner, id: asker.id, result });
    }

    fn ask(&mut self, partner: PartnerId, operation: Operation, ask: Ask) {
        self.last_dialogue = DialogueId(self.last_dialogue.0.wrapping_add(1));
        self.asks.insert(self.last_dialogue, ask);
        self.out.push_back(HlrStep::Ask { partner, id: self.last_dialogue, operation });
    }

    fn event(&mut self, event: HlrEvent) {
        self.out.push_back(HlrStep::Event(event));
    }
}

impl core::fmt::Debug for Hlr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Hlr").field("subscribers", &self.database.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
