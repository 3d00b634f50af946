//! Who is that, and where?
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::StreamId;

use super::{Server, federation::Ask};
use crate::{Identifier, Message, Reason, Record};

impl Server {
    pub(super) fn query(&mut self, stream: StreamId, id: u32, identifier: Identifier) {
        let (now, rate) = (self.now.mono, self.config.limits.questions);
        if self.links.get_mut(&stream).is_some_and(|link| !link.may_ask(now, rate)) {
            return self.refuse(stream, id, Reason::Full);
        }
        match self.elsewhere(stream, &identifier) {
            None => {
                let head = Message::Answer { id, record: None }.encode();
                // As it lies there: nothing is read to be written again.
                match self.registry.lock().stored(&identifier, self.now.wall) {
                    Some(stored) => self.outbox.frame(stream, &[&head, &self.key.public(), stored]),
                    None => self.outbox.frame(stream, &[&head]),
                }
            }
            Some(domain) => self.ask(&domain, Ask { stream, id, identifier }),
        }
    }

    /// Who is called this here, and can be reached.
    #[must_use]
    pub fn present(&self, identifier: &Identifier) -> Option<Record> {
        self.registry.lock().present(identifier, self.now.wall)
    }

    /// The domain that has to be asked; `None` for what is known here or nowhere. A question of another server is not
    /// passed on: it has come to the one that must know.
    pub(super) fn elsewhere(&self, stream: StreamId, identifier: &Identifier) -> Option<String> {
        let Identifier::Name(name) = identifier else { return None };
        let passes = self.links.get(&stream).is_some_and(super::Link::is_terminal);
        (passes && name.domain() != self.config.domain).then(|| name.domain().to_owned())
    }
}
