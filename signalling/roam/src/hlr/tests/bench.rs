//! A home whose owner, partners and terminals answer at once.

#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    Addresses, BindClaim, Challenge, Forwarding, NameChange, Plmn, Profile, Proof, Resynchronisation,
    Services, VisitedNetwork,
    aka::{AkaKeys, BindingSecret, TerminalKey, Usim, UsimError, binding_proof, is_nonce_signature},
    subscriber::{Credential, Networks},
};

pub(super) const HOME: &str = "home.example";
pub(super) const VISITED_A: &str = "a.example";
pub(super) const VISITED_B: &str = "b.example";
pub(super) const T1: &str = "t1.home.example";

pub(super) fn imsi(n: u32) -> Imsi {
    format!("00101{n:010}").parse().unwrap()
}

pub(super) fn home_number() -> E164 {
    "49300000".parse().unwrap()
}

fn keys(n: u32) -> AkaKeys {
    AkaKeys::new([u8::try_from(n % 251).unwrap(); 16], [3; 16])
}

pub(super) fn address_in(network: &str) -> &'static str {
    match network {
        HOME => "10.0.0.5",
        VISITED_A => "10.1.0.5",
        _ => "10.2.0.5",
    }
}

/// All granted.
pub(super) fn subscriber(n: u32) -> Subscriber {
    let services = Services {
        roaming: true,
        packet_data: true,
        caller_id: true,
        caller_id_restricted: false,
        three_way: true,
    };
    Subscriber {
        imsi: imsi(n),
        msisdn: Some(format!("4930{n}").parse().unwrap()),
        name: format!("t{n}.{HOME}").parse().unwrap(),
        credential: Credential::Aka { keys: keys(n), amf: [0x80, 0] },
        profile: Profile { services, forwarding: Forwarding::default() },
        networks: Networks::All,
        gives_name: true,
        ttl: None,
    }
}

fn config() -> HlrConfig {
    let agreement = |(n, network): (u16, &str)| Agreement {
        partner: PartnerId(n),
        network: network.parse().unwrap(),
        prefixes: vec![
            format!("10.{n}.0.0/16").parse().unwrap(),
            format!("2001:db8:{n}::/48").parse().unwrap(),
        ],
        own: network == HOME,
    };
    HlrConfig {
        hlr: home_number(),
        domain: HOME.parse().unwrap(),
        plmns: vec!["00101".parse::<Plmn>().unwrap()],
        agreements: (0..).zip([HOME, VISITED_A, VISITED_B]).map(agreement).collect(),
        ttl: 5,
        limits: Limits::default(),
    }
}

fn partner(network: &str) -> PartnerId {
    let known = config().agreements.into_iter().find(|agreement| agreement.network.as_str() == network);
    known.map_or(PartnerId(99), |agreement| agreement.partner)
}

/// A terminal and what it knows of its stay.
pub(super) struct Terminal {
    imsi: Imsi,
    pub(super) name: HostName,
    key: Key,
    stay: Option<(NetworkName, Generation)>,
}

enum Key {
    Sim(Box<Usim>, Option<BindingSecret>),
    Pair(TerminalKey),
}

impl Terminal {
    pub(super) fn seen(&mut self, taken: [u64; 32]) {
        if let Key::Sim(usim, _) = &mut self.key {
            let n = self.imsi.as_str()[5..].parse().unwrap();
            **usim = Usim::restored(keys(n), taken);
        }
    }

    pub(super) fn clone_claim(&self, address: &str) -> (BindClaim, Proof) {
        let (network, generation) = self.stay.clone().unwrap();
        let address: IpAddr = address.parse().unwrap();
        let mut addresses = Addresses::default();
        match address {
            IpAddr::V4(v4) => addresses.v4 = Some(v4),
            IpAddr::V6(v6) => addresses.v6 = Some(v6),
        }
        let claim = BindClaim { imsi: self.imsi, generation, name: self.name.clone(), addresses, network };
        let proof = match &self.key {
            Key::Sim(_, secret) => binding_proof(secret.as_ref().unwrap(), &claim.network, &claim),
            Key::Pair(key) => key.prove(&claim),
        };
        (claim, proof)
    }
}

