//! The authoritative server: questions over datagrams and streams, and signed updates that wait for the journal.
//!
//! An accepted update is a journal record first. Its answer leaves, and its effect becomes visible, when the record is
//! durable; a crash before that leaves neither. Updates that arrive meanwhile build on it, so one write to stable
//! storage can serve many.
//!
//! The owner's own changes take the same way, but for their record, which the owner writes: [`Server::stage_own`].
//!
//! Refused are: transfers, updates without a signature, updates outside the scope of their key, and signatures that
//! were seen before. What a peer can make the server hold is bounded by the constants at the end of each file.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod answer;
mod config;
mod cookie;
mod counts;
mod drive;
mod limit;
mod outbox;
mod own;
mod question;
mod refusal;
mod request;
mod shield;
mod signers;
mod snapshot;
mod streams;
mod transfer;
mod turn;
mod updates;

use std::net::SocketAddr;

use rove_base::{Entropy, Flow, Now};

use crate::{
    update::{self, ReplayError},
    wire::{Header, Name, Reader, opcode, rcode},
    zones::{ZoneError, Zones},
};
use answer::Answer;
pub use config::ServerConfig;
pub use counts::Counts;
pub use limit::RateLimit;
use limit::{Kind, Verdict};
use outbox::Outbox;
pub use refusal::Refusal;
use request::{Request, RequestError};
use shield::Shield;
use signers::Signers;
use snapshot::Dump;
pub use snapshot::Piece;
use streams::Streams;
use transfer::{Asked, Transfers};
pub use transfer::{Secondary, ZoneTransfer};
use turn::Turn;
pub use updates::OwnChange;
use updates::Updates;

/// What a server tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// An update is durable and visible.
    Updated {
        /// Who signed it; `None` when this server's owner made the change.
        key: Option<Name>,
        /// What zone it changed.
        zone: Name,
        /// The names whose records changed, the zone's origin (whose serial changed) left out.
        names: Vec<Name>,
        /// The zone's serial since.
        serial: u32,
    },
    /// A secondary does not answer; the next change is told again.
    Unnotified {
        /// What zone changed.
        zone: Name,
        /// Who stays silent.
        secondary: SocketAddr,
        /// The serial it was told last.
        serial: u32,
    },
    /// An update, a signed question or a transfer was refused.
    Refused {
        /// Why.
        reason: Refusal,
        /// Who asked; an address anyone can forge unless it came over a stream.
        from: SocketAddr,
    },
}

/// The server, a [`Machine`](rove_base::Machine).
#[derive(Debug)]
pub struct Server {
    zones: Zones,
    updates: Updates,
    streams: Streams,
    outbox: Outbox,
    transfers: Transfers,
    counts: Counts,
    shield: Shield,
    signers: Signers,
    udp_payload_max: u16,
    turn: Turn,
    dump: Option<Dump>,
    /// When something happened last.
    now: Now,
    /// The answer being written; kept for its memory.
    message: Vec<u8>,
}

impl Server {
    /// A server with the zones as configured. Give it the journal's records by [`Server::replay`] before anything else.
    ///
    /// # Errors
    ///
    /// [`ZoneError`] when a zone's records contradict each other.
    pub fn new(config: ServerConfig) -> Result<Self, ZoneError> {
        let zones = Zones::new(&config.zones)?;
        Ok(Self {
            signers: Signers::new(config.signing, &zones),
            zones,
            transfers: Transfers::new(config.transfers, &config.keys),
            updates: Updates::new(config.keys),
            streams: Streams::default(),
            outbox: Outbox::default(),
            counts: Counts::default(),
            shield: Shield::new(config.rate),
            udp_payload_max: config.udp_payload_max.max(MIN_UDP_PAYLOAD),
            turn: Turn::default(),
            dump: None,
            now: Now::default(),
            message: Vec::with_capacity(usize::from(u16::MAX)),
        })
    }

    /// The same with randomness, of which cookies and message ids are made. Without it there are no cookies.
    #[must_use]
    pub fn with_entropy(mut self, mut entropy: Entropy) -> Self {
        self.transfers.count_from(&mut entropy);
        self.shield.seed(entropy);
        self
    }

    /// Repeats what a record asked for by [`Step::Append`](rove_base::Step::Append) did, when the journal is read at the start.
    ///
    /// `false` when the record is about a zone or key that is not configured any more.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] when the record cannot be read.
    pub fn replay(&mut self, record: &[u8]) -> Result<bool, ReplayError> {
        let replayed = update::read_record(record)?;
        let mut known = true;
        for origin in &replayed.origins {
            known &= self.updates.remember(origin);
        }
        for entry in replayed.zones {
            let Some(zone) = self.zones.get_mut(&entry.zone) else {
                known = false;
                continue;
            };
            let before: Option<Box<[u8]>> = zone.soa().map(|(_, soa)| soa.into());
            zone.replay(&entry.deleted, entry.added.clone());
            if let Some(before) = before.filter(|_| replayed.whole) {
                self.transfers.repeated(zone, &before, &entry);
            }
        }
        Ok(known)
    }

    /// Tells the server that the journal failed: waiting updates are answered SERVFAIL and never become visible, and
    /// all later ones are refused. Questions are answered as before.
    pub fn journal_failed(&mut self, now: Now) {
        self.durable(now, self.turn.durable_at_all());
        self.zones.iter_mut().for_each(crate::zones::Zone::abandon);
        self.updates.fail(now, &mut self.outbox);
    }

