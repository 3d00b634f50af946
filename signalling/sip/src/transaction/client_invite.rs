//! The INVITE client transaction (RFC 3261 §17.1.1, figure 5, with the Accepted state of RFC 6026 §7.2).

use rove_base::Instant;

use super::{Delivery, Fired, Resend, TIMER_B, TIMER_D, TIMER_M};

/// The sender's side of one INVITE. The caller has sent the INVITE once when it starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientInvite {
    state: State,
    delivery: Delivery,
}

/// What a response means to the sender of an INVITE.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum InviteReply {
    /// Nobody needs it any more.
    Ignore,
    /// The user needs it: a provisional response, or a 2xx, whose ACK is the user's to send.
    PassUp,
    /// The user needs it, and the transaction's ACK is to be sent: the first final response other than 2xx.
    PassUpAndAck,
    /// The ACK is to be sent again: the final response came once more.
    AckAgain,
}

impl ClientInvite {
    /// Starts when the INVITE has just been sent.
    #[must_use]
    pub fn start(now: Instant, delivery: Delivery) -> Self {
        let state = State::Calling { resend: Resend::first(now, delivery), give_up: now + TIMER_B };
        Self { state, delivery }
    }

    /// A response with this status has come.
    pub fn response(&mut self, now: Instant, status: u16) -> InviteReply {
        match (self.state, status) {
            (State::Calling { .. } | State::Proceeding, 100..=199) => {
                self.state = State::Proceeding;
                InviteReply::PassUp
            }
            (State::Calling { .. } | State::Proceeding, 200..=299) => {
                self.state = State::Accepted { until: now + TIMER_M };
                InviteReply::PassUp
            }
            (State::Calling { .. } | State::Proceeding, 300..=699) => {
                self.state = match self.delivery {
                    Delivery::Unreliable => State::Completed { until: now + TIMER_D },
                    Delivery::Reliable => State::Terminated,
                };
                InviteReply::PassUpAndAck
            }
            (State::Completed { .. }, 300..=699) => InviteReply::AckAgain,
            (State::Accepted { .. }, 200..=299) => InviteReply::PassUp,
            _ => InviteReply::Ignore,
        }
    }

    /// The INVITE could not be sent. `true` when the user is to be told: nothing has been heard yet.
    pub fn transport_failed(&mut self) -> bool {
        let calling = matches!(self.state, State::Calling { .. });
        if calling {
            self.state = State::Terminated;
        }
        calling
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) -> Fired {
        match self.state {
            State::Calling { give_up, .. } if give_up <= now => {
                self.state = State::Terminated;
                Fired::TimedOut
            }
            State::Calling { resend: Some(resend), give_up } if resend.at <= now => {
                self.state = State::Calling { resend: Some(resend.next(now, TIMER_B)), give_up };
                Fired::Resend
            }
            State::Completed { until } | State::Accepted { until } if until <= now => {
                self.state = State::Terminated;
                Fired::Finished
            }
            _ => Fired::Nothing,
        }
    }

    /// When [`tick`](Self::tick) has something to do next. Proceeding waits for ever: how long a callee may ring is
    /// the caller's decision.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Calling { resend, give_up } => Instant::earliest(resend.map(|r| r.at), Some(give_up)),
            State::Completed { until } | State::Accepted { until } => Some(until),
            State::Proceeding | State::Terminated => None,
        }
    }

    /// Whether a provisional response has come and no final one: the only time at which CANCEL may be sent
    /// (RFC 3261 §9.1).
    #[must_use]
    pub fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Whether nothing is waited for: what comes now is at most answered once more, or absorbed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Completed { .. } | State::Accepted { .. } | State::Terminated)
    }

    /// Whether the transaction is over.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Nothing heard: timers A and B.
    Calling {
        resend: Option<Resend>,
        give_up: Instant,
    },
    /// A provisional response has come.
    Proceeding,
    /// A final response other than 2xx has come: timer D.
    Completed {
        until: Instant,
    },
    /// A 2xx has come: timer M.
    Accepted {
        until: Instant,
    },
    Terminated,
}

#[cfg(test)]
mod tests;
