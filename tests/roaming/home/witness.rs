//! Compares what the home does with what the model says it has to.

use std::{net::IpAddr, time::Duration};

use rove_base::{Now, UnixTime};
use rove_roam::{
    CancelReason, Cause, Challenge, Generation, Operation, Outcome,
    hlr::{Command, HlrEvent, HlrStep, Unbinding},
    private::DialogueId,
    subscriber::Stay as HomeStay,
};

use super::{
    super::{
        fixture::{imsi, name, network, network_of, who},
        model::{Question, Stay, Sub},
    },
    SUBSCRIBERS, World,
};

impl World {
    /// After a crash each subscriber is as it was, or as one question that was under way makes it.
    pub(super) fn learn(&mut self) {
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
    pub(super) fn candidates(&self, who: u32) -> Vec<Option<Sub>> {
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
            let over = |stay: &&mut Stay| {
                stay.binding.as_ref().is_some_and(|binding| binding.until.mono <= self.now.mono)
            };
            if let Some(stay) = after.serving.as_mut().filter(over) {
                stay.binding = None;
            }
            let lapsed = |stay: &mut Stay| self.now.mono.since(stay.since.mono) >= PROVE_WITHIN;
            all.push(Some(after.clone()));
            after.arriving.take_if(lapsed);
            all.push(Some(after));
            let mut after = before.clone();
            after.arriving.take_if(lapsed);
            all.push(Some(after));
        }
        all
    }

    pub(super) fn moment(&self, wall: UnixTime) -> Now {
        let zero = self.now.wall.as_nanos() - self.now.mono.as_nanos();
        Now { mono: rove_base::Instant::from_nanos(wall.as_nanos() - zero), wall }
    }

    /// What the home says of a subscriber, to be printed.
    pub(super) fn view(&self, who: u32) -> impl core::fmt::Debug + '_ {
        (self.home.subscriber(imsi(who)), self.home.serving(imsi(who)), self.home.arriving(imsi(who)))
    }

    /// Whether home, model and name server say the same of a subscriber.
    pub(super) fn agrees(&self, who: u32) -> bool {
        let model = self.model.subscribers.get(&who);
        let roaming = self.home.subscriber(imsi(who)).map(|one| one.profile.services.roaming);
        let serving = self.home.serving(imsi(who));
        let arriving = self.home.arriving(imsi(who));
        let stay = |stay: Option<&HomeStay>| stay.map(|stay| (stay.generation, network_of(&stay.network)));
        let modelled = |stay: Option<&Stay>| stay.map(|stay| (stay.generation, stay.network));
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
    pub(super) fn ticks_later(&mut self) -> bool {
        matches!(self.home.poll(), HlrStep::Wait(Some(at)) if at.since(self.now.mono) <= Duration::from_secs(1))
    }

    /// A stay that was never proven ends without an event.
    pub(super) fn lapse(&mut self, who: u32) {
        let gone = self.home.arriving(imsi(who)).is_none();
        let Some(sub) = self.model.subscribers.get_mut(&who) else { return };
        let lapsed = |stay: &mut Stay| gone && self.now.mono.since(stay.since.mono) >= PROVE_WITHIN;
        sub.arriving.take_if(lapsed);
    }

    pub(super) fn check_asked(&self, operation: &Operation) {
        if let Operation::CancelLocation { imsi, reason: CancelReason::UpdateProcedure, generation } =
            operation
        {
            let serving = self.home.serving(*imsi).map(|stay| stay.generation);
            assert_ne!(serving, Some(*generation), "the stay that serves is not cancelled for another");
        }
    }

    pub(super) fn answered(&mut self, id: DialogueId, result: Result<Outcome, Cause>) {
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

    pub(super) fn count(&mut self, question: &Question, outcome: &Outcome) {
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
    pub(super) fn may_refuse(&self, question: &Question, expected: Result<(), Cause>, cause: Cause) -> bool {
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

    pub(super) fn challenged(&mut self, question: &Question, challenges: Vec<Challenge>) {
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

    pub(super) fn event(&mut self, event: HlrEvent) {
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
}

/// What is left of a subscriber; `None` where there is none.
fn after_command(before: Option<&Sub>, command: &Command) -> Option<Sub> {
    match (before, command) {
        (None, Command::Add(one)) => Some(Sub { roaming: one.profile.services.roaming, ..Sub::default() }),
        (Some(before), Command::Change(one)) => {
            let mut after = before.clone();
            after.roaming = one.profile.services.roaming;
            let roaming = after.roaming;
            let over = |stay: &mut Stay| !roaming && stay.network != 0;
            after.serving.take_if(over);
            after.arriving.take_if(over);
            Some(after)
        }
        (_, Command::Remove(_)) => None,
        (before, _) => before.cloned(),
    }
}

const PROVE_WITHIN: Duration = Duration::from_secs(300);
