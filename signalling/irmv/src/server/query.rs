//! Who is that, and where?
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Instant, StreamId, UnixTime};

use super::{
    Server,
    asks::{Ask, Question},
};
use crate::{
    Claim, Identifier, Message, Name, Number, Proof, Reason, Record, Status, message::answer_around,
};

impl Server {
    pub(super) fn query(&mut self, stream: StreamId, id: u32, identifier: Identifier, asker: Option<Name>) {
        let (now, rate) = (self.now.mono, self.config.limits.questions);
        if self.links.get_mut(&stream).is_some_and(|link| !link.may_ask(now, rate)) {
            return self.refuse(stream, id, Reason::Full);
        }
        let asker = self.proven(stream, asker);
        match self.elsewhere(stream, &identifier) {
            None if self.others_may_know(stream, &identifier) => {
                let question = Question::Who(identifier);
                self.ask_round(Ask { stream, id, question, asker, round: None });
            }
            None => self.answer(stream, id, &identifier, asker),
            Some(domain) => {
                let question = Question::Who(identifier);
                self.ask(&domain, Ask { stream, id, question, asker, round: None });
            }
        }
    }

    /// Whether a number, an id or an address is nobody's here, and there is somebody to ask.
    fn others_may_know(&self, stream: StreamId, identifier: &Identifier) -> bool {
        let here = match identifier {
            Identifier::Name(_) => true,
            Identifier::Number(number) => self.numbers.contains_key(number),
            Identifier::Uid(_) | Identifier::Fixed(_) => false,
        };
        let passes = self.links.get(&stream).is_some_and(super::Link::is_terminal);
        passes && self.knows_others() && !here && self.registry.lock().owner(identifier).is_none()
    }

    /// Whether there is somebody to ask.
    pub(super) const fn knows_others(&self) -> bool {
        self.config.searches || !self.config.asked.is_empty()
    }

    fn answer(&mut self, stream: StreamId, id: u32, identifier: &Identifier, asker: Option<Name>) {
        if self.shows(identifier, asker.as_ref()) {
            let (mut registry, key) = (self.registry.lock(), self.key.public());
            // As it lies there: nothing is read to be written again.
            if let Some(stored) = registry.stored(identifier, self.now.wall) {
                let (head, filling) = answer_around(id, key.len().saturating_add(stored.len()));
                return self.outbox.frame(stream, &[&head, &key, stored, filling]);
            }
        } else if let Identifier::Number(number) = identifier {
            return self.answer_stranger(stream, id, *number, asker);
        }
        let (head, filling) = answer_around(id, 0);
        self.outbox.frame(stream, &[&head, filling]);
    }

    /// A stranger hears whose a number is, whether or not its user is there, and nothing else; so many a minute.
    fn answer_stranger(&mut self, stream: StreamId, id: u32, number: Number, asker: Option<Name>) {
        let Some(source) = self.source(stream, asker) else { return };
        if !self.strangers.may_ask(source, self.now.mono, self.config.limits.numbers) {
            return self.refuse(stream, id, Reason::Full);
        }
        let owner = self.numbers.get(&number).cloned();
        // What nobody has is signed as well, and thrown away, so that it takes as long.
        let name = owner.clone().or_else(|| format!("nobody@{}", self.config.domain).parse().ok());
        let record = name.map(|name| self.whose(name, number));
        self.say(stream, &Message::Answer { id, record: record.filter(|_| owner.is_some()) });
    }

    /// Whom a question counts for.
    pub(super) fn source(&self, stream: StreamId, asker: Option<Name>) -> Option<Asker> {
        let at = self.links.get(&stream)?.remote.ip();
        Some(asker.map_or(Asker::At(at), Asker::User))
    }

    /// That a number is this user's, in the server's own words.
    fn whose(&self, name: Name, number: Number) -> Record {
        let key = self.key.of_guest(name.as_str());
        let hour = self.now.wall.as_secs() / 3_600;
        let claim = Claim {
            key: key.public(),
            sequence: hour,
            expires: UnixTime::from_secs(hour.saturating_add(2).saturating_mul(3_600)),
            status: Status::Offline,
            listed: false,
            name,
            number: Some(number),
            fixed: None,
            contacts: Vec::new(),
        };
        let signature = claim.sign(&key);
        Record::attest(claim, signature, (Proof::Attested, Proof::Nothing), &self.key)
    }

    /// Who is called this here, and can be reached.
    #[must_use]
    pub fn present(&self, identifier: &Identifier) -> Option<Record> {
        self.registry.lock().present(identifier, self.now.wall)
    }

    /// The domain that has to be asked; `None` for what is known here or nowhere. A question of another server is not
    /// passed on: it has come to the one that must know.
    pub(super) fn elsewhere(&self, stream: StreamId, identifier: &Identifier) -> Option<String> {
        let Identifier::Name(name) = identifier else { return None };
        let passes = self.links.get(&stream).is_some_and(super::Link::is_terminal);
        (passes && name.domain() != self.config.domain).then(|| name.domain().to_owned())
    }
}

/// Who asks for numbers of strangers, or searches.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Asker {
    User(Name),
    At(std::net::IpAddr),
}

/// How often each has asked in this minute.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    minute: u64,
    asked: std::collections::BTreeMap<Asker, u32>,
}

impl Strangers {
    pub(super) fn may_ask(&mut self, asker: Asker, now: Instant, most: u32) -> bool {
        let minute = now.as_nanos() / 60_000_000_000;
        if self.minute != minute {
            self.minute = minute;
            self.asked.clear();
        }
        if !self.asked.contains_key(&asker) && self.asked.len() >= MOST_ASKERS {
            return false;
        }
        let asked = self.asked.entry(asker).or_default();
        *asked = asked.saturating_add(1);
        *asked <= most
    }
}

/// Strangers that are counted in one minute; those beyond are not answered.
const MOST_ASKERS: usize = 65_536;
