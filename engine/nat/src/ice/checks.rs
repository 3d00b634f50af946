//! Checks made, answered, and believed (RFC 8445 §7), and what follows from them (§8).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{CandidateKind, UdpFlow};

use super::{
    BETTER_WAIT, DIRECT_WAIT, Ice, IceEvent, MAX_CANDIDATES, PACE,
    pair::{Check, Pair, State},
};
use crate::stun::{Class, Message, MessageWriter};

impl Ice {
    /// Answers a check of the peer, and makes one the same way.
    pub(super) fn on_request(&mut self, flow: UdpFlow, message: &Message<'_>) {
        let told = message.attributes();
        let ours = format!("{}:", self.local.ufrag());
        let named = told.username.is_some_and(|name| name.starts_with(ours.as_bytes()));
        let base = self.bases.iter().find(|(base, _)| *base == flow.local).copied();
        let (true, Some((_, priority))) = (named, base) else { return };
        if !message.has_fingerprint() || !message.is_authentic(self.local.password()) {
            return;
        }
        if let Some(kind) = told.unknown {
            let error = MessageWriter::new(Class::Error, message.transaction()).error(420);
            let error = error.attribute(UNKNOWN_ATTRIBUTES, &kind.to_be_bytes());
            return self.enqueue(flow, error.sealed(self.local.password()));
        }
        if !self.settle_roles(flow, message) {
            return;
        }
        let answer = MessageWriter::new(Class::Success, message.transaction()).mapped(flow.remote);
        self.enqueue(flow, answer.sealed(self.local.password()));
        self.learn(flow, priority, told.priority.unwrap_or(0));
        let controlling = self.controlling;
        let Some(pair) = self.pairs.iter_mut().find(|pair| pair.flow == flow) else { return };
        pair.heard = true;
        if told.use_candidate && !controlling {
            if pair.is_valid() {
                pair.nominated = true;
                // The peer has had an answer of ours that way.
                pair.answered = Some(self.now);
            } else {
                pair.wanted = true;
            }
        }
        match &mut pair.state {
            State::Valid => {}
            // The way may be open only now: what is under way is sent again soon, and any answer to it counts.
            State::InProgress(check) => {
                check.wait = FIRST_WAIT;
                check.due = check.due.min(self.now + PACE);
            }
            State::Waiting | State::Failed => {
                pair.state = State::Waiting;
                if !self.triggered.contains(&flow) {
                    self.triggered.push_back(flow);
                }
            }
        }
        self.hopeless = None;
    }

    /// Both sides may claim the same role (RFC 8445 §7.3.1.1). `false`: the peer is asked to yield, and nothing else is done.
    fn settle_roles(&mut self, flow: UdpFlow, message: &Message<'_>) -> bool {
        let told = message.attributes();
        let (claimed, switches) = match (self.controlling, told.controlling, told.controlled) {
            (true, Some(theirs), _) => (theirs, self.tie_breaker < theirs),
            (false, _, Some(theirs)) => (theirs, self.tie_breaker >= theirs),
            _ => return true,
        };
        if switches && !self.lite_peer {
            self.controlling = !self.controlling;
            return true;
        }
        // The same number on both sides is this side's own check, come back.
        if claimed != self.tie_breaker {
            let error = MessageWriter::new(Class::Error, message.transaction()).error(ROLE_CONFLICT);
            self.enqueue(flow, error.sealed(self.local.password()));
        }
        false
    }

    /// An address that checks come from is a candidate, whether it was told or not.
    fn learn(&mut self, flow: UdpFlow, local_priority: u32, priority: u32) {
        let known = self.remotes.iter().find(|known| known.address == flow.remote).copied();
        let candidate = known.unwrap_or_else(|| Self::peer_reflexive(flow.remote, priority));
        if known.is_none() && self.remotes.len() < MAX_CANDIDATES {
            self.remotes.push(candidate);
        }
        self.add_pair(Pair::new(flow, local_priority, candidate));
    }

