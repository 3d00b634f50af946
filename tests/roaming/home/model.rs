//! What a home has to be, said again without lanes, records or journals.

use std::{collections::BTreeMap, net::IpAddr};

use rove_base::Now;
use rove_roam::{BindClaim, Cause, Generation, Operation, Outcome, Proof};

use super::fixture::{NETWORKS, holds, network_of};

/// All subscribers, by their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) subscribers: BTreeMap<u32, Sub>,
    pub(crate) newest: Generation,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sub {
    pub(crate) roaming: bool,
    pub(crate) serving: Option<Stay>,
    pub(crate) arriving: Option<Stay>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stay {
    pub(crate) generation: Generation,
    pub(crate) network: usize,
    pub(crate) since: Now,
    pub(crate) binding: Option<Binding>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Binding {
    pub(crate) claim: BindClaim,
    pub(crate) proof: Proof,
    pub(crate) until: Now,
}

/// A question, and what the world knows of it beside.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) who: u32,
    /// Whose link it comes over.
    pub(crate) network: usize,
    pub(crate) operation: Operation,
    /// Whether the subscriber's terminal made the proof, in this network and stay.
    pub(crate) proven: bool,
    /// When it reached the home.
    pub(crate) at: Now,
}

impl Stay {
    fn is_bound_by(&self, claim: &BindClaim, proof: &Proof) -> bool {
        self.binding.as_ref().is_some_and(|binding| binding.claim == *claim && binding.proof == *proof)
    }
}

impl Sub {
    pub(crate) fn stays(&self) -> impl Iterator<Item = &Stay> {
        self.serving.iter().chain(&self.arriving)
    }

    fn stay(&self, generation: Generation, network: usize) -> Result<&Stay, Cause> {
        match self.stays().find(|stay| stay.generation == generation) {
            Some(stay) if stay.network == network => Ok(stay),
            Some(_) => Err(Cause::NotServing),
            None if self.stays().any(|stay| stay.network == network || stay.generation > generation) => {
                Err(Cause::StaleGeneration)
            }
            None => Err(Cause::NotServing),
        }
    }
}

impl Model {
    /// What the home has to answer, as things are.
    pub(crate) fn expect(&self, question: &Question) -> Result<(), Cause> {
        let says = match &question.operation {
            Operation::Bind { claim, .. } => network_of(&claim.network),
            Operation::UpdateLocation { visited, .. }
            | Operation::PurgeMs { visited, .. }
            | Operation::SendAuthenticationInfo { visited, .. } => network_of(&visited.network),
            _ => question.network,
        };
        if question.network >= NETWORKS {
            return Err(Cause::NoAgreement);
        }
        if says != question.network {
            return Err(Cause::WrongNetwork);
        }
        let sub = self.subscribers.get(&question.who).ok_or(Cause::UnknownSubscriber)?;
        let may_be_there = sub.roaming || question.network == 0;
        match &question.operation {
            Operation::UpdateLocation { .. } if !may_be_there => Err(Cause::RoamingNotAllowed),
            Operation::PurgeMs { generation, .. } => sub.stay(*generation, says).map(drop),
            Operation::RestoreData { .. } if sub.stays().any(|stay| stay.network == question.network) => {
                Ok(())
            }
            Operation::RestoreData { .. } => Err(Cause::NotServing),
            Operation::Bind { claim, proof, .. } => {
                let stay = sub.stay(claim.generation, says)?;
                if !may_be_there {
                    Err(Cause::RoamingNotAllowed)
                } else if claim.name != super::fixture::name(question.who) {
                    Err(Cause::NameMismatch)
                } else if claim.addresses.iter().any(|to| !holds(says, to) || self.is_taken(to, question.who))
                {
                    Err(Cause::AddressNotAllowed)
                } else if question.proven || stay.is_bound_by(claim, proof) {
                    Ok(())
                } else {
                    Err(Cause::ProofInvalid)
                }
            }
            _ => Ok(()),
        }
    }

    /// Whose name resolves to `address`, if not `who`'s.
    fn is_taken(&self, address: IpAddr, who: u32) -> bool {
        let others = self.subscribers.iter().filter(|(other, _)| **other != who);
        let mut bound = others.filter_map(|(_, sub)| sub.serving.as_ref()?.binding.as_ref());
        bound.any(|binding| binding.claim.addresses.iter().any(|taken| taken == address))
    }

    /// A stay begins.
    pub(crate) fn locate(&mut self, who: u32, network: usize, generation: Generation, since: Now) {
        assert!(generation > self.newest, "{generation:?} after {:?}", self.newest);
        self.newest = generation;
        let stay = Stay { generation, network, since, binding: None };
        self.subscribers.get_mut(&who).expect("a stay of nobody").arriving = Some(stay);
    }

    /// What an answered question changes.
    pub(crate) fn answered(&mut self, question: &Question, outcome: &Outcome, until: Option<Now>) {
        let Some(sub) = self.subscribers.get_mut(&question.who) else { return };
        match (&question.operation, outcome) {
            (Operation::Bind { claim, proof, .. }, Outcome::Bound { .. }) => {
                if sub.arriving.as_ref().is_some_and(|stay| stay.generation == claim.generation) {
                    sub.serving = sub.arriving.take();
                }
                let stay = sub.serving.as_mut().expect("bound in a stay");
                assert_eq!(stay.generation, claim.generation);
                let until = until.expect("a binding ends");
                stay.binding = Some(Binding { claim: claim.clone(), proof: proof.clone(), until });
            }
            (Operation::PurgeMs { generation, .. }, Outcome::Done) => {
                sub.serving.take_if(|stay| stay.generation == *generation);
                sub.arriving.take_if(|stay| stay.generation == *generation);
            }
            _ => {}
        }
    }
}
