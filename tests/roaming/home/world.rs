//! A home in virtual time: messages are lost, doubled and overtaken, commits take their time or fail, and the home dies
//! at any moment, with what was not acknowledged yet on its disk or not.

#[path = "actors.rs"]
mod actors;
#[path = "witness.rs"]
mod witness;

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use rove_base::{Entropy, Now};
use rove_roam::{
    Addresses, BindClaim, Cause, Change, Generation, NameChange, Operation, Outcome,
    aka::{BindingSecret, Usim, binding_proof},
    hlr::{Command, Hlr, RequestId},
    private::{DialogueId, PartnerId},
};

use super::{
    fixture::{NETWORKS, config, imsi, keys, name, network, partner, subscriber, visited},
    model::{Model, Question},
};

pub(crate) const SUBSCRIBERS: u32 = 3;

pub(crate) struct World {
    pub(crate) home: Hlr,
    now: Now,
    dice: Entropy,
    pub(crate) model: Model,
    /// What is durable, compacted or not.
    journal: Vec<Vec<u8>>,
    /// What shall be, in order.
    waiting: VecDeque<Change>,
    zone: BTreeMap<String, Vec<IpAddr>>,
    /// On their way to the home.
    letters: Vec<Question>,
    /// In the home.
    open: BTreeMap<DialogueId, Question>,
    commands: BTreeMap<RequestId, Command>,
    /// In partners.
    asked: Vec<(PartnerId, DialogueId, Operation)>,
    terminals: Vec<Terminal>,
    /// Bindings that were ever asked for.
    claims: Vec<Question>,
    next: u64,
    /// While the disk says no.
    failing: bool,
    pub(crate) tally: Tally,
}

/// What happened, so that no history proves something about nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bound: u64,
    pub(crate) renewed_or_moved: u64,
    pub(crate) refused: u64,
    pub(crate) purged: u64,
    pub(crate) expired: u64,
    pub(crate) crashes: u64,
    pub(crate) half_done: u64,
    pub(crate) vectors: u64,
}