    /// Believes an answer to one of our checks.
    pub(super) fn on_answer(&mut self, flow: UdpFlow, message: &Message<'_>) {
        if !message.has_fingerprint() || !message.is_authentic(self.remote.password()) {
            return;
        }
        if let Some(consent) = &mut self.consent
            && message.class() == Class::Success
            && consent.answered(self.now, flow, message.transaction())
        {
            let asked = self.pairs.iter_mut().filter(|pair| pair.flow == flow);
            asked.for_each(|pair| pair.answered = Some(self.now));
            return;
        }
        if message.class() == Class::Success && self.choice.answered(self.now, flow, message.transaction()) {
            return;
        }
        let asked = |check: &Check| check.transaction == message.transaction();
        let Some(pair) = self.pairs.iter_mut().find(|pair| pair.check().is_some_and(asked)) else { return };
        let Some(check) = pair.check().copied() else { return };
        if message.class() == Class::Error {
            pair.state = if check.was_valid { State::Valid } else { State::Failed };
            if message.attributes().error == Some(ROLE_CONFLICT) {
                pair.state = State::Waiting;
                let flow = pair.flow;
                if self.controlling == check.controlling && !self.lite_peer {
                    self.controlling = !check.controlling;
                }
                self.triggered.push_back(flow);
            }
            return;
        }
        // An answer from elsewhere, or to elsewhere, says nothing of the way (RFC 8445 §7.2.5.2.1).
        if pair.flow != flow {
            pair.state = State::Failed;
            return;
        }
        pair.state = State::Valid;
        pair.answered = Some(self.now);
        if (check.nominates && check.controlling == self.controlling) || pair.wanted {
            pair.nominated = true;
            pair.wanted = false;
        }
        self.valid_since.get_or_insert(self.now);
    }

    /// Sends again what was not answered, and gives up what was sent often enough.
    pub(super) fn repeat_checks(&mut self) {
        let now = self.now;
        let mut again = Vec::new();
        for pair in &mut self.pairs {
            let State::InProgress(check) = &mut pair.state else { continue };
            if check.due > now {
                continue;
            }
            if check.sent >= ATTEMPTS {
                pair.state = if check.was_valid { State::Valid } else { State::Failed };
                continue;
            }
            check.sent = check.sent.saturating_add(1);
            check.wait = check.wait.saturating_mul(2).min(LONGEST_WAIT);
            check.due = now + check.wait;
            again.push((pair.flow, *check));
        }
        again.into_iter().for_each(|(flow, check)| self.send_check(flow, &check));
    }

    /// Whether there is a check to make as soon as the pace allows.
    pub(super) fn has_check_to_make(&self) -> bool {
        !self.failed
            && (!self.triggered.is_empty()
                || (!self.is_concluded() && self.pairs.iter().any(|pair| pair.state == State::Waiting)))
    }

    /// Makes the next check: one that answers the peer's, else the best that waits.
    pub(super) fn next_check(&mut self) {
        if self.next_check > self.now || self.failed {
            return;
        }
        let controlling = self.controlling;
        let triggered = self.triggered.pop_front();
        let waiting = || {
            let waiting = self.pairs.iter().filter(|pair| pair.state == State::Waiting);
            waiting.max_by_key(|pair| pair.priority(controlling)).map(|pair| pair.flow)
        };
        let Some(flow) = triggered.or_else(|| if self.is_concluded() { None } else { waiting() }) else {
            return;
        };
        self.next_check = self.now + self.pace();
        self.begin_check(flow, false);
    }

    /// Whether a pair is agreed on, so that no other is looked for.
    fn is_concluded(&self) -> bool {
        self.pairs.iter().any(|pair| pair.nominated && self.selected == Some(pair.flow))
    }

    pub(super) fn begin_check(&mut self, flow: UdpFlow, nominates: bool) {
        let mut transaction = [0; 12];
        self.entropy.fill(&mut transaction);
        let (now, controlling) = (self.now, self.controlling);
        let open = self.pairs.iter().filter(|pair| pair.is_open()).count();
        let spread = PACE.saturating_mul(u32::try_from(open).unwrap_or(u32::MAX));
        let Some(pair) = self.pairs.iter_mut().find(|pair| pair.flow == flow) else { return };
        let wait = FIRST_WAIT.max(spread).min(LONGEST_WAIT);
        let check = Check {
            transaction,
            sent: 1,
            due: now + wait,
            wait,
            nominates,
            controlling,
            was_valid: pair.is_valid(),
        };
        (pair.state, pair.asked) = (State::InProgress(check), Some(now));
        self.send_check(flow, &check);
    }

    fn send_check(&mut self, flow: UdpFlow, check: &Check) {
        let message = self.request(flow, check.transaction, check.nominates);
        self.enqueue(flow, message);
    }

