//! The terminal's side: one stay at a time, kept until it is over.
//!
//! ```text
//!  Detached ─▶ Connecting ─▶ Identified ─▶ Answered ─▶ Proved ─▶ Accepted ─▶ Attached ─▶ Leaving ─▶ Detached
//!                  ▲                                                            │
//!                  └───────────────── stream lost, ticket kept ◀────────────────┘
//! ```

mod event;
mod steps;

use core::{fmt, time::Duration};
use std::collections::BTreeSet;

use rove_base::{
    Arrival, Connect, Entropy, Instant, Machine, Now, Outbox, Scratch, Step, StreamId, Transport,
};

use super::{CallId, CallRequest, Credential, Frames, Identify, Reason, Secret, ToNetwork};
use crate::{BindClaim, NetworkName};
pub use event::{Access, TerminalConfig, TerminalEvent};

/// The terminal's machine. Every wait has an end; a call that is asked about is answered once.
pub struct Terminal {
    config: TerminalConfig,
    credential: Box<dyn Credential>,
    entropy: Entropy,
    now: Now,
    state: State,
    access: Option<Access>,
    line: Option<Line>,
    next_stream: u64,
    stay: Option<Stay>,
    /// Goes out as soon as the stay stands.
    waiting: Option<CallRequest>,
    asked: BTreeSet<CallId>,
    outbox: Outbox<TerminalEvent>,
}

/// Where in a stay. Each state that waits for somebody carries its own deadline.
#[derive(Clone, Debug, Eq, PartialEq)]
enum State {
    Detached,
    /// For the stream, and for the network's certificate.
    Connecting(Instant),
    /// For the challenge.
    Identified(Instant),
    /// For addresses.
    Answered(Instant),
    /// For the token.
    Proved(BindClaim, Instant),
    /// For the binding.
    Accepted(BindClaim, Instant),
    /// Next sign of life.
    Attached(Instant),
    /// For the answer to a sign of life.
    Renewing(Instant),
    /// For the next try to come back.
    Apart(Instant),
    /// For the answer to a ticket.
    Returning(Instant),
    /// For the farewell.
    Leaving(Instant),
}

/// The stream to the network.
#[derive(Debug)]
struct Line {
    stream: StreamId,
    frames: Frames,
    up: bool,
    network: Option<NetworkName>,
    resynchronised: bool,
}

impl Line {
    /// Whether an old challenge may be answered with the home's way out: once.
    const fn resynchronise(&mut self) -> bool {
        !core::mem::replace(&mut self.resynchronised, true)
    }
}

/// What lasts from stream to stream.
#[derive(Debug)]
struct Stay {
    claim: BindClaim,
    ticket: Secret,
    lease: Duration,
    /// When the network gives up, if it hears nothing.
    until: Instant,
    /// How often coming back failed.
    failures: u32,
}

impl Terminal {
    /// A terminal that is nowhere yet.
    #[must_use]
    pub fn new(config: TerminalConfig, credential: Box<dyn Credential>, entropy: Entropy) -> Self {
        Self {
            config,
            credential,
            entropy,
            now: Now::default(),
            state: State::Detached,
            access: None,
            line: None,
            next_stream: 2,
            stay: None,
            waiting: None,
            asked: BTreeSet::new(),
            outbox: Outbox::default(),
        }
    }

    /// Attaches to a network. A stay elsewhere is not ended but left: the home ends it as soon as this one begins.
    pub fn attach(&mut self, now: Now, access: Access) {
        self.now = now;
        self.hang_up();
        self.refuse_calls(Reason::Superseded);
        self.stay = None;
        self.access = Some(access);
        self.connect();
    }

    /// Attaches to a network because of a call, which is decided as soon as the stay stands.
    pub fn attach_for(&mut self, now: Now, access: Access, call: CallRequest) {
        self.attach(now, access);
        self.waiting = Some(call);
    }

    /// Asks whether a call may be made: now, or as soon as the stay that is beginning stands.
    pub fn call(&mut self, now: Now, call: CallRequest) {
        self.now = now;
        match self.state {
            State::Detached | State::Leaving(_) => self.refuse_call(call.id, Reason::Detached),
            State::Attached(_) | State::Renewing(_) if self.asked.len() < MAX_CALLS => self.ask(call),
            State::Attached(_) | State::Renewing(_) => {
                self.refuse_call(call.id, Reason::Home(crate::Cause::Overload));
            }
            _ if self.waiting.is_some() => {
                self.refuse_call(call.id, Reason::Home(crate::Cause::Overload));
            }
            _ => self.waiting = Some(call),
        }
    }

    /// Says that the addresses are in use, where another way than DHCP has set them.
    pub fn ready(&mut self, now: Now) {
        self.now = now;
        if matches!(self.state, State::Accepted(..)) {
            self.say(&ToNetwork::Ready);
        }
    }

    /// Ends the stay.
    pub fn detach(&mut self, now: Now) {
        self.now = now;
        self.refuse_calls(Reason::Detached);
        match self.state {
            State::Detached | State::Leaving(_) => {}
            _ if self.line.as_ref().is_some_and(|line| line.up) && self.is_believed() => {
                self.say(&ToNetwork::Detach);
                self.state = State::Leaving(now.mono.later(STEP));
            }
            _ => {
                self.hang_up();
                self.over(TerminalEvent::Detached);
            }
        }
    }

