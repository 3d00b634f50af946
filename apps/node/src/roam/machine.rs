//! The machine of both roles: a zone server, a home and a visited register, an address pool, and the private network
//! between them and the partners' nodes.
//!
//! ```text
//!  datagrams, streams ─▶ zone server, attach, DHCP, private network
//!  registers ── Ask, Answer ──▶ private network, or straight to the other register of this node
//!            ── Commit ───────▶ zone server ─▶ one record for the journal, ticket ─▶ committed, names visible
//! ```

use std::collections::{BTreeMap, VecDeque};

use rove_base::{Arrival, Flow, Instant, Machine, Nested, Now, Scratch, Step};
use rove_dns::{
    server::{self, Server},
    zones::{ZoneConfig, ZoneError},
};
use rove_roam::{
    Cause, Change, Imsi, Operation, Outcome,
    hlr::{Command, Hlr, HlrEvent, HlrStep, RequestId},
    pool::{self, Pool},
    private::{DialogueId, PartnerId, Told},
    vlr::{self, PoolTold, Vlr},
};

use super::{
    adapter::Adapter,
    journal::{Journal, Part, Writer},
    names::sets,
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
    /// A change of names was refused by the zones; whoever wanted it was told that it failed.
    NotOurs(rove_dns::update::UpdateError),
}

