//! What a terminal asks, and what else it says beside where it is.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Now, UnixTime};

use super::{Client, ClientEvent, PATIENCE, Question, RequestId, Sought, Speaks, State};
use crate::{Card, Identifier, Message, Name, Reason, Speaker, UserKey, Words};

impl Client {
    /// Asks who that is. [`ClientEvent::Answer`] follows.
    pub fn query(&mut self, now: Now, identifier: Identifier) -> RequestId {
        self.ask(now, Sought::Who(identifier))
    }

    /// Asks who may be found by all of these words. [`ClientEvent::Found`] follows, once or more often.
    pub fn search(&mut self, now: Now, words: Words) -> RequestId {
        self.ask(now, Sought::By(words))
    }

    fn ask(&mut self, now: Now, sought: Sought) -> RequestId {
        self.now = now;
        let id = self.number();
        if self.may_ask() {
            self.say_question(id, sought.clone());
        }
        self.questions.insert(id, Question { sought, until: now.mono.later(PATIENCE) });
        self.wanted();
        RequestId(id)
    }

    fn say_question(&mut self, id: u32, sought: Sought) {
        let asker = self.asker();
        self.say(&match sought {
            Sought::Who(identifier) => Message::Query { id, identifier, asker },
            Sought::By(words) => Message::Search { id, words, asker },
        });
    }

    /// Says by which words anybody may find the user that registers here, from now on; by none any more without any. It
    /// has to be listed. [`ClientEvent::Listed`] follows each time that the server has heard it.
    pub fn list(&mut self, now: Now, words: Words) {
        self.now = now;
        self.words = Some(words);
        if self.may_ask() {
            self.say_card();
        }
    }

    pub(super) fn say_card(&mut self) {
        let (now, id) = (self.now, self.number());
        let (Some(user), Some(words)) = (self.user.as_mut(), self.words.clone()) else { return };
        let clock = now.wall.as_nanos() / 1_000_000;
        user.card = clock.max(user.card.saturating_add(1));
        user.listing = Some(id);
        let card = Card {
            key: user.key.public(),
            sequence: user.card,
            expires: UnixTime::from_secs(now.wall.as_secs().saturating_add(user.presence.lifetime.as_secs())),
            name: user.presence.name.clone(),
            words,
        };
        let signature = card.sign(&user.key);
        self.say(&Message::List { id, card, signature });
    }

    /// Asks to be told who that is, now and whenever it changes: [`ClientEvent::Seen`].
    pub fn watch(&mut self, now: Now, identifier: Identifier) -> RequestId {
        self.now = now;
        let id = self.number();
        if self.may_ask() {
            self.say(&Message::Subscribe { id, identifier: identifier.clone(), asker: self.asker() });
        }
        self.watches.insert(id, identifier);
        self.wanted();
        RequestId(id)
    }

    /// Says whether somebody may see the user that registers here, from now on. [`ClientEvent::Admitted`] follows when that
    /// is so.
    pub fn admit(&mut self, now: Now, whom: Name, may: bool) -> RequestId {
        self.now = now;
        let id = self.number();
        self.admissions.insert(id, (whom, may));
        if self.may_ask() {
            self.say_admission(id);
        }
        self.wanted();
        RequestId(id)
    }

    fn say_admission(&mut self, id: u32) {
        if let (Some(user), Some((whom, may))) = (self.asker(), self.admissions.get(&id).cloned()) {
            self.say(&Message::Admit { id, user, whom, may });
        }
    }

    /// Asks, admits and lists as a user that has registered by another link, which stays as it is; the server believes its
    /// key. [`ClientEvent::Known`] follows.
    pub fn speak(&mut self, now: Now, key: UserKey, name: Name) {
        self.now = now;
        self.speaker = Some(Speaks { key, name, said: None, heard: false });
        self.wanted();
        self.say_who_speaks();
    }

    pub(super) fn say_who_speaks(&mut self) {
        let (now, id) = (self.now, self.number());
        let up = matches!(self.state, State::Up);
        let (Some(speaks), Some(server)) = (self.speaker.as_mut().filter(|_| up), self.server) else {
            return;
        };
        speaks.said = Some(id);
        let speaker = Speaker::sign(speaks.name.clone(), now.wall, &server, &speaks.key);
        self.say(&Message::Speak { id, speaker });
    }

    /// The server knows who speaks, or does not believe it: then nobody in particular asks.
    pub(super) fn known(&mut self, id: u32, result: Result<(), Reason>) -> bool {
        let Some(speaks) = self.speaker.as_mut().filter(|speaks| speaks.said == Some(id)) else {
            return false;
        };
        (speaks.said, speaks.heard) = (None, true);
        if let Err(reason) = result {
            self.speaker = None;
            let admissions: Vec<u32> =
                self.admissions.keys().copied().filter(|_| self.user.is_none()).collect();
            admissions.into_iter().for_each(|id| self.admitted(id, Err(reason)));
        }
        self.outbox.event(ClientEvent::Known { result });
        self.say_questions();
        true
    }

    /// Whether the server knows by now who asks, if somebody registers here or speaks.
    pub(super) fn may_ask(&self) -> bool {
        let heard = self.user.as_ref().is_none_or(|user| user.heard);
        matches!(self.state, State::Up) && heard && self.speaker.as_ref().is_none_or(|speaks| speaks.heard)
    }

    /// Who asks.
    pub(super) fn asker(&self) -> Option<Name> {
        let user = self.user.as_ref().filter(|user| !user.leaves).map(|user| user.presence.name.clone());
        user.or_else(|| self.speaker.as_ref().map(|speaks| speaks.name.clone()))
    }

    /// Says all that waits for an answer.
    pub(super) fn say_questions(&mut self) {
        let asker = self.asker();
        let questions: Vec<_> =
            self.questions.iter().map(|(id, question)| (*id, question.sought.clone())).collect();
        questions.into_iter().for_each(|(id, sought)| self.say_question(id, sought));
        for (id, identifier) in self.watches.clone() {
            self.say(&Message::Subscribe { id, identifier, asker: asker.clone() });
        }
        let admissions: Vec<u32> = self.admissions.keys().copied().collect();
        admissions.into_iter().for_each(|id| self.say_admission(id));
        let loans: Vec<u32> = self.loans.keys().copied().collect();
        loans.into_iter().for_each(|id| self.say_loan(id));
    }

    /// The server knows who asks now.
    pub(super) fn user_heard(&mut self) {
        let first = self.user.as_mut().is_some_and(|user| !core::mem::replace(&mut user.heard, true));
        if first {
            self.say_questions();
        }
    }

    /// No more of these.
    pub fn unwatch(&mut self, now: Now, id: RequestId) {
        self.now = now;
        if self.watches.remove(&id.0).is_some() && matches!(self.state, State::Up) {
            self.say(&Message::Unsubscribe { id: id.0 });
        }
    }
}
