//! The server transaction of every request but INVITE (RFC 3261 §17.2.2, figure 8).

use rove_base::Instant;

use super::{Delivery, Fired, TIMER_J};

/// The receiver's side of one request other than INVITE and ACK. It starts when the request has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Server {
    state: State,
    delivery: Delivery,
}

impl Server {
    /// Starts when the request has come.
    #[must_use]
    pub const fn start(delivery: Delivery) -> Self {
        Self { state: State::Trying, delivery }
    }

    /// The same request has come again. `true` when the last response is to be sent again.
    #[must_use]
    pub fn request_again(&self) -> bool {
        matches!(self.state, State::Proceeding | State::Completed { .. })
    }

    /// The user answers. `true` when the response may be sent: no final one has gone out.
    pub fn respond(&mut self, now: Instant, status: u16) -> bool {
        match (self.state, status) {
            (State::Trying | State::Proceeding, 100..=199) => self.state = State::Proceeding,
            (State::Trying | State::Proceeding, 200..=699) => {
                self.state = match self.delivery {
                    Delivery::Unreliable => State::Completed { until: now + TIMER_J },
                    Delivery::Reliable => State::Terminated,
                };
            }
            _ => return false,
        }
        true
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) -> Fired {
        match self.state {
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
            State::Completed { until } => Some(until),
            State::Trying | State::Proceeding | State::Terminated => None,
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
    /// Nothing has been answered: repeated requests are absorbed.
    Trying,
    /// A provisional response is out.
    Proceeding,
    /// The final response is out: timer J.
    Completed {
        until: Instant,
    },
    Terminated,
}

#[cfg(test)]
mod tests;
