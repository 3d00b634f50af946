//! A register with terminals, a pool, a journal and a home that does as it is told, in virtual time.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rove_base::{
    Arrival, ClosedBy, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, StreamId, Transport,
    UnixTime,
};

use super::{home::Home, pool::Pool};
use crate::{
    Cause, Generation, Imsi, Operation, Outcome,
    attach::{
        CallRequest, Secret,
        terminal::{Access, Terminal, TerminalConfig, TerminalEvent},
    },
    private::{DialogueId, PartnerId, Told},
    vlr::{Event, Input, PoolTold, Vlr, VlrConfig, carry},
};

pub(super) const HOME: PartnerId = PartnerId(3);
const WAY: Duration = Duration::from_millis(10);
/// Until a record is durable.
const DISK: Duration = Duration::from_millis(3);

pub(super) struct Desk {
    pub(super) now: Now,
    pub(super) vlr: Vlr,
    pub(super) home: Home,
    pub(super) pool: Pool,
    pub(super) terminals: Vec<Seat>,
    /// The journal loses everything from now on.
    pub(super) disk_full: bool,
    pub(super) linked: bool,
    pub(super) journal: Vec<Vec<u8>>,
    pub(super) trace: Vec<String>,
    pub(super) events: Vec<Event>,
    config: VlrConfig,
    queue: BTreeMap<(Instant, u64), Delivery>,
    count: u64,
    vlr_due: Option<Instant>,
}

pub(super) struct Seat {
    pub(super) terminal: Terminal,
    pub(super) events: Vec<TerminalEvent>,
    /// What it would ask DHCP with.
    pub(super) token: Option<Secret>,
    /// The name it would tell DHCP; with this it asks DHCP as soon as it has the token.
    pub(super) dhcp: Option<Option<String>>,
    /// Whose certificate the other end shows.
    pub(super) certificate: String,
    open: BTreeSet<u64>,
    due: Option<Instant>,
}

enum Delivery {
    ToVlr(StreamId, Net),
    ToTerminal(usize, StreamId, Net),
    ToHome(DialogueId, Operation),
    FromHome(Told),
    FromHomeAnswer(DialogueId, Result<Outcome, Cause>),
    Durable(crate::ChangeId),
    Requested(Imsi, Option<String>),
}

enum Net {
    Connected,
    Bytes(Vec<u8>),
    Closed,
}

impl Desk {
    pub(super) fn new(config: VlrConfig) -> Self {
        let now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
        let mut desk = Self {
            now,
            vlr: Vlr::new(config.clone(), Entropy::from_number(1)),
            home: Home::new(config.network.clone()),
            pool: Pool::default(),
            terminals: Vec::new(),
            disk_full: false,
            linked: true,
            journal: Vec::new(),
            trace: Vec::new(),
            events: Vec::new(),
            config,
            queue: BTreeMap::new(),
            count: 0,
            vlr_due: None,
        };
        desk.tell(Input::Told(Told::Up(HOME)));
        desk
    }

    /// A terminal that is to be told to attach.
    pub(super) fn terminal(
        &mut self,
        config: TerminalConfig,
        credential: Box<dyn crate::attach::Credential>,
    ) -> usize {
        let entropy = Entropy::from_number(100 + self.terminals.len() as u64);
        self.terminals.push(Seat {
            terminal: Terminal::new(config, credential, entropy),
            events: Vec::new(),
            token: None,
            dhcp: None,
            certificate: self.config.network.to_string(),
            open: BTreeSet::new(),
            due: None,
        });
        self.terminals.len() - 1
    }

    pub(super) fn access(&self) -> Access {
        Access { address: ([127, 0, 0, 1], 4_043).into(), network: None }
    }

    pub(super) fn attach(&mut self, seat: usize) {
        let access = self.access();
        self.terminals[seat].terminal.attach(self.now, access);
        self.drain_terminal(seat);
    }

    pub(super) fn attach_for(&mut self, seat: usize, call: CallRequest) {
        let access = self.access();
        self.terminals[seat].terminal.attach_for(self.now, access, call);
        self.drain_terminal(seat);
    }

    pub(super) fn with(&mut self, seat: usize, act: impl FnOnce(&mut Terminal, Now)) {
        act(&mut self.terminals[seat].terminal, self.now);
        self.drain_terminal(seat);
    }

    pub(super) fn tell(&mut self, input: Input<'_>) {
        self.vlr.handle(self.now, input);
        self.drain_vlr();
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.mono + time;
        loop {
            let dues = self.terminals.iter().filter_map(|seat| seat.due).chain(self.vlr_due);
            let at = dues.chain(self.queue.keys().next().map(|(at, _)| *at)).min();
            let Some(at) = at.filter(|at| *at <= end) else { break };
            self.step_to(at);
        }
        self.step_clock(end);
    }

