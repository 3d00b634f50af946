//! The machine of both roles: a zone server, a home and a visited register, an address pool, and the private network
//! between them and the partners' nodes.
//!
//! ```text
//!  datagrams, streams ─▶ zone server, attach, DHCP, private network
//!  registers ── Ask, Answer ──▶ private network, or straight to the other register of this node
//!            ── Commit ───────▶ zone server ─▶ one record for the journal, ticket ─▶ committed, names visible
//! ```

use std::collections::{BTreeMap, VecDeque};

use rove_base::{Arrival, Machine as _, Now, Scratch, Step, StreamId};
use rove_dns::{
    server::{self, Server},
    zones::{ZoneConfig, ZoneError},
};
use rove_roam::{
    Cause, Change, Imsi,
    hlr::{Command, Hlr, HlrEvent, RequestId},
    pool::Pool,
    private::{PartnerId, Told},
    vlr::{self, Vlr},
};

use super::{
    adapter::Adapter,
    exchange::Register,
    foreign::{Foreign, ForeignError, ForeignId},
    journal::{Journal, Part, Writer},
    metrics::Counted,
    names::sets,
    pool::Counter,
    sctp::Associations,
    streams::{Lane, Streams},
};

/// What a node of both roles is made of; either register may be missing.
#[derive(Debug)]
pub struct Roles {
    /// The zones that the registers write to.
    pub zones: server::ServerConfig,
    /// The home register.
    pub home: Option<Hlr>,
    /// The visited register, and its addresses.
    pub visited: Option<(Vlr, Pool)>,
    /// The wires of the private network.
    pub wires: Vec<Wire>,
    /// Where terminals attach.
    pub attach: Vec<std::net::SocketAddr>,
    /// Where terminals ask DHCP.
    pub dhcp: Vec<std::net::SocketAddr>,
}

/// One wire of the private network.
#[derive(Debug)]
pub struct Wire {
    /// What is spoken.
    pub adapter: Adapter,
    /// Where partners' nodes connect.
    pub listen: Vec<std::net::SocketAddr>,
    /// Who is reached by it.
    pub partners: Vec<PartnerId>,
}

/// What a node of both roles tells its owner.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoamEvent {
    /// Of the zones.
    Names(server::Event),
    /// Of the home register.
    Home(HlrEvent),
    /// A stay stands here.
    Attached {
        /// Whose.
        imsi: Imsi,
        /// Under which name.
        name: rove_roam::HostName,
        /// Its addresses.
        addresses: rove_roam::Addresses,
    },
    /// A stay here is over.
    Left {
        /// Whose.
        imsi: Imsi,
        /// Why.
        reason: rove_roam::attach::Reason,
    },
    /// A terminal was refused.
    Refused {
        /// Whose; `None` when it had not said it.
        imsi: Option<Imsi>,
        /// Why.
        reason: rove_roam::attach::Reason,
    },
    /// The link to a partner stands, or does not any more.
    Link {
        /// To whom.
        partner: PartnerId,
        /// Whether it stands.
        up: bool,
    },
    /// Something came from a partner that makes no sense.
    Malformed(PartnerId),
    /// A change of names was not made by the existing server that keeps them; whoever wanted it was told that it failed.
    Elsewhere(ForeignError),
    /// A change of names was refused by the zones; whoever wanted it was told that it failed.
    NotOurs(rove_dns::update::UpdateError),
}

/// The home and visited roles, one machine.
///
/// It reads the journal back by [`Roam::replay`], then wants [`Roam::start`] before anything else.
#[derive(Debug)]
pub struct Roam {
    pub(super) now: Now,
    pub(super) server: Server,
    /// The zones as configured: what the journal starts from.
    pub(super) start: Vec<ZoneConfig>,
    pub(super) home: Option<Hlr>,
    pub(super) visited: Option<(Vlr, Counter)>,
    /// Who keeps the names of home and visited network elsewhere.
    pub(super) elsewhere: [Option<Foreign>; 2],
    /// Changes whose names are not there yet. As many as the registers let wait.
    pub(super) asked_elsewhere: BTreeMap<(Register, ForeignId), (Writer, Change)>,
    pub(super) wires: Vec<Wire>,
    /// With the partners that are reached by SCTP.
    pub(super) associations: Option<Box<Associations>>,
    /// By which wire a partner is reached.
    pub(super) reached: BTreeMap<PartnerId, usize>,
    pub(super) dhcp: Vec<std::net::SocketAddr>,
    pub(super) streams: Streams,
    pub(super) counted: Counted,
    pub(super) journal: Journal,
    /// The lease that goes with the register's next change, in seconds.
    pub(super) prepared: Option<(Imsi, u32)>,
    pub(super) events: VecDeque<RoamEvent>,
}

