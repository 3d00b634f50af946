//! Changes under way: from the checks to the answer.

use core::{net::IpAddr, time::Duration};

use rove_base::{Instant, Now};

use crate::{
    Cause, Change, ChangeId, E164, Generation, HostName, Imsi, NameChange, NetworkName, Outcome,
    subscriber::{Record, encode},
};

use super::{
    AdministerError, Asker, Hlr, HlrEvent, RequestId, Unbinding, administer::Effect,
    authenticate::Authentications,
};

/// A change that is being made durable.
pub(super) struct Pending {
    imsi: Imsi,
    /// Whether the subscriber's other changes wait for it.
    in_lane: bool,
    pub(super) records: Vec<Record>,
    then: Then,
    taken: Taken,
}

/// What a change takes that nobody else may have.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) name: Option<HostName>,
    pub(super) number: Option<E164>,
    pub(super) subscriber: bool,
}

/// What follows when it is durable.
pub(super) enum Then {
    /// Challenges.
    Reserved,
    /// The profile goes out, then the answer. A stay that had not been proven is over.
    Located {
        asker: Asker,
        generation: Generation,
        prove_at: Instant,
        replaced: Option<(NetworkName, Generation)>,
    },
    /// The answer; the stay before is over.
    Bound {
        asker: Asker,
        generation: Generation,
        lease: u32,
        until: Instant,
        replaced: Option<(NetworkName, Generation)>,
    },
    /// The answer.
    Renewed { asker: Asker, lease: u32, until: Instant },
    /// The answer. `name` when it is unbound with it.
    Left { asker: Asker, name: Option<HostName> },
    /// A lease, the time for a proof, or both are over.
    Overdue { name: Option<HostName>, lapsed: Option<(NetworkName, Generation)> },
    /// What was asked for is done.
    Administered { request: RequestId, effect: Effect },
}

impl Hlr {
    /// Asks the owner to make `records` durable; the subscriber's other changes wait.
    pub(super) fn commit(
        &mut self,
        imsi: Imsi,
        records: Vec<Record>,
        names: Vec<NameChange>,
        taken: Taken,
        then: Then,
    ) {
        self.lanes.entry(imsi).or_default();
        self.claim(&taken);
        self.submit(Pending { imsi, in_lane: true, records, then, taken }, names);
    }

    /// The same for what does not touch whereabouts.
    pub(super) fn commit_aside(&mut self, imsi: Imsi, records: Vec<Record>, then: Then) {
        let pending = Pending { imsi, in_lane: false, records, then, taken: Taken::default() };
        self.submit(pending, Vec::new());
    }

    fn submit(&mut self, pending: Pending, names: Vec<NameChange>) {
        self.last_change = ChangeId(self.last_change.0.wrapping_add(1));
        let record = encode(&pending.records);
        self.pending.insert(self.last_change, pending);
        self.out.push_back(super::HlrStep::Commit(Change { id: self.last_change, record, names }));
    }

    fn claim(&mut self, taken: &Taken) {
        self.claims.addresses.extend(taken.addresses.iter().copied());
        self.claims.names.extend(taken.name.clone());
        self.claims.numbers.extend(taken.number);
        let more = usize::from(taken.subscriber);
        self.claims.subscribers = self.claims.subscribers.saturating_add(more);
    }

    fn unclaim(&mut self, taken: &Taken) {
        for address in &taken.addresses {
            self.claims.addresses.remove(address);
        }
        taken.name.as_ref().map(|name| self.claims.names.remove(name));
        taken.number.as_ref().map(|number| self.claims.numbers.remove(number));
        let less = usize::from(taken.subscriber);
        self.claims.subscribers = self.claims.subscribers.saturating_sub(less);
    }

    /// A change is durable and visible, or could not be made so; then nothing of it may ever show.
    pub fn committed(&mut self, now: Now, id: ChangeId, result: Result<(), Cause>) {
        let Some(pending) = self.pending.remove(&id) else { return };
        let Pending { imsi, in_lane, records, then, taken } = pending;
        self.unclaim(&taken);
        match result {
            Ok(()) => {
                records.into_iter().for_each(|record| self.database.apply(record));
                self.timers.trim(self.database.get(imsi), imsi);
                self.done(now, imsi, then);
            }
            Err(cause) => self.failed(now, imsi, &then, cause),
        }
        if in_lane {
            self.leave_lane(now, imsi);
        }
    }

    /// What waited for the change is done, as far as the next change.
    fn leave_lane(&mut self, now: Now, imsi: Imsi) {
        let Some(mut waiting) = self.lanes.remove(&imsi) else { return };
        while let Some(work) = waiting.pop_front() {
            self.run(now, imsi, work);
            if let Some(lane) = self.lanes.get_mut(&imsi) {
                lane.append(&mut waiting);
            }
        }
    }

    fn done(&mut self, now: Now, imsi: Imsi, then: Then) {
        match then {
            Then::Reserved => self.reserved(imsi, true),
            Then::Located { asker, generation, prove_at, replaced } => {
                self.timers.set_proof(imsi, Some(prove_at));
                self.cancel_replaced(now, imsi, replaced);
                self.tell_located(asker, imsi, generation);
            }
            Then::Bound { asker, generation, lease, until, replaced } => {
                self.timers.set_lease(imsi, Some(until));
                self.cancel_replaced(now, imsi, replaced);
                self.tell_bound(imsi, generation);
                self.answer(asker, Ok(Outcome::Bound { lease }));
            }
            Then::Renewed { asker, lease, until } => {
                self.timers.set_lease(imsi, Some(until));
                self.answer(asker, Ok(Outcome::Bound { lease }));
            }
            Then::Left { asker, name } => {
                self.tell_unbound(imsi, name, Unbinding::Left);
                self.answer(asker, Ok(Outcome::Done));
            }
            Then::Overdue { name, lapsed } => {
                self.tell_unbound(imsi, name, Unbinding::Expired);
                self.cancel_replaced(now, imsi, lapsed);
            }
            Then::Administered { request, effect } => {
                if let Some(first) = effect.added {
                    self.authentications.insert(imsi, Authentications::starting_at(first));
                }
                self.event(HlrEvent::Administered { request, result: Ok(()) });
                self.take_effect(now, imsi, effect);
            }
        }
    }

    fn failed(&mut self, now: Now, imsi: Imsi, then: &Then, cause: Cause) {
        match *then {
            Then::Reserved => self.reserved(imsi, false),
            Then::Located { asker, .. }
            | Then::Bound { asker, .. }
            | Then::Renewed { asker, .. }
            | Then::Left { asker, .. } => self.answer(asker, Err(cause)),
            Then::Overdue { .. } => self.timers.retry(now, imsi, RETRY),
            Then::Administered { request, .. } => {
                let result = Err(AdministerError::NotDurable);
                self.event(HlrEvent::Administered { request, result });
            }
        }
    }

    pub(super) fn tell_unbound(&mut self, imsi: Imsi, name: Option<HostName>, why: Unbinding) {
        if let Some(name) = name {
            self.event(HlrEvent::Unbound { imsi, name, why });
        }
    }

    fn tell_bound(&mut self, imsi: Imsi, generation: Generation) {
        let Some(entry) = self.database.get(imsi) else { return };
        let Some(stay) = entry.stay(generation) else { return };
        let Some(binding) = stay.binding else { return };
        let (name, network) = (entry.subscriber.name.clone(), stay.network.clone());
        self.event(HlrEvent::Bound { imsi, name, addresses: binding.addresses, network, generation });
    }
}

/// Until a name that could not be unbound is tried again.
const RETRY: Duration = Duration::from_secs(1);
