//! Connectivity (RFC 8445): checks between the candidates of both sides until a pair is agreed on, and then consent
//! (RFC 7675) as long as it is used.
//!
//! A full agent, also towards a lite one; one component, since RTCP shares RTP's port. Candidates may come at any time
//! (RFC 8838). Only what carries the right password is believed; what does not is dropped without an answer, so that the
//! port is no mirror. Memory is bounded: [`MAX_CANDIDATES`] of the peer, [`MAX_PAIRS`] pairs.
//!
//! Pairs are not frozen (RFC 8445 §6.1.2.6): with one stream of one component there is nothing to unfreeze them by; the
//! pace of one check each [`PACE`] spreads them as well.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod bygone;
mod checks;
mod choose;
mod consent;
mod gather;
mod pair;
mod rescue;
mod spare;

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::{collections::VecDeque, net::SocketAddr};

use rove_base::{
    Candidate, CandidateKind, Entropy, Foundation, IceCredentials, IcePlan, IceRole, Instant, RouteKind,
    UdpFlow,
};

pub use self::choose::Wish;
use self::{
    bygone::Bygone, choose::Choice, consent::Consent, gather::Gathering, pair::Pair, rescue::Silence,
    spare::Spares,
};
use crate::stun::{Class, Message};

/// The agent of one call.
pub struct Ice {
    now: Instant,
    entropy: Entropy,
    controlling: bool,
    tie_breaker: u64,
    local: IceCredentials,
    remote: IceCredentials,
    bases: Vec<(SocketAddr, u32)>,
    /// Those of them that relays lend.
    lent: Vec<SocketAddr>,
    remotes: Vec<Candidate>,
    /// No more of the peer's candidates will come.
    complete: bool,
    lite_peer: bool,
    pairs: Vec<Pair>,
    /// Checks that answer one of the peer's, to be made first (RFC 8445 §6.1.4.1).
    triggered: VecDeque<UdpFlow>,
    next_check: Instant,
    /// Since when a pair works that may be nominated.
    valid_since: Option<Instant>,
    selected: Option<UdpFlow>,
    consent: Option<Consent>,
    /// How silent what is selected is, where it leads by way of a relay.
    silence: Option<Silence>,
    /// What was selected first, since the checks began.
    first: Option<UdpFlow>,
    spares: Spares,
    bygone: Bygone,
    choice: Choice,
    /// Addresses that a network for voice alone lends.
    dedicated: Vec<SocketAddr>,
    gathering: Gathering,
    gathered: bool,
    /// When nothing is left to try, it has failed.
    hopeless: Option<Instant>,
    failed: bool,
    datagrams: VecDeque<(UdpFlow, Vec<u8>)>,
    events: VecDeque<IceEvent>,
}

/// What an [`Ice`] tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum IceEvent {
    /// Another candidate of ours, for the peer to be told.
    Candidate(Candidate),
    /// There will be no more of them.
    Gathered,
    /// Checks will go this way, whose near end a relay lends: it has to let the far end in.
    Reach(UdpFlow),
    /// Media goes this way from now on.
    Selected(UdpFlow),
    /// This way works as well, and what kind of way it is.
    Spare(UdpFlow, RouteKind),
    /// This one works no more, or is the one that is used.
    SpareGone(UdpFlow),
    /// No way leads to the peer.
    Failed,
    /// The peer did not consent any more (RFC 7675 §5.1): nothing may be sent. Only a restart helps.
    ConsentLost,
}

impl Ice {
    /// Begins to check.
    #[must_use]
    pub fn new(now: Instant, plan: &IcePlan, mut entropy: Entropy) -> Self {
        let bases = bases(plan);
        let gathering = gathering(now, plan, &bases, &mut entropy);
        let mut ice = Self {
            now,
            controlling: plan.role == IceRole::Controlling || plan.lite_peer,
            tie_breaker: entropy.next_u64(),
            entropy,
            local: plan.local.clone(),
            remote: plan.remote.clone(),
            bases,
            lent: lent(plan),
            remotes: Vec::new(),
            complete: plan.complete,
            lite_peer: plan.lite_peer,
            pairs: Vec::new(),
            triggered: VecDeque::new(),
            next_check: now,
            valid_since: None,
            selected: None,
            consent: None,
            silence: None,
            first: None,
            spares: Spares::default(),
            bygone: Bygone::default(),
            choice: Choice::default(),
            dedicated: Vec::new(),
            gathering,
            gathered: false,
            hopeless: None,
            failed: false,
            datagrams: VecDeque::new(),
            events: VecDeque::new(),
        };
        plan.remote_candidates.iter().for_each(|candidate| ice.add_candidate(*candidate));
        ice.judge();
        ice
    }

