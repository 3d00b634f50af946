//! The binding: at home and in the journal at the same time, then for as long as it is renewed.

use core::time::Duration;
use rove_base::{Instant, StreamId};
use subtle::ConstantTimeEq;

use super::{
    Event, NamePolicy, PoolAsk, PoolTold, Timer, Vlr,
    answers::{Question, Waiting},
    line::LineState,
    locate::hash,
    metrics::add,
    record::{Kept, Record},
    visitor::{Allowance, Binding, Bound, Renew, Stage},
};
use crate::{
    Addresses, BindClaim, Cause, Generation, HostName, Imsi, NameChange, Operation, Outcome,
    attach::{Reason, Secret, ToTerminal},
};

impl Vlr {
    pub(super) fn pool_told(&mut self, told: PoolTold) {
        match told {
            PoolTold::Reserved { holder, attempt, result } => self.reserved(holder, attempt, result),
            PoolTold::Requested { holder, host_name } => self.requested(holder, host_name.as_deref()),
            PoolTold::Released { holder } => self.address_gone(holder, Reason::Released),
            PoolTold::Expired { holder } => self.address_gone(holder, Reason::Expired),
        }
    }

    fn address_gone(&mut self, imsi: Imsi, reason: Reason) {
        if self.visitors.get(&imsi).is_some_and(super::Visitor::holds) {
            self.leave(imsi, reason, true);
        }
    }

    /// DHCP was asked for the addresses, for the first time or again.
    fn requested(&mut self, imsi: Imsi, host_name: Option<&str>) {
        let stage = self.visitors.get(&imsi).map(|visitor| &visitor.stage);
        let claim = match stage {
            Some(Stage::Accepted(kept, _)) => &kept.claim,
            Some(Stage::Binding(binding)) => &binding.kept.claim,
            Some(Stage::Bound(bound)) => &bound.kept.claim,
            _ => return self.pool(PoolAsk::Refuse { holder: imsi }),
        };
        if host_name.is_some_and(|told| !is_name(told, &claim.name)) {
            add(&mut self.metrics.names_refused);
            if self.config.names == NamePolicy::Strict {
                self.pool(PoolAsk::Refuse { holder: imsi });
                return self.leave(imsi, Reason::Home(Cause::NameMismatch), true);
            }
        }
        let (now, lease) = (self.now.mono, self.config.address_lease);
        match self.visitors.get_mut(&imsi).map(|visitor| &mut visitor.stage) {
            Some(Stage::Accepted(..)) => self.bind(imsi, true),
            Some(Stage::Binding(binding)) => binding.dhcp = true,
            Some(Stage::Bound(bound)) if bound.lapses > now => {
                self.pool(PoolAsk::Confirm { holder: imsi, lease });
            }
            // The home has not renewed: the name may be gone, so the lease is not made longer. DHCP asks again.
            _ => {}
        }
    }

    /// Home and journal are asked at the same time.
    pub(super) fn bind(&mut self, imsi: Imsi, dhcp: bool) {
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        let partner = visitor.partner;
        let (kept, ticket) = match core::mem::replace(&mut visitor.stage, Stage::Locating) {
            Stage::Accepted(kept, ticket) => (*kept, ticket),
            stage => {
                visitor.stage = stage;
                return;
            }
        };
        let operation = self.binding_of(&kept);
        let generation = kept.claim.generation;
        let names = reverse(&kept.claim, Some(&kept.claim.name), self.config.reverse_ttl);
        let record = Record::Here(Box::new(kept.clone())).encode();
        // Without DHCP nobody renews the address; the stay alone decides.
        let lease = if dhcp { self.config.address_lease } else { WITHOUT_DHCP };
        let binding = Binding { kept, ticket, dhcp, lease, home: None, durable: false };
        self.set_stage(imsi, Stage::Binding(Box::new(binding)));
        let patience = self.config.patience.home.saturating_add(self.config.patience.step);
        self.timers.set(Timer::Visitor(imsi), self.now.mono.later(patience));
        self.ask(partner, Question::Bind(imsi, generation, self.now.mono), operation);
        self.pool(PoolAsk::Prepare { holder: imsi, lease });
        self.commit(Waiting::Arrive(imsi, generation), record, names);
    }

    fn binding_of(&self, kept: &Kept) -> Operation {
        let lease = u32::try_from(self.config.lease.as_secs()).unwrap_or(u32::MAX);
        Operation::Bind { claim: kept.claim.clone(), proof: kept.proof.clone(), lease }
    }

