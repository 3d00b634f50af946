//! One call of a scenario, as a machine: it is told messages and the time, and says what to send.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::sync::Arc;

use rove_base::Instant;

use super::{
    Scenario, Wanted,
    fill::{self, Facts},
};

/// A call under way.
#[derive(Debug)]
pub(crate) struct Player {
    scenario: Arc<Scenario>,
    facts: Facts,
    hold: Duration,
    at: usize,
    /// What was received last.
    last: String,
    /// What was sent last, for who has not got it.
    sent: Vec<u8>,
    outbox: Vec<Vec<u8>>,
    again: Option<Again>,
    /// When the step under way is over, or has taken too long.
    until: Option<Instant>,
    lingers: bool,
    measured: Option<Instant>,
    over: Option<Result<(), String>>,
}

/// Sent again until something comes.
#[derive(Clone, Copy, Debug)]
struct Again {
    at: Instant,
    gap: Duration,
    tries: u32,
}

/// What the player wants.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Send this.
    Send(Vec<u8>),
    /// Come back then at the latest, or when something came.
    Wait(Option<Instant>),
    /// The call is over, well or with a reason.
    Over(Result<(), String>),
}

impl Player {
    /// Begins at `now`; a call stands for `hold` where the scenario does not say.
    pub(crate) fn new(now: Instant, scenario: Arc<Scenario>, facts: Facts, hold: Duration) -> Self {
        let mut player = Self {
            scenario,
            facts,
            hold,
            at: 0,
            last: String::new(),
            sent: Vec::new(),
            outbox: Vec::new(),
            again: None,
            until: None,
            lingers: false,
            measured: None,
            over: None,
        };
        player.go_on(now);
        player
    }

    /// When the step came that the scenario measures to.
    pub(crate) const fn measured(&self) -> Option<Instant> {
        self.measured
    }

    /// A message of this call came.
    pub(crate) fn handle(&mut self, now: Instant, message: &str) {
        if message == self.last {
            // Its sender has not got what we said to it.
            if !self.sent.is_empty() && self.again.is_none() {
                self.outbox.push(self.sent.clone());
            }
            return;
        }
        let scenario = Arc::clone(&self.scenario);
        let mut at = self.at;
        while let Some(super::Step::Receive { wanted, optional, measured, .. }) = scenario.steps.get(at) {
            let next = at.saturating_add(1);
            if self.is_wanted(wanted, message) {
                // An optional one may come again, or another one before the next that must come.
                self.at = if *optional { self.at } else { next };
                if *measured {
                    self.measured.get_or_insert(now);
                }
                message.clone_into(&mut self.last);
                self.again = None;
                if !*optional {
                    self.until = None;
                    self.go_on(now);
                }
                return;
            }
            if !*optional {
                break;
            }
            at = next;
        }
        if !self.lingers && !is_leftover(message) {
            let line = message.lines().next().unwrap_or_default();
            self.over =
                Some(Err(format!("{line} came, which step {} does not expect", self.at.saturating_add(1))));
        }
    }

    /// It is `now`.
    pub(crate) fn tick(&mut self, now: Instant) {
        if let Some(again) = &mut self.again
            && again.at <= now
        {
            again.gap = again.gap.saturating_mul(2).min(LONGEST_GAP);
            again.at = now.later(again.gap);
            again.tries = again.tries.saturating_add(1);
            if again.tries > MOST_TRIES {
                self.over = Some(Err(format!("nothing came though it was sent {MOST_TRIES} times more")));
                return;
            }
            self.outbox.push(self.sent.clone());
        }
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            match self.scenario.steps.get(self.at) {
                Some(super::Step::Receive { .. }) => {
                    self.over = Some(Err(format!("step {} waited in vain", self.at.saturating_add(1))));
                }
                _ => {
                    self.at = self.at.saturating_add(1);
                    self.go_on(now);
                }
            }
        }
    }

    /// What to do next.
    pub(crate) fn poll(&mut self) -> Step {
        if !self.outbox.is_empty() {
            return Step::Send(self.outbox.remove(0));
        }
        if let Some(over) = self.over.clone() {
            return Step::Over(over);
        }
        Step::Wait(Instant::earliest(self.until, self.again.map(|again| again.at)))
    }

    /// Does all steps until one that takes time.
    fn go_on(&mut self, now: Instant) {
        let scenario = Arc::clone(&self.scenario);
        loop {
            match scenario.steps.get(self.at) {
                None => {
                    self.over = Some(Ok(()));
                    return;
                }
                Some(super::Step::Send { text, again }) => {
                    self.sent = fill::fill(text, &self.facts, self.at, &self.last);
                    self.outbox.push(self.sent.clone());
                    self.again = again.map(|gap| Again { at: now.later(gap), gap, tries: 0 });
                }
                Some(super::Step::Receive { timeout, .. }) => {
                    self.until = Some(now.later(timeout.unwrap_or(PATIENCE)));
                    return;
                }
                Some(super::Step::Pause(length)) => {
                    self.until = Some(now.later(length.unwrap_or(self.hold)));
                    return;
                }
                Some(super::Step::Linger(length)) => {
                    self.lingers = true;
                    self.until = Some(now.later(*length));
                    return;
                }
                Some(super::Step::Nothing) => {}
            }
            self.at = self.at.saturating_add(1);
        }
    }

    /// Whether it is what the step waits for: of responses, one to the request that was sent last.
    fn is_wanted(&self, wanted: &Wanted, message: &str) -> bool {
        let first = message.lines().next().unwrap_or_default();
        let mut words = first.split_whitespace();
        match wanted {
            Wanted::Request(method) => words.next() == Some(method.as_str()),
            Wanted::Response(code) => {
                let is_it = words.next() == Some("SIP/2.0")
                    && words.next().and_then(|word| word.parse().ok()) == Some(*code);
                let sent = core::str::from_utf8(&self.sent).unwrap_or_default();
                let method = |message: &str| {
                    fill::header(message, "CSeq")
                        .and_then(|cseq| cseq.split_whitespace().nth(1))
                        .map(str::to_owned)
                };
                is_it && method(sent) == method(message)
            }
        }
    }
}

/// What may come late and says nothing new: an answer to an earlier request, or its acknowledgement.
fn is_leftover(message: &str) -> bool {
    message.starts_with("ACK ") || message.starts_with("SIP/2.0 1") || message.starts_with("SIP/2.0 200")
}

/// T2 (RFC 3261 §17.1.2.1).
const LONGEST_GAP: Duration = Duration::from_secs(4);
/// As SIPp has it for requests that are not INVITE.
const MOST_TRIES: u32 = 10;
/// How long a message is waited for where the scenario does not say: 64·T1, twice.
const PATIENCE: Duration = Duration::from_secs(64);
