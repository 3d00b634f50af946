//! A terminal: it keeps one link to its server open, registers on it, and asks.
//!
//! ```text
//!  Away ─▶ Connecting ─▶ Greeting ─▶ Up
//!   ▲           │            │       │
//!   └───────────┴────────────┴───────┘ after a pause, with everything that still matters
//! ```
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

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
use crate::{Carry, Claim, Frames, Identifier, Message, Name, Reason, UserKey};

/// The machine of a terminal.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    entropy: Entropy,
    now: Now,
    state: State,
    stream: StreamId,
    frames: Frames,
    failures: u32,
    /// The key that the server signs with, once it has said so; another later is not believed.
    server: Option<[u8; 32]>,
    user: Option<User>,
    questions: BTreeMap<u32, Question>,
    watches: BTreeMap<u32, Identifier>,
    /// Whom the user wants to admit, or not any more.
    admissions: BTreeMap<u32, (Name, bool)>,
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
    /// The registration that is on its way, and when it is given up.
    asked: Option<(u32, Instant)>,
    /// When it is said again.
    again: Option<Instant>,
    /// It leaves.
    leaves: bool,
    /// The server has answered on this link: what is asked now is asked by this user.
    heard: bool,
}

#[derive(Debug)]
struct Question {
    identifier: Identifier,
    until: Instant,
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
            frames: Frames::default(),
            failures: 0,
            server: None,
            user: None,
            questions: BTreeMap::new(),
            watches: BTreeMap::new(),
            admissions: BTreeMap::new(),
            loans: BTreeMap::new(),
            next: 0,
            outbox: Outbox::default(),
        }
    }

    /// Registers, and stays registered; again with something else when that has changed.
    pub fn register(&mut self, now: Now, key: UserKey, presence: Presence) {
        self.now = now;
        let (sequence, heard) = self.user.as_ref().map_or((0, false), |user| (user.sequence, user.heard));
        self.user = Some(User { key, presence, sequence, asked: None, again: None, leaves: false, heard });
        self.wanted();
        self.say_presence();
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

    /// Asks who that is. [`ClientEvent::Answer`] follows.
    pub fn query(&mut self, now: Now, identifier: Identifier) -> RequestId {
        self.now = now;
        let id = self.number();
        let until = now.mono.later(PATIENCE);
        if self.may_ask() {
            self.say(&Message::Query { id, identifier: identifier.clone(), asker: self.asker() });
        }
        self.questions.insert(id, Question { identifier, until });
        self.wanted();
        RequestId(id)
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

    /// Whether the server knows by now who asks, if somebody registers here.
    fn may_ask(&self) -> bool {
        matches!(self.state, State::Up) && self.user.as_ref().is_none_or(|user| user.heard)
    }

    /// Who asks.
    fn asker(&self) -> Option<Name> {
        self.user.as_ref().filter(|user| !user.leaves).map(|user| user.presence.name.clone())
    }

    /// Says all that waits for an answer.
    fn say_questions(&mut self) {
        let asker = self.asker();
        let questions: Vec<_> =
            self.questions.iter().map(|(id, question)| (*id, question.identifier.clone())).collect();
        for (id, identifier) in questions {
            self.say(&Message::Query { id, identifier, asker: asker.clone() });
        }
        for (id, identifier) in self.watches.clone() {
            self.say(&Message::Subscribe { id, identifier, asker: asker.clone() });
        }
        let admissions: Vec<u32> = self.admissions.keys().copied().collect();
        admissions.into_iter().for_each(|id| self.say_admission(id));
        let loans: Vec<u32> = self.loans.keys().copied().collect();
        loans.into_iter().for_each(|id| self.say_loan(id));
    }

    /// The server knows who asks now.
    fn user_heard(&mut self) {
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
        self.state = State::Connecting(self.now.mono.later(PATIENCE));
        self.outbox.connect(Connect {
            stream: self.stream,
            remote: self.config.server,
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
        let pause = Duration::from_millis(RETURN.saturating_mul(1 << self.failures.min(6)));
        self.failures = self.failures.saturating_add(1);
        let pause = pause.mul_f64(0.5 + self.entropy.unit());
        let idle = self.user.is_none() && self.questions.is_empty() && self.watches.is_empty();
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
                self.state = State::Greeting(now.mono.later(PATIENCE));
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