    /// The peer told another candidate (RFC 8838). What leads nowhere, or is one too many, is passed over.
    pub fn add_candidate(&mut self, candidate: Candidate) {
        let address = candidate.address;
        let nowhere = address.port() == 0
            || address.ip().is_unspecified()
            || address.ip().is_multicast()
            || matches!(address.ip(), std::net::IpAddr::V4(ip) if ip.is_broadcast());
        if nowhere || self.remotes.len() >= MAX_CANDIDATES {
            return;
        }
        if let Some(known) = self.remotes.iter_mut().find(|known| known.address == address) {
            // What was learned from a check is now told properly.
            *known = candidate;
            let theirs = self.pairs.iter_mut().filter(|pair| pair.flow.remote == address);
            theirs.for_each(|pair| pair.remote = candidate);
            return;
        }
        self.remotes.push(candidate);
        for (base, priority) in self.bases.clone() {
            if base.is_ipv4() == address.is_ipv4() {
                self.add_pair(Pair::new(UdpFlow { local: base, remote: address }, priority, candidate));
            }
        }
        self.hopeless = None;
        self.judge();
    }

    /// No more candidates will come (RFC 8838 §14).
    pub fn end_of_candidates(&mut self) {
        self.complete = true;
        self.judge();
    }

    /// Begins anew with the credentials and candidates of `plan` (RFC 8445 §9); media goes on where it goes until another
    /// pair is agreed on. The peer's candidates of the time before are forgotten, and so are addresses that this host had.
    pub fn restart(&mut self, now: Instant, plan: &IcePlan) {
        self.now = self.now.max(now);
        (self.local, self.remote) = (plan.local.clone(), plan.remote.clone());
        self.lite_peer = plan.lite_peer;
        self.controlling = plan.role == IceRole::Controlling || self.lite_peer;
        self.tie_breaker = self.entropy.next_u64();
        (self.bases, self.lent) = (bases(plan), lent(plan));
        self.gathering = gathering(self.now, plan, &self.bases, &mut self.entropy);
        self.gathered = false;
        self.leave_all();
        self.remotes.clear();
        self.pairs.clear();
        self.triggered.clear();
        self.complete = false;
        self.next_check = self.now;
        (self.valid_since, self.consent, self.silence, self.hopeless) = (None, None, None, None);
        (self.failed, self.first) = (false, None);
        self.forget_choice();
        plan.remote_candidates.iter().for_each(|candidate| self.add_candidate(*candidate));
        self.complete = plan.complete;
        self.judge();
    }

    fn add_pair(&mut self, pair: Pair) {
        if self.pairs.iter().any(|known| known.flow == pair.flow) {
            return;
        }
        if self.pairs.len() >= MAX_PAIRS {
            // The least gives way, but none that works (RFC 8445 §6.1.2.5).
            let controlling = self.controlling;
            let open = self.pairs.iter().enumerate().filter(|(_, pair)| !pair.is_valid());
            let Some((least, known)) = open.min_by_key(|(_, pair)| pair.priority(controlling)) else {
                return;
            };
            if known.priority(controlling) >= pair.priority(controlling) {
                return;
            }
            self.pairs.remove(least);
        }
        if self.lent.contains(&pair.flow.local) {
            self.events.push_back(IceEvent::Reach(pair.flow));
        }
        self.pairs.push(pair);
    }

    /// The relay that lends the near end of `flow` lets its far end in: what was under way there is sent again at once.
    pub fn reached(&mut self, now: Instant, flow: UdpFlow) {
        self.now = self.now.max(now);
        if let Some(pair) = self.pairs.iter_mut().find(|pair| pair.flow == flow) {
            pair.hasten(self.now);
        }
    }

    /// Takes in a datagram that looks like STUN.
    pub fn receive(&mut self, now: Instant, flow: UdpFlow, datagram: &[u8]) {
        self.now = self.now.max(now);
        let Ok(message) = Message::parse(datagram) else { return };
        if !message.is_binding() {
            return;
        }
        match message.class() {
            Class::Request => self.on_request(flow, &message),
            Class::Success | Class::Error if self.gathering.concerns(flow, &message) => {
                if let Some(candidate) = self.gathering.answered(flow, &message) {
                    self.events.push_back(IceEvent::Candidate(candidate));
                }
            }
            Class::Success | Class::Error => self.on_answer(flow, &message),
            // Keep-alive (RFC 8445 §11).
            Class::Indication => {}
        }
        self.judge();
    }

