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

use rove_base::{Now, StreamId, Ticket};

use super::{Counts, Dump, OwnChange, Piece, Server};
use crate::{
    update::{OwnSet, UpdateError},
    wire::Name,
    zones::{ZoneConfig, Zones},
};

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
        self.now = now;
        self.durable(now, own.ticket());
        self.run(now);
    }

    /// Takes a change of the owner's own back, its record not having been written. What was built on it since is counted
    /// again without it. Does nothing after [`Server::commit_own`].
    pub fn abandon_own(&mut self, own: OwnChange) {
        self.updates.abandon(own, &mut self.zones);
    }

    /// The names that own records of this type, in all zones here.
    #[must_use]
    pub fn owners(&self, rtype: u16) -> Vec<Name> {
        let places =
            self.zones.iter().flat_map(|zone| (0..zone.places()).map(move |place| zone.at_place(place)));
        let owns = places.flatten().filter(|(_, contents)| contents.get(rtype).is_some());
        owns.map(|(name, _)| name.clone()).collect()
    }

    /// Whether a name owns anything.
    #[must_use]
    pub fn owns(&self, name: &Name) -> bool {
        let zone = self.zones.nearest(name.as_wire());
        zone.and_then(|zone| zone.at(name.as_wire())).is_some_and(|contents| !contents.is_empty())
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

    /// Makes everything up to `ticket` visible at once.
    pub(super) fn durable(&mut self, now: Now, ticket: Ticket) {
        self.turn.is_durable(ticket);
        let Self { updates, transfers, zones, outbox, .. } = self;
        while updates.show_next(now, ticket, zones, outbox, |zone, change| transfers.shown(zone, change)) {}
    }

    /// Records that say the same as all that were asked for so far, in fewer words: what differs from `start`, the
    /// configured zones, and the signatures still to be refused. `None` while updates wait for the journal.
    #[must_use]
    pub fn snapshot(&self, start: &[ZoneConfig]) -> Option<Vec<Vec<u8>>> {
        if !self.updates.is_settled() {
            return None;
        }
        let start = Zones::new(start).ok()?;
        let (mut dump, mut all) = (Dump::new(&self.zones, Ticket(0)), Vec::new());
        while let Piece::Records(some) = dump.next(&self.zones, &start, &self.updates) {
            all.extend(some);
        }
        Some(all)
    }

    /// Begins a snapshot that is written piece by piece while the zones change, in place of one that was begun before.
    /// In it will be all that was asked for so far, and perhaps some of what is asked for later: it stands for the
    /// records of before when those of later follow it.
    pub fn begin_snapshot(&mut self) {
        self.dump = Some(Dump::new(&self.zones, self.updates.last_ticket()));
    }

    /// The next piece of a snapshot: what differs from `start`, the configured zones, and the signatures still to be
    /// refused. Little is done in one call, however large the zones are.
    pub fn continue_snapshot(&mut self, start: &Zones) -> Piece {
        let Some(dump) = &mut self.dump else { return Piece::End };
        let piece = dump.next(&self.zones, start, &self.updates);
        if piece == Piece::End {
            self.dump = None;
        }
        piece
    }

    /// The streams by which zones are being given away, and how many bytes wait to be sent on each is to be told by
    /// [`Server::waits`].
    pub fn transfers(&self) -> impl Iterator<Item = StreamId> {
        self.transfers.streams()
    }

    /// So many bytes wait to be sent on a stream: a zone that is being given away waits for its reader.
    pub fn waits(&mut self, stream: StreamId, bytes: usize) {
        self.transfers.waits(stream, bytes);
    }
}
