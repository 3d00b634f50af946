//! The response context: the branches of a request and which of their responses goes back (RFC 3261 §16.7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::VecDeque;

use super::Target;
use crate::message::{HeaderName, Request, Response, StatusCode};

/// The branches of one request.
#[derive(Clone, Debug)]
pub(crate) struct Fork {
    invite: bool,
    waiting: VecDeque<Vec<Target>>,
    branches: Vec<State>,
    best: Option<Response>,
    /// Challenges of all branches: whoever calls may have a password for each.
    challenges: Vec<(HeaderName, String)>,
    /// No more branches shall be tried.
    closed: bool,
    /// A final response has gone back.
    answered: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Pending,
    Done,
}

/// What is to be done next.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    /// Wait.
    Wait,
    /// Send copies to these.
    Start(Vec<Target>),
    /// This goes back, as the final response.
    Answer(Box<Response>),
    /// Nothing goes back at all (RFC 4320 §4.2).
    Silence,
}

impl Fork {
    pub(crate) fn new(invite: bool, targets: VecDeque<Vec<Target>>) -> Self {
        let (branches, challenges) = (Vec::new(), Vec::new());
        Self { invite, waiting: targets, branches, best: None, challenges, closed: false, answered: false }
    }

    /// Begins with these targets; what was tried before has led nowhere.
    pub(crate) fn reopen(&mut self, targets: VecDeque<Vec<Target>>) {
        self.waiting = targets;
        (self.best, self.closed, self.answered) = (None, false, false);
        self.challenges.clear();
    }

    /// Begins one more branch and answers its number.
    pub(crate) fn begin(&mut self) -> usize {
        self.branches.push(State::Pending);
        self.branches.len().saturating_sub(1)
    }

    /// The branches that have no final response.
    pub(crate) fn pending(&self) -> impl Iterator<Item = usize> + '_ {
        self.branches.iter().enumerate().filter(|(_, state)| **state == State::Pending).map(|(at, _)| at)
    }

    /// How much memory what was heard takes.
    pub(crate) fn weight(&self) -> usize {
        let best = self.best.as_ref();
        let best = best.map_or(0, |best| best.headers.weight().saturating_add(best.body.capacity()));
        self.challenges.iter().fold(best, |sum, (_, text)| sum.saturating_add(text.len()))
    }

    /// Whether more targets wait for those that are tried now.
    pub(crate) fn has_more(&self) -> bool {
        !self.closed && !self.waiting.is_empty()
    }

    /// Whether all is over.
    pub(crate) fn is_over(&self) -> bool {
        self.answered && self.pending().next().is_none()
    }

    /// A final response of our own goes back.
    pub(crate) fn answer(&mut self) {
        self.answered = true;
        self.close();
    }

    /// Tries nothing more: the caller has given up, or somebody has decided.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.waiting.clear();
    }

    /// A response has come on a branch. What goes back at once is answered: provisional ones but 100, and each 2xx
    /// (step 5).
    pub(crate) fn heard(&mut self, branch: usize, response: Response) -> Option<Response> {
        let status = response.status;
        if status.is_provisional() {
            let passes =
                status != StatusCode::TRYING && !self.answered && self.pending().any(|at| at == branch);
            return passes.then_some(response);
        }
        let state = self.branches.get_mut(branch)?;
        let first = core::mem::replace(state, State::Done) == State::Pending;
        if status.is_success() {
            let passes = self.invite || !self.answered;
            self.answered = true;
            self.close();
            return passes.then_some(response);
        }
        if first {
            self.weigh(response);
        }
        None
    }

    /// A branch has ended without a response: as if with `status` (steps 10 and §16.9).
    pub(crate) fn failed(&mut self, branch: usize, request: &Request, status: StatusCode) {
        let Some(state) = self.branches.get_mut(branch) else { return };
        if core::mem::replace(state, State::Done) == State::Pending {
            self.weigh(request.response(status));
        }
    }

    /// Keeps the better of two (step 6).
    fn weigh(&mut self, response: Response) {
        if response.status.code() >= 600 {
            self.close();
        }
        for name in CHALLENGES {
            let values = response.headers.all(&name).map(|value| (name.clone(), value.to_owned()));
            self.challenges.extend(values.take(MAX_CHALLENGES.saturating_sub(self.challenges.len())));
        }
        if self.best.as_ref().is_none_or(|best| rank(response.status) < rank(best.status)) {
            self.best = Some(response);
        }
    }

    /// What to do after what has happened.
    pub(crate) fn next(&mut self, request: &Request) -> Next {
        if self.answered || self.pending().next().is_some() {
            return Next::Wait;
        }
        if let Some(targets) = self.waiting.pop_front() {
            return Next::Start(targets);
        }
        self.answered = true;
        let best = self.best.take();
        let mut response = best.unwrap_or_else(|| request.response(StatusCode::TEMPORARILY_UNAVAILABLE));
        match response.status {
            // Whoever has no answer in time knows that by itself (RFC 4320 §4.2).
            StatusCode::REQUEST_TIMEOUT if !self.invite => return Next::Silence,
            // The whole of us is not unavailable because one of many is (step 6).
            StatusCode::SERVICE_UNAVAILABLE => {
                response.status = StatusCode::SERVER_INTERNAL_ERROR;
                StatusCode::SERVER_INTERNAL_ERROR.default_reason().clone_into(&mut response.reason);
                response.headers.remove(&HeaderName::RetryAfter);
            }
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                CHALLENGES.iter().for_each(|name| response.headers.remove(name));
                for (name, value) in self.challenges.drain(..) {
                    response.headers.push(name, value);
                }
            }
            _ => {}
        }
        Next::Answer(Box::new(response))
    }
}

/// The smaller the better: 6xx decides for all; then the lowest class, and within 4xx those that the caller can do
/// something about (step 6).
fn rank(status: StatusCode) -> u16 {
    match status.code() {
        600.. => 0,
        300..=399 => 1,
        401 | 407 => 2,
        415 | 420 | 484 => 3,
        // What one branch cannot do says less than what another refuses.
        408 | 430 | 480 | 487 => 5,
        400..=499 => 4,
        503 => 7,
        _ => 6,
    }
}

const CHALLENGES: [HeaderName; 2] = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate];
/// Challenges that go back together.
const MAX_CHALLENGES: usize = 16;
