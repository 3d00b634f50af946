//! BYE or CANCEL is out; the call is over when it is answered, or when nobody does.

use rove_base::Instant;

use super::{Ask, Context, Fact, State};
use crate::Cause;

/// The last messages are being exchanged.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(super) cause: Cause,
    pub(super) deadline: Instant,
}

impl Ending {
    pub(super) fn on(self, cx: &mut Context<'_>, fact: &Fact) -> State {
        match fact {
            // The answer crossed our CANCEL: the session that it made is ended at once (RFC 3261 §15).
            Fact::Answered(_) => {
                cx.ask(Ask::HangUp);
                State::Ending(self)
            }
            Fact::Ended { .. } | Fact::Failed(_) => cx.over(self.cause),
            Fact::Tick if self.deadline <= cx.now.mono => cx.over(self.cause),
            _ => State::Ending(self),
        }
    }
}
