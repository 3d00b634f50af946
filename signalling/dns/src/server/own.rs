//! Changes of the owner's own: a home or visited network that binds and unbinds names in its own zones.
//!
//! ```text
//!  stage_own(sets) ─▶ record, token        later changes build on it; nothing shows
//!  owner: its own record with this one in it ─▶ journal
//!  durable: commit_own(token)              visible, told by Event::Updated
//!  else:    abandon_own(token)             as if it had never been
//! ```
//! The journal must hold the records in the order in which they were asked for, whoever asked: the owner drains
//! [`Server::poll`](rove_base::Machine::poll) to its `Wait` before it stages, or at least hands the `Append`s on before
//! its own record. [`OwnChange::ticket`] is a number of the same sequence as those of the `Append`s. An owner that
//! gives its record this ticket need not keep books: the `Durable` that it passes on to the server commits its own
//! changes too, in order. An owner with tickets of its own keeps a queue of what each stands for.

use std::net::SocketAddr;

use rove_base::{Now, Ticket};

use super::{Counts, OwnChange, Server};
use crate::update::{OwnSet, UpdateError};

impl Server {
    /// Prepares a change of the owner's own: whole sets replaced or deleted, in one zone or several. Answers the part
    /// of the owner's record that [`Server::replay`] reads back, and a token for what follows.
    ///
    /// A change of what is so already is in order; its record is a few bytes long.
    ///
    /// # Errors
    ///
    /// [`UpdateError::NotOurs`] for a name in no zone here or below a delegation, [`UpdateError::Form`] for a type that
    /// is not the owner's to change, [`UpdateError::Alias`], [`UpdateError::Full`], [`UpdateError::TooLarge`],
    /// [`UpdateError::Busy`], [`UpdateError::NoJournal`]; then nothing has happened.
    pub fn stage_own(&mut self, sets: &[OwnSet]) -> Result<(Vec<u8>, OwnChange), UpdateError> {
        let staged = self.updates.stage_own(sets, &mut self.zones);
        if let Err(error) = &staged {
            self.counts.refused(error.cause());
        }
        staged
    }

    /// Makes a change of the owner's own visible, its record being durable. So are, by the order of the journal, all
    /// changes that were asked for before it: they become visible and are answered too. A second time does no harm.
    pub fn commit_own(&mut self, now: Now, own: OwnChange) {
        self.durable(now, own.ticket());
        self.run(now);
    }

    /// Takes a change of the owner's own back, its record not having been written. What was built on it since is counted
    /// again without it. Does nothing after [`Server::commit_own`].
    pub fn abandon_own(&mut self, own: OwnChange) {
        self.updates.abandon(own, &mut self.zones);
    }

    /// What was refused since the start, by cause.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Says where what is told to secondaries leaves from, by the secondary's address, and tells all of them that this
    /// server is here (RFC 1996 §4.3). Without it nobody is told of changes.
    pub fn notify_from(&mut self, now: Now, local: impl Fn(SocketAddr) -> Option<SocketAddr>) {
        self.transfers.notify_from(local);
        self.run(now);
    }

    pub(super) fn durable(&mut self, now: Now, ticket: Ticket) {
        let Self { updates, transfers, zones, outbox, .. } = self;
        updates.durable(now, ticket, zones, outbox, |zone, change| transfers.shown(zone, change));
    }
}
