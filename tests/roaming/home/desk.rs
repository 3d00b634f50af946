//! A home whose owner and partners answer at once.

use std::{collections::BTreeMap, net::IpAddr};

use rove_base::{Entropy, Now};
use rove_roam::{
    Addresses, BindClaim, Cause, Challenge, Generation, NameChange, Operation, Outcome, Proof, Subscriber,
    aka::{BindingSecret, Usim, binding_proof},
    hlr::{Command, Hlr, HlrStep, RequestId},
    private::DialogueId,
};

use super::fixture::{config, imsi, keys, name, network, partner, visited};

pub(crate) struct Desk {
    pub(crate) home: Hlr,
    pub(crate) now: Now,
    pub(crate) zone: BTreeMap<String, Vec<IpAddr>>,
    /// Everything the home asked partners.
    pub(crate) told: Vec<(u16, Operation)>,
    answers: BTreeMap<DialogueId, Result<Outcome, Cause>>,
    next: u64,
}

/// A terminal that has gone as far as the update of its location.
pub(crate) struct Guest {
    pub(crate) who: u32,
    pub(crate) there: usize,
    pub(crate) generation: Generation,
    pub(crate) secret: BindingSecret,
}

impl Guest {
    /// What it would have bound.
    pub(crate) fn claim(&self, address: IpAddr) -> BindClaim {
        let mut addresses = Addresses::default();
        match address {
            IpAddr::V4(v4) => addresses.v4 = Some(v4),
            IpAddr::V6(v6) => addresses.v6 = Some(v6),
        }
        let (imsi, name, network) = (imsi(self.who), name(self.who), network(self.there));
        BindClaim { imsi, generation: self.generation, name, addresses, network }
    }

    pub(crate) fn proof(&self, claim: &BindClaim) -> Proof {
        binding_proof(&self.secret, &claim.network, claim)
    }
}

impl Desk {
    pub(crate) fn with(subscribers: impl IntoIterator<Item = Subscriber>) -> Self {
        let now = Now::default();
        let home = Hlr::new(config(), Entropy::from_number(1));
        let (zone, told, answers) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let mut desk = Self { home, now, zone, told, answers, next: 0 };
        desk.home.start(now);
        for (request, one) in (0..).zip(subscribers) {
            desk.home.administer(now, RequestId(request), Command::Add(Box::new(one)));
        }
        desk.drain();
        desk
    }

    /// Asks over the link of network `over`.
    pub(crate) fn ask(&mut self, over: usize, operation: Operation) -> Result<Outcome, Cause> {
        self.next += 1;
        let id = DialogueId(self.next);
        self.home.asked(self.now, partner(over), id, operation);
        self.drain();
        self.answers.remove(&id).expect("answered at once")
    }

    /// Subscriber `who` is authenticated and located in network `there`.
    pub(crate) fn guest(&mut self, who: u32, there: usize) -> Guest {
        let ask = Operation::SendAuthenticationInfo {
            imsi: imsi(who),
            visited: visited(there),
            count: 1,
            resynchronisation: None,
            eps: None,
        };
        let Ok(Outcome::AuthenticationInfo(challenges)) = self.ask(there, ask) else {
            panic!("no challenge")
        };
        let [Challenge::Aka(vector)] = &challenges[..] else { panic!("{challenges:?}") };
        let answer = Usim::new(keys(who)).answer(&vector.rand, &vector.autn, &network(there));
        let secret = answer.expect("the home's").binding_secret;
        let ask = Operation::UpdateLocation { imsi: imsi(who), visited: visited(there) };
        let Ok(Outcome::Located { generation, .. }) = self.ask(there, ask) else { panic!("not located") };
        Guest { who, there, generation, secret }
    }

    pub(crate) fn bind(&mut self, over: usize, claim: &BindClaim, proof: &Proof) -> Result<Outcome, Cause> {
        self.ask(over, Operation::Bind { claim: claim.clone(), proof: proof.clone(), lease: 30 })
    }

    pub(crate) fn refusals(&self) -> u64 {
        self.home.refusals().iter().map(|(_, count)| count).sum()
    }

    fn drain(&mut self) {
        loop {
            match self.home.poll() {
                HlrStep::Ask { partner, id, operation } => {
                    self.told.push((partner.0, operation));
                    self.home.answered(self.now, partner, id, Ok(Outcome::Done));
                }
                HlrStep::Answer { id, result, .. } => drop(self.answers.insert(id, result)),
                HlrStep::Commit(change) => {
                    for name in change.names {
                        let NameChange::Forward { name, addresses, .. } = name else {
                            panic!("a PTR at home")
                        };
                        self.zone.insert(name.to_string(), addresses);
                    }
                    self.zone.retain(|_, addresses| !addresses.is_empty());
                    self.home.committed(self.now, change.id, Ok(()));
                }
                HlrStep::Event(_) => {}
                HlrStep::Wait(_) => break,
            }
        }
    }
}
