//! Networks, terminals and the private network between, in virtual time.
//!
//! Messages take their time, overtake each other and get lost; disks take theirs; processes die and come back. What must
//! always hold is looked at with every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use rove_base::{
    Arrival, ClosedBy, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, StreamId, Transport,
    UnixTime,
};
use rove_roam::{
    Cause, Imsi, Operation, Outcome, Subscriber,
    attach::terminal::{Access, Terminal, TerminalEvent},
    hlr::{Command, HlrConfig, RequestId},
    vlr::{Input, PoolTold, VlrConfig},
};

use crate::{
    network::Network,
    private::{Dialogue, Link},
    seat::Seat,
};

/// A network's process dies at one of its writes, and is started again a second later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crash {
    pub network: usize,
    /// After so many records.
    pub at: usize,
    /// That record is durable, and nobody was told.
    pub kept: bool,
}

/// All of it.
pub(crate) struct World {
    pub now: Now,
    pub networks: Vec<Network>,
    pub seats: Vec<Seat>,
    pub link: Link,
    /// A process that is to die.
    pub crash: Option<Crash>,
    /// What happened, in order: "network what".
    pub trace: Vec<String>,
    /// What was asked on the private network: from, to, what.
    pub asked: Vec<(usize, usize, String)>,
    pub administered: BTreeMap<RequestId, bool>,
    pub entropy: Entropy,
    queue: BTreeMap<(Instant, u64), Delivery>,
    pub count: u64,
    pub dialogues: BTreeMap<u64, Dialogue>,
    pub streams: BTreeMap<StreamId, (usize, StreamId)>,
}

pub(crate) enum Delivery {
    ToVlr(usize, u32, StreamId, Net),
    ToTerminal(usize, StreamId, usize, Net),
    Ask(u64, Operation),
    Answer(u64, Result<Outcome, Cause>),
    Durable(usize, u32),
    Requested(usize, u32, Imsi, Option<String>),
    Revive(usize),
}

pub(crate) enum Net {
    Connected,
    Bytes(Vec<u8>),
    Closed,
}

impl World {
    /// Three networks; `change` may change the settings of each.
    pub(crate) fn new(seed: u64, link: Link, change: impl Fn(u16, &mut VlrConfig, &mut HlrConfig)) -> Self {
        let now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
        let network = |number| Network::new(now, number, |vlr, hlr| change(number, vlr, hlr));
        let mut world = Self {
            now,
            networks: (0..3).map(network).collect(),
            seats: Vec::new(),
            link,
            crash: None,
            trace: Vec::new(),
            asked: Vec::new(),
            administered: BTreeMap::new(),
            entropy: Entropy::from_number(seed),
            queue: BTreeMap::new(),
            count: 0,
            dialogues: BTreeMap::new(),
            streams: BTreeMap::new(),
        };
        (0..3).for_each(|network| world.link_up(network));
        world
    }

    /// A subscriber, which its home knows from now on.
    pub(crate) fn subscribe(&mut self, subscriber: Subscriber) {
        let home = self.networks.iter().position(|network| subscriber.name.is_below(network.name.as_str()));
        assert!(self.administer(home.unwrap(), Command::Add(Box::new(subscriber))));
    }

    /// Whether the operator's wish was done.
    pub(crate) fn administer(&mut self, home: usize, command: Command) -> bool {
        self.count += 1;
        let request = RequestId(self.count);
        self.networks[home].hlr.administer(self.now, request, command);
        self.drain(home);
        self.run_until(|world| world.administered.contains_key(&request));
        self.administered[&request]
    }

    pub(crate) fn sit(&mut self, seat: Seat) -> usize {
        self.seats.push(seat);
        self.seats.len() - 1
    }

    /// Where terminals come in.
    pub(crate) fn access(&self, network: usize) -> Access {
        let number = u8::try_from(network).unwrap();
        Access { address: ([127, 0, 0, number], 4_043).into(), network: None }
    }

    /// Tells a terminal something.
    pub(crate) fn with(&mut self, seat: usize, act: impl FnOnce(&mut Terminal, Now)) {
        act(&mut self.seats[seat].terminal, self.now);
        self.drain_terminal(seat);
    }

    pub(crate) fn attach(&mut self, seat: usize, network: usize) {
        let access = self.access(network);
        self.with(seat, |terminal, now| terminal.attach(now, access));
    }

    pub(crate) fn detach(&mut self, seat: usize) {
        self.with(seat, |terminal, now| terminal.detach(now));
    }

    /// Tells a visited register something.
    pub(crate) fn tell(&mut self, network: usize, input: Input<'_>) {
        self.networks[network].vlr.handle(self.now, input);
        self.drain(network);
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now.mono.later(time);
        while self.step(end) {}
        self.now = self.now.later(end.since(self.now.mono));
    }

