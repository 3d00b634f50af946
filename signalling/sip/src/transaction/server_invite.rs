//! The INVITE server transaction (RFC 3261 §17.2.1, figure 7, with the Accepted state of RFC 6026 §7.1).

use rove_base::Instant;

use super::{Delivery, Fired, Resend, T2, TIMER_H, TIMER_I, TIMER_L, TRYING_AFTER};

/// The receiver's side of one INVITE. It starts when the INVITE has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServerInvite {
    state: State,
    delivery: Delivery,
}

/// Whose an ACK is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum AckFor {
    /// The transaction's own, for a response other than 2xx.
    Transaction,
    /// The user's, for a 2xx.
    User,
}

impl ServerInvite {
    /// Starts when the INVITE has come.
    #[must_use]
    pub fn start(now: Instant, delivery: Delivery) -> Self {
        Self { state: State::Proceeding { trying: Some(now + TRYING_AFTER) }, delivery }
    }

    /// The same INVITE has come again. `true` when the last response is to be sent again.
    #[must_use]
    pub fn request_again(&self) -> bool {
        matches!(self.state, State::Proceeding { trying: None } | State::Completed { .. })
    }

    /// The user answers. `true` when the response may be sent: nothing final has gone out, or it is one more 2xx.
    pub fn respond(&mut self, now: Instant, status: u16) -> bool {
        match (self.state, status) {
            (State::Proceeding { .. }, 100..=199) => self.state = State::Proceeding { trying: None },
            (State::Proceeding { .. }, 200..=299) => self.state = State::Accepted { until: now + TIMER_L },
            (State::Proceeding { .. }, 300..=699) => {
                let resend = Resend::first(now, self.delivery);
                self.state = State::Completed { resend, give_up: now + TIMER_H };
            }
            (State::Accepted { .. }, 200..=299) => {}
            _ => return false,
        }
        true
    }

    /// An ACK with this transaction's branch has come.
    pub fn ack(&mut self, now: Instant) -> AckFor {
        match self.state {
            State::Completed { .. } => {
                self.state = match self.delivery {
                    Delivery::Unreliable => State::Confirmed { until: now + TIMER_I },
                    Delivery::Reliable => State::Terminated,
                };
                AckFor::Transaction
            }
            State::Accepted { .. } => AckFor::User,
            _ => AckFor::Transaction,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) -> Fired {
        match self.state {
            State::Proceeding { trying: Some(at) } if at <= now => {
                self.state = State::Proceeding { trying: None };
                Fired::SendTrying
            }
            State::Completed { give_up, .. } if give_up <= now => {
                self.state = State::Terminated;
                Fired::TimedOut
            }
            State::Completed { resend: Some(resend), give_up } if resend.at <= now => {
                self.state = State::Completed { resend: Some(resend.next(now, T2)), give_up };
                Fired::Resend
            }
            State::Confirmed { until } | State::Accepted { until } if until <= now => {
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
            State::Proceeding { trying } => trying,
            State::Completed { resend, give_up } => Instant::earliest(resend.map(|r| r.at), Some(give_up)),
            State::Confirmed { until } | State::Accepted { until } => Some(until),
            State::Terminated => None,
        }
    }

    /// Whether no final response has been sent yet, so that CANCEL still has something to cancel (RFC 3261 §9.2).
    #[must_use]
    pub fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Whether nothing is waited for: what comes now is at most absorbed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Confirmed { .. } | State::Accepted { .. } | State::Terminated)
    }

    /// Whether the transaction is over.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// The user is thinking, and has not shown it while `trying` stands.
    Proceeding {
        trying: Option<Instant>,
    },
    /// A final response other than 2xx is out: timers G and H.
    Completed {
        resend: Option<Resend>,
        give_up: Instant,
    },
    /// Its ACK has come: timer I.
    Confirmed {
        until: Instant,
    },
    /// A 2xx is out, which the user repeats: timer L.
    Accepted {
        until: Instant,
    },
    Terminated,
}

#[cfg(test)]
mod tests;