    /// Reports that it is `now`.
    pub fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while let Some(question) = self.gathering.ask(self.now) {
            self.enqueue(question.0, question.1);
        }
        if self.gathering.is_over() && !self.gathered {
            self.gathered = true;
            self.events.push_back(IceEvent::Gathered);
        }
        self.repeat_checks();
        self.next_check();
        self.try_ways();
        self.break_silence();
        self.keep_consent();
        self.judge();
        self.keep_spares();
    }

    /// When [`Ice::tick`] may next matter.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let repeats = self.pairs.iter().filter_map(|pair| pair.check().map(|check| check.due)).min();
        let nomination =
            self.valid_since.filter(|_| self.may_nominate()).map(|since| since + self.better_wait());
        let gathered = (!self.gathered && self.gathering.is_over()).then_some(self.now);
        [
            self.gathering.next_wake(),
            gathered,
            repeats,
            self.has_check_to_make().then_some(self.next_check),
            nomination,
            self.consent.as_ref().map(Consent::next_wake),
            self.silence.as_ref().map(Silence::next_wake),
            self.spares.next_wake(),
            self.choice.next_wake(),
            self.hopeless.filter(|_| !self.failed),
        ]
        .into_iter()
        .fold(None, Instant::earliest)
    }

    /// Whether `flow` leads to the peer: a check was answered there, or an authentic one came from there; also where that was a
    /// moment ago, and it was left since.
    #[must_use]
    pub fn hears(&self, flow: &UdpFlow) -> bool {
        self.selected == Some(*flow)
            || self.pairs.iter().any(|pair| pair.flow == *flow && (pair.is_valid() || pair.heard))
            || self.bygone.hears(self.now, flow)
    }

    /// Where media goes; `None` before a pair is agreed on, and after consent was lost.
    #[must_use]
    pub const fn selected(&self) -> Option<UdpFlow> {
        self.selected
    }

    /// Whether this side decides.
    #[must_use]
    pub const fn is_controlling(&self) -> bool {
        self.controlling
    }

    /// The next datagram to send.
    pub fn next_datagram(&mut self) -> Option<(UdpFlow, Vec<u8>)> {
        self.datagrams.pop_front()
    }

    /// The next thing to tell.
    pub fn next_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    fn enqueue(&mut self, flow: UdpFlow, datagram: Vec<u8>) {
        if self.datagrams.len() < WAITING {
            self.datagrams.push_back((flow, datagram));
        }
    }

    /// A candidate learned from a check of the peer (RFC 8445 §7.3.1.3).
    fn peer_reflexive(address: SocketAddr, priority: u32) -> Candidate {
        let kind = CandidateKind::PeerReflexive;
        Candidate { address, kind, priority, foundation: Foundation::of(kind, address), related: None }
    }
}

impl core::fmt::Debug for Ice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ice")
            .field("controlling", &self.controlling)
            .field("pairs", &self.pairs)
            .field("selected", &self.selected)
            .finish_non_exhaustive()
    }
}

/// The addresses that checks leave from, with their priorities: this host's, and those that relays lend it.
fn bases(plan: &IcePlan) -> Vec<(SocketAddr, u32)> {
    let is_base = |one: &&Candidate| matches!(one.kind, CandidateKind::Host | CandidateKind::Relayed);
    let bases = plan.local_candidates.iter().filter(is_base);
    bases.map(|base| (base.address, base.priority)).take(MAX_BASES).collect()
}

/// The addresses that relays lend.
fn lent(plan: &IcePlan) -> Vec<SocketAddr> {
    let relayed = plan.local_candidates.iter().filter(|one| one.kind == CandidateKind::Relayed);
    relayed.map(|one| one.address).collect()
}

fn gathering(now: Instant, plan: &IcePlan, bases: &[(SocketAddr, u32)], entropy: &mut Entropy) -> Gathering {
    let lent = lent(plan);
    let addresses: Vec<_> =
        bases.iter().map(|(address, _)| *address).filter(|address| !lent.contains(address)).collect();
    plan.stun_server
        .map_or_else(Gathering::default, |server| Gathering::new(now, server, &addresses, entropy))
}

/// Candidates of the peer, at most.
pub const MAX_CANDIDATES: usize = 32;
/// Pairs, at most.
pub const MAX_PAIRS: usize = 64;
/// Addresses of this host, at most.
const MAX_BASES: usize = 8;
/// Datagrams that wait to leave, at most.
const WAITING: usize = 160;
/// Between two checks (RFC 8445 §14.2).
pub const PACE: Duration = Duration::from_millis(50);
/// So long a better pair than one that works may take, before that one is nominated.
const BETTER_WAIT: Duration = Duration::from_millis(150);
/// And so long, before one by way of a relay is.
const DIRECT_WAIT: Duration = Duration::from_millis(400);
