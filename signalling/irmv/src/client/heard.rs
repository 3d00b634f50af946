//! What the server says.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use super::{Client, ClientEvent, PATIENCE, Question, RequestId, Sought, State};
use crate::{Identifier, Listing, Message, Reason, Record};

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
            (State::Up, Message::Proved { id }) => self.proved(id),
            (State::Up, Message::Known { id }) => _ = self.known(id, Ok(())),
            (State::Up, Message::Listed { id }) => self.listed(id, Ok(())),
            (State::Up, Message::Found { id, last, listings }) => self.found(id, last, listings),
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
        self.say_who_speaks();
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
        self.say_card();
    }

    /// The number is the user's: now it registers.
    fn proved(&mut self, id: u32) {
        if self.user.as_ref().is_some_and(|user| user.asked.is_some_and(|(asked, _)| asked == id)) {
            self.proof = None;
            self.say_presence();
        }
    }

    fn listed(&mut self, id: u32, result: Result<(), Reason>) {
        if let Some(user) = self.user.as_mut().filter(|user| user.listing == Some(id)) {
            user.listing = None;
            self.outbox.event(ClientEvent::Listed { result });
        }
    }

    /// Some who may be found; who is not believed is left out.
    fn found(&mut self, id: u32, last: bool, mut listings: Vec<Listing>) {
        let Some(Question { sought: Sought::By(words), until }) = self.questions.get_mut(&id) else { return };
        *until = self.now.mono.later(PATIENCE);
        let words = words.clone();
        listings.retain(|listing| {
            let key = self.key_of(listing.card.name.domain());
            listing.card.words.has_all(&words) && listing.verify(key, self.now.wall).is_ok()
        });
        if last {
            self.questions.remove(&id);
        }
        self.outbox.event(ClientEvent::Found { id: RequestId(id), result: Ok(listings), last });
    }

    pub(super) fn admitted(&mut self, id: u32, result: Result<(), Reason>) {
        if self.admissions.remove(&id).is_some() {
            self.outbox.event(ClientEvent::Admitted { id: RequestId(id), result });
        }
    }

    fn refused(&mut self, id: u32, reason: Reason) {
        if self.questions.contains_key(&id) {
            return self.answered(id, Err(reason));
        }
        if self.user.as_ref().is_some_and(|user| user.listing == Some(id)) {
            return self.listed(id, Err(reason));
        }
        if self.loans.contains_key(&id) {
            return self.lent(id, Err(reason));
        }
        if self.known(id, Err(reason)) {
            return;
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
        // It was shown, and does not become better.
        self.proof = None;
        user.again = Some(self.now.mono.later(REFUSED));
        self.outbox.event(ClientEvent::NotRegistered { reason });
        // It has no room, or no disk any more: another may.
        if matches!(reason, Reason::Full | Reason::Broken) && !self.config.further.is_empty() {
            self.outbox.close(self.stream);
            return self.lost();
        }
        self.user_heard();
    }

    pub(super) fn answered(&mut self, id: u32, answer: Result<Option<Record>, Reason>) {
        let Some(Question { sought, .. }) = self.questions.remove(&id) else { return };
        let identifier = match sought {
            Sought::Who(identifier) => identifier,
            Sought::By(_) => {
                let result = answer.map(|_| Vec::new());
                return self.outbox.event(ClientEvent::Found { id: RequestId(id), result, last: true });
            }
        };
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
        let key = self.key_of(record.claim.name.domain());
        record.claim.is_about(identifier) && record.verify(key, self.now.wall).is_ok()
    }

    /// What a server of this domain signs with, where we know.
    fn key_of(&self, domain: &str) -> Option<&[u8; 32]> {
        self.server.as_ref().filter(|_| domain == self.config.domain)
    }
}

/// Before a registration that was refused is tried again.
const REFUSED: Duration = Duration::from_secs(60);