/// The home and visited roles, one machine.
///
/// It reads the journal back by [`Roam::replay`], then wants [`Roam::start`] before anything else.
#[derive(Debug)]
pub struct Roam {
    now: Now,
    server: Server,
    /// The zones as configured: what the journal starts from.
    start: Vec<ZoneConfig>,
    home: Option<Hlr>,
    visited: Option<(Vlr, Pool)>,
    wires: Vec<Wire>,
    /// By which wire a partner is reached.
    reached: BTreeMap<PartnerId, usize>,
    dhcp: Vec<std::net::SocketAddr>,
    streams: Streams,
    journal: Journal,
    events: VecDeque<RoamEvent>,
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
        let now = Now::default();
        Ok(Self { now, server, start, home, visited, wires, reached, dhcp, streams, journal, events })
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
        self.visited.as_ref().map(|(_, pool)| pool)
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
        }
        if let Some(home) = &mut self.home {
            home.start(now);
        }
        if self.home.is_some() && self.visited.is_some() {
            self.told(Told::Up(OURS));
        }
    }

    /// Records that say the same as all that were asked for so far, in fewer words. `None` while some of them wait.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        if !self.journal.is_settled() {
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

    /// A partner says something, or the link to it.
    fn told(&mut self, told: Told) {
        let now = self.now;
        match told {
            Told::Up(partner) | Told::Down(partner) => {
                let up = matches!(told, Told::Up(_));
                if partner != OURS {
                    self.events.push_back(RoamEvent::Link { partner, up });
                }
                if let (Some(home), true) = (&mut self.home, up) {
                    home.up(now, partner);
                }
                self.tell_vlr(told);
            }
            Told::Asked { partner, id, operation } => self.asked(partner, id, operation),
            Told::Answered { partner, id, result } => match split(id) {
                (Register::Home, id) => {
                    if let Some(home) = &mut self.home {
                        home.answered(now, partner, id, result);
                    }
                }
                (Register::Visited, id) => self.tell_vlr(Told::Answered { partner, id, result }),
            },
            Told::Malformed(partner) => self.events.push_back(RoamEvent::Malformed(partner)),
        }
    }

    fn asked(&mut self, partner: PartnerId, id: DialogueId, operation: Operation) {
        match (addressee(&operation), &mut self.home, &self.visited) {
            (Register::Home, Some(home), _) => home.asked(self.now, partner, id, operation),
            (Register::Visited, _, Some(_)) => self.tell_vlr(Told::Asked { partner, id, operation }),
            _ => self.answer(Register::Home, partner, id, Err(Cause::NotSupported)),
        }
    }

    fn tell_vlr(&mut self, told: Told) {
        if let Some((vlr, _)) = &mut self.visited {
            vlr.handle(self.now, vlr::Input::Told(told));
        }
    }

    /// One of our registers asks.
    fn ask(&mut self, who: Register, partner: PartnerId, id: DialogueId, operation: Operation) {
        if partner == OURS {
            return match who {
                Register::Home => self.tell_vlr(Told::Asked { partner, id, operation }),
                Register::Visited => match &mut self.home {
                    Some(home) => home.asked(self.now, partner, id, operation),
                    None => self.tell_vlr(Told::Answered { partner, id, result: Err(Cause::NoAnswer) }),
                },
            };
        }
        let wire = self.reached.get(&partner).and_then(|index| self.wires.get_mut(*index));
        match wire {
            Some(wire) => wire.adapter.ask(self.now, partner, join(who, id), operation),
            None => self.told(Told::Answered { partner, id: join(who, id), result: Err(Cause::NoAnswer) }),
        }
    }

    /// One of our registers answers.
    fn answer(&mut self, who: Register, partner: PartnerId, id: DialogueId, result: Result<Outcome, Cause>) {
        if partner == OURS {
            return match (who, &mut self.home) {
                (Register::Home, _) => self.tell_vlr(Told::Answered { partner, id, result }),
                (Register::Visited, Some(home)) => home.answered(self.now, partner, id, result),
                (Register::Visited, None) => {}
            };
        }
        if let Some(wire) = self.reached.get(&partner).and_then(|index| self.wires.get_mut(*index)) {
            wire.adapter.answer(self.now, partner, id, result);
        }
    }

    /// A register wants a change to be durable together with what it means for names. `None` when that cannot be; then
    /// whoever wanted it knows already.
    fn commit(&mut self, writer: Writer, change: &Change, out: &mut Scratch) -> Option<Step<RoamEvent>> {
        let failed = |roam: &mut Self| {
            roam.committed(writer, false);
            None
        };
        if self.journal.has_failed() {
            return failed(self);
        }
        let mut parts = Vec::with_capacity(3);
        let lease = self.lease_of(writer, change);
        let (names, own) = if change.names.is_empty() {
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

    /// The lease of a stay that begins, which belongs to the same record.
    fn lease_of(&self, writer: Writer, change: &Change) -> Option<Vec<u8>> {
        let (Writer::Visited(_), Some((vlr, pool))) = (writer, &self.visited) else { return None };
        let address = change.names.iter().find_map(|name| match name {
            rove_roam::NameChange::Reverse { address, name: Some(_), .. } => Some(*address),
            _ => None,
        })?;
        Some(pool.record(self.now, pool.holder_of(address)?, vlr.address_lease()))
    }

    fn committed(&mut self, writer: Writer, done: bool) {
        let now = self.now;
        match (writer, &mut self.home, &mut self.visited) {
            (Writer::Home(id), Some(home), _) => {
                home.committed(now, id, if done { Ok(()) } else { Err(Cause::SystemFailure) })
            }
            (Writer::Visited(id), _, Some((vlr, _))) => {
                let result = if done { Ok(()) } else { Err(()) };
                vlr.handle(now, vlr::Input::Committed(id, result));
            }
            (Writer::Pool(id), _, Some((_, pool))) => pool.committed(now, id, done),
            _ => {}
        }
    }

    fn durable(&mut self, ticket: rove_base::Ticket) {
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

/// Which of a node's two registers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Register {
    Home,
    Visited,
}

/// Whom a question is for.
const fn addressee(operation: &Operation) -> Register {
    match operation {
        Operation::SendAuthenticationInfo { .. }
        | Operation::UpdateLocation { .. }
        | Operation::Bind { .. }
        | Operation::PurgeMs { .. }
        | Operation::RestoreData { .. } => Register::Home,
        _ => Register::Visited,
    }
}

/// Both registers number their questions from one; a wire has one sequence.
const fn join(who: Register, DialogueId(id): DialogueId) -> DialogueId {
    let bit = matches!(who, Register::Visited) as u64;
    DialogueId(id.wrapping_shl(1) | bit)
}

const fn split(DialogueId(id): DialogueId) -> (Register, DialogueId) {
    let who = if id & 1 == 0 { Register::Home } else { Register::Visited };
    (who, DialogueId(id >> 1))
}

impl Machine for Roam {
    type Input<'a> = Arrival<'a>;
    type Event = RoamEvent;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = now;
        match input {
            Arrival::Durable { ticket } => return self.durable(ticket),
            Arrival::Datagram { flow: Flow::Udp(flow), .. } => {
                let dhcp = self.dhcp.iter().any(|at| at.port() == flow.local.port());
                return match (dhcp, &mut self.visited) {
                    (true, Some((_, pool))) => pool.handle(now, input),
                    _ => self.server.handle(now, input),
                };
            }
            _ => {}
        }
        let Some((lane, input)) = self.streams.arrived(input) else { return };
        match (lane, &mut self.visited) {
            (Lane::Names, _) => self.server.handle(now, input),
            (Lane::Attach, Some((vlr, _))) => vlr.handle(now, vlr::Input::Arrival(input)),
            (Lane::Wire(index), _) => {
                if let Some(wire) = self.wires.get_mut(index) {
                    wire.adapter.handle(now, input);
                }
            }
            (Lane::Attach, None) => {}
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.server.tick(now);
        if let Some(home) = &mut self.home {
            home.tick(now);
        }
        if let Some((vlr, pool)) = &mut self.visited {
            vlr.tick(now);
            pool.tick(now);
        }
        self.wires.iter_mut().for_each(|wire| wire.adapter.tick(now));
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<RoamEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Step::Event(event);
            }
            // The zones first: their records come before those that build on them.
            let polled = match self.poll_names(out) {
                Polled::Step(step) => return step,
                Polled::Again => continue,
                Polled::Wait(until) => until,
            };
            let mut wake = polled;
            let mut again = false;
            for turn in 0..self.wires.len().saturating_add(3) {
                let polled = match turn {
                    0 => self.poll_home(out),
                    1 => self.poll_visited(out),
                    2 => self.poll_pool(out),
                    _ => self.poll_wire(turn.saturating_sub(3), out),
                };
                match polled {
                    Polled::Step(step) => return step,
                    Polled::Again => {
                        again = true;
                        break;
                    }
                    Polled::Wait(until) => wake = Instant::earliest(wake, until),
                }
            }
            if !again {
                return Step::Wait(wake);
            }
        }
    }
}

