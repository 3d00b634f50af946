//! Questions that wait for other servers.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::BTreeMap;

use rove_base::{Instant, StreamId};

use super::{Server, ServerEvent, federation::PATIENCE};
use crate::{Identifier, Listing, Message, Name, Reason, Record, SearchKey, Words};

/// A question that is passed on.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) stream: StreamId,
    pub(super) id: u32,
    pub(super) question: Question,
    /// Who asks there, as we have seen.
    pub(super) asker: Option<Name>,
    /// Several servers are asked the same.
    pub(super) round: Option<u64>,
}

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Question {
    /// Who is that, and where? The first that knows is the answer.
    Who(Identifier),
    /// Who may be found by all of these? Each answer is one part of the whole.
    By(Words),
}

/// What another server says to it.
#[derive(Debug)]
pub(super) enum Answer {
    Record(Option<Box<Record>>),
    Listings(Vec<Listing>),
}

/// A question that several servers are asked.
#[derive(Debug)]
struct Round {
    /// Who asked, and what.
    ask: Ask,
    /// How many have not answered; a search counts as one.
    left: usize,
    /// Which were asked.
    domains: Vec<String>,
}

/// Questions that wait for other servers, by the number they were asked with.
#[derive(Debug, Default)]
pub(super) struct Asks {
    waiting: BTreeMap<u32, Asked>,
    rounds: BTreeMap<u64, Round>,
    next: u32,
    next_round: u64,
}

#[derive(Debug)]
struct Asked {
    domain: String,
    ask: Ask,
    until: Instant,
}

impl Asks {
    /// A number that was not given to another server before, as long as that matters.
    pub(super) const fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// All wait equally long, so the first that was asked is the first that is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|asked| asked.until).next()
    }
}

impl Server {
    /// Asks the server of `domain`.
    pub(super) fn ask(&mut self, domain: &str, ask: Ask) {
        if self.asks.waiting.len() >= self.config.limits.asks {
            return self.came_to_nothing(&ask, Reason::Full);
        }
        let id = self.asks.number();
        let asker = ask.asker.clone();
        let message = match ask.question.clone() {
            Question::Who(identifier) => Message::Query { id, identifier, asker },
            Question::By(words) => Message::Search { id, words, asker },
        };
        let until = self.now.mono.later(PATIENCE);
        self.asks.waiting.insert(id, Asked { domain: domain.to_owned(), ask, until });
        if !self.tell_peer(domain, message) {
            self.ask_failed(id, Reason::Unreachable);
        }
    }

    /// Asks all the servers that the operator names for what no domain says, and the search network.
    pub(super) fn ask_round(&mut self, ask: Ask) {
        self.asks.next_round = self.asks.next_round.wrapping_add(1);
        let round = self.asks.next_round;
        let keys = match &ask.question {
            _ if !self.config.searches => Vec::new(),
            Question::Who(identifier) => vec![SearchKey::of(identifier)],
            Question::By(words) => SearchKey::of_words(words).collect(),
        };
        let ask = Ask { round: Some(round), ..ask };
        // One more until all are asked, so that nobody's failure ends it before.
        let left = keys.len().saturating_add(1);
        self.asks.rounds.insert(round, Round { ask, left, domains: Vec::new() });
        for domain in self.config.asked.clone() {
            self.ask_in_round(round, &domain);
        }
        for key in keys {
            self.outbox.event(ServerEvent::Seek { seek: round, key });
        }
        self.one_less(round);
    }

    /// Asks one more server, unless it was asked, or enough were.
    pub(super) fn ask_in_round(&mut self, round: u64, domain: &str) {
        let Some(one) = self.asks.rounds.get_mut(&round) else { return };
        if one.domains.len() >= MOST_ASKED || one.domains.iter().any(|asked| asked == domain) {
            return;
        }
        one.domains.push(domain.to_owned());
        one.left = one.left.saturating_add(1);
        let ask = one.ask.clone();
        self.ask(domain, ask);
    }