impl Roam {
    /// Puts the parts together.
    ///
    /// # Errors
    ///
    /// [`ZoneError`] when a zone's records contradict each other.
    pub fn new(roles: Roles) -> Result<Self, ZoneError> {
        let Roles { zones, home, visited, wires, attach, dhcp } = roles;
        let start = zones.zones.clone();
        let mut reached = BTreeMap::new();
        let mut streams = Streams::new(attach);
        for (index, wire) in wires.iter().enumerate() {
            reached.extend(wire.partners.iter().map(|partner| (*partner, index)));
            streams.listen(Lane::Wire(index), &wire.listen);
        }
        let (journal, events) = (Journal::default(), VecDeque::new());
        let server = Server::new(zones)?;
        let visited = visited.map(|(vlr, pool)| (vlr, Counter::Own(Box::new(pool))));
        Ok(Self {
            now: Now::default(),
            server,
            start,
            home,
            visited,
            elsewhere: [None, None],
            asked_elsewhere: BTreeMap::new(),
            wires,
            associations: None,
            reached,
            dhcp,
            streams,
            counted: Counted::default(),
            journal,
            prepared: None,
            events,
        })
    }

    /// The zones.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The home register.
    #[must_use]
    pub const fn home(&self) -> Option<&Hlr> {
        self.home.as_ref()
    }

    /// The visited register.
    #[must_use]
    pub fn visited(&self) -> Option<&Vlr> {
        self.visited.as_ref().map(|(vlr, _)| vlr)
    }

    /// The address pool.
    #[must_use]
    pub fn pool(&self) -> Option<&Pool> {
        self.visited.as_ref().map(|(_, counter)| counter.pool())
    }

    /// Does what the operator of a home wants; [`HlrEvent::Administered`] answers. `false`: there is no home here.
    pub fn administer(&mut self, now: Now, request: RequestId, command: Command) -> bool {
        self.now = now;
        let Some(home) = &mut self.home else { return false };
        home.administer(now, request, command);
        true
    }

    /// Repeats what a record of the journal says, which was written before `now`; `false` when it is about something
    /// that is not configured any more.
    ///
    /// # Errors
    ///
    /// [`Unreadable`](super::Unreadable): none of ours can have written it.
    pub fn replay(&mut self, now: Now, record: &[u8]) -> Result<bool, super::Unreadable> {
        let mut known = true;
        for part in Part::read_all(record)? {
            known &= match (part, &mut self.home, &mut self.visited) {
                (Part::Names(record), ..) => self.server.replay(record).map_err(|_| super::Unreadable)?,
                (Part::Home(record), Some(home), _) => {
                    home.replay(record).map(|()| true).map_err(|_| super::Unreadable)?
                }
                (Part::Visited(record), _, Some((vlr, _))) => {
                    vlr.replay(record).map(|()| true).map_err(|_| super::Unreadable)?
                }
                (Part::Pool(record), _, Some((_, pool))) => {
                    pool.replay(now, record).map(|()| true).map_err(|_| super::Unreadable)?
                }
                _ => false,
            };
        }
        Ok(known)
    }

    /// All of the journal was read: what it tells goes on.
    pub fn start(&mut self, now: Now) {
        self.now = now;
        if let Some((vlr, pool)) = &mut self.visited {
            pool.replayed(now);
            vlr.start(now);
            pool.reconcile(vlr, now);
        }
        if let Some(home) = &mut self.home {
            home.start(now);
        }
        if self.home.is_some() && self.visited.is_some() {
            self.told(Told::Up(OURS));
        }
        self.expect_elsewhere();
    }

    /// Streams by which zones are being given away; others opened them, so that all call them alike.
    pub(super) fn transfers(&self) -> impl Iterator<Item = StreamId> {
        self.server.transfers()
    }

    /// So many bytes wait to be sent on a stream.
    pub(super) fn waits(&mut self, stream: StreamId, bytes: usize) {
        self.server.waits(stream, bytes);
    }