    /// Lets time pass until something holds, a minute at most.
    pub(crate) fn run_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let end = self.now.mono.later(Duration::from_secs(60));
        while !holds(self) {
            assert!(self.step(end), "a minute has passed: {:#?}", self.trace);
        }
    }

    fn step(&mut self, end: Instant) -> bool {
        let dues = self.networks.iter().filter_map(|network| network.due);
        let dues = dues.chain(self.seats.iter().filter_map(|seat| seat.due));
        let Some(at) = dues.chain(self.queue.keys().next().map(|(at, _)| *at)).min() else { return false };
        if at > end {
            return false;
        }
        self.now = self.now.later(at.since(self.now.mono));
        if let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= at) {
            let delivery = entry.remove();
            self.deliver(delivery);
        }
        for network in 0..self.networks.len() {
            if self.networks[network].due.is_some_and(|due| due <= at) {
                self.networks[network].vlr.tick(self.now);
                self.networks[network].hlr.tick(self.now);
                self.networks[network].pool.tick(self.now);
                self.drain(network);
            }
        }
        for seat in 0..self.seats.len() {
            if self.seats[seat].due.is_some_and(|due| due <= at) {
                self.seats[seat].terminal.tick(self.now);
                self.drain_terminal(seat);
            }
        }
        true
    }

    /// The terminal is switched off without a word.
    pub(crate) fn switch_off(&mut self, seat: usize) {
        self.cut(seat);
        self.seats[seat].dead = true;
        self.seats[seat].due = None;
    }

    /// The terminal's streams break.
    pub(crate) fn cut(&mut self, seat: usize) {
        for (stream, (network, theirs)) in core::mem::take(&mut self.seats[seat].open) {
            let epoch = self.networks[network].epoch;
            self.later(Duration::from_millis(1), Delivery::ToTerminal(seat, stream, network, Net::Closed));
            self.later(Duration::from_millis(1), Delivery::ToVlr(network, epoch, theirs, Net::Closed));
        }
    }

    pub(crate) fn later(&mut self, time: Duration, delivery: Delivery) {
        self.count += 1;
        self.queue.insert((self.now.mono.later(time), self.count), delivery);
    }

    pub(crate) fn a_way(&mut self) -> Duration {
        let (least, most) = self.link.way;
        least + (most - least).mul_f64(self.entropy.unit())
    }

    pub(crate) fn is_lost(&mut self) -> bool {
        self.entropy.unit() < self.link.loss
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::ToVlr(network, epoch, stream, net) => {
                if self.networks[network].alive && self.networks[network].epoch == epoch {
                    self.reach_vlr(network, stream, &net);
                }
            }
            Delivery::ToTerminal(seat, stream, network, net) => {
                self.reach_terminal(seat, stream, network, &net);
            }
            Delivery::Ask(number, operation) => self.reach_partner(number, operation),
            Delivery::Answer(number, result) => self.answered(number, result),
            Delivery::Durable(network, epoch) => self.durable(network, epoch),
            Delivery::Revive(network) => self.revive(network),
            Delivery::Requested(network, epoch, holder, host_name) => {
                if self.networks[network].epoch == epoch && self.networks[network].alive {
                    self.tell(network, Input::Pool(PoolTold::Requested { holder, host_name }));
                }
            }
        }
    }

    fn reach_vlr(&mut self, network: usize, stream: StreamId, net: &Net) {
        match net {
            Net::Connected => self.tell(network, Input::Arrival(connected(stream))),
            Net::Bytes(bytes) => self.tell(network, Input::Arrival(Arrival::Stream { stream, bytes })),
            Net::Closed => {
                self.tell(network, Input::Arrival(Arrival::Closed { stream, by: ClosedBy::Failure }));
            }
        }
    }

    fn reach_terminal(&mut self, seat: usize, stream: StreamId, network: usize, net: &Net) {
        if self.seats[seat].dead {
            return;
        }
        let (now, name) = (self.now, self.networks[network].name.to_string());
        let terminal = &mut self.seats[seat].terminal;
        match net {
            Net::Connected => {
                terminal.handle(now, connected(stream));
                terminal.handle(now, Arrival::Identified { stream, name: &name });
            }
            Net::Bytes(bytes) => terminal.handle(now, Arrival::Stream { stream, bytes }),
            Net::Closed => terminal.handle(now, Arrival::Closed { stream, by: ClosedBy::Failure }),
        }
        self.drain_terminal(seat);
    }

    /// No address is that of two names.
    pub(crate) fn check_owners(&self) {
        let mut seen: BTreeMap<IpAddr, &str> = BTreeMap::new();
        for network in &self.networks {
            for (name, addresses) in &network.zone.forward {
                for address in addresses {
                    let other = seen.insert(*address, name.as_str());
                    assert_eq!(other, None, "{address} is also {name}'s at {:?}", self.now.mono);
                }
            }
        }
    }

    /// An address is let out only under a name that resolves to it, and that it resolves to.
    pub(crate) fn check_confirmed(&self, network: usize, holder: Imsi) {
        let here = self.networks[network].vlr.holders().find(|(imsi, ..)| *imsi == holder);
        let (_, name, addresses, _) = here.expect("who is let in is known");
        let held: Vec<IpAddr> = addresses.iter().collect();
        assert_eq!(self.resolve(name.as_str()), held, "{name} at {:?}", self.now.mono);
        for address in held {
            assert_eq!(self.reverse(address).as_deref(), Some(name.as_str()), "{address}");
        }
    }

    /// What any resolver gets.
    pub(crate) fn resolve(&self, name: &str) -> Vec<IpAddr> {
        let name = name.parse().unwrap();
        self.networks.iter().find_map(|network| network.zone.forward.get(&name)).cloned().unwrap_or_default()
    }

    /// What any resolver gets for an address.
    pub(crate) fn reverse(&self, address: IpAddr) -> Option<String> {
        self.networks.iter().find_map(|network| network.zone.reverse.get(&address)).map(ToString::to_string)
    }

    pub(crate) fn drain_terminal(&mut self, seat: usize) {
        let mut out = Scratch::default();
        loop {
            match self.seats[seat].terminal.poll(&mut out) {
                Step::Connect(connect) => {
                    let IpAddr::V4(address) = connect.remote.ip() else { panic!("v4") };
                    let network = usize::from(address.octets()[3]);
                    self.count += 1;
                    let theirs = StreamId(self.count * 2 + 1);
                    if !self.networks[network].alive {
                        self.later(AIR, Delivery::ToTerminal(seat, connect.stream, network, Net::Closed));
                        continue;
                    }
                    self.streams.insert(theirs, (seat, connect.stream));
                    self.seats[seat].open.insert(connect.stream, (network, theirs));
                    let epoch = self.networks[network].epoch;
                    self.later(AIR, Delivery::ToVlr(network, epoch, theirs, Net::Connected));
                    self.later(AIR * 2, Delivery::ToTerminal(seat, connect.stream, network, Net::Connected));
                }
                Step::Send(transmit) => {
                    let Flow::Stream(stream) = transmit.flow else { panic!("no datagrams") };
                    if let Some(&(network, theirs)) = self.seats[seat].open.get(&stream) {
                        let bytes = Net::Bytes(out.get(transmit.range).to_vec());
                        let epoch = self.networks[network].epoch;
                        self.later(AIR, Delivery::ToVlr(network, epoch, theirs, bytes));
                    }
                }
                Step::Close(stream) => {
                    if let Some((network, theirs)) = self.seats[seat].open.remove(&stream) {
                        self.streams.remove(&theirs);
                        let epoch = self.networks[network].epoch;
                        self.later(AIR, Delivery::ToVlr(network, epoch, theirs, Net::Closed));
                    }
                }
                Step::Event(event) => self.terminal_told(seat, event),
                Step::Wait(due) => {
                    self.seats[seat].due = due;
                    return;
                }
                Step::Append(_) => panic!("a terminal has no journal"),
            }
        }
    }

    fn terminal_told(&mut self, seat: usize, event: TerminalEvent) {
        let place = &mut self.seats[seat];
        if matches!(event, TerminalEvent::Token { .. })
            && let (Some(host_name), Some((network, _))) =
                (place.dhcp.clone(), place.open.values().next().copied())
        {
            let (imsi, epoch) = (place.imsi, self.networks[network].epoch);
            self.later(AIR, Delivery::Requested(network, epoch, imsi, host_name));
        }
        self.seats[seat].events.push(event);
    }

    /// Where the first entry of the trace stands that begins with `what`.
    pub(crate) fn place(&self, what: &str) -> usize {
        let found = self.trace.iter().position(|entry| entry.starts_with(what));
        found.unwrap_or_else(|| panic!("no \"{what}\" in {:#?}", self.trace))
    }

    /// Nothing of any stay is anywhere.
    pub(crate) fn assert_empty(&self, what: &str) {
        for network in &self.networks {
            assert!(network.zone.is_empty(), "{what}: {} has {:?}", network.name, network.zone);
            assert_eq!(network.holders(), BTreeSet::new(), "{what}: {}", network.name);
            let held = network.pool.occupancy();
            assert_eq!((held.reserved, held.bound), (0, 0), "{what}: {}", network.name);
        }
    }
}

fn connected(stream: StreamId) -> Arrival<'static> {
    let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    Arrival::Connected { stream, local, remote, transport: Transport::Tls }
}

/// The name of a variant.
pub(crate) fn name_of(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}

/// One way between terminal and network.
pub(crate) const AIR: Duration = Duration::from_millis(2);
