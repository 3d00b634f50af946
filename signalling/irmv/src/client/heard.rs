//! What the server says.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use super::{Client, ClientEvent, RequestId, State};
use crate::{Identifier, Message, Reason, Record};

impl Client {
    pub(super) fn heard(&mut self, mut bytes: &[u8]) {
        loop {
            let message = match self.frames.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => Message::decode(&frame),
                Err(error) => Err(error.into()),
            };
            let believed = message.is_ok_and(|message| self.told(message));
            if !believed {
                self.outbox.close(self.stream);
                return self.lost();
            }
        }
    }

    /// `false` when it makes no sense.
    fn told(&mut self, message: Message) -> bool {
        match (self.state, message) {
            (State::Greeting(_), Message::Welcome { domain, key }) => return self.welcomed(&domain, key),
            (State::Up, Message::Registered { id, record }) => self.registered(id, record),
            (State::Up, Message::Refused { id, reason }) => self.refused(id, reason),
            (State::Up, Message::Answer { id, record }) => self.answered(id, Ok(record)),
            (State::Up, Message::Notify { id, record }) => self.seen(id, record),
            (State::Up, Message::Admitted { id }) => self.admitted(id, Ok(())),
            (State::Up, Message::Lent { id, ticket }) => self.lent(id, Ok(ticket)),
            (State::Up, Message::Carry(carry)) => self.outbox.event(ClientEvent::Carried(carry)),
            _ => return false,
        }
        true
    }

    /// The server's certificate was verified, so its key is the domain's.
    fn welcomed(&mut self, domain: &str, key: [u8; 32]) -> bool {
        if domain != self.config.domain {
            return false;
        }
        self.server = Some(key);
        self.failures = 0;
        self.state = State::Up;
        self.outbox.event(ClientEvent::Up);
        self.say_presence();
        if self.may_ask() {
            self.say_questions();
        }
        true
    }

    fn registered(&mut self, id: u32, record: Record) {
        let wall = self.now.wall;
        let Some(user) = self.user.as_mut().filter(|user| user.asked.is_some_and(|(asked, _)| asked == id))
        else {
            return;
        };
        user.asked = None;
        if user.leaves {
            return self.left();
        }
        let left = Duration::from_secs(record.claim.expires.as_secs().saturating_sub(wall.as_secs()));
        // Not all at once, where many have come at once.
        let part = self.entropy.unit().mul_add(0.2, 0.4);
        user.again = Some(self.now.mono.later(left.mul_f64(part)));
        self.outbox.event(ClientEvent::Registered { record: Box::new(record) });
        self.user_heard();
    }

    fn admitted(&mut self, id: u32, result: Result<(), Reason>) {
        if self.admissions.remove(&id).is_some() {
            self.outbox.event(ClientEvent::Admitted { id: RequestId(id), result });
        }
    }

    fn refused(&mut self, id: u32, reason: Reason) {
        if self.questions.contains_key(&id) {
            return self.answered(id, Err(reason));
        }
        if self.loans.contains_key(&id) {
            return self.lent(id, Err(reason));
        }
        if self.admissions.contains_key(&id) {
            return self.admitted(id, Err(reason));
        }
        if let Some(identifier) = self.watches.get(&id).cloned() {
            let id = RequestId(id);
            return self.outbox.event(ClientEvent::Seen { id, identifier, record: None });
        }
        let Some(user) = self.user.as_mut().filter(|user| user.asked.is_some_and(|(asked, _)| asked == id))
        else {
            return;
        };
        user.asked = None;
        if user.leaves {
            return self.left();
        }
        user.again = Some(self.now.mono.later(REFUSED));
        self.outbox.event(ClientEvent::NotRegistered { reason });
        self.user_heard();
    }

    pub(super) fn answered(&mut self, id: u32, answer: Result<Option<Record>, Reason>) {
        let Some(question) = self.questions.remove(&id) else { return };
        let identifier = question.identifier;
        let result = match answer {
            Ok(Some(record)) if !self.is_believed(&identifier, &record) => Err(Reason::Distrusted),
            Ok(record) => Ok(record.map(Box::new)),
            Err(reason) => Err(reason),
        };
        self.outbox.event(ClientEvent::Answer { id: RequestId(id), identifier, result });
    }

    fn seen(&mut self, id: u32, record: Option<Record>) {
        let Some(identifier) = self.watches.get(&id).cloned() else { return };
        if record.as_ref().is_some_and(|record| !self.is_believed(&identifier, record)) {
            return;
        }
        let record = record.map(Box::new);
        self.outbox.event(ClientEvent::Seen { id: RequestId(id), identifier, record });
    }

    /// Whether it is about whom it should be, and bears both signatures. Another domain's key is its own word; our
    /// server has compared it with what that server said.
    fn is_believed(&self, identifier: &Identifier, record: &Record) -> bool {
        let ours = record.claim.name.domain() == self.config.domain;
        let key = self.server.as_ref().filter(|_| ours);
        record.claim.is_about(identifier) && record.verify(key, self.now.wall).is_ok()
    }
}

/// Before a registration that was refused is tried again.
const REFUSED: Duration = Duration::from_secs(60);
