//! Updates between the wire and the journal.

use std::collections::VecDeque;

use rove_base::{Now, Ticket, UnixTime};

use super::{Event, Outbox, Peer, Refusal, request::Request};
use crate::{
    tsig::{self, Mac, ReplayGuard, TsigError, TsigKey, Verified, code},
    update::{self, Entry, Origin, OwnSet, UpdateError},
    wire::{Name, rcode},
    zones::{Change, Zone, Zones},
};

/// A change of the owner's own between [`super::Server::stage_own`] and its end.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[must_use]
pub struct OwnChange(pub(super) Ticket);

impl OwnChange {
    /// Its place among all the records that the server asks to be made durable: a number that grows with each of them.
    /// The owner may give its own record this ticket.
    #[must_use]
    pub const fn ticket(self) -> Ticket {
        self.0
    }
}

/// Keys, what was signed with them lately, and the updates whose records are not durable yet.
#[derive(Debug)]
pub(super) struct Updates {
    keys: Vec<TsigKey>,
    /// One for each key.
    guards: Vec<ReplayGuard>,
    waiting: VecDeque<Waiting>,
    /// Bytes that `waiting` holds, or so.
    weight: usize,
    last_ticket: Ticket,
    journal_failed: bool,
}

/// A change on its way to stable storage. When it is there, its effect becomes visible and its answer leaves.
#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    /// `None` when the owner itself made the change.
    reply: Option<Reply>,
    /// One for each zone; none when all that was wanted is so already.
    changes: Vec<Change>,
}

impl Waiting {
    /// Bytes it holds, or so.
    fn weight(&self) -> usize {
        let records = self.changes.iter().flat_map(|change| change.deleted.iter().chain(&change.added));
        let answer = self.reply.as_ref().map_or(0, |reply| reply.answer.len());
        update::weight(records).saturating_mul(2).saturating_add(answer).saturating_add(WAITING_BYTES)
    }
}

/// The answer that an update waits for.
#[derive(Debug)]
struct Reply {
    peer: Peer,
    /// The answer, not yet signed.
    answer: Vec<u8>,
    key: usize,
    mac: Mac,
}

impl Updates {
    pub(super) fn new(keys: Vec<TsigKey>) -> Self {
        let guards = keys.iter().map(|_| ReplayGuard::default()).collect();
        Self {
            keys,
            guards,
            waiting: VecDeque::new(),
            weight: 0,
            last_ticket: Ticket(0),
            journal_failed: false,
        }
    }

    pub(super) fn keys(&self) -> &[TsigKey] {
        &self.keys
    }

    /// Verifies the signature of a request; `Ok(None)` when it has none.
    pub(super) fn authenticate(
        &self,
        now: UnixTime,
        request: &Request<'_>,
    ) -> Result<Option<Verified>, TsigError> {
        let Some(signature) = &request.signature else { return Ok(None) };
        signature.verify(request.bytes, &self.keys, now, None).map(Some)
    }

    /// Remembers who signed a record of the journal; `false` when the key is not known any more.
    pub(super) fn remember(&mut self, origin: &Origin) -> bool {
        let at = self.keys.iter().position(|key| *key.name() == origin.key);
        let guard = at.and_then(|at| self.guards.get_mut(at));
        guard.map(|guard| guard.remember(origin.time, origin.mac)).is_some()
    }

    /// Signs an answer as its request was, or says why the signature of the request is no good (RFC 8945 §5.3).
    pub(super) fn seal(
        &self,
        message: &mut Vec<u8>,
        request: &Request<'_>,
        signed: &Result<Option<Verified>, TsigError>,
        now: UnixTime,
    ) {
        match (signed, &request.signature) {
            (Ok(Some(verified)), _) => {
                if let Some(key) = self.keys.get(verified.index) {
                    tsig::sign(message, key, now, Some(verified.mac.as_bytes()));
                }
            }
            (Err(error), Some(signature)) => {
                let key = self.keys.iter().find(|key| *key.name() == signature.key);
                match (error.code(), key) {
                    (Some(code @ (code::BADTIME | code::BADTRUNC)), Some(key)) => {
                        tsig::sign_refusal(message, key, signature, now, code);
                    }
                    (Some(code), _) => tsig::refuse(message, signature, now, code),
                    (None, _) => {}
                }
            }
            _ => {}
        }
    }