    /// The home's word on a binding, new or renewed.
    pub(super) fn bound_at_home(
        &mut self,
        (imsi, generation): (Imsi, Generation),
        asked: Instant,
        result: &Result<Outcome, Cause>,
    ) {
        let lease = match result {
            Ok(Outcome::Bound { lease }) => Ok(Duration::from_secs(u64::from(*lease).clamp(1, DAY))),
            Ok(_) => Err(Cause::UnexpectedDataValue),
            Err(cause) => Err(*cause),
        };
        let until = lease.map(|lease| asked.later(lease));
        let again = self.renewal_after(lease);
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        if visitor.generation() != Some(generation) {
            return;
        }
        match (&mut visitor.stage, until) {
            (Stage::Binding(binding), Ok(until)) => {
                binding.home = Some(until);
                self.settle(imsi);
            }
            (Stage::Bound(bound), Ok(until)) => {
                (bound.lapses, bound.renew) = (until, Renew::At(again));
                add(&mut self.metrics.renewals);
                self.watch(imsi);
            }
            (Stage::Bound(bound), Err(cause)) if is_transient(cause) => {
                bound.renew = Renew::At(again);
                self.watch(imsi);
            }
            (_, Err(cause)) => self.leave(imsi, Reason::Home(cause), !is_disowned(cause)),
            _ => {}
        }
    }

    /// When to renew: about half way, on a grid, so that many go together and not all at once.
    fn renewal_after(&mut self, lease: Result<Duration, Cause>) -> Instant {
        let (time, percent) = lease.map_or((RETRY, 50), |lease| (lease.mul_f64(0.5), 20));
        let at = self.about(time, percent).as_nanos();
        Instant::from_nanos(at.saturating_sub(at % GRID))
    }

    /// The journal's word.
    pub(super) fn arrival_durable(&mut self, imsi: Imsi, generation: Generation, durable: bool) {
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        let Stage::Binding(binding) = &mut visitor.stage else { return };
        if binding.kept.claim.generation != generation {
            return;
        }
        if !durable {
            return self.leave(imsi, Reason::Home(Cause::SystemFailure), true);
        }
        binding.durable = true;
        self.settle(imsi);
    }

    /// When both have spoken, DHCP may acknowledge.
    fn settle(&mut self, imsi: Imsi) {
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        let (kept, ticket, lease, lapses) = match core::mem::replace(&mut visitor.stage, Stage::Locating) {
            Stage::Binding(binding) => match *binding {
                Binding { kept, ticket, lease, home: Some(until), durable: true, .. } => {
                    (kept, ticket, lease, until)
                }
                binding => {
                    visitor.stage = Stage::Binding(Box::new(binding));
                    return;
                }
            },
            stage => {
                visitor.stage = stage;
                return;
            }
        };
        let patience = self.config.patience;
        let heard_until = self.now.mono.later(patience.silence);
        let renew = Renew::At(self.renewal_after(Ok(lapses.since(self.now.mono))));
        let calls = Allowance::full(self.now.mono);
        let BindClaim { generation, name, addresses, .. } = kept.claim.clone();
        self.set_stage(imsi, Stage::Bound(Box::new(Bound { kept, renew, lapses, heard_until, calls })));
        self.arriving.remove(&imsi);
        self.watch(imsi);
        add(&mut self.metrics.attached);
        self.pool(PoolAsk::Confirm { holder: imsi, lease });
        self.tell_visitor(imsi, &ToTerminal::Bound { lease: self.silence(), ticket });
        self.tell_profile(imsi);
        self.outbox.event(Event::Attached { imsi, name, addresses, generation });
        if let Some(call) = self.visitors.get_mut(&imsi).and_then(|visitor| visitor.call.take()) {
            self.call(imsi, &call);
        }
    }

    fn silence(&self) -> u16 {
        u16::try_from(self.config.patience.silence.as_secs()).unwrap_or(u16::MAX)
    }

    pub(super) fn tell_profile(&mut self, imsi: Imsi) {
        let subscription = self.visitors.get(&imsi).and_then(|visitor| visitor.subscription.clone());
        if let Some(subscription) = subscription {
            let (msisdn, profile) = (subscription.msisdn, subscription.profile);
            self.tell_visitor(imsi, &ToTerminal::Profile { msisdn, profile });
        }
    }

    /// Sets the deadline of a bound visitor.
    pub(super) fn watch(&mut self, imsi: Imsi) {
        let bound = self.visitors.get_mut(&imsi).and_then(|visitor| visitor.bound_mut());
        if let Some(at) = bound.map(|bound| bound.deadline()) {
            self.timers.set(Timer::Visitor(imsi), at);
        }
    }

    pub(super) fn visitor_due(&mut self, imsi: Imsi) {
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        let bound = match &mut visitor.stage {
            Stage::Bound(bound) => bound,
            Stage::Assigned(_) | Stage::Accepted(..) => return self.leave(imsi, Reason::Timeout, true),
            _ => return self.leave(imsi, Reason::Home(Cause::NoAnswer), true),
        };
        let now = self.now.mono;
        if bound.heard_until <= now {
            return self.leave(imsi, Reason::Lost, true);
        }
        if bound.lapses.later(self.config.patience.orphan) <= now {
            return self.leave(imsi, Reason::Home(Cause::NoAnswer), true);
        }
        if matches!(bound.renew, Renew::At(at) if at <= now) {
            self.renew(imsi);
        }
        self.watch(imsi);
    }

