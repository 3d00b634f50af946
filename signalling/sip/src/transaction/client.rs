//! The client transaction of every request but INVITE (RFC 3261 §17.1.2, figure 6).

use rove_base::Instant;

use super::{Delivery, Fired, Resend, T2, TIMER_F, TIMER_K};

/// The sender's side of one request other than INVITE and ACK. The caller has sent it once when it starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Client {
    state: State,
    delivery: Delivery,
}

impl Client {
    /// Starts when the request has just been sent.
    #[must_use]
    pub fn start(now: Instant, delivery: Delivery) -> Self {
        let state = State::Trying { resend: Resend::first(now, delivery), give_up: now + TIMER_F };
        Self { state, delivery }
    }

    /// A response with this status has come. `true` when the user is to be told of it.
    pub fn response(&mut self, now: Instant, status: u16) -> bool {
        match (self.state, status) {
            (State::Trying { resend, give_up } | State::Proceeding { resend, give_up }, 100..=199) => {
                self.state = State::Proceeding { resend, give_up };
                true
            }
            (State::Trying { .. } | State::Proceeding { .. }, 200..=699) => {
                self.state = match self.delivery {
                    Delivery::Unreliable => State::Completed { until: now + TIMER_K },
                    Delivery::Reliable => State::Terminated,
                };
                true
            }
            _ => false,
        }
    }

    /// The request could not be sent. `true` when the user is to be told: no final response has come yet.
    pub fn transport_failed(&mut self) -> bool {
        let waiting = matches!(self.state, State::Trying { .. } | State::Proceeding { .. });
        if waiting {
            self.state = State::Terminated;
        }
        waiting
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) -> Fired {
        match self.state {
            State::Trying { give_up, .. } | State::Proceeding { give_up, .. } if give_up <= now => {
                self.state = State::Terminated;
                Fired::TimedOut
            }
            State::Trying { resend: Some(resend), give_up } if resend.at <= now => {
                self.state = State::Trying { resend: Some(resend.next(now, T2)), give_up };
                Fired::Resend
            }
            State::Proceeding { resend: Some(resend), give_up } if resend.at <= now => {
                let resend = Resend { at: now + T2, ..resend };
                self.state = State::Proceeding { resend: Some(resend), give_up };
                Fired::Resend
            }
            State::Completed { until } if until <= now => {
                self.state = State::Terminated;
                Fired::Finished
            }
            _ => Fired::Nothing,
        }
    }

    /// When [`tick`](Self::tick) has something to do next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Trying { resend, give_up } | State::Proceeding { resend, give_up } => {
                Instant::earliest(resend.map(|r| r.at), Some(give_up))
            }
            State::Completed { until } => Some(until),
            State::Terminated => None,
        }
    }

    /// Whether nothing is waited for: what comes now is at most answered once more, or absorbed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Completed { .. } | State::Terminated)
    }

    /// Whether the transaction is over.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Nothing heard: timers E and F.
    Trying {
        resend: Option<Resend>,
        give_up: Instant,
    },
    /// A provisional response has come: timer E fires every [`T2`], F goes on.
    Proceeding {
        resend: Option<Resend>,
        give_up: Instant,
    },
    /// The final response has come: timer K.
    Completed {
        until: Instant,
    },
    Terminated,
}

#[cfg(test)]
mod tests;
