//! What one user says to another by way of their servers.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::StreamId;

use super::{Server, link::Who};
use crate::{Carry, Identifier, Message, Name, Stage};

impl Server {
    /// Passes it on: to the user, when it is here and there, else to the server of its domain. Nothing is remembered.
    pub(super) fn carry(&mut self, stream: StreamId, carry: Carry) {
        let (now, rate) = (self.now.mono, self.config.limits.questions);
        let Some(link) = self.links.get_mut(&stream) else { return };
        let allowed = link.may_ask(now, rate);
        let theirs = match &link.who {
            Who::Peer(domain) => carry.from.domain() == domain,
            _ => self.home(&carry.from) == Some(stream),
        };
        // Who speaks for another is not heard.
        if !theirs || !allowed {
            return self.turn_back(stream, carry);
        }
        let here = carry.to.domain() == self.config.domain;
        let from_peer = self.peer_of(stream).is_some();
        match (here, self.home(&carry.to)) {
            (true, Some(home)) => self.say(home, &Message::Carry(carry)),
            (false, _) if !from_peer => {
                let domain = carry.to.domain().to_owned();
                if !self.tell_peer(&domain, Message::Carry(carry.clone())) {
                    self.turn_back(stream, carry);
                }
            }
            _ => self.turn_back(stream, carry),
        }
    }

    /// Nobody is there: whoever wants a call hears it.
    fn turn_back(&mut self, stream: StreamId, carry: Carry) {
        if carry.stage == Stage::SetUp {
            let Carry { id, from, to, .. } = carry;
            let refusal = Carry { id, from: to, to: from, stage: Stage::Refuse, body: Vec::new() };
            self.say(stream, &Message::Carry(refusal));
        }
    }

    /// The stream on which the user of a name of ours is there.
    fn home(&self, name: &Name) -> Option<StreamId> {
        let record = self.present(&Identifier::Name(name.clone()))?;
        self.homes.get(&record.claim.uid()).copied()
    }
}