    /// Whether the name resolves to this terminal, as far as it knows.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.stay.is_some()
    }

    fn connect(&mut self) {
        let Some(access) = &self.access else { return };
        let stream = StreamId(self.next_stream);
        self.next_stream = self.next_stream.saturating_add(2);
        self.outbox.connect(Connect {
            stream,
            remote: access.address,
            transport: Transport::Tls,
            name: access.network.as_ref().map(ToString::to_string),
        });
        let network = access.network.clone();
        let frames = Frames::default();
        self.line = Some(Line { stream, frames, up: false, network, resynchronised: false });
        self.state = State::Connecting(self.now.mono.later(STEP));
    }

    /// The first message, once the stream stands and its other end is known.
    fn begin(&mut self) {
        if !matches!(self.state, State::Connecting(_)) || !self.is_believed() {
            return;
        }
        let until = self.now.mono.later(STEP);
        if let Some(stay) = &self.stay {
            let ticket = stay.ticket.clone();
            self.say(&ToNetwork::Moved { imsi: self.config.imsi, ticket });
            self.state = State::Returning(until);
            return;
        }
        let call = self.waiting.take();
        if let Some(call) = &call {
            self.asked.insert(call.id);
        }
        let name = self.config.name.clone();
        self.say(&ToNetwork::Identify(Identify { imsi: self.config.imsi, name, call }));
        self.state = State::Identified(until);
    }

    fn is_believed(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.up && line.network.is_some())
    }

    fn say(&mut self, message: &ToNetwork) {
        if let Some(line) = &self.line {
            self.outbox.frame(line.stream, &[&message.encode()]);
        }
    }

    fn hang_up(&mut self) {
        if let Some(line) = self.line.take() {
            self.outbox.close(line.stream);
        }
    }

    /// No stay, or none any more; the phone is told once.
    fn over(&mut self, event: TerminalEvent) {
        let reason = match &event {
            TerminalEvent::Refused(reason) | TerminalEvent::Ended(reason) => *reason,
            _ => Reason::Detached,
        };
        self.refuse_calls(reason);
        self.stay = None;
        self.state = State::Detached;
        self.outbox.event(event);
    }

    /// Gives up on this network.
    fn fail(&mut self, reason: Reason) {
        self.hang_up();
        match (&self.state, &self.stay) {
            (State::Detached, _) => {}
            (State::Leaving(_), _) => self.over(TerminalEvent::Detached),
            (_, Some(_)) => self.over(TerminalEvent::Ended(reason)),
            (_, None) => self.over(TerminalEvent::Refused(reason)),
        }
    }

    /// The stream is gone: a stay that stands is worth coming back for.
    fn lost(&mut self, reason: Reason) {
        self.hang_up();
        if self.stay.is_none() || matches!(self.state, State::Leaving(_)) {
            return self.fail(reason);
        }
        let unanswered = core::mem::take(&mut self.asked);
        unanswered.into_iter().for_each(|id| self.refuse_call(id, Reason::Lost));
        let Some(stay) = &mut self.stay else { return };
        let pause = Duration::from_millis(RETURN.saturating_mul(1 << stay.failures.min(4)));
        stay.failures = stay.failures.saturating_add(1);
        let again = self.now.mono.later(pause.mul_f64(0.75 + self.entropy.unit() / 2.0));
        if again >= stay.until { self.fail(Reason::Lost) } else { self.state = State::Apart(again) }
    }

    fn ask(&mut self, call: CallRequest) {
        self.asked.insert(call.id);
        self.say(&ToNetwork::CallRequest(call));
    }

    fn refuse_call(&mut self, id: CallId, reason: Reason) {
        self.outbox.event(TerminalEvent::CallRefused { id, reason });
    }

    fn refuse_calls(&mut self, reason: Reason) {
        let waiting = self.waiting.take().map(|call| call.id);
        let asked = core::mem::take(&mut self.asked);
        asked.into_iter().chain(waiting).for_each(|id| self.refuse_call(id, reason));
    }

    const fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Detached => None,
            State::Connecting(at)
            | State::Identified(at)
            | State::Answered(at)
            | State::Proved(_, at)
            | State::Accepted(_, at)
            | State::Attached(at)
            | State::Renewing(at)
            | State::Apart(at)
            | State::Returning(at)
            | State::Leaving(at) => Some(at),
        }
    }
}

impl Machine for Terminal {
    type Input<'a> = Arrival<'a>;
    type Event = TerminalEvent;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = now;
        let ours = self.line.as_ref().map(|line| line.stream);
        match input {
            Arrival::Connected { stream, .. } if ours == Some(stream) => self.connected(),
            Arrival::Identified { stream, name } if ours == Some(stream) => self.identified(name),
            Arrival::Stream { stream, bytes } if ours == Some(stream) => self.heard(bytes),
            Arrival::Closed { stream, .. } if ours == Some(stream) => {
                self.line = None;
                self.lost(Reason::Lost);
            }
            _ => {}
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        if self.deadline().is_none_or(|at| now.mono < at) {
            return;
        }
        match self.state {
            State::Attached(_) => {
                self.say(&ToNetwork::Renew);
                self.state = State::Renewing(now.mono.later(STEP));
            }
            State::Apart(_) => self.connect(),
            State::Connecting(_) | State::Renewing(_) | State::Returning(_) => self.lost(Reason::Timeout),
            _ => self.fail(Reason::Timeout),
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<TerminalEvent> {
        self.outbox.poll(out).unwrap_or(Step::Wait(self.deadline()))
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("imsi", &self.config.imsi)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How long the network may take for one step. Longer than the network waits for the home.
const STEP: Duration = Duration::from_secs(15);

/// First pause before coming back, in milliseconds; doubles four times.
const RETURN: u64 = 500;

/// Calls that wait for the network's word at once.
const MAX_CALLS: usize = 8;

#[cfg(test)]
mod tests;
