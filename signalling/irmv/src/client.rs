//! A terminal: it keeps one link to its server open, registers on it, and asks.
//!
//! ```text
//!  Away ─▶ Connecting ─▶ Greeting ─▶ Up
//!   ▲           │            │       │
//!   └───────────┴────────────┴───────┘ after a pause, with everything that still matters
//! ```
//!
//! Where the domain has further servers, it goes to another of them each time, drawn at random, so that those that a dead one
//! leaves behind do not all come to the same.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod asking;
mod elsewhere;
mod event;
mod heard;
mod lend;

use core::time::Duration;
use std::collections::BTreeMap;

use rove_base::{
    Arrival, Connect, Entropy, Instant, Machine, Now, Outbox, Scratch, Step, StreamId, Transport, UnixTime,
};

pub use self::event::{ClientConfig, ClientEvent, Presence, RequestId};
use self::lend::Loan;
use crate::{Carry, Claim, Frames, Identifier, Message, Name, NumberProof, Reason, UserKey, Words};

/// The machine of a terminal.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    entropy: Entropy,
    now: Now,
    state: State,
    stream: StreamId,
    /// Which of its servers it speaks with: further ones from 1 on.
    at: usize,
    frames: Frames,
    failures: u32,
    /// The key that the server signs with, once it has said so; another later is not believed.
    server: Option<[u8; 32]>,
    user: Option<User>,
    questions: BTreeMap<u32, Question>,
    watches: BTreeMap<u32, Identifier>,
    /// Whom the user wants to admit, or not any more.
    admissions: BTreeMap<u32, (Name, bool)>,
    /// By what the user wants to be found.
    words: Option<Words>,
    /// What is shown for the number before it is registered.
    proof: Option<NumberProof>,
    /// Who asks without registering here.
    speaker: Option<Speaks>,
    loans: BTreeMap<u32, Loan>,
    next: u32,
    outbox: Outbox<ClientEvent>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Without a link until then; `None` when nothing is wanted of the server.
    Away(Option<Instant>),
    /// For the stream.
    Connecting(Instant),
    /// For the welcome.
    Greeting(Instant),
    Up,
}

/// Who registers.
#[derive(Debug)]
struct User {
    key: UserKey,
    presence: Presence,
    sequence: u64,
    /// Of its last card.
    card: u64,
    /// The registration that is on its way, and when it is given up.
    asked: Option<(u32, Instant)>,
    /// When it is said again.
    again: Option<Instant>,
    /// It leaves.
    leaves: bool,
    /// The server has answered on this link: what is asked now is asked by this user.
    heard: bool,
    /// The card that is on its way.
    listing: Option<u32>,
}

/// Who asks without registering.
#[derive(Debug)]
struct Speaks {
    key: UserKey,
    name: Name,
    /// What the server was told of it on this link, and whether it has answered.
    said: Option<u32>,
    heard: bool,
}

#[derive(Debug)]
struct Question {
    sought: Sought,
    until: Instant,
}

#[derive(Clone, Debug)]
enum Sought {
    Who(Identifier),
    By(Words),
}

impl Client {
    /// A terminal that wants nothing yet. `entropy` need not be secret.
    #[must_use]
    pub fn new(config: ClientConfig, entropy: Entropy) -> Self {
        Self {
            config,
            entropy,
            now: Now::default(),
            state: State::Away(None),
            stream: StreamId(0),
            at: 0,
            frames: Frames::default(),
            failures: 0,
            server: None,
            user: None,
            questions: BTreeMap::new(),
            watches: BTreeMap::new(),
            admissions: BTreeMap::new(),
            words: None,
            proof: None,
            speaker: None,
            loans: BTreeMap::new(),
            next: 0,
            outbox: Outbox::default(),
        }
    }

    /// Registers, and stays registered; again with something else when that has changed.
    pub fn register(&mut self, now: Now, key: UserKey, presence: Presence) {
        self.now = now;
        let before = self.user.as_ref();
        let (sequence, heard) = before.map_or((0, false), |user| (user.sequence, user.heard));
        let card = before.map_or(0, |user| user.card);
        let (asked, again, listing) = (None, None, None);
        self.user = Some(User { key, presence, sequence, card, asked, again, leaves: false, heard, listing });
        self.wanted();
        self.say_presence();
    }

    /// Shows that a number is the user's, once: before it is registered with it.
    pub fn prove(&mut self, proof: NumberProof) {
        self.proof = Some(proof);
    }

    /// Takes the registration back. [`ClientEvent::Left`] follows.
    pub fn leave(&mut self, now: Now) {
        self.now = now;
        let Some(user) = &mut self.user else { return self.outbox.event(ClientEvent::Left) };
        user.leaves = true;
        match self.state {
            State::Up => self.say_presence(),
            _ => self.left(),
        }
    }

    /// Says something to another user by way of the servers; `false` when there is no link.
    pub fn carry(&mut self, now: Now, carry: Carry) -> bool {
        self.now = now;
        let up = matches!(self.state, State::Up);
        if up {
            self.say(&Message::Carry(carry));
        }
        up
    }

    const fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    fn say(&mut self, message: &Message) {
        self.outbox.frame(self.stream, &[&message.encode()]);
    }

    /// Something is wanted of the server: a link, then.
    fn wanted(&mut self) {
        if matches!(self.state, State::Away(None)) {
            self.connect();
        }
    }

