//! Users that are here are told by what a relay lends them an address for a call.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Now, StreamId};

use super::{Server, ServerEvent};
use crate::{CarryId, Message, Name, Reason, RelayTicket};

impl Server {
    /// A user wants an address for a call with somebody. Whether that one is there is nobody's business here.
    pub(super) fn lend(&mut self, stream: StreamId, id: u32, user: Name, whom: Name, call: CarryId) {
        let (now, limits) = (self.now.mono, self.config.limits);
        let Some(link) = self.links.get_mut(&stream) else { return };
        if !link.may_ask(now, limits.questions) {
            return self.refuse(stream, id, Reason::Full);
        }
        if self.proven(stream, Some(user.clone())).is_none() {
            return self.refuse(stream, id, Reason::Taken);
        }
        self.outbox.event(ServerEvent::Lend { stream, id, user, whom, call });
    }

    /// The answer to [`ServerEvent::Lend`]: what the relays let this user in by.
    pub fn lent(&mut self, now: Now, stream: StreamId, id: u32, ticket: RelayTicket) {
        self.now = now;
        if self.links.contains_key(&stream) {
            self.say(stream, &Message::Lent { id, ticket });
        }
    }
}
