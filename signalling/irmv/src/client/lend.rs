//! A terminal asks by what a relay lends it an address for a call.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Instant, Now};

use super::{Client, ClientEvent, PATIENCE, RequestId};
use crate::{CarryId, Message, Name, Reason, RelayTicket};

/// What was asked for.
#[derive(Debug)]
pub(super) struct Loan {
    whom: Name,
    call: CarryId,
    pub(super) until: Instant,
}

impl Client {
    /// Asks by what relays lend the user that registers here an address for a call with somebody. [`ClientEvent::Lent`]
    /// follows.
    pub fn lend(&mut self, now: Now, whom: Name, call: CarryId) -> RequestId {
        self.now = now;
        let id = self.number();
        self.loans.insert(id, Loan { whom, call, until: now.mono.later(PATIENCE) });
        if self.may_ask() {
            self.say_loan(id);
        }
        self.wanted();
        RequestId(id)
    }

    pub(super) fn say_loan(&mut self, id: u32) {
        if let (Some(user), Some(Loan { whom, call, .. })) = (self.asker(), self.loans.get(&id)) {
            let (whom, call) = (whom.clone(), *call);
            self.say(&Message::Lend { id, user, whom, call });
        }
    }

    pub(super) fn lent(&mut self, id: u32, result: Result<RelayTicket, Reason>) {
        if self.loans.remove(&id).is_some() {
            self.outbox.event(ClientEvent::Lent { id: RequestId(id), result });
        }
    }

    /// Gives up what was not answered.
    pub(super) fn loans_tick(&mut self) {
        let now = self.now.mono;
        let over: Vec<u32> =
            self.loans.iter().filter(|(_, loan)| loan.until <= now).map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.lent(id, Err(Reason::Unreachable)));
    }
}