    /// Takes an update as far as the journal, or answers at once why not. `answer` writes an answer with an RCODE.
    ///
    /// An update that fails its prerequisites goes to the journal too: it must not come back when they are met.
    pub(super) fn take(
        &mut self,
        now: Now,
        peer: Peer,
        request: &Request<'_>,
        zones: &mut Zones,
        outbox: &mut Outbox,
        mut answer: impl FnMut(u16) -> Vec<u8>,
    ) -> Result<(), Refusal> {
        let mut signed = self.authenticate(now.wall, request);
        let admitted = match &signed {
            Ok(None) => Err(Refusal::NotSigned),
            Err(error) => Err(error.clone().into()),
            // Sent again before it was answered: the answer is on its way.
            Ok(Some(verified)) if self.is_waiting(verified) => return Ok(()),
            Ok(Some(verified)) => {
                self.admit(now.wall, verified, request, zones).map(|zone| (zone, verified.clone()))
            }
        };
        let (zone, verified) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                if let Refusal::Signature(error) = &refusal {
                    signed = Err(error.clone());
                }
                let mut message = answer(refusal.rcode());
                self.seal(&mut message, request, &signed, now.wall);
                outbox.send(peer.flow, &message);
                return Err(refusal);
            }
        };
        let evaluated = match (zones.get(&zone), self.keys.get(verified.index)) {
            (Some(zone), Some(key)) => update::evaluate(zone, request.bytes, key),
            _ => Err(UpdateError::NotOurs { zone: zone.clone() }),
        };
        let (change, refusal) = match evaluated {
            Ok(change) => (change, None),
            Err(error) => (None, Some(Refusal::from(error))),
        };
        let message = answer(refusal.as_ref().map_or(rcode::NOERROR, Refusal::rcode));
        let ticket = self.next_ticket();
        if let (Some(zone), Some(change)) = (zones.get_mut(&zone), &change) {
            zone.stage(change, ticket);
        }
        let origin = Origin { key: verified.key, time: verified.time, mac: verified.mac };
        let entry = Entry {
            origin: Some(origin),
            serial: change.as_ref().map_or(0, |change| change.serial),
            deleted: change.as_ref().map_or(&[][..], |change| &change.deleted),
            added: change.as_ref().map_or(&[][..], |change| &change.added),
            zone,
        };
        outbox.append(ticket, |out| update::write_record(out, &entry));
        let (key, mac) = (verified.index, verified.mac);
        let reply = Some(Reply { peer, answer: message, key, mac });
        self.wait(Waiting { ticket, reply, changes: change.into_iter().collect() });
        refusal.map_or(Ok(()), Err)
    }

    fn wait(&mut self, waiting: Waiting) {
        self.weight = self.weight.saturating_add(waiting.weight());
        self.waiting.push_back(waiting);
    }

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket = Ticket(self.last_ticket.0.saturating_add(1));
        self.last_ticket
    }

    /// Takes a change of the owner's own as far as its record.
    pub(super) fn stage_own(
        &mut self,
        sets: &[OwnSet],
        zones: &mut Zones,
    ) -> Result<(Vec<u8>, OwnChange), UpdateError> {
        self.make_room()?;
        let changes = update::evaluate_own(zones, sets)?;
        let ticket = self.next_ticket();
        let mut record = Vec::with_capacity(RECORD_BYTES);
        update::write_own_record(&mut record, &changes);
        for change in &changes {
            if let Some(zone) = zones.get_mut(&change.zone) {
                zone.stage(change, ticket);
            }
        }
        self.wait(Waiting { ticket, reply: None, changes });
        Ok((record, OwnChange(ticket)))
    }

    /// Takes a change of the owner's own back. What was built on it since is counted again without it.
    pub(super) fn abandon(&mut self, own: OwnChange, zones: &mut Zones) {
        let is_it = |waiting: &Waiting| waiting.ticket == own.0 && waiting.reply.is_none();
        let Some(gone) = self.waiting.iter().position(is_it).and_then(|at| self.waiting.remove(at)) else {
            return;
        };
        self.weight = self.weight.saturating_sub(gone.weight());
        for undone in &gone.changes {
            let Some(zone) = zones.get_mut(&undone.zone) else { continue };
            zone.abandon();
            for Waiting { ticket, changes, .. } in &mut self.waiting {
                for change in changes.iter_mut().filter(|change| change.zone == undone.zone) {
                    change.rebase(zone);
                    zone.stage(change, *ticket);
                }
            }
        }
    }

    fn make_room(&self) -> Result<(), UpdateError> {
        if self.journal_failed {
            return Err(UpdateError::NoJournal);
        }
        let waiting = self.waiting.len();
        let full = waiting >= MAX_WAITING || self.weight >= MAX_WEIGHT;
        if full { Err(UpdateError::Busy { waiting }) } else { Ok(()) }
    }

    /// Whether an update may be looked at: there is room, it is new, and its zone is here. Answers its zone.
    fn admit(
        &mut self,
        now: UnixTime,
        verified: &Verified,
        request: &Request<'_>,
        zones: &Zones,
    ) -> Result<Name, Refusal> {
        self.make_room()?;
        let zone = update::zone_of(request.bytes)?;
        if zones.get(&zone).is_none() {
            return Err(UpdateError::NotOurs { zone }.into());
        }
        let guard = self.guards.get_mut(verified.index);
        guard.map_or(Ok(()), |guard| guard.admit(verified, now))?;
        Ok(zone)
    }

    fn is_waiting(&self, verified: &Verified) -> bool {
        let seen = self.guards.get(verified.index).is_some_and(|guard| guard.has_seen(verified));
        let mut replies = self.waiting.iter().filter_map(|waiting| waiting.reply.as_ref());
        seen && replies.any(|reply| reply.mac == verified.mac)
    }

    /// Whether no update waits.
    pub(super) fn is_settled(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether something that was asked for up to `ticket` waits.
    pub(super) fn waits_for(&self, ticket: Ticket) -> bool {
        self.waiting.front().is_some_and(|waiting| waiting.ticket <= ticket)
    }

    /// What was asked for last.
    pub(super) const fn last_ticket(&self) -> Ticket {
        self.last_ticket
    }

    /// A key, and what was signed with it lately.
    pub(super) fn guard(&self, key: usize) -> Option<(&TsigKey, &ReplayGuard)> {
        self.keys.get(key).zip(self.guards.get(key))
    }

    /// Whether one more update may wait for the journal, or need not because it will be refused.
    pub(super) fn has_room(&self) -> bool {
        self.journal_failed || self.make_room().is_ok()
    }

    /// Makes the oldest change visible and answers it, when it is one of those up to `ticket`. `shown` is told of each
    /// change before it is visible. `false` when there was none.
    pub(super) fn show_next(
        &mut self,
        now: Now,
        ticket: Ticket,
        zones: &mut Zones,
        outbox: &mut Outbox,
        mut shown: impl FnMut(&Zone, &mut Change),
    ) -> bool {
        let Some(done) = self.waiting.pop_front_if(|waiting| waiting.ticket <= ticket) else { return false };
        self.weight = self.weight.saturating_sub(done.weight());
        let signer = done.reply.as_ref().and_then(|reply| self.keys.get(reply.key));
        for mut change in done.changes {
            outbox.event(updated(signer, &change));
            if let Some(zone) = zones.get_mut(&change.zone) {
                shown(zone, &mut change);
                zone.show(change.nodes, done.ticket);
            }
        }
        if let (Some(mut reply), Some(key)) = (done.reply, signer) {
            tsig::sign(&mut reply.answer, key, now.wall, Some(reply.mac.as_bytes()));
            outbox.send(reply.peer.flow, &reply.answer);
        }
        true
    }

    /// Answers everything that waits with SERVFAIL and takes nothing more.
    pub(super) fn fail(&mut self, now: Now, outbox: &mut Outbox) {
        (self.journal_failed, self.weight) = (true, 0);
        for mut failed in core::mem::take(&mut self.waiting).into_iter().filter_map(|waiting| waiting.reply) {
            let Some(key) = self.keys.get(failed.key) else { continue };
            if let Some(flags) = failed.answer.get_mut(3) {
                *flags = (*flags & 0xf0) | SERVFAIL;
            }
            tsig::sign(&mut failed.answer, key, now.wall, Some(failed.mac.as_bytes()));
            outbox.send(failed.peer.flow, &failed.answer);
        }
    }
}

fn updated(key: Option<&TsigKey>, change: &Change) -> Event {
    let others = change.nodes.iter().map(|node| &node.name).filter(|name| **name != change.zone);
    Event::Updated {
        key: key.map(|key| key.name().clone()),
        zone: change.zone.clone(),
        names: others.cloned().collect(),
        serial: change.serial,
    }
}

/// Changes that may wait for stable storage at one time: a second of them where the disk takes a second.
const MAX_WAITING: usize = 32_768;
/// Bytes that they may hold.
const MAX_WEIGHT: usize = 32 << 20;
/// What a change holds besides its records and its answer.
const WAITING_BYTES: usize = 512;
/// Room for the record of a change of a few addresses.
const RECORD_BYTES: usize = 512;
/// The RCODE as it stands in the fourth byte of a header.
const SERVFAIL: u8 = 2;