/// What one part wants.
enum Polled {
    /// Of the driver.
    Step(Step<RoamEvent>),
    /// Of another part, which may want something now.
    Again,
    Wait(Option<Instant>),
}

impl Roam {
    fn poll_names(&mut self, out: &mut Scratch) -> Polled {
        match self.server.poll(out).nested() {
            Nested::Event(event) => Polled::Step(Step::Event(RoamEvent::Names(event))),
            Nested::Wait(until) => Polled::Wait(until),
            Nested::Pass(Step::Append(append)) => {
                let record = out.get(append.range).to_vec();
                let parts = [Part::Names(&record)];
                Polled::Step(self.journal.append_names(append.ticket, &parts, out))
            }
            Nested::Pass(step) => self.pass(Lane::Names, step),
        }
    }

    fn poll_home(&mut self, out: &mut Scratch) -> Polled {
        let Some(home) = &mut self.home else { return Polled::Wait(None) };
        match home.poll() {
            HlrStep::Ask { partner, id, operation } => self.ask(Register::Home, partner, id, operation),
            HlrStep::Answer { partner, id, result } => self.answer(Register::Home, partner, id, result),
            HlrStep::Commit(change) => {
                return self
                    .commit(Writer::Home(change.id), &change, out)
                    .map_or(Polled::Again, Polled::Step);
            }
            HlrStep::Event(event) => return Polled::Step(Step::Event(RoamEvent::Home(event))),
            HlrStep::Wait(until) => return Polled::Wait(until),
        }
        Polled::Again
    }

    fn poll_visited(&mut self, out: &mut Scratch) -> Polled {
        let Some((vlr, pool)) = &mut self.visited else { return Polled::Wait(None) };
        let event = match vlr.poll(out).nested() {
            Nested::Event(event) => event,
            Nested::Wait(until) => return Polled::Wait(until),
            Nested::Pass(step) => return self.pass(Lane::Attach, step),
        };
        match event {
            vlr::Event::Ask { partner, id, operation } => self.ask(Register::Visited, partner, id, operation),
            vlr::Event::Answer { partner, id, result } => {
                self.answer(Register::Visited, partner, id, result);
            }
            vlr::Event::Commit(change) => {
                let writer = Writer::Visited(change.id);
                return self.commit(writer, &change, out).map_or(Polled::Again, Polled::Step);
            }
            vlr::Event::Pool(ask) => {
                if let Some(told) = super::pool::ask(pool, self.now, &ask) {
                    vlr.handle(self.now, vlr::Input::Pool(told));
                }
            }
            vlr::Event::Attached { imsi, name, addresses, .. } => {
                return Polled::Step(Step::Event(RoamEvent::Attached { imsi, name, addresses }));
            }
            vlr::Event::Left { imsi, reason, .. } => {
                return Polled::Step(Step::Event(RoamEvent::Left { imsi, reason }));
            }
            vlr::Event::Refused { imsi, reason } => {
                return Polled::Step(Step::Event(RoamEvent::Refused { imsi, reason }));
            }
            _ => {}
        }
        Polled::Again
    }

    fn poll_pool(&mut self, out: &mut Scratch) -> Polled {
        let Some((vlr, pool)) = &mut self.visited else { return Polled::Wait(None) };
        let told = match pool.poll(out).nested() {
            Nested::Wait(until) => return Polled::Wait(until),
            Nested::Pass(step) => return Polled::Step(step),
            Nested::Event(pool::Event::Commit(change)) => {
                return self
                    .commit(Writer::Pool(change.id), &change, out)
                    .map_or(Polled::Again, Polled::Step);
            }
            Nested::Event(pool::Event::Requested { holder, host_name }) => {
                PoolTold::Requested { holder, host_name }
            }
            Nested::Event(pool::Event::Released { holder }) => PoolTold::Released { holder },
            Nested::Event(pool::Event::Expired { holder }) => PoolTold::Expired { holder },
        };
        vlr.handle(self.now, vlr::Input::Pool(told));
        Polled::Again
    }

    fn poll_wire(&mut self, index: usize, out: &mut Scratch) -> Polled {
        let Some(wire) = self.wires.get_mut(index) else { return Polled::Wait(None) };
        match wire.adapter.poll(out).nested() {
            Nested::Event(told) => {
                self.told(told);
                Polled::Again
            }
            Nested::Wait(until) => Polled::Wait(until),
            Nested::Pass(step) => self.pass(Lane::Wire(index), step),
        }
    }

    /// A step for the driver, the stream in it as the driver calls it.
    fn pass(&mut self, lane: Lane, step: Step<RoamEvent>) -> Polled {
        self.streams.leave(lane, step).map_or(Polled::Again, Polled::Step)
    }
}

/// This node's other register, as a partner.
pub const OURS: PartnerId = PartnerId(u16::MAX);