    /// Secondaries are told of changes from where `local` says, by their address.
    pub fn notify_from(
        &mut self,
        now: Now,
        local: impl Fn(std::net::SocketAddr) -> Option<std::net::SocketAddr>,
    ) {
        self.server.notify_from(now, local);
    }

    /// Records that say the same as all that were asked for so far, in fewer words. `None` while some of them wait.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        if !(self.journal.is_settled() && self.asked_elsewhere.is_empty()) {
            return None;
        }
        let mut records: Vec<Vec<u8>> =
            self.server.snapshot(&self.start)?.iter().map(|record| Part::Names(record).alone()).collect();
        if let Some(home) = &self.home {
            records.extend(home.snapshot().map(|record| Part::Home(&record).alone()));
        }
        if let Some((vlr, pool)) = &self.visited {
            records.extend(vlr.snapshot()?.iter().map(|record| Part::Visited(record).alone()));
            records.extend(pool.snapshot(self.now).iter().map(|record| Part::Pool(record).alone()));
        }
        Some(records)
    }

    /// Nothing can be made durable any more: what waits has failed, and so will everything that is wanted later.
    pub fn journal_failed(&mut self, now: Now) {
        self.now = now;
        self.server.journal_failed(now);
        for writer in self.journal.fail() {
            self.committed(writer, false);
        }
    }

    /// A register wants a change to be durable together with what it means for names. `None` when that cannot be; then
    /// whoever wanted it knows already.
    pub(super) fn commit(
        &mut self,
        writer: Writer,
        change: &Change,
        out: &mut Scratch,
    ) -> Option<Step<RoamEvent>> {
        let failed = |roam: &mut Self| {
            roam.committed(writer, false);
            None
        };
        if self.journal.has_failed() {
            return failed(self);
        }
        if self.commit_elsewhere(writer, change) {
            return None;
        }
        self.record(writer, change, out)
    }

    /// Writes the record of a change; its names too, unless they are elsewhere already.
    pub(super) fn record(
        &mut self,
        writer: Writer,
        change: &Change,
        out: &mut Scratch,
    ) -> Option<Step<RoamEvent>> {
        let failed = |roam: &mut Self| {
            roam.committed(writer, false);
            None
        };
        if self.journal.has_failed() {
            return failed(self);
        }
        let mut parts = Vec::with_capacity(3);
        let lease = self.lease_of(writer, change);
        let (names, own) = if change.names.is_empty() || self.is_elsewhere(writer) {
            (Vec::new(), None)
        } else {
            match sets(&change.names).and_then(|sets| self.server.stage_own(&sets)) {
                Ok((record, own)) => (record, Some(own)),
                Err(error) => {
                    self.events.push_back(RoamEvent::NotOurs(error));
                    return failed(self);
                }
            }
        };
        parts.extend(Some(Part::Names(&names)).filter(|_| own.is_some()));
        parts.extend(match writer {
            Writer::Home(_) => Some(Part::Home(&change.record)),
            Writer::Visited(_) => Some(Part::Visited(&change.record)),
            Writer::Pool(_) => Some(Part::Pool(&change.record)),
        });
        parts.extend(lease.as_deref().filter(|lease| !lease.is_empty()).map(Part::Pool));
        Some(self.journal.append(writer, own, &parts, out))
    }

    pub(super) fn committed(&mut self, writer: Writer, done: bool) {
        let now = self.now;
        match (writer, &mut self.home, &mut self.visited) {
            (Writer::Home(id), Some(home), _) => {
                home.committed(now, id, if done { Ok(()) } else { Err(Cause::SystemFailure) });
            }
            (Writer::Visited(id), _, Some((vlr, _))) => {
                let result = if done { Ok(()) } else { Err(Cause::SystemFailure) };
                vlr.handle(now, vlr::Input::Committed(id, result));
            }
            (Writer::Pool(id), _, Some((_, pool))) => pool.committed(now, id, done),
            _ => {}
        }
    }

    pub(super) fn durable(&mut self, ticket: rove_base::Ticket) {
        let now = self.now;
        while let Some(done) = self.journal.durable(ticket) {
            if let Some(ticket) = done.names {
                self.server.handle(now, Arrival::Durable { ticket });
            }
            if let Some(own) = done.own {
                self.server.commit_own(now, own);
            }
            if let Some(writer) = done.writer {
                self.committed(writer, true);
            }
        }
    }
}

/// This node's other register, as a partner.
pub const OURS: PartnerId = PartnerId(u16::MAX);