    fn step_clock(&mut self, to: Instant) {
        self.now = self.now.later(to.since(self.now.mono));
    }

    fn step_to(&mut self, at: Instant) {
        self.step_clock(at);
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= at) {
            let delivery = entry.remove();
            self.deliver(delivery);
        }
        if self.vlr_due.is_some_and(|due| due <= at) {
            self.vlr.tick(self.now);
            self.drain_vlr();
        }
        for seat in 0..self.terminals.len() {
            if self.terminals[seat].due.is_some_and(|due| due <= at) {
                self.terminals[seat].terminal.tick(self.now);
                self.drain_terminal(seat);
            }
        }
    }

    /// The register's process dies and is started again from the journal; streams and questions die with it.
    pub(super) fn crash(&mut self) {
        self.vlr = Vlr::new(self.config.clone(), Entropy::from_number(2));
        for record in &self.journal {
            self.vlr.replay(record).unwrap();
        }
        self.queue.retain(|_, delivery| {
            !matches!(delivery, Delivery::ToVlr(..) | Delivery::Durable(_) | Delivery::FromHomeAnswer(..))
        });
        for seat in 0..self.terminals.len() {
            for stream in core::mem::take(&mut self.terminals[seat].open) {
                self.later(WAY, Delivery::ToTerminal(seat, StreamId(stream), Net::Closed));
            }
        }
        self.vlr.start(self.now);
        self.drain_vlr();
        if self.linked {
            self.tell(Input::Told(Told::Up(HOME)));
        }
    }

    /// The terminal's streams break, and it does not hear of it before it says something, or at once.
    pub(super) fn cut(&mut self, seat: usize) {
        for stream in core::mem::take(&mut self.terminals[seat].open) {
            self.later(WAY, Delivery::ToTerminal(seat, StreamId(stream), Net::Closed));
            self.later(WAY, Delivery::ToVlr(there(seat, StreamId(stream)), Net::Closed));
        }
    }

    /// The home orders something; what it is answered is in the trace.
    pub(super) fn order(&mut self, partner: PartnerId, operation: Operation) {
        let id = DialogueId(900_000 + self.count);
        self.later(WAY, Delivery::FromHome(Told::Asked { partner, id, operation }));
    }

    fn later(&mut self, time: Duration, delivery: Delivery) {
        self.count += 1;
        self.queue.insert((self.now.mono + time, self.count), delivery);
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::ToVlr(stream, net) => self.tell_net(stream, &net),
            Delivery::ToTerminal(seat, stream, net) => {
                let place = &mut self.terminals[seat];
                let certificate = place.certificate.clone();
                let mut told = |arrival: Arrival<'_>| place.terminal.handle(self.now, arrival);
                match &net {
                    Net::Connected => {
                        told(connected(stream));
                        told(Arrival::Identified { stream, name: &certificate });
                    }
                    Net::Bytes(bytes) => {
                        bytes.chunks(7).for_each(|bytes| told(Arrival::Stream { stream, bytes }));
                    }
                    Net::Closed => told(Arrival::Closed { stream, by: ClosedBy::Failure }),
                }
                self.drain_terminal(seat);
            }
            Delivery::ToHome(id, operation) => {
                let (orders, result) = self.home.asked(&operation);
                for operation in orders {
                    self.order(HOME, operation);
                }
                self.later(WAY, Delivery::FromHomeAnswer(id, result));
            }
            Delivery::FromHome(told) => self.tell(Input::Told(told)),
            Delivery::FromHomeAnswer(id, result) => {
                self.tell(Input::Told(Told::Answered { partner: HOME, id, result }));
            }
            Delivery::Durable(id) => {
                let result = if self.disk_full { Err(Cause::SystemFailure) } else { Ok(()) };
                self.tell(Input::Committed(id, result));
            }
            Delivery::Requested(holder, host_name) => {
                self.tell(Input::Pool(PoolTold::Requested { holder, host_name }));
            }
        }
    }

    fn tell_net(&mut self, stream: StreamId, net: &Net) {
        match net {
            Net::Connected => self.tell(Input::Arrival(connected(stream))),
            Net::Bytes(bytes) => {
                for bytes in bytes.chunks(5) {
                    self.tell(Input::Arrival(Arrival::Stream { stream, bytes }));
                }
            }
            Net::Closed => self.tell(Input::Arrival(Arrival::Closed { stream, by: ClosedBy::Peer })),
        }
    }

    fn drain_vlr(&mut self) {
        let mut out = Scratch::default();
        loop {
            match self.vlr.poll(&mut out) {
                Step::Send(transmit) => {
                    let Flow::Stream(stream) = transmit.flow else { panic!("no datagrams") };
                    let (seat, theirs) = here(stream);
                    let bytes = out.get(transmit.range).to_vec();
                    self.later(WAY, Delivery::ToTerminal(seat, theirs, Net::Bytes(bytes)));
                }
                Step::Close(stream) => {
                    let (seat, theirs) = here(stream);
                    self.terminals[seat].open.remove(&theirs.0);
                    self.later(WAY, Delivery::ToTerminal(seat, theirs, Net::Closed));
                }
                Step::Event(event) => self.happened(event),
                Step::Wait(due) => {
                    self.vlr_due = due;
                    return;
                }
                step => panic!("{step:?}"),
            }
        }
    }

    fn happened(&mut self, event: Event) {
        self.events.push(event.clone());
        match event {
            Event::Ask { partner, id, operation } => {
                assert_eq!(partner, HOME);
                self.trace.push(format!("ask {}", name_of(&operation)));
                if self.linked {
                    self.later(WAY, Delivery::ToHome(id, operation));
                } else {
                    self.later(WAY, Delivery::FromHomeAnswer(id, Err(Cause::NoAnswer)));
                }
            }
            Event::Answer { result, .. } => self.trace.push(format!("answer {result:?}")),
            Event::Commit(change) => {
                self.trace.push(format!("commit {:?}", change.names));
                if !self.disk_full {
                    self.journal.push(change.record);
                }
                self.later(DISK, Delivery::Durable(change.id));
            }
            Event::Pool(ask) => {
                let text = format!("{ask:?}");
                self.trace.push(format!("pool {}", text.split(' ').next().unwrap()));
                if let Some(told) = carry(&mut self.pool, self.now, &ask) {
                    self.tell(Input::Pool(told));
                }
            }
            Event::Attached { .. } => self.trace.push("attached".into()),
            Event::Left { reason, .. } => self.trace.push(format!("left {reason:?}")),
            Event::Refused { reason, .. } => self.trace.push(format!("refused {reason:?}")),
        }
    }

    fn drain_terminal(&mut self, seat: usize) {
        let mut out = Scratch::default();
        loop {
            match self.terminals[seat].terminal.poll(&mut out) {
                Step::Connect(connect) => {
                    assert_eq!(connect.transport, Transport::Tls);
                    self.terminals[seat].open.insert(connect.stream.0);
                    self.later(WAY, Delivery::ToVlr(there(seat, connect.stream), Net::Connected));
                    self.later(WAY * 2, Delivery::ToTerminal(seat, connect.stream, Net::Connected));
                }
                Step::Send(transmit) => {
                    let Flow::Stream(stream) = transmit.flow else { panic!("no datagrams") };
                    let bytes = out.get(transmit.range).to_vec();
                    if self.terminals[seat].open.contains(&stream.0) {
                        self.later(WAY, Delivery::ToVlr(there(seat, stream), Net::Bytes(bytes)));
                    }
                }
                Step::Close(stream) => {
                    if self.terminals[seat].open.remove(&stream.0) {
                        self.later(WAY, Delivery::ToVlr(there(seat, stream), Net::Closed));
                    }
                }
                Step::Event(event) => {
                    if let TerminalEvent::Token { token, .. } = &event {
                        let holder = self.pool.redeem(token);
                        self.terminals[seat].token = Some(token.clone());
                        if let (Some(host_name), Some(holder)) = (self.terminals[seat].dhcp.clone(), holder) {
                            self.later(WAY, Delivery::Requested(holder, host_name));
                        }
                    }
                    self.terminals[seat].events.push(event);
                }
                Step::Wait(due) => {
                    self.terminals[seat].due = due;
                    return;
                }
                Step::Append(_) => panic!("a terminal has no journal"),
            }
        }
    }

    /// Where an entry of the trace stands that begins with `what`.
    pub(super) fn place(&self, what: &str) -> usize {
        let found = self.trace.iter().position(|entry| entry.starts_with(what));
        found.unwrap_or_else(|| panic!("no {what} in {:#?}", self.trace))
    }
}

/// The register's name for a terminal's stream: odd, as all that are accepted.
fn there(seat: usize, stream: StreamId) -> StreamId {
    StreamId(seat as u64 * 1_000_000 + stream.0 + 1)
}

fn here(stream: StreamId) -> (usize, StreamId) {
    let seat = stream.0 / 1_000_000;
    (usize::try_from(seat).unwrap(), StreamId(stream.0 % 1_000_000 - 1))
}

fn connected(stream: StreamId) -> Arrival<'static> {
    let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    Arrival::Connected { stream, local, remote, transport: Transport::Tls }
}

fn name_of(operation: &Operation) -> String {
    let text = format!("{operation:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}

/// The stay a terminal was told of last.
pub(super) fn stay_of(events: &[TerminalEvent]) -> Option<Generation> {
    events.iter().rev().find_map(|event| match event {
        TerminalEvent::Attached { generation, .. } => Some(*generation),
        _ => None,
    })
}
