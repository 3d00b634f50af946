//! The search network: where no domain says which server to ask, other servers are asked who has to be asked.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Now;

use super::Server;
use crate::{Identifier, Pointer, Proof, Record, SearchKey};

/// What a user is sought by where its domain is not known: its unique id, and of number and fixed address what its server
/// stands for. Its name says its domain.
pub fn keys(record: &Record) -> impl Iterator<Item = SearchKey> + use<> {
    let (number, fixed) = (record.attestation.number, record.attestation.fixed);
    let stood_for = move |one: &Identifier| match one {
        Identifier::Name(_) => false,
        Identifier::Number(_) => number != Proof::Nothing,
        Identifier::Uid(_) => true,
        Identifier::Fixed(_) => fixed != Proof::Nothing,
    };
    record.claim.identifiers().filter(stood_for).map(|one| SearchKey::of(&one))
}

impl Server {
    /// A server says that it has to be asked in the search that [`super::ServerEvent::Seek`] began; the pointer has been
    /// verified. The server is asked, and shows what it is: what it answers has to bear the user's signature.
    pub fn pointed(&mut self, now: Now, seek: u64, pointer: &Pointer) {
        self.now = now;
        if *pointer.domain != *self.config.domain {
            self.ask_in_round(seek, &pointer.domain);
        }
    }

    /// That search has ended.
    pub fn sought(&mut self, now: Now, seek: u64) {
        self.now = now;
        self.one_less(seek);
    }
}
