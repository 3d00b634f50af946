//! What the network says, and what follows.

use core::time::Duration;

use super::{Line, STEP, State, Stay, Terminal, TerminalEvent};
use crate::{
    BindClaim, NetworkName,
    attach::{CallId, CredentialError, Query, Reason, Secret, ToNetwork, ToTerminal, WireError},
};

impl Terminal {
    pub(super) fn connected(&mut self) {
        if let Some(line) = &mut self.line {
            line.up = true;
        }
        self.begin();
    }

    /// The certificate was verified. Where a network was chosen, the stream stands only if it is that one's.
    pub(super) fn identified(&mut self, name: &str) {
        let Some(line) = &mut self.line else { return };
        if line.network.is_some() {
            return;
        }
        match name.parse::<NetworkName>() {
            Ok(network) => {
                line.network = Some(network);
                self.begin();
            }
            Err(_) => self.fail(Reason::Distrusted),
        }
    }

    pub(super) fn heard(&mut self, mut bytes: &[u8]) {
        loop {
            let Some(line) = &mut self.line else { return };
            match line.frames.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => match ToTerminal::decode(&frame) {
                    Ok(message) => self.told(message),
                    Err(error) => self.fail(error.reason()),
                },
                Err(error) => self.fail(WireError::from(error).reason()),
            }
        }
    }

    fn told(&mut self, message: ToTerminal) {
        let until = self.now.mono.later(STEP);
        match (self.state.clone(), message) {
            (
                State::Leaving(_),
                ToTerminal::Detached | ToTerminal::Ended { .. } | ToTerminal::Refused { .. },
            ) => {
                self.fail(Reason::Detached);
            }
            // What was under way when this side left.
            (State::Leaving(_), _) => {}
            (_, ToTerminal::Refused { reason } | ToTerminal::Ended { reason }) => self.fail(reason),
            (State::Identified(_), ToTerminal::Challenge { network, query }) => {
                self.challenged(&network, &query);
            }
            (State::Answered(_), ToTerminal::Assign { addresses, network, generation, name }) => {
                let imsi = self.config.imsi;
                self.assigned(BindClaim { imsi, generation, name, addresses, network });
            }
            (State::Proved(claim, _), ToTerminal::Accept { token, patience }) => {
                let addresses = claim.addresses;
                self.state = State::Accepted(claim, until.later(Duration::from_secs(patience.into())));
                self.outbox.event(TerminalEvent::Token { token, addresses });
                if !self.config.dhcp {
                    self.say(&ToNetwork::Ready);
                }
            }
            (State::Accepted(claim, _), ToTerminal::Bound { lease, ticket }) => {
                self.bound(claim, lease, ticket);
            }
            (State::Returning(_), ToTerminal::Bound { lease, ticket }) => {
                if let Some(claim) = self.stay.take().map(|stay| stay.claim) {
                    self.bound(claim, lease, ticket);
                }
            }
            (State::Attached(_) | State::Renewing(_), ToTerminal::Renewed { lease }) => self.renewed(lease),
            (State::Attached(_) | State::Renewing(_), message) => self.told_attached(message),
            _ => self.fail(Reason::Protocol),
        }
    }

    fn told_attached(&mut self, message: ToTerminal) {
        match message {
            ToTerminal::Profile { msisdn, profile } => {
                self.outbox.event(TerminalEvent::Profile { msisdn, profile });
            }
            ToTerminal::CallAllowed { id, anonymous } if self.asked.remove(&id) => {
                self.outbox.event(TerminalEvent::CallAllowed { id, anonymous });
            }
            ToTerminal::CallRefused { id, reason } if self.asked.remove(&id) => self.refuse_call(id, reason),
            // An answer to a call that is not asked about any more.
            ToTerminal::CallAllowed { id: CallId(_), .. } | ToTerminal::CallRefused { .. } => {}
            _ => self.fail(Reason::Protocol),
        }
    }

    fn challenged(&mut self, network: &NetworkName, query: &Query) {
        if !self.is_of(network) {
            return self.decline(Reason::Distrusted);
        }
        let until = self.now.mono.later(STEP);
        match self.credential.answer(query, network) {
            Ok(response) => {
                self.say(&ToNetwork::Response(response));
                self.state = State::Answered(until);
            }
            // One new challenge may follow, not two.
            Err(CredentialError::Stale(auts)) if self.line.as_mut().is_some_and(Line::resynchronise) => {
                self.say(&ToNetwork::SyncFailure { auts });
                self.state = State::Identified(until);
            }
            Err(_) => self.decline(Reason::Distrusted),
        }
    }

    fn assigned(&mut self, claim: BindClaim) {
        let proof = if self.is_of(&claim.network) { self.credential.prove(&claim) } else { None };
        let Some(proof) = proof else { return self.decline(Reason::Distrusted) };
        self.say(&ToNetwork::Prove { proof });
        self.state = State::Proved(claim, self.now.mono.later(STEP));
    }

    fn bound(&mut self, claim: BindClaim, lease: u16, ticket: Secret) {
        let attached = TerminalEvent::Attached {
            addresses: claim.addresses,
            name: claim.name.clone(),
            network: claim.network.clone(),
            generation: claim.generation,
        };
        self.stay = Some(Stay { claim, ticket, lease: Duration::ZERO, until: self.now.mono, failures: 0 });
        self.outbox.event(attached);
        self.renewed(lease);
        if let Some(call) = self.waiting.take() {
            self.ask(call);
        }
    }

    fn renewed(&mut self, lease: u16) {
        let Some(stay) = &mut self.stay else { return };
        stay.lease = Duration::from_secs(u64::from(lease).max(3));
        stay.until = self.now.mono.later(stay.lease);
        self.state = State::Attached(self.now.mono.later(stay.lease.mul_f64(1.0 / 3.0)));
    }

    fn decline(&mut self, reason: Reason) {
        self.say(&ToNetwork::Decline { reason });
        self.fail(reason);
    }

    /// Whether the network that speaks is the one whose certificate was seen.
    fn is_of(&self, network: &NetworkName) -> bool {
        self.line.as_ref().and_then(|line| line.network.as_ref()) == Some(network)
    }
}