struct Terminal {
    usim: Usim,
    /// Sees all challenges in the order in which they were made; none may be stale to it.
    witness: Usim,
    secret: Option<(usize, BindingSecret)>,
    stay: Option<(usize, Generation)>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Entropy::from_number(seed);
        let terminal = |who| Terminal {
            usim: Usim::new(keys(who)),
            witness: Usim::new(keys(who)),
            secret: None,
            stay: None,
        };
        let mut world = Self {
            home: Hlr::new(config(), dice.fork()),
            now: Now::default().later(Duration::from_secs(1_000)),
            dice,
            model: Model::default(),
            journal: Vec::new(),
            waiting: VecDeque::new(),
            zone: BTreeMap::new(),
            letters: Vec::new(),
            open: BTreeMap::new(),
            commands: BTreeMap::new(),
            asked: Vec::new(),
            terminals: (0..SUBSCRIBERS).map(terminal).collect(),
            claims: Vec::new(),
            next: 0,
            failing: false,
            tally: Tally::default(),
        };
        world.home.start(world.now);
        for who in 0..SUBSCRIBERS {
            world.administer(Command::Add(Box::new(subscriber(who))));
        }
        world.settle();
        for who in 0..SUBSCRIBERS {
            if world.chance(70) {
                let there = world.below(NETWORKS);
                world.attach(who, there);
            }
        }
        world
    }

    /// A terminal attaches, and nothing goes wrong.
    fn attach(&mut self, who: u32, there: usize) {
        let terminal = &mut self.terminals[who as usize];
        (terminal.secret, terminal.stay) = (None, None);
        while self.terminals[who as usize].secret.is_none() {
            let (imsi, visited) = (imsi(who), visited(there));
            let ask = Operation::SendAuthenticationInfo {
                imsi,
                visited,
                count: 1,
                resynchronisation: None,
                eps: None,
            };
            self.ask(who, there, ask, false);
        }
        while self.terminals[who as usize].stay.is_none() {
            let ask = Operation::UpdateLocation { imsi: imsi(who), visited: visited(there) };
            self.ask(who, there, ask, false);
        }
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.dice.next_u32()).expect("64 bits") % n
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Anything.
    pub(crate) fn step(&mut self) {
        match self.below(100) {
            0..26 => self.deliver(),
            26..52 => self.finish_commits(),
            52..68 => self.partner_answers(),
            68..92 => self.somebody_acts(),
            92..95 => {
                let millis = self.below(20_000) as u64;
                self.pass(Duration::from_millis(millis));
            }
            95..97 => self.operator_acts(),
            97 => self.crash(),
            98 => self.compact(),
            _ => self.home.up(self.now, partner(1)),
        }
        self.drain();
    }

    fn deliver(&mut self) {
        if self.letters.is_empty() {
            return;
        }
        let at = self.below(self.letters.len());
        let mut letter = self.letters.swap_remove(at);
        if self.chance(10) {
            self.letters.push(letter.clone());
        } else if self.chance(10) {
            return;
        }
        letter.at = self.now;
        self.next += 1;
        let id = DialogueId(self.next);
        let operation = letter.operation.clone();
        let over = partner(letter.network);
        self.open.insert(id, letter);
        self.home.asked(self.now, over, id, operation);
    }

    fn finish_commits(&mut self) {
        let count = self.below(self.waiting.len() + 1);
        for _ in 0..count {
            let fails = self.chance(3);
            self.finish_commit(fails);
            self.drain();
        }
    }

    fn finish_commit(&mut self, fails: bool) {
        let Some(change) = self.waiting.pop_front() else { return };
        if fails {
            self.failing = true;
            self.home.committed(self.now, change.id, Err(Cause::SystemFailure));
            self.drain();
            self.failing = false;
        } else {
            let id = change.id;
            self.write(change);
            self.home.committed(self.now, id, Ok(()));
        }
    }

    fn write(&mut self, change: Change) {
        self.journal.push(change.record);
        for change in change.names {
            let NameChange::Forward { name, addresses, ttl } = change else { panic!("a home has no PTR") };
            assert_eq!(ttl, 5);
            self.zone.insert(name.to_string(), addresses);
        }
        self.zone.retain(|_, addresses| !addresses.is_empty());
        let mut all: Vec<IpAddr> = self.zone.values().flatten().copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "an address with two owners: {:?}", self.zone);
    }

    fn partner_answers(&mut self) {
        if !self.asked.is_empty() {
            let at = self.below(self.asked.len());
            let hears = self.chance(85);
            self.partner_answer(at, hears);
        }
    }

    fn partner_answer(&mut self, at: usize, hears: bool) {
        let (partner, id, _) = self.asked.swap_remove(at);
        let result = if hears { Ok(Outcome::Done) } else { Err(Cause::NoAnswer) };
        self.failing = !hears;
        self.home.answered(self.now, partner, id, result);
        self.drain();
        self.failing = false;
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.later(time);
        self.home.tick(self.now);
    }

    fn compact(&mut self) {
        if !self.waiting.is_empty() {
            return;
        }
        self.journal = self.home.snapshot().collect();
    }

    /// The home dies. What was acknowledged is on its disk; of the rest, as much as had been written.
    pub(crate) fn crash(&mut self) {
        self.tally.crashes += 1;
        let written = self.below(self.waiting.len() + 1);
        for _ in 0..written {
            let change = self.waiting.pop_front().expect("counted");
            self.write(change);
        }
        self.waiting.clear();
        self.asked.clear();
        self.home = Hlr::new(config(), self.dice.fork());
        for record in &self.journal {
            self.home.replay(record).expect("what was written reads back");
        }
        self.learn();
        self.open.clear();
        self.commands.clear();
        if self.chance(20) {
            let millis = self.below(60_000) as u64;
            self.now = self.now.later(Duration::from_millis(millis));
        }
        self.home.start(self.now);
    }

    /// Nothing is lost any more, and everything comes to its end.
    pub(crate) fn settle(&mut self) {
        self.letters.clear();
        self.home.tick(self.now);
        loop {
            self.drain();
            if self.waiting.front().is_some() {
                self.finish_commit(false);
            } else if !self.asked.is_empty() {
                self.partner_answer(0, true);
            } else {
                break;
            }
        }
        assert!(self.open.is_empty(), "never answered: {:?}", self.open);
        assert!(self.commands.is_empty(), "never done: {:?}", self.commands);
    }

    fn ask(&mut self, who: u32, network: usize, operation: Operation, proven: bool) {
        self.send(who, network, operation, proven);
        let letter = self.letters.pop().expect("just sent");
        self.next += 1;
        let id = DialogueId(self.next);
        let operation = letter.operation.clone();
        self.open.insert(id, Question { at: self.now, ..letter });
        self.home.asked(self.now, partner(network), id, operation);
        self.settle();
    }

    /// Whatever happened before: a terminal that comes now gets its name, and an hour later nothing is left.
    pub(crate) fn ends_well(&mut self) {
        self.settle();
        self.pass(Duration::from_secs(400));
        self.settle();
        self.pass(Duration::from_secs(1));
        self.settle();
        assert!(self.zone.is_empty(), "stale: {:?}", self.zone);
        let there = 1 + self.below(NETWORKS - 1);
        let who = u32::try_from(self.below(SUBSCRIBERS as usize)).expect("few");
        let mut command = Command::Change(Box::new(subscriber(who)));
        if !self.model.subscribers.contains_key(&who) {
            command = Command::Add(Box::new(subscriber(who)));
        }
        self.administer(command);
        self.settle();
        self.attach(who, there);
        let before = self.tally.bound;
        let (_, generation) = self.terminals[who as usize].stay.expect("located");
        let addresses =
            Addresses { v4: Some([10, u8::try_from(there).expect("few"), 0, 9].into()), v6: None };
        let claim =
            BindClaim { imsi: imsi(who), generation, name: name(who), addresses, network: network(there) };
        let (_, secret) = self.terminals[who as usize].secret.clone().expect("authenticated");
        let proof = binding_proof(&secret, &claim.network, &claim);
        self.ask(who, there, Operation::Bind { claim, proof, lease: 30 }, true);
        assert_eq!(self.tally.bound, before + 1, "a terminal that does all right is bound");
        assert_eq!(self.zone.len(), 1);
        self.pass(Duration::from_secs(30));
        self.settle();
        assert!(self.zone.is_empty(), "stale: {:?}", self.zone);
    }
}