    fn passed_back(&mut self, ask: &Ask, answer: Answer) {
        let (stream, id) = (ask.stream, ask.id);
        match (ask.round, answer) {
            (None, Answer::Record(record)) => {
                self.say(stream, &Message::Answer { id, record: record.map(|record| *record) });
            }
            (Some(round), Answer::Record(Some(record))) => {
                if self.asks.rounds.remove(&round).is_some() {
                    self.say(stream, &Message::Answer { id, record: Some(*record) });
                }
            }
            (Some(round), Answer::Record(None)) => self.one_less(round),
            (round, Answer::Listings(listings)) => {
                if !listings.is_empty() {
                    self.say(stream, &Message::Found { id, last: false, listings });
                }
                round.into_iter().for_each(|round| self.one_less(round));
            }
        }
    }

    /// Of several servers one that does not answer is one that does not know.
    fn came_to_nothing(&mut self, ask: &Ask, reason: Reason) {
        match ask.round {
            Some(round) => self.one_less(round),
            None => self.refuse(ask.stream, ask.id, reason),
        }
    }

    pub(super) fn one_less(&mut self, round: u64) {
        let Some(one) = self.asks.rounds.get_mut(&round) else { return };
        one.left = one.left.saturating_sub(1);
        if one.left == 0 {
            let (stream, id) = (one.ask.stream, one.ask.id);
            let nothing_more = match one.ask.question {
                Question::Who(_) => Message::Answer { id, record: None },
                Question::By(_) => Message::Found { id, last: true, listings: Vec::new() },
            };
            self.asks.rounds.remove(&round);
            self.say(stream, &nothing_more);
        }
    }

    /// There is no way to a server any more.
    pub(super) fn asks_lost(&mut self, domain: &str) {
        let of_domain = |(_, asked): &(&u32, &Asked)| asked.domain == domain;
        let lost: Vec<u32> = self.asks.waiting.iter().filter(of_domain).map(|(id, _)| *id).collect();
        lost.into_iter().for_each(|id| self.ask_failed(id, Reason::Unreachable));
    }

    fn ask_failed(&mut self, id: u32, reason: Reason) {
        if let Some(Asked { ask, .. }) = self.asks.waiting.remove(&id) {
            self.came_to_nothing(&ask, reason);
        }
    }

    /// Who has not answered in time is not there: the next question opens another link.
    pub(super) fn give_up_asking(&mut self) {
        let now = self.now.mono;
        while let Some(domain) = self
            .asks
            .waiting
            .first_key_value()
            .and_then(|(_, asked)| (asked.until <= now).then(|| asked.domain.clone()))
        {
            if let Some((stream, _)) = self.peers.up(&domain) {
                self.outbox.close(stream);
                self.lost(stream);
            }
            let overdue = |(_, asked): &(&u32, &Asked)| asked.domain == domain && asked.until <= now;
            let overdue: Vec<u32> = self.asks.waiting.iter().filter(overdue).map(|(id, _)| *id).collect();
            overdue.into_iter().for_each(|id| self.ask_failed(id, Reason::Unreachable));
        }
    }

    /// Another server has answered. What it says of its users has to bear their signatures and its own.
    pub(super) fn answered(&mut self, stream: StreamId, id: u32, answer: Result<Answer, Reason>) {
        let Some(domain) = self.peer_of(stream) else { return };
        if self.asks.waiting.get(&id).is_none_or(|asked| asked.domain != domain) {
            // A subscription that is refused: its watchers know nothing, which is what they were told.
            return;
        }
        let Some(Asked { ask, .. }) = self.asks.waiting.remove(&id) else { return };
        match answer {
            Ok(answer) if self.is_answer(&domain, &ask.question, &answer) => self.passed_back(&ask, answer),
            Ok(_) => self.came_to_nothing(&ask, Reason::Distrusted),
            Err(reason) => self.came_to_nothing(&ask, reason),
        }
    }

    /// Whether it is what was asked for, and believed.
    fn is_answer(&self, domain: &str, question: &Question, answer: &Answer) -> bool {
        match (question, answer) {
            (Question::Who(_), Answer::Record(None)) => true,
            (Question::Who(identifier), Answer::Record(Some(record))) => {
                self.is_believed(domain, identifier, record)
            }
            (Question::By(words), Answer::Listings(listings)) => {
                listings.iter().all(|listing| self.is_listed_there(domain, words, listing))
            }
            _ => false,
        }
    }
}

/// Servers that are asked for one thing.
const MOST_ASKED: usize = 32;
