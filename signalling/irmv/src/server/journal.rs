//! What a server keeps, and finds again after a restart.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Now;

use super::{
    Server,
    accounts::Dismissal,
    contacts::Admission,
    register::{Held, Waits},
};
use crate::{Listing, Reason, Record, WireError};

impl Server {
    /// Repeats what a record of the journal says; `false` when it is of another domain, or signed with another key.
    ///
    /// # Errors
    ///
    /// [`WireError`] when it is no record.
    pub fn replay(&mut self, bytes: &[u8]) -> Result<bool, WireError> {
        if let Some(admission) = Admission::decode(bytes, &self.key.public())? {
            self.contacts.apply(admission);
            return Ok(true);
        }
        if let Some(dismissal) = Dismissal::decode(bytes, &self.key.public())? {
            self.dismissals.remember(&dismissal, self.now.wall);
            self.forget(&dismissal);
            return Ok(true);
        }
        if Listing::is_kept_in(bytes) {
            return Ok(self.relist(Listing::decode(bytes)?));
        }
        let record = Record::decode(bytes)?;
        let ours = record.attestation.server == self.key.public()
            && record.claim.name.domain() == self.config.domain;
        Ok(ours && self.registry.lock().put(&record).is_ok())
    }

    /// Records of the journal that say the same as all before; `None` while some are on their way.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        let contacts = || self.contacts.records(&self.key.public()).collect::<Vec<_>>();
        let records = || self.registry.lock().iter().map(|record| record.encode()).collect::<Vec<_>>();
        let listings = || self.listings().map(Listing::encode).collect::<Vec<_>>();
        let dismissals = || self.dismissals.records(&self.key.public()).collect::<Vec<_>>();
        self.held.is_empty().then(|| [records(), contacts(), listings(), dismissals()].concat())
    }

    /// Nothing can be made durable any more: what waits is refused, as is all that follows.
    pub fn journal_failed(&mut self, now: Now) {
        self.now = now;
        self.broken = true;
        for Held { asker, waits, .. } in core::mem::take(&mut self.held) {
            match (asker, waits) {
                (_, Waits::Dismissal(dismissal)) => self.dismissed(&dismissal, false),
                (Some((stream, id)), _) => self.refuse(stream, id, Reason::Broken),
                (None, _) => {}
            }
        }
    }
}
