//! Answers kept for as long as their TTL allows (RFC 1035 §7.4, RFC 2308 §5), never more than a fixed number.

use core::time::Duration;
use std::collections::HashMap;

use rove_base::Instant;

use crate::query::{Answer, Question};

#[derive(Debug)]
pub(crate) struct Cache {
    entries: HashMap<Question, (Answer, Instant)>,
    capacity: usize,
    longest: Duration,
}

impl Cache {
    /// Keeps `capacity` answers, none of them longer than `longest`.
    pub(crate) fn new(capacity: usize, longest: Duration) -> Self {
        Self { entries: HashMap::new(), capacity, longest }
    }

    pub(crate) fn get(&self, now: Instant, question: &Question) -> Option<&Answer> {
        self.entries.get(question).filter(|(_, until)| *until > now).map(|(answer, _)| answer)
    }

    pub(crate) fn put(&mut self, now: Instant, question: &Question, answer: &Answer) {
        let ttl = answer.ttl.min(self.longest);
        if self.capacity == 0 || ttl.is_zero() {
            self.entries.remove(question);
            return;
        }
        if !self.entries.contains_key(question) && self.entries.len() >= self.capacity {
            self.make_room(now);
        }
        self.entries.insert(question.clone(), (answer.clone(), now + ttl));
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Drops what is stale; when nothing is, what would be stale first.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, (_, until)| *until > now);
        if self.entries.len() < self.capacity {
            return;
        }
        let first =
            self.entries.iter().min_by_key(|(question, (_, until))| (*until, &question.name, question.kind));
        if let Some(question) = first.map(|(question, _)| question.clone()) {
            self.entries.remove(&question);
        }
    }
}