    fn renew(&mut self, imsi: Imsi) {
        let later = self.renewal_after(Err(Cause::NoAnswer));
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        let (partner, refresh) = (visitor.partner, visitor.refresh || visitor.subscription.is_none());
        let Stage::Bound(bound) = &mut visitor.stage else { return };
        if !self.up.contains(&partner) {
            bound.renew = Renew::At(later);
            return;
        }
        bound.renew = Renew::Asked;
        let (generation, kept) = (bound.kept.claim.generation, bound.kept.clone());
        if refresh {
            self.ask(partner, Question::Restore(imsi, generation), Operation::RestoreData { imsi });
        }
        let operation = self.binding_of(&kept);
        self.ask(partner, Question::Bind(imsi, generation, self.now.mono), operation);
    }

    pub(super) fn renewed_by_terminal(&mut self, stream: StreamId, imsi: Imsi) {
        let until = self.now.mono.later(self.config.patience.silence);
        if let Some(bound) = self.visitors.get_mut(&imsi).and_then(|visitor| visitor.bound_mut()) {
            bound.heard_until = until;
        }
        self.watch(imsi);
        self.tell(stream, &ToTerminal::Renewed { lease: self.silence() });
    }

    /// A visitor comes back over another stream.
    pub(super) fn moved(&mut self, stream: StreamId, imsi: Imsi, ticket: Secret) {
        let until = self.now.mono.later(self.config.patience.silence);
        let visitor = self.visitors.get_mut(&imsi);
        let Some(visitor) = visitor.filter(|visitor| visitor.admits(&ticket)) else {
            return self.refuse(stream, Reason::UnknownTicket);
        };
        let old = visitor.stream.replace(stream);
        if let Some(bound) = visitor.bound_mut() {
            bound.heard_until = until;
        }
        if let Some(old) = old {
            self.drop_line(old);
        }
        self.no_stranger(stream);
        if let Some(line) = self.lines.get_mut(&stream) {
            line.state = LineState::Serves(imsi);
        }
        add(&mut self.metrics.moved);
        self.watch(imsi);
        self.tell(stream, &ToTerminal::Bound { lease: self.silence(), ticket });
        self.tell_profile(imsi);
    }

    /// A visitor's stream is gone: who is bound may come back for a while.
    pub(super) fn stream_lost(&mut self, stream: StreamId, imsi: Imsi) {
        let until = self.now.mono.later(self.config.patience.grace);
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        if visitor.stream != Some(stream) {
            return;
        }
        visitor.stream = None;
        match &mut visitor.stage {
            Stage::Bound(bound) => {
                bound.heard_until = bound.heard_until.min(until);
                self.watch(imsi);
            }
            _ => self.leave(imsi, Reason::Lost, true),
        }
    }
}

impl super::Visitor {
    /// Whether this is the ticket of its stay.
    fn admits(&self, ticket: &Secret) -> bool {
        match &self.stage {
            Stage::Bound(bound) => bound.kept.ticket.ct_eq(&hash(ticket)).into(),
            _ => false,
        }
    }
}

/// What the addresses of a claim are to resolve to.
pub(super) fn reverse(claim: &BindClaim, name: Option<&HostName>, ttl: u32) -> Vec<NameChange> {
    let Addresses { v4, v6 } = claim.addresses;
    let addresses = v4.map(Into::into).into_iter().chain(v6.map(Into::into));
    addresses.map(|address| NameChange::Reverse { address, name: name.cloned(), ttl: ttl.max(1) }).collect()
}

/// Whether what DHCP was told is this name, in full or its first label alone.
fn is_name(told: &str, name: &HostName) -> bool {
    let told = told.strip_suffix('.').unwrap_or(told).to_ascii_lowercase();
    let label = name.as_str().split('.').next();
    told == name.as_str() || Some(told.as_str()) == label
}

/// The next try may go better.
pub(super) const fn is_transient(cause: Cause) -> bool {
    matches!(cause, Cause::NoAnswer | Cause::Overload | Cause::SystemFailure)
}

/// The home has nothing of this stay to be taken back.
const fn is_disowned(cause: Cause) -> bool {
    matches!(cause, Cause::NotServing | Cause::StaleGeneration | Cause::UnknownSubscriber)
}

/// Between tries to renew.
const RETRY: Duration = Duration::from_secs(2);

/// Renewals fall on tenths of a second.
const GRID: u64 = 100_000_000;

/// Ten years.
const WITHOUT_DHCP: u32 = 315_360_000;

/// No home binds for longer.
const DAY: u64 = 86_400;
