//! Attach streams.

use rove_base::{Arrival, Instant, StreamId};

use super::{Event, Timer, Vlr, identify::Who, metrics::add};
use crate::{
    Cause, Challenge, Imsi,
    attach::{Frames, Reason, ToNetwork, ToTerminal, WireError},
};

/// One stream of a terminal.
#[derive(Debug)]
pub(super) struct Line {
    frames: Frames,
    pub(super) state: LineState,
    /// Messages that may still come at once.
    budget: u32,
    since: Instant,
}

/// What a stream is at.
#[derive(Debug)]
pub(super) enum LineState {
    /// Nothing was said.
    New,
    /// The home was asked for a challenge.
    Fetching(Box<Who>),
    /// The terminal was.
    Challenged(Box<Who>, Challenge),
    /// It is this visitor's.
    Serves(Imsi),
    /// The visitor has left, and is told so when all is gone.
    Parting,
}

impl Vlr {
    pub(super) fn arrived(&mut self, arrival: Arrival<'_>) {
        match arrival {
            Arrival::Connected { stream, .. } => self.connected(stream),
            Arrival::Stream { stream, bytes } => self.heard(stream, bytes),
            Arrival::Closed { stream, .. } => self.closed(stream),
            _ => {}
        }
    }

    fn connected(&mut self, stream: StreamId) {
        add(&mut self.metrics.streams);
        let line =
            Line { frames: Frames::default(), state: LineState::New, budget: BURST, since: self.now.mono };
        self.lines.insert(stream, line);
        self.strangers.insert(stream);
        if self.attaching() > self.config.limits.attaching {
            return self.refuse(stream, Reason::Home(Cause::Overload));
        }
        self.timers.set(Timer::Line(stream), self.now.mono.later(self.config.patience.step));
    }

    fn heard(&mut self, stream: StreamId, mut bytes: &[u8]) {
        let now = self.now.mono;
        while let Some(line) = self.lines.get_mut(&stream) {
            let frame = match line.frames.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => frame,
                Err(error) => return self.give_up(stream, WireError::from(error).reason()),
            };
            if !line.spend(now) {
                return self.give_up(stream, Reason::Home(Cause::Overload));
            }
            match ToNetwork::decode(&frame) {
                Ok(message) => self.said(stream, message),
                Err(error) => self.give_up(stream, error.reason()),
            }
        }
    }

    fn said(&mut self, stream: StreamId, message: ToNetwork) {
        let Some(line) = self.lines.get_mut(&stream) else { return };
        match (&line.state, message) {
            (LineState::Serves(imsi), message) => {
                let imsi = *imsi;
                self.visitor_said(stream, imsi, message);
            }
            (LineState::Parting, _) => {}
            (LineState::New, ToNetwork::Identify(identify)) => self.identify(stream, identify),
            (LineState::New, ToNetwork::Moved { imsi, ticket }) => self.moved(stream, imsi, ticket),
            (LineState::Challenged(..), ToNetwork::Response(response)) => self.responded(stream, &response),
            (LineState::Challenged(..), ToNetwork::SyncFailure { auts }) => self.out_of_step(stream, auts),
            (_, ToNetwork::Decline { reason }) => self.refuse(stream, reason),
            (_, ToNetwork::Detach) => {
                self.tell(stream, &ToTerminal::Detached);
                self.drop_line(stream);
            }
            _ => self.refuse(stream, Reason::Protocol),
        }
    }

    fn closed(&mut self, stream: StreamId) {
        let Some(line) = self.lines.get(&stream) else { return };
        if let LineState::Serves(imsi) = line.state {
            self.stream_lost(stream, imsi);
        }
        self.forget_line(stream);
    }

    /// Ends a stream for what came on it, and the stay with it.
    fn give_up(&mut self, stream: StreamId, reason: Reason) {
        match self.lines.get(&stream).map(|line| &line.state) {
            Some(LineState::Serves(imsi)) => {
                let imsi = *imsi;
                self.leave(imsi, reason, true);
            }
            Some(LineState::Parting) => self.drop_line(stream),
            Some(_) => self.refuse(stream, reason),
            None => {}
        }
    }

    /// Ends a stream on which no stay began.
    pub(super) fn refuse(&mut self, stream: StreamId, reason: Reason) {
        let Some(line) = self.lines.get(&stream) else { return };
        let imsi = match &line.state {
            LineState::Fetching(who) | LineState::Challenged(who, _) => Some(who.imsi),
            _ => None,
        };
        self.metrics.count_refused(reason);
        self.tell(stream, &ToTerminal::Refused { reason });
        self.outbox.event(Event::Refused { imsi, reason });
        self.drop_line(stream);
    }

    /// Closes a stream once all that was said on it has left.
    pub(super) fn drop_line(&mut self, stream: StreamId) {
        if self.lines.contains_key(&stream) {
            self.outbox.close(stream);
            self.forget_line(stream);
        }
    }

    fn forget_line(&mut self, stream: StreamId) {
        self.no_stranger(stream);
        self.lines.remove(&stream);
    }

    /// The stream's terminal has proved who it is, or is gone.
    pub(super) fn no_stranger(&mut self, stream: StreamId) {
        self.strangers.remove(&stream);
        self.timers.cancel(Timer::Line(stream));
        let who = match self.lines.get(&stream).map(|line| &line.state) {
            Some(LineState::Fetching(who) | LineState::Challenged(who, _)) => Some(who.imsi),
            _ => None,
        };
        if let Some(imsi) = who {
            self.claims.remove(&(imsi, stream));
        }
    }
}

impl Line {
    /// Whether one more message is fair.
    fn spend(&mut self, now: Instant) -> bool {
        let fresh = u32::try_from(now.since(self.since).as_millis() / EACH_MS).unwrap_or(u32::MAX);
        if fresh > 0 {
            self.budget = self.budget.saturating_add(fresh).min(BURST);
            self.since = now;
        }
        let fair = self.budget > 0;
        self.budget = self.budget.saturating_sub(1);
        fair
    }
}

/// Messages that a terminal may say at once.
const BURST: u32 = 32;

/// One more every so many milliseconds.
const EACH_MS: u128 = 200;