    fn connect(&mut self) {
        self.stream = StreamId(self.stream.0.wrapping_add(2));
        self.frames = Frames::default();
        self.state = State::Connecting(self.now.mono.later(self.patience()));
        self.outbox.connect(Connect {
            stream: self.stream,
            remote: self.remote(),
            transport: Transport::Quic,
            name: Some(self.config.domain.clone()),
        });
    }

    /// Signs and sends what is to be known of the user.
    fn say_presence(&mut self) {
        let (now, stream) = (self.now, self.stream);
        let id = self.number();
        let up = matches!(self.state, State::Up);
        let Some(user) = &mut self.user else { return };
        if !up {
            return;
        }
        if let Some(proof) = self.proof.clone().filter(|_| !user.leaves) {
            user.asked = Some((id, now.mono.later(PATIENCE)));
            user.again = None;
            return self.say(&Message::Prove { id, proof });
        }
        // Grows also when the terminal has forgotten what it said last.
        let clock = now.wall.as_nanos() / 1_000_000;
        user.sequence = clock.max(user.sequence.saturating_add(1));
        let Presence { name, number, fixed, contacts, status, listed, lifetime } = user.presence.clone();
        let claim = Claim {
            key: user.key.public(),
            sequence: user.sequence,
            expires: UnixTime::from_secs(now.wall.as_secs().saturating_add(lifetime.as_secs())),
            status: if user.leaves { crate::Status::Offline } else { status },
            listed,
            name,
            number,
            fixed,
            contacts: if user.leaves { Vec::new() } else { contacts },
        };
        let signature = claim.sign(&user.key);
        user.asked = Some((id, now.mono.later(PATIENCE)));
        user.again = None;
        self.outbox.frame(stream, &[&Message::Register { id, claim, signature }.encode()]);
    }

    fn left(&mut self) {
        self.user = None;
        self.outbox.event(ClientEvent::Left);
    }

    /// The link is gone. Who has still something to ask tries again.
    fn lost(&mut self) {
        if matches!(self.state, State::Up) {
            self.outbox.event(ClientEvent::Down);
        }
        if self.user.as_ref().is_some_and(|user| user.leaves) {
            self.left();
        }
        if let Some(user) = &mut self.user {
            (user.asked, user.again, user.heard) = (None, None, false);
        }
        if let Some(speaker) = &mut self.speaker {
            (speaker.said, speaker.heard) = (None, false);
        }
        self.go_elsewhere();
        // Each of its servers has its chance before the pauses grow.
        let rounds = self.failures.checked_div(self.servers()).unwrap_or_default();
        let pause = Duration::from_millis(RETURN.saturating_mul(1 << rounds.min(6)));
        self.failures = self.failures.saturating_add(1);
        let pause = pause.mul_f64(0.5 + self.entropy.unit());
        let nothing_waits =
            self.questions.is_empty() && self.watches.is_empty() && self.admissions.is_empty();
        let idle = self.user.is_none() && nothing_waits;
        self.state = State::Away((!idle).then(|| self.now.mono.later(pause)));
    }

    fn deadline(&self) -> Option<Instant> {
        let state = match self.state {
            State::Away(until) => until,
            State::Connecting(until) | State::Greeting(until) => Some(until),
            State::Up => None,
        };
        let user = self.user.as_ref().and_then(|user| match user.asked {
            Some((_, until)) => Some(until),
            None => user.again,
        });
        let questions = self.questions.values().map(|question| question.until).min();
        let loans = self.loans.values().map(|loan| loan.until).min();
        Instant::earliest(Instant::earliest(state, user), Instant::earliest(questions, loans))
    }
}

impl Machine for Client {
    type Input<'a> = Arrival<'a>;
    type Event = ClientEvent;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = now;
        match input {
            Arrival::Connected { stream, .. } if stream == self.stream => {
                self.state = State::Greeting(now.mono.later(self.patience()));
                self.say(&Message::Hello { server: None });
            }
            Arrival::Stream { stream, bytes } if stream == self.stream => self.heard(bytes),
            Arrival::Closed { stream, .. } if stream == self.stream => self.lost(),
            _ => {}
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        match self.state {
            State::Away(Some(until)) if until <= now.mono => self.connect(),
            State::Connecting(until) | State::Greeting(until) if until <= now.mono => {
                self.outbox.close(self.stream);
                self.lost();
            }
            _ => {}
        }
        let over = |question: &Question| question.until <= now.mono;
        let over: Vec<u32> =
            self.questions.iter().filter(|(_, question)| over(question)).map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.answered(id, Err(Reason::Unreachable)));
        self.loans_tick();
        let Some(user) = &mut self.user else { return };
        match (user.asked, user.again) {
            // The server does not answer: another link may be better.
            (Some((_, until)), _) if until <= now.mono => {
                self.outbox.close(self.stream);
                self.lost();
            }
            (None, Some(again)) if again <= now.mono => self.say_presence(),
            _ => {}
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<ClientEvent> {
        self.outbox.poll(out).unwrap_or_else(|| Step::Wait(self.deadline()))
    }
}

/// How long the server may take for anything. Longer than it waits for another server.
const PATIENCE: Duration = Duration::from_secs(8);
/// First pause before the server is tried again, in milliseconds; doubles six times.
const RETURN: u64 = 500;
