//! From "the home knows that it is here" to "it has a token for its address".

use rove_base::StreamId;

use super::{
    NamePolicy, PoolAsk, Timer, Vlr,
    answers::Question,
    metrics::add,
    record::Kept,
    visitor::{Stage, Visitor},
};
use crate::{
    Addresses, BindClaim, Cause, Generation, HostName, Imsi, Operation, Outcome, Proof, Services,
    attach::{Reason, Secret, ToNetwork, ToTerminal},
    private::PartnerId,
};
use sha2::{Digest, Sha256};

impl Vlr {
    pub(super) fn located(
        &mut self,
        partner: PartnerId,
        (imsi, attempt): (Imsi, u64),
        result: Result<Outcome, Cause>,
    ) {
        let current =
            |visitor: &&Visitor| visitor.attempt == attempt && matches!(visitor.stage, Stage::Locating);
        let visitor = self.visitors.get(&imsi).filter(current);
        let (generation, visitor) = match (result, visitor) {
            (Ok(Outcome::Located { generation, .. }), Some(visitor)) => (generation, visitor),
            (Ok(Outcome::Located { generation, .. }), None) => {
                // The terminal did not wait; the home must not think that it is here.
                let visited = self.config.visited();
                let purge = Operation::PurgeMs { imsi, visited, generation };
                return self.ask(partner, Question::Nothing, purge);
            }
            (Ok(_), Some(_)) => return self.leave(imsi, Reason::Home(Cause::UnexpectedDataValue), false),
            (Err(cause), Some(_)) => return self.leave(imsi, Reason::Home(cause), false),
            (_, None) => return,
        };
        let (name, conflict) = self.name_for(imsi, visitor);
        let verdict = admit(visitor).and(name);
        if conflict {
            add(&mut self.metrics.names_refused);
        }
        match verdict {
            Ok(name) => self.reserve(imsi, attempt, generation, name),
            Err(cause) => {
                // The home has begun a stay, so it is told that there is none.
                self.set_stage(imsi, Stage::Located(generation));
                self.leave(imsi, Reason::Home(cause), true);
            }
        }
    }

    fn reserve(&mut self, imsi: Imsi, attempt: u64, generation: Generation, name: HostName) {
        self.set_stage(imsi, Stage::Reserving(generation, name));
        self.timers.set(Timer::Visitor(imsi), self.now.mono.later(self.config.patience.home));
        self.pool(PoolAsk::Reserve { holder: imsi, attempt });
    }

    /// The name to bind, and whether the terminal told another.
    fn name_for(&self, imsi: Imsi, visitor: &Visitor) -> (Result<HostName, Cause>, bool) {
        let given = visitor.subscription.as_ref().and_then(|subscription| subscription.name.as_ref());
        let (name, conflict) = match (given, visitor.told.as_ref()) {
            (Some(given), told) => (given, told.is_some_and(|told| told != given)),
            (None, Some(told)) => (told, false),
            (None, None) => return (Err(Cause::DataMissing), false),
        };
        let allowed = self.config.agreements.admit(&imsi).is_some_and(|agreement| agreement.allows(name));
        let refused = !allowed || (conflict && self.config.names == NamePolicy::Strict);
        (if refused { Err(Cause::NameMismatch) } else { Ok(name.clone()) }, conflict)
    }

    pub(super) fn reserved(&mut self, imsi: Imsi, attempt: u64, result: Result<Addresses, Cause>) {
        let Some(visitor) = self.visitors.get(&imsi).filter(|visitor| visitor.attempt == attempt) else {
            return;
        };
        let Stage::Reserving(generation, name) = &visitor.stage else { return };
        let addresses = match result {
            Ok(Addresses { v4: None, v6: None }) => Err(Cause::SystemFailure),
            result => result,
        };
        let (generation, name, network) = (*generation, name.clone(), self.config.network.clone());
        match addresses {
            Err(cause) => self.leave(imsi, Reason::Home(cause), true),
            Ok(addresses) => {
                let assign = ToTerminal::Assign {
                    addresses,
                    network: network.clone(),
                    generation,
                    name: name.clone(),
                };
                self.set_stage(
                    imsi,
                    Stage::Assigned(BindClaim { imsi, generation, name, addresses, network }),
                );
                self.timers.set(Timer::Visitor(imsi), self.now.mono.later(self.config.patience.step));
                self.tell_visitor(imsi, &assign);
            }
        }
    }

    /// A visitor's stream says something.
    pub(super) fn visitor_said(&mut self, stream: StreamId, imsi: Imsi, message: ToNetwork) {
        let serves = |visitor: &&mut Visitor| visitor.stream == Some(stream);
        let Some(visitor) = self.visitors.get_mut(&imsi).filter(serves) else {
            return self.drop_line(stream);
        };
        match (&mut visitor.stage, message) {
            (_, ToNetwork::Detach) => self.leave(imsi, Reason::Detached, true),
            (_, ToNetwork::Decline { reason }) => self.leave(imsi, reason, true),
            (Stage::Assigned(_), ToNetwork::Prove { proof }) => self.accept(imsi, proof),
            (Stage::Accepted(..), ToNetwork::Ready) => self.bind(imsi, false),
            // What was said twice.
            (Stage::Binding(_) | Stage::Bound(_), ToNetwork::Ready) => {}
            (Stage::Bound(_), ToNetwork::Renew) => self.renewed_by_terminal(stream, imsi),
            (Stage::Bound(_), ToNetwork::CallRequest(call)) => self.call(imsi, &call),
            _ => self.leave(imsi, Reason::Protocol, true),
        }
    }

    fn accept(&mut self, imsi: Imsi, proof: Proof) {
        let (token, ticket) = (Secret::draw(&mut self.entropy), Secret::draw(&mut self.entropy));
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        let Stage::Assigned(claim) = &visitor.stage else { return };
        let kept = Kept { claim: claim.clone(), proof, ticket: hash(&ticket) };
        visitor.stage = Stage::Accepted(Box::new(kept), ticket);
        let patience = self.config.patience.address;
        self.timers.set(Timer::Visitor(imsi), self.now.mono.later(patience));
        self.pool(PoolAsk::Grant { holder: imsi, token: token.clone() });
        let patience = u16::try_from(patience.as_secs()).unwrap_or(u16::MAX);
        self.tell_visitor(imsi, &ToTerminal::Accept { token, patience });
    }

    pub(super) fn set_stage(&mut self, imsi: Imsi, stage: Stage) {
        if let Some(visitor) = self.visitors.get_mut(&imsi) {
            visitor.stage = stage;
        }
    }
}

/// Whether what the home says of the visitor lets it have an address.
pub(super) fn admit(visitor: &Visitor) -> Result<(), Cause> {
    let Some(subscription) = &visitor.subscription else { return Err(Cause::DataMissing) };
    let Services { roaming, packet_data, .. } = subscription.profile.services;
    if !roaming && !visitor.own {
        return Err(Cause::RoamingNotAllowed);
    }
    if packet_data { Ok(()) } else { Err(Cause::NoPacketData) }
}

/// What the journal keeps of a ticket.
pub(super) fn hash(ticket: &Secret) -> [u8; 32] {
    Sha256::digest(ticket.bytes()).into()
}