    /// A check, or a question for consent.
    pub(super) fn request(
        &self,
        flow: UdpFlow,
        transaction: crate::stun::Transaction,
        nominates: bool,
    ) -> Vec<u8> {
        let base = self.bases.iter().position(|(base, _)| *base == flow.local).unwrap_or(0);
        let preference = u16::MAX.saturating_sub(u16::try_from(base).unwrap_or(u16::MAX));
        let mut message = MessageWriter::new(Class::Request, transaction)
            .username(self.remote.ufrag(), self.local.ufrag())
            .role(self.controlling, self.tie_breaker)
            .priority(CandidateKind::PeerReflexive.priority(preference));
        if nominates {
            message = message.use_candidate();
        }
        message.sealed(self.remote.password())
    }

    /// Whether a nomination is this side's to make, and there is one to make.
    pub(super) fn may_nominate(&self) -> bool {
        let under_way = |pair: &Pair| pair.nominated || pair.check().is_some_and(|check| check.nominates);
        self.controlling && !self.failed && !self.pairs.iter().any(under_way)
    }

    /// So long a better pair may take than those that work.
    pub(super) fn better_wait(&self) -> Duration {
        let direct = self.pairs.iter().any(|pair| pair.is_valid() && !self.is_relayed(pair));
        if direct && !self.wants_more() { BETTER_WAIT } else { DIRECT_WAIT }
    }

    /// What follows from how the pairs are: a nomination, a selection, or failure.
    pub(super) fn judge(&mut self) {
        self.leave_silence();
        let controlling = self.controlling;
        let best = |pairs: &mut dyn Iterator<Item = &Pair>| {
            pairs
                .max_by_key(|pair| pair.priority(controlling))
                .map(|pair| (pair.flow, pair.priority(controlling)))
        };
        if self.may_nominate()
            && let Some((flow, priority)) = best(&mut self.pairs.iter().filter(|pair| pair.is_valid()))
        {
            let better =
                self.pairs.iter().any(|pair| pair.is_open() && pair.priority(controlling) > priority);
            let waited = self.valid_since.is_some_and(|since| self.now.since(since) >= self.better_wait());
            if ((!better && !self.wants_more()) || waited)
                && let Some(flow) = self.choose(flow)
            {
                self.begin_check(flow, true);
            }
        }
        if let Some((flow, _)) = best(&mut self.pairs.iter().filter(|pair| pair.nominated)) {
            let renewed = self.consent.is_none();
            if self.selected != Some(flow) || renewed {
                self.use_flow(flow);
            }
        }
        self.give_up();
    }

    /// Fails when there is nothing left to try: at once when no more candidates come, else when none came for long.
    fn give_up(&mut self) {
        if self.failed || self.pairs.iter().any(|pair| pair.is_open() || pair.is_valid()) {
            self.hopeless = None;
            return;
        }
        let patience = if self.complete { NO_CANDIDATES } else { MORE_CANDIDATES };
        let until = *self.hopeless.get_or_insert(self.now + patience);
        if until <= self.now {
            (self.failed, self.selected, self.consent, self.silence) = (true, None, None, None);
            self.events.push_back(IceEvent::Failed);
        }
    }
}

const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
/// RFC 8445 §7.3.1.1.
const ROLE_CONFLICT: u16 = 487;
/// A check is sent so often: about 14 seconds.
const ATTEMPTS: u32 = 10;
/// RFC 8445 §14.3.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Calls are set up by people who wait: pauses do not grow beyond this.
const LONGEST_WAIT: Duration = Duration::from_millis(1_600);
/// The peer may still check from where nobody told of.
const NO_CANDIDATES: Duration = Duration::from_secs(5);
/// So long another candidate may take to come.
const MORE_CANDIDATES: Duration = Duration::from_secs(30);

impl Ice {
    /// Asks for consent when it is time, and stops sending when it was not given (RFC 7675 §5.1).
    pub(super) fn keep_consent(&mut self) {
        let (now, Some(consent)) = (self.now, &mut self.consent) else { return };
        if consent.is_lost(now) {
            (self.failed, self.selected, self.consent, self.silence) = (true, None, None, None);
            for pair in &mut self.pairs {
                (pair.state, pair.nominated, pair.wanted) = (State::Failed, false, false);
            }
            self.events.push_back(IceEvent::ConsentLost);
            return;
        }
        let flow = consent.flow();
        if let Some(transaction) = consent.ask(now, &mut self.entropy) {
            let message = self.request(flow, transaction, false);
            self.enqueue(flow, message);
        }
    }
}