pub(super) struct Bench {
    pub(super) home: Hlr,
    pub(super) now: Now,
    journal: Vec<Vec<u8>>,
    zone: BTreeMap<String, Vec<IpAddr>>,
    pub(super) changes: Vec<NameChange>,
    /// What partners were asked.
    pub(super) asked: Vec<(String, Operation)>,
    answers: BTreeMap<DialogueId, Result<Outcome, Cause>>,
    done: BTreeMap<RequestId, Result<(), AdministerError>>,
    next: u64,
    pub(super) disk_fails: bool,
    /// Networks that do not answer.
    pub(super) deaf: BTreeSet<String>,
    pub(super) resynchronised: u32,
    pub(super) untold: u32,
}

impl Bench {
    pub(super) fn with(subscribers: &[Subscriber]) -> Self {
        let mut bench = Self {
            home: Hlr::new(config(), Entropy::from_number(1)),
            now: Now::default().later(Duration::from_secs(1_000_000)),
            journal: Vec::new(),
            zone: BTreeMap::new(),
            changes: Vec::new(),
            asked: Vec::new(),
            answers: BTreeMap::new(),
            done: BTreeMap::new(),
            next: 0,
            disk_fails: false,
            deaf: BTreeSet::new(),
            resynchronised: 0,
            untold: 0,
        };
        bench.home.start(bench.now);
        for subscriber in subscribers {
            bench.administer(Command::Add(Box::new(subscriber.clone()))).unwrap();
        }
        bench
    }

    pub(super) fn limit_changes(&mut self, changes: usize) {
        self.home.config.limits.changes = changes;
    }

    pub(super) fn terminal(&self, n: u32) -> Terminal {
        let key = Key::Sim(Box::new(Usim::new(keys(n))), None);
        Terminal { imsi: imsi(n), name: subscriber(n).name, key, stay: None }
    }

    pub(super) fn terminal_with_key(&self, n: u32, key: TerminalKey) -> Terminal {
        Terminal { imsi: imsi(n), name: subscriber(n).name, key: Key::Pair(key), stay: None }
    }

    /// What resolves to something.
    pub(super) fn names(&self) -> Vec<(String, Vec<IpAddr>)> {
        self.zone.clone().into_iter().collect()
    }

    pub(super) fn told(&self, network: &str, what: &str) -> usize {
        let is = |(to, operation): &&(String, Operation)| {
            to == network && format!("{operation:?}").starts_with(what)
        };
        self.asked.iter().filter(is).count()
    }

    pub(super) fn administer(&mut self, command: Command) -> Result<(), AdministerError> {
        self.next += 1;
        let request = RequestId(self.next);
        self.home.administer(self.now, request, command);
        self.drain(true);
        self.done.remove(&request).unwrap()
    }

    pub(super) fn ask(&mut self, network: &str, operation: Operation) -> Result<Outcome, Cause> {
        self.next += 1;
        let id = DialogueId(self.next);
        self.home.asked(self.now, partner(network), id, operation);
        self.drain(true);
        self.answers.remove(&id).unwrap()
    }

    /// All of them before anything is durable. How many were refused for overload.
    pub(super) fn storm(&mut self, network: &str, who: core::ops::RangeInclusive<u32>) -> usize {
        for n in who {
            self.next += 1;
            let operation = Operation::UpdateLocation { imsi: imsi(n), visited: self.visited(network) };
            self.home.asked(self.now, partner(network), DialogueId(self.next), operation);
        }
        self.drain(true);
        let answers = core::mem::take(&mut self.answers);
        answers.values().filter(|answer| **answer == Err(Cause::Overload)).count()
    }

    pub(super) fn visited(&self, network: &str) -> VisitedNetwork {
        VisitedNetwork { vlr: "4412".parse().unwrap(), network: network.parse().unwrap() }
    }

