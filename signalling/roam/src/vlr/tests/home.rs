//! A home that knows its subscribers and refuses what it is told to.

use std::collections::BTreeMap;

use crate::{
    Cause, Challenge, E164, Generation, HostName, Imsi, NetworkName, Operation, Outcome, Profile, Services,
    Subscription,
    aka::{AkaKeys, Sqn, TerminalKey, is_binding_signature, resynchronise, vector},
};

/// The home.
pub(super) struct Home {
    pub(super) subscribers: BTreeMap<Imsi, Subscriber>,
    /// Operations by name that are refused.
    pub(super) refuses: BTreeMap<&'static str, Cause>,
    /// What was bound, by whose word.
    pub(super) bound: BTreeMap<Imsi, Generation>,
    pub(super) asked: Vec<Operation>,
    network: NetworkName,
    generation: u64,
}

/// One of its subscribers.
pub(super) struct Subscriber {
    pub(super) subscription: Subscription,
    pub(super) key: Key,
    /// Whether its profile is told before it is located.
    pub(super) tells: bool,
}

/// What it proves itself with.
pub(super) enum Key {
    Pair([u8; 32]),
    Sim { keys: AkaKeys, next: u64 },
}

impl Home {
    pub(super) fn new(network: NetworkName) -> Self {
        Self {
            subscribers: BTreeMap::new(),
            refuses: BTreeMap::new(),
            bound: BTreeMap::new(),
            asked: Vec::new(),
            network,
            generation: 0,
        }
    }

    /// A new subscriber with a key pair, and its key.
    pub(super) fn subscribe(&mut self, imsi: &str, name: &str) -> (Imsi, TerminalKey) {
        let imsi: Imsi = imsi.parse().unwrap();
        let key = TerminalKey::from_seed(&[self.subscribers.len() as u8 + 1; 32]);
        self.enter(imsi, name, Key::Pair(key.public()));
        (imsi, key)
    }

    pub(super) fn enter(&mut self, imsi: Imsi, name: &str, key: Key) {
        let services = Services { roaming: true, packet_data: true, caller_id: true, ..Services::default() };
        let name: Option<HostName> = name.parse().ok();
        let profile = Profile { services, ..Profile::default() };
        let subscription = Subscription { msisdn: "41791234567".parse().ok(), name, profile };
        self.subscribers.insert(imsi, Subscriber { subscription, key, tells: true });
    }

    pub(super) fn insert(&self, imsi: Imsi) -> Operation {
        let subscription = self.subscribers[&imsi].subscription.clone();
        Operation::InsertSubscriberData { imsi, subscription }
    }

    /// What it orders in return, and what it answers.
    pub(super) fn asked(&mut self, operation: &Operation) -> (Vec<Operation>, Result<Outcome, Cause>) {
        self.asked.push(operation.clone());
        let text = format!("{operation:?}");
        let refused = self.refuses.iter().find(|(name, _)| text.starts_with(**name));
        if let Some((_, cause)) = refused {
            return (vec![], Err(*cause));
        }
        match operation {
            Operation::SendAuthenticationInfo { imsi, resynchronisation, .. } => {
                let network = self.network.clone();
                let Some(subscriber) = self.subscribers.get_mut(imsi) else {
                    return (vec![], Err(Cause::UnknownSubscriber));
                };
                let challenge = match &mut subscriber.key {
                    Key::Pair(public_key) => Challenge::Ed25519 { nonce: [7; 32], public_key: *public_key },
                    Key::Sim { keys, next } => {
                        if let Some(wanted) = resynchronisation {
                            *next = resynchronise(keys, wanted).unwrap().seq();
                        }
                        *next += 1;
                        let sqn = Sqn::of_vector(*next);
                        Challenge::Aka(Box::new(vector(keys, [0x80, 0], sqn, [9; 16], &network).0))
                    }
                };
                (vec![], Ok(Outcome::AuthenticationInfo(vec![challenge])))
            }
            Operation::UpdateLocation { imsi, .. } => {
                self.generation += 1;
                let located = Outcome::Located { hlr: number(), generation: Generation(self.generation) };
                (self.profile(*imsi), Ok(located))
            }
            Operation::RestoreData { imsi } => (self.profile(*imsi), Ok(Outcome::Restored { hlr: number() })),
            Operation::Bind { claim, proof, lease } => {
                if let Some(Subscriber { key: Key::Pair(public), .. }) = self.subscribers.get(&claim.imsi)
                    && !is_binding_signature(public, claim, proof)
                {
                    return (vec![], Err(Cause::ProofInvalid));
                }
                self.bound.insert(claim.imsi, claim.generation);
                (vec![], Ok(Outcome::Bound { lease: *lease }))
            }
            Operation::PurgeMs { imsi, generation, .. } => {
                if self.bound.get(imsi) == Some(generation) {
                    self.bound.remove(imsi);
                }
                (vec![], Ok(Outcome::Done))
            }
            _ => (vec![], Err(Cause::NotSupported)),
        }
    }

    fn profile(&self, imsi: Imsi) -> Vec<Operation> {
        if self.subscribers[&imsi].tells { vec![self.insert(imsi)] } else { vec![] }
    }

    /// How often something was asked.
    pub(super) fn count(&self, what: &str) -> usize {
        self.asked.iter().filter(|operation| format!("{operation:?}").starts_with(what)).count()
    }
}

fn number() -> E164 {
    "41790000001".parse().unwrap()
}
