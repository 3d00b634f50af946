//! A home in virtual time: messages are lost, doubled and overtaken, commits take their time or fail, and the home dies
//! at any moment, with what was not acknowledged yet on its disk or not.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use rove_base::{Entropy, Now, UnixTime};
use rove_roam::{
    Addresses, BindClaim, CancelReason, Cause, Challenge, Change, Generation, NameChange, Operation, Outcome,
    Proof,
    aka::{BindingSecret, Usim, binding_proof},
    hlr::{Command, Hlr, HlrEvent, HlrStep, RequestId, Unbinding},
    private::{DialogueId, PartnerId},
};

use super::{
    fixture::{NETWORKS, config, imsi, keys, name, network, network_of, partner, subscriber, visited, who},
    model::{Model, Question, Sub},
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
            let ask = Operation::SendAuthenticationInfo { imsi, visited, count: 1, resynchronisation: None };
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

    fn somebody_acts(&mut self) {
        let who = u32::try_from(self.below(SUBSCRIBERS as usize)).expect("few");
        let there = self.below(NETWORKS + 1);
        let operation = match self.below(10) {
            0..3 => Operation::SendAuthenticationInfo {
                imsi: imsi(who),
                visited: visited(there),
                count: 1 + u8::try_from(self.below(3)).expect("few"),
                resynchronisation: None,
            },
            3..5 => Operation::UpdateLocation { imsi: imsi(who), visited: visited(there) },
            5..8 => return self.bind(who),
            8 => {
                let stay = self.terminals[who as usize].stay;
                let (there, generation) = stay.unwrap_or((there, Generation(1)));
                let generation = Generation(generation.0 - u64::from(self.chance(30) && generation.0 > 0));
                let there = if self.chance(20) { self.below(NETWORKS) } else { there };
                let operation = Operation::PurgeMs { imsi: imsi(who), visited: visited(there), generation };
                return self.send(who, there, operation, false);
            }
            _ if self.chance(50) => Operation::RestoreData { imsi: imsi(who) },
            _ => {
                // What was asked for before, whenever that was.
                if let Some(old) = self.claims.len().checked_sub(1).map(|last| self.below(last + 1)) {
                    self.letters.push(self.claims[old].clone());
                }
                return;
            }
        };
        let over = if self.chance(3) { self.below(NETWORKS) } else { there };
        self.send(who, over, operation, false);
    }

    fn bind(&mut self, who: u32) {
        let Some((there, generation)) = self.terminals[who as usize].stay else { return };
        let last = self.claims.iter().rev().find(|question| question.who == who);
        if let Some(last) = last.cloned().filter(|_| self.chance(50)) {
            return self.letters.push(last);
        }
        let host = 1 + u8::try_from(self.below(3)).expect("few");
        let prefix = if self.chance(5) { (there + 1) % NETWORKS } else { there };
        let addresses =
            Addresses { v4: Some([10, u8::try_from(prefix).expect("few"), 0, host].into()), v6: None };
        let whose = if self.chance(5) { (who + 1) % SUBSCRIBERS } else { who };
        let claim =
            BindClaim { imsi: imsi(who), generation, name: name(whose), addresses, network: network(there) };
        let secret = self.terminals[who as usize].secret.clone();
        let (proof, proven) = match secret {
            Some((of, secret)) if self.chance(95) => {
                (binding_proof(&secret, &claim.network, &claim), of == there)
            }
            _ => (Proof(vec![7; 32]), false),
        };
        let over = if self.chance(3) { self.below(NETWORKS) } else { there };
        self.send(who, over, Operation::Bind { claim, proof, lease: 30 }, proven);
    }

    fn send(&mut self, who: u32, network: usize, operation: Operation, proven: bool) {
        let question = Question { who, network, operation, proven, at: self.now };
        if matches!(question.operation, Operation::Bind { .. }) {
            self.claims.push(question.clone());
        }
        self.letters.push(question);
    }

    fn operator_acts(&mut self) {
        let who = u32::try_from(self.below(SUBSCRIBERS as usize)).expect("few");
        let mut as_it_will_be = subscriber(who);
        as_it_will_be.profile.services.roaming = self.chance(70);
        let command = match self.below(4) {
            0 => Command::Remove(imsi(who)),
            1 => Command::Add(Box::new(as_it_will_be)),
            _ => Command::Change(Box::new(as_it_will_be)),
        };
        self.administer(command);
    }

    fn administer(&mut self, command: Command) {
        self.next += 1;
        let request = RequestId(self.next);
        self.commands.insert(request, command.clone());
        self.home.administer(self.now, request, command);
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

    /// After a crash each subscriber is as it was, or as one question that was under way makes it.
    fn learn(&mut self) {
        for who in 0..SUBSCRIBERS {
            let before = self.model.subscribers.get(&who).cloned();
            if self.agrees(who) {
                continue;
            }
            self.tally.half_done += 1;
            let candidates = self.candidates(who);
            let found = candidates.into_iter().any(|candidate| {
                match candidate {
                    Some(sub) => drop(self.model.subscribers.insert(who, sub)),
                    None => drop(self.model.subscribers.remove(&who)),
                }
                self.agrees(who)
            });
            assert!(found, "{who} was {before:?}, now {:?}", self.view(who));
        }
        let home = &self.home;
        let stays = (0..SUBSCRIBERS)
            .flat_map(|who| home.serving(imsi(who)).into_iter().chain(home.arriving(imsi(who))));
        self.model.newest = stays.map(|stay| stay.generation).fold(self.model.newest, Generation::max);
    }

    /// What one change under way can make of a subscriber.
    fn candidates(&self, who: u32) -> Vec<Option<Sub>> {
        let before = self.model.subscribers.get(&who);
        let mut all = Vec::new();
        for question in self.open.values().filter(|question| question.who == who) {
            let mut after = self.model.clone();
            if self.model.expect(question).is_err() {
                continue;
            }
            match &question.operation {
                Operation::UpdateLocation { .. } => {
                    let Some(stay) = self.home.arriving(imsi(who)) else { continue };
                    if stay.generation > after.newest {
                        after.locate(who, network_of(&stay.network), stay.generation, question.at);
                    }
                }
                Operation::Bind { claim, .. } => {
                    let until = self.home.serving(imsi(who)).and_then(|stay| stay.binding);
                    let until = until.map(|binding| self.moment(binding.until));
                    if until.is_some() {
                        let lease = 30;
                        assert_eq!(claim.imsi, imsi(who));
                        after.answered(question, &Outcome::Bound { lease }, until);
                    }
                }
                Operation::PurgeMs { .. } => after.answered(question, &Outcome::Done, None),
                _ => {}
            }
            all.push(after.subscribers.remove(&who));
        }
        for command in self.commands.values().filter(|command| command.imsi() == imsi(who)) {
            all.push(after_command(before, command));
        }
        if let Some(before) = before {
            let mut after = before.clone();
            let over = |stay: &&mut super::model::Stay| {
                stay.binding.as_ref().is_some_and(|binding| binding.until.mono <= self.now.mono)
            };
            if let Some(stay) = after.serving.as_mut().filter(over) {
                stay.binding = None;
            }
            let lapsed = |stay: &mut super::model::Stay| self.now.mono.since(stay.since.mono) >= PROVE_WITHIN;
            all.push(Some(after.clone()));
            after.arriving.take_if(lapsed);
            all.push(Some(after));
            let mut after = before.clone();
            after.arriving.take_if(lapsed);
            all.push(Some(after));
        }
        all
    }

    fn moment(&self, wall: UnixTime) -> Now {
        let zero = self.now.wall.as_nanos() - self.now.mono.as_nanos();
        Now { mono: rove_base::Instant::from_nanos(wall.as_nanos() - zero), wall }
    }

    /// What the home says of a subscriber, to be printed.
    fn view(&self, who: u32) -> impl core::fmt::Debug + '_ {
        (self.home.subscriber(imsi(who)), self.home.serving(imsi(who)), self.home.arriving(imsi(who)))
    }

    /// Whether home, model and name server say the same of a subscriber.
    fn agrees(&self, who: u32) -> bool {
        let model = self.model.subscribers.get(&who);
        let roaming = self.home.subscriber(imsi(who)).map(|one| one.profile.services.roaming);
        let serving = self.home.serving(imsi(who));
        let arriving = self.home.arriving(imsi(who));
        let stay = |stay: Option<&rove_roam::subscriber::Stay>| {
            stay.map(|stay| (stay.generation, network_of(&stay.network)))
        };
        let modelled = |stay: Option<&super::model::Stay>| stay.map(|stay| (stay.generation, stay.network));
        let binding = serving.and_then(|stay| stay.binding);
        let bound = binding.map(|binding| (binding.addresses, binding.until));
        let expected = model.and_then(|sub| sub.serving.as_ref()?.binding.as_ref());
        let addresses: Vec<IpAddr> = binding.iter().flat_map(|binding| binding.addresses.iter()).collect();
        roaming == model.map(|sub| sub.roaming)
            && stay(serving) == modelled(model.and_then(|sub| sub.serving.as_ref()))
            && stay(arriving) == modelled(model.and_then(|sub| sub.arriving.as_ref()))
            && bound == expected.map(|binding| (binding.claim.addresses, binding.until.wall))
            && self.zone.get(name(who).as_str()).cloned().unwrap_or_default() == addresses
    }

    pub(crate) fn drain(&mut self) {
        loop {
            match self.home.poll() {
                HlrStep::Ask { partner, id, operation } => {
                    self.check_asked(&operation);
                    self.asked.push((partner, id, operation));
                }
                HlrStep::Answer { id, result, .. } => self.answered(id, result),
                HlrStep::Commit(change) => self.waiting.push_back(change),
                HlrStep::Event(event) => self.event(event),
                HlrStep::Wait(_) => break,
            }
        }
        for who in 0..SUBSCRIBERS {
            self.lapse(who);
            assert!(self.agrees(who), "{:?} against {:?}", self.view(who), self.model.subscribers.get(&who));
            let bound = self.home.serving(imsi(who)).and_then(|stay| stay.binding);
            let stale = bound.is_some_and(|binding| binding.until <= self.now.wall);
            assert!(
                !stale || !self.waiting.is_empty() || self.ticks_later(),
                "a stale name: {:?}",
                self.view(who)
            );
        }
    }

    /// Whether the home wants to look at it in a moment, because another change was under way.
    fn ticks_later(&mut self) -> bool {
        matches!(self.home.poll(), HlrStep::Wait(Some(at)) if at.since(self.now.mono) <= Duration::from_secs(1))
    }

    /// A stay that was never proven ends without an event.
    fn lapse(&mut self, who: u32) {
        let gone = self.home.arriving(imsi(who)).is_none();
        let Some(sub) = self.model.subscribers.get_mut(&who) else { return };
        let lapsed =
            |stay: &mut super::model::Stay| gone && self.now.mono.since(stay.since.mono) >= PROVE_WITHIN;
        sub.arriving.take_if(lapsed);
    }

    fn check_asked(&self, operation: &Operation) {
        if let Operation::CancelLocation { imsi, reason: CancelReason::UpdateProcedure, generation } =
            operation
        {
            let serving = self.home.serving(*imsi).map(|stay| stay.generation);
            assert_ne!(serving, Some(*generation), "the stay that serves is not cancelled for another");
        }
    }

    fn answered(&mut self, id: DialogueId, result: Result<Outcome, Cause>) {
        let Some(question) = self.open.remove(&id) else { panic!("{id:?} is answered twice") };
        let who = question.who;
        let expected = self.model.expect(&question);
        match result {
            Ok(Outcome::AuthenticationInfo(challenges)) => self.challenged(&question, challenges),
            Ok(outcome) => {
                if let Outcome::Located { generation, .. } = outcome {
                    if self.chance(90) {
                        self.terminals[who as usize].stay = Some((question.network, generation));
                    }
                } else if !matches!(outcome, Outcome::Restored { .. }) {
                    assert_eq!(expected, Ok(()), "{question:?} was answered with {outcome:?}");
                }
                self.count(&question, &outcome);
                let until = self.home.serving(imsi(who)).and_then(|stay| stay.binding);
                let until = until.map(|binding| self.moment(binding.until));
                if let (Outcome::Bound { lease }, Some(until)) = (&outcome, until) {
                    let lease = Duration::from_secs(u64::from(*lease));
                    assert!(
                        question.at.later(lease).mono <= until.mono
                            && until.mono <= self.now.later(lease).mono
                    );
                }
                self.model.answered(&question, &outcome, until);
            }
            Err(cause) => {
                self.tally.refused += 1;
                assert!(
                    self.may_refuse(&question, expected, cause),
                    "{question:?}: {cause:?}, not {expected:?}"
                );
            }
        }
    }

    fn count(&mut self, question: &Question, outcome: &Outcome) {
        match outcome {
            Outcome::Bound { .. } => {
                let sub = self.model.subscribers.get(&question.who);
                let bound =
                    sub.and_then(|sub| sub.serving.as_ref()).is_some_and(|stay| stay.binding.is_some());
                self.tally.renewed_or_moved += u64::from(bound);
                self.tally.bound += 1;
            }
            Outcome::Done => self.tally.purged += 1,
            _ => {}
        }
    }

    /// Whether a refusal for `cause` is right where the model expects something else.
    fn may_refuse(&self, question: &Question, expected: Result<(), Cause>, cause: Cause) -> bool {
        let mut others = self.open.values().filter(|other| other.who != question.who);
        match cause {
            cause if expected == Err(cause) => true,
            Cause::SystemFailure => self.failing,
            // Eight wait for the same subscriber, the operator's commands among them.
            Cause::Overload => {
                let questions = self.open.values().filter(|other| other.who == question.who).count();
                let whose = imsi(question.who);
                questions + self.commands.values().filter(|command| command.imsi() == whose).count() >= 8
            }
            // The home keeps a few secrets only, and none of another life.
            Cause::ProofInvalid => expected.is_ok() && question.proven,
            // Another's question that is under way has the address.
            Cause::AddressNotAllowed => match &question.operation {
                Operation::Bind { claim, .. } => others.any(|other| {
                    matches!(&other.operation, Operation::Bind { claim: theirs, .. } if theirs.addresses == claim.addresses)
                }),
                _ => false,
            },
            // The stay was over before its network had the profile.
            Cause::StaleGeneration => matches!(question.operation, Operation::UpdateLocation { .. }),
            Cause::UnknownSubscriber => !self.model.subscribers.contains_key(&question.who),
            _ => false,
        }
    }

    fn challenged(&mut self, question: &Question, challenges: Vec<Challenge>) {
        let lost = self.chance(10);
        let terminal = &mut self.terminals[question.who as usize];
        for challenge in challenges {
            let Challenge::Aka(vector) = challenge else { panic!("{challenge:?}") };
            let there = network(question.network);
            let seen = terminal.witness.answer(&vector.rand, &vector.autn, &there);
            assert!(seen.is_ok(), "a sequence number was used twice");
            self.tally.vectors += 1;
            if !lost && let Ok(answer) = terminal.usim.answer(&vector.rand, &vector.autn, &there) {
                assert_eq!(answer.res, vector.xres);
                terminal.secret = Some((question.network, answer.binding_secret));
            }
        }
    }

    fn event(&mut self, event: HlrEvent) {
        match event {
            HlrEvent::Located { imsi, network, generation } => {
                let asked = self.open.values().find(|question| {
                    matches!(&question.operation, Operation::UpdateLocation { imsi: whose, visited }
                        if *whose == imsi && visited.network == network && question.network == network_of(&network))
                });
                let asked = asked.unwrap_or_else(|| panic!("nobody said that {imsi} is in {network}"));
                assert_eq!(self.model.expect(asked), Ok(()));
                let since = asked.at;
                self.model.locate(who(imsi), network_of(&network), generation, since);
            }
            HlrEvent::Unbound { imsi, why: Unbinding::Expired, .. } => {
                self.tally.expired += 1;
                let sub = self.model.subscribers.get_mut(&who(imsi)).expect("a name of nobody");
                let stay = sub.serving.as_mut().expect("unbound in a stay");
                let binding = stay.binding.take().expect("unbound once");
                assert!(binding.until.mono <= self.now.mono, "unbound too early");
            }
            HlrEvent::Administered { request, result } => {
                let command = self.commands.remove(&request).expect("administered once");
                if result.is_ok() {
                    let number = who(command.imsi());
                    match after_command(self.model.subscribers.get(&number), &command) {
                        Some(sub) => drop(self.model.subscribers.insert(number, sub)),
                        None => drop(self.model.subscribers.remove(&number)),
                    }
                }
            }
            _ => {}
        }
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

/// What is left of a subscriber; `None` where there is none.
fn after_command(before: Option<&Sub>, command: &Command) -> Option<Sub> {
    match (before, command) {
        (None, Command::Add(one)) => Some(Sub { roaming: one.profile.services.roaming, ..Sub::default() }),
        (Some(before), Command::Change(one)) => {
            let mut after = before.clone();
            after.roaming = one.profile.services.roaming;
            let roaming = after.roaming;
            let over = |stay: &mut super::model::Stay| !roaming && stay.network != 0;
            after.serving.take_if(over);
            after.arriving.take_if(over);
            Some(after)
        }
        (_, Command::Remove(_)) => None,
        (before, _) => before.cloned(),
    }
}

const PROVE_WITHIN: Duration = Duration::from_secs(300);