    /// The zones as visible now.
    #[must_use]
    pub const fn zones(&self) -> &Zones {
        &self.zones
    }

    fn receive(&mut self, now: Now, from: Peer, bytes: &[u8]) {
        let Ok(header) = Reader::new(bytes).header() else { return };
        if header.is_answer() {
            if header.opcode() == opcode::NOTIFY {
                self.transfers.answered(now, from, header.id, bytes, self.updates.keys());
            }
            return;
        }
        if let (opcode::UPDATE, Flow::Udp(_)) = (header.opcode(), from.flow) {
            if !self.turn.push(from, bytes) {
                self.counts.refused("busy");
            }
            return;
        }
        if let Flow::Udp(_) = from.flow {
            self.turn.answered();
        }
        self.take_request(now, from, header, bytes);
    }

    fn take_request(&mut self, now: Now, from: Peer, header: Header, bytes: &[u8]) {
        let request = match Request::parse(header, bytes) {
            Ok(request) => request,
            Err(error) => return self.reject(now, from, header, &error),
        };
        match header.opcode() {
            opcode::QUERY => self.answer_question(now, from, &request),
            opcode::UPDATE => self.take_update(now, from, &request),
            _ => self.reject(now, from, header, &RequestError::Opcode),
        }
    }

    /// Answers a request that cannot be understood with nothing but its header.
    fn reject(&mut self, now: Now, from: Peer, header: Header, error: &RequestError) {
        match error {
            RequestError::Signature(error) => self.refused(from, error.clone()),
            other => self.counts.refused(other.cause()),
        }
        if self.shield.verdict(now, from, Kind::Error) != Verdict::Send {
            return self.counts.refused("rate");
        }
        let mut message = core::mem::take(&mut self.message);
        answer::bare(&mut message, header, error.rcode());
        self.outbox.send(from.flow, &message);
        self.message = message;
    }

    fn answer_question(&mut self, now: Now, from: Peer, request: &Request<'_>) {
        let signed = self.updates.authenticate(now.wall, request);
        let mut message = core::mem::take(&mut self.message);
        let limit = self.limit(from, request);
        let mut answer = Answer::new(&mut message, request, limit);
        let cookie = self.shield.cookie(now, from, request);
        if let Some(given) = cookie.given {
            answer.give(given);
        }
        let mut asked = Asked::Answered;
        match &signed {
            Ok(signer) if question::is_transfer(&request.question) => {
                match self.zones.nearest_mut(request.question.name.as_wire()) {
                    Some(zone) => {
                        asked = self.transfers.ask(zone, from, request, signer.as_ref(), &mut answer);
                    }
                    None => answer.set_rcode(rcode::REFUSED),
                }
            }
            Ok(_) => {
                question::answer(&self.zones, &mut self.signers, now.wall, request, &mut answer);
            }
            Err(_) => answer.set_rcode(rcode::NOTAUTH),
        }
        if let Asked::Running = asked {
            self.message = message;
            return;
        }
        let proven = cookie.is_good || matches!(signed, Ok(Some(_)));
        if !proven && !self.shield.admit(now, from, request, &self.zones, &mut answer) {
            self.message = message;
            return self.counts.refused("rate");
        }
        answer.finish(request.edns, self.udp_payload_max);
        self.updates.seal(&mut message, request, &signed, now.wall);
        self.outbox.send(from.flow, &message);
        self.message = message;
        if let Err(error) = signed {
            self.refused(from, error);
        }
        if let Asked::Refused(reason) = asked {
            self.refused(from, reason);
        }
    }

    fn take_update(&mut self, now: Now, from: Peer, request: &Request<'_>) {
        let mut message = core::mem::take(&mut self.message);
        if request.signature.is_none() && self.shield.verdict(now, from, Kind::Error) != Verdict::Send {
            self.message = message;
            return self.counts.refused("rate");
        }
        let limit = self.limit(from, request);
        let refusal = self.updates.take(now, from, request, &mut self.zones, &mut self.outbox, |rcode| {
            let mut answer = Answer::new(&mut message, request, limit);
            answer.set_rcode(rcode);
            answer.finish(request.edns, self.udp_payload_max);
            message.clone()
        });
        self.message = message;
        if let Err(refusal) = refusal {
            self.refused(from, refusal);
        }
    }

    fn refused(&mut self, from: Peer, reason: impl Into<Refusal>) {
        let reason = reason.into();
        self.counts.refused(reason.cause());
        self.outbox.event(Event::Refused { reason, from: from.address });
    }

    /// Bytes an answer may have: RFC 1035 §4.2, RFC 6891 §6.2.3.
    fn limit(&self, from: Peer, request: &Request<'_>) -> usize {
        let theirs = request.edns.map_or(MIN_UDP_PAYLOAD, |edns| edns.payload.max(MIN_UDP_PAYLOAD));
        match from.flow {
            Flow::Udp(_) => usize::from(theirs.min(self.udp_payload_max)),
            Flow::Stream(_) => usize::from(u16::MAX),
        }
    }
}

/// Where a request came from and its answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    flow: Flow,
    address: SocketAddr,
}

/// What every host takes (RFC 1035 §4.2.1).
const MIN_UDP_PAYLOAD: u16 = 512;

#[cfg(test)]
use rove_base::{Arrival, Instant, Machine as _, Scratch, Step};

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