    /// Authentication and update of the location.
    pub(super) fn attach(&mut self, terminal: &mut Terminal, network: &str) -> Result<Generation, Cause> {
        let mut resynchronisation = None;
        loop {
            let visited = self.visited(network);
            let imsi = terminal.imsi;
            let ask = Operation::SendAuthenticationInfo {
                imsi,
                visited: visited.clone(),
                count: 1,
                resynchronisation,
            };
            let Outcome::AuthenticationInfo(challenges) = self.ask(network, ask)? else { panic!() };
            match (&challenges[0], &mut terminal.key) {
                (Challenge::Aka(vector), Key::Sim(usim, secret)) => {
                    match usim.answer(&vector.rand, &vector.autn, &visited.network) {
                        Ok(answer) => {
                            assert_eq!(answer.res, vector.xres);
                            *secret = Some(answer.binding_secret);
                        }
                        Err(UsimError::Sync(auts)) => {
                            self.resynchronised += 1;
                            resynchronisation = Some(Resynchronisation { rand: vector.rand, auts });
                            continue;
                        }
                        Err(UsimError::Mac) => panic!(),
                    }
                }
                (Challenge::Ed25519 { nonce, public_key }, Key::Pair(key)) => {
                    let signature = key.sign_nonce(&visited.network, nonce);
                    assert!(is_nonce_signature(public_key, &visited.network, nonce, &signature));
                }
                _ => panic!("not the terminal's kind of challenge"),
            }
            let ask = Operation::UpdateLocation { imsi, visited: visited.clone() };
            let Outcome::Located { generation, .. } = self.ask(network, ask)? else { panic!() };
            terminal.stay = Some((visited.network, generation));
            return Ok(generation);
        }
    }

    pub(super) fn bind(&mut self, terminal: &Terminal, address: &str, lease: u32) -> Result<u32, Cause> {
        self.rebind(&terminal.clone_claim(address), lease)
    }

    pub(super) fn rebind(&mut self, claim: &(BindClaim, Proof), lease: u32) -> Result<u32, Cause> {
        let (claim, proof) = claim.clone();
        let network = claim.network.as_str().to_owned();
        let Outcome::Bound { lease } = self.ask(&network, Operation::Bind { claim, proof, lease })? else {
            panic!();
        };
        Ok(lease)
    }

    pub(super) fn purge(&mut self, network: &str, n: u32, generation: u64) -> Result<(), Cause> {
        let (visited, generation) = (self.visited(network), Generation(generation));
        let purge = Operation::PurgeMs { imsi: imsi(n), visited, generation };
        self.ask(network, purge).map(|outcome| assert_eq!(outcome, Outcome::Done))
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now.later(time);
        while let Some(at) = self.drain(true).filter(|at| *at <= end.mono) {
            self.now = self.now.later(at.since(self.now.mono));
            self.home.tick(self.now);
        }
        self.now = end;
        self.home.tick(self.now);
        self.drain(true);
    }

    pub(super) fn compact(&mut self) {
        self.journal = self.home.snapshot().collect();
    }

    pub(super) fn restart(&mut self) {
        self.home = Hlr::new(config(), Entropy::from_number(2));
        for record in &self.journal {
            self.home.replay(record).unwrap();
        }
        self.home.start(self.now);
        self.drain(true);
    }

    fn drain(&mut self, answer: bool) -> Option<Instant> {
        loop {
            match self.home.poll() {
                HlrStep::Ask { partner, id, operation } => {
                    let network = config().agreements[usize::from(partner.0)].network.as_str().to_owned();
                    let deaf = self.deaf.contains(&network);
                    self.asked.push((network, operation));
                    let result = if deaf { Err(Cause::NoAnswer) } else { Ok(Outcome::Done) };
                    if answer {
                        self.home.answered(self.now, partner, id, result);
                    }
                }
                HlrStep::Answer { id, result, .. } => drop(self.answers.insert(id, result)),
                HlrStep::Commit(change) if self.disk_fails => {
                    self.home.committed(self.now, change.id, Err(Cause::SystemFailure));
                }
                HlrStep::Commit(change) => {
                    self.journal.push(change.record);
                    for name in &change.names {
                        let NameChange::Forward { name, addresses, .. } = name else { panic!() };
                        self.zone.insert(name.to_string(), addresses.clone());
                    }
                    self.zone.retain(|_, addresses| !addresses.is_empty());
                    self.changes.extend(change.names);
                    self.home.committed(self.now, change.id, Ok(()));
                }
                HlrStep::Event(HlrEvent::Administered { request, result }) => {
                    self.done.insert(request, result);
                }
                HlrStep::Event(HlrEvent::Untold { .. }) => self.untold += 1,
                HlrStep::Event(_) => {}
                HlrStep::Wait(until) => return until,
            }
        }
    }
}
