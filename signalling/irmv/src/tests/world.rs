//! A few machines and the way between them: every message takes [`LATENCY`], and is written down.

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
};

use rove_base::{
    Arrival, ClosedBy, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, StreamId, Ticket, Transport,
    UnixTime,
};

use crate::{
    Contact, Frames, Message, Name, Pointer, SearchKey, Status, UserKey, Words,
    client::{Client, ClientConfig, ClientEvent, Presence},
    server::{Server, ServerConfig, ServerEvent},
};

pub(super) const LATENCY: Duration = Duration::from_millis(10);
/// After so long without a sign of life a link has ended, as its transport has it.
pub(super) const IDLE: Duration = Duration::from_secs(30);
pub(super) const START: u64 = 1_800_000_000;

pub(super) struct World {
    pub(super) now: Now,
    pub(super) servers: Vec<ServerAt>,
    pub(super) clients: Vec<ClientAt>,
    /// Both ends of each stream.
    wires: BTreeMap<End, End>,
    next_odd: u64,
    on_the_way: BTreeMap<(Instant, u64), Parcel>,
    next_parcel: u64,
    /// Whoever is killed says nothing more: its links end when nothing was heard for long, and nobody is refused there.
    pub(super) silent: bool,
    /// `who -> whom kind`, as it was sent; without greetings.
    pub(super) arrows: Vec<String>,
    /// What the search network keeps.
    shelf: BTreeMap<SearchKey, Vec<Pointer>>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Who {
    Client(usize),
    Server(usize),
}

type End = (Who, StreamId);

enum Parcel {
    Opened { from: End, to: End, remote: SocketAddr, shown: Option<String> },
    Bytes(End, Vec<u8>),
    Closed(End, ClosedBy),
    Durable(usize, Ticket),
}

pub(super) struct ServerAt {
    pub(super) machine: Option<Server>,
    pub(super) domain: String,
    pub(super) journal: Vec<Vec<u8>>,
    pub(super) events: Vec<ServerEvent>,
    address: SocketAddr,
    /// The disk takes this long.
    pub(super) disk: Duration,
}

pub(super) struct ClientAt {
    pub(super) machine: Client,
    pub(super) name: &'static str,
    pub(super) events: VecDeque<ClientEvent>,
    address: IpAddr,
}

impl World {
    pub(super) fn new(domains: &[&str]) -> Self {
        Self::with(domains.iter().map(|domain| ServerConfig::open(domain)).collect())
    }

    pub(super) fn with(configs: Vec<ServerConfig>) -> Self {
        let now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(START) };
        let mut world = Self {
            now,
            servers: Vec::new(),
            clients: Vec::new(),
            wires: BTreeMap::new(),
            next_odd: 1,
            on_the_way: BTreeMap::new(),
            next_parcel: 0,
            silent: false,
            arrows: Vec::new(),
            shelf: BTreeMap::new(),
        };
        for (index, config) in configs.into_iter().enumerate() {
            let at = u8::try_from(index).unwrap();
            world.servers.push(ServerAt {
                domain: config.domain.clone(),
                machine: Some(server(config, at)),
                journal: Vec::new(),
                events: Vec::new(),
                address: SocketAddr::new([192, 0, 2, at].into(), 5_064),
                disk: Duration::from_millis(1),
            });
        }
        world
    }

    /// A terminal of the server with that number.
    pub(super) fn client(&mut self, name: &'static str, server: usize) -> usize {
        self.client_of(name, &[server])
    }

    /// One that may register with any of these, and begins with the first.
    pub(super) fn client_of(&mut self, name: &'static str, servers: &[usize]) -> usize {
        let addresses: Vec<SocketAddr> = servers.iter().map(|at| self.servers[*at].address).collect();
        let domain = self.servers[servers[0]].domain.clone();
        let index = self.clients.len();
        let config = ClientConfig { server: addresses[0], further: addresses[1..].to_vec(), domain };
        let machine = Client::new(config, Entropy::from_number(index as u64));
        let [high, low] = u16::try_from(index).unwrap().to_be_bytes();
        let address = [198, 51, 100 + high, low].into();
        self.clients.push(ClientAt { machine, name, events: VecDeque::new(), address });
        index
    }

    pub(super) fn presence(&self, client: usize, name: &str) -> Presence {
        let address = SocketAddr::new(self.clients[client].address, 5_060);
        Presence {
            name: name.parse::<Name>().unwrap(),
            number: None,
            fixed: None,
            contacts: vec![Contact { transport: Transport::Udp, address }],
            status: Status::Online,
            listed: false,
            lifetime: Duration::from_secs(3_600),
        }
    }

    pub(super) fn register(&mut self, client: usize, presence: Presence) {
        let now = self.now;
        self.clients[client].machine.register(now, key(client), presence);
    }

    /// The server dies, and with it all that it has not written down.
    pub(super) fn kill(&mut self, server: usize) {
        self.servers[server].machine = None;
        let ends: Vec<_> = self.wires.iter().map(|(a, b)| (*a, *b)).collect();
        for (ours, theirs) in ends.into_iter().filter(|(ours, _)| ours.0 == Who::Server(server)) {
            self.wires.remove(&ours);
            self.wires.remove(&theirs);
            let noticed = if self.silent { IDLE } else { LATENCY };
            self.send(Parcel::Closed(theirs, ClosedBy::Failure), noticed);
        }
    }

    /// It is there again, with what it had written down.
    pub(super) fn restart(&mut self, server: usize, config: ServerConfig) {
        let mut machine = self::server(config, u8::try_from(server).unwrap());
        for record in &self.servers[server].journal {
            assert!(machine.replay(record).is_ok());
        }
        self.servers[server].machine = Some(machine);
    }

    fn send(&mut self, parcel: Parcel, after: Duration) {
        self.next_parcel += 1;
        self.on_the_way.insert((self.now.mono.later(after), self.next_parcel), parcel);
    }

    pub(super) fn run(&mut self, seconds: f64) {
        let end = self.now.mono.later(Duration::from_secs_f64(seconds));
        let mut scratch = Scratch::default();
        let mut last = false;
        loop {
            let mut next = None;
            for index in 0..self.servers.len() {
                next = Instant::earliest(next, self.drain(Who::Server(index), &mut scratch));
            }
            for index in 0..self.clients.len() {
                next = Instant::earliest(next, self.drain(Who::Client(index), &mut scratch));
            }
            let due = self.on_the_way.keys().next().map(|(at, _)| *at);
            if last && due.is_none_or(|at| at > end) {
                return;
            }
            next = Instant::earliest(next, due);
            let at = next.unwrap_or(end).max(self.now.mono);
            last = at >= end;
            let at = at.min(end);
            self.now = self.now.later(at.since(self.now.mono));
            while let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= at) {
                let parcel = entry.remove();
                self.deliver(parcel);
            }
            let now = self.now;
            self.servers.iter_mut().filter_map(|at| at.machine.as_mut()).for_each(|one| one.tick(now));
            self.clients.iter_mut().for_each(|client| client.machine.tick(now));
        }
    }

    fn drain(&mut self, who: Who, scratch: &mut Scratch) -> Option<Instant> {
        loop {
            scratch.clear();
            let step = match who {
                Who::Client(index) => {
                    let step = self.clients[index].machine.poll(scratch);
                    let events = &mut self.clients[index].events;
                    step.map(|event| events.push_back(event))
                }
                Who::Server(index) => self.step(index, scratch)?,
            };
            match step {
                Step::Wait(until) => return until,
                Step::Event(()) => {}
                Step::Send(transmit) => {
                    let Flow::Stream(stream) = transmit.flow else { panic!("no datagrams here") };
                    let bytes = scratch.get(transmit.range).to_vec();
                    if let Some(to) = self.wires.get(&(who, stream)).copied() {
                        self.note(who, to.0, &bytes);
                        self.send(Parcel::Bytes(to, bytes), LATENCY);
                    }
                }
                Step::Connect(connect) => self.connect((who, connect.stream), connect.remote),
                Step::Close(stream) => {
                    if let Some(to) = self.wires.remove(&(who, stream)) {
                        self.wires.remove(&to);
                        self.send(Parcel::Closed(to, ClosedBy::Peer), LATENCY);
                    }
                }
                Step::Append(append) => {
                    let Who::Server(index) = who else { panic!("terminals keep nothing") };
                    let record = scratch.get(append.range).to_vec();
                    self.servers[index].journal.push(record);
                    let disk = self.servers[index].disk;
                    self.send(Parcel::Durable(index, append.ticket), disk);
                }
            }
        }
    }

    /// One step of a server; what it asks of its owner is done at once.
    fn step(&mut self, index: usize, scratch: &mut Scratch) -> Option<Step<()>> {
        let machine = self.servers[index].machine.as_mut()?;
        let step = machine.poll(scratch);
        let (events, now) = (&mut self.servers[index].events, self.now);
        let mut wanted = None;
        let step = step.map(|event| {
            wanted = Some(event.clone());
            events.push(event);
        });
        let found = |domain: &str| self.servers.iter().find(|at| at.domain == domain).map(|at| at.address);
        match wanted {
            Some(ServerEvent::Resolve { domain }) => {
                let found = found(&domain);
                let machine = self.servers[index].machine.as_mut().unwrap();
                machine.resolved(now, &domain, found.as_slice());
            }
            Some(ServerEvent::Seek { seek, key }) => self.seek(index, seek, key),
            Some(ServerEvent::Verify { number, proof }) => {
                let machine = self.servers[index].machine.as_mut().unwrap();
                machine.verified(now, number, proof.identity == "good");
            }
            Some(ServerEvent::Listed { words, .. }) => self.publish(index, &words),
            _ => {}
        }
        Some(step)
    }

    /// A server says in the search network that it has to be asked for these words.
    fn publish(&mut self, server: usize, words: &Words) {
        let at = &self.servers[server];
        let expires = UnixTime::from_secs(self.now.wall.as_secs() + Pointer::LONGEST);
        for key in SearchKey::of_words(words) {
            let operator = server_key(u8::try_from(server).unwrap());
            let pointer = Pointer::sign(key, &at.domain, &[at.address], expires, &operator);
            self.shelf.entry(key).or_default().push(pointer);
        }
    }

    /// A server is told who has said so.
    fn seek(&mut self, server: usize, seek: u64, key: SearchKey) {
        let (now, pointers) = (self.now, self.shelf.get(&key).cloned().unwrap_or_default());
        let machine = self.servers[server].machine.as_mut().unwrap();
        for pointer in pointers {
            assert_eq!(pointer.verify(key, now.wall), Ok(()));
            machine.pointed(now, seek, &pointer);
        }
        machine.sought(now, seek);
    }

    fn connect(&mut self, from: End, remote: SocketAddr) {
        let there = |at: &ServerAt| at.address == remote && at.machine.is_some();
        let Some(server) = self.servers.iter().position(there) else {
            if !self.silent {
                self.send(Parcel::Closed(from, ClosedBy::Failure), LATENCY);
            }
            return;
        };
        let to = (Who::Server(server), StreamId(self.next_odd));
        self.next_odd += 2;
        self.wires.insert(from, to);
        self.wires.insert(to, from);
        let (ip, shown) = match from.0 {
            Who::Client(index) => (self.clients[index].address, None),
            Who::Server(index) => {
                (self.servers[index].address.ip(), Some(self.servers[index].domain.clone()))
            }
        };
        self.send(Parcel::Opened { from, to, remote: SocketAddr::new(ip, 40_000), shown }, LATENCY);
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Opened { from, to, remote, shown } => {
                let (local, transport) = (remote, Transport::Quic);
                self.tell(to, |stream| Arrival::Connected { stream, local, remote, transport });
                if let Some(name) = &shown {
                    self.tell(to, |stream| Arrival::Identified { stream, name });
                }
                self.tell(from, |stream| Arrival::Connected { stream, local, remote, transport });
            }
            Parcel::Bytes(to, bytes) => self.tell(to, |stream| Arrival::Stream { stream, bytes: &bytes }),
            Parcel::Closed(to, by) => self.tell(to, |stream| Arrival::Closed { stream, by }),
            Parcel::Durable(index, ticket) => {
                let now = self.now;
                if let Some(machine) = &mut self.servers[index].machine {
                    machine.handle(now, Arrival::Durable { ticket });
                }
            }
        }
    }

    fn tell<'a>(&mut self, (who, stream): End, arrival: impl FnOnce(StreamId) -> Arrival<'a>) {
        let now = self.now;
        match who {
            Who::Client(index) => self.clients[index].machine.handle(now, arrival(stream)),
            Who::Server(index) => {
                if let Some(machine) = &mut self.servers[index].machine {
                    machine.handle(now, arrival(stream));
                }
            }
        }
    }

    fn note(&mut self, from: Who, to: Who, mut bytes: &[u8]) {
        let (from, to) = (self.name(from), self.name(to));
        while let Some(frame) = Frames::default().next(&mut bytes).unwrap() {
            let kind = Message::decode(&frame).unwrap().kind();
            if !["hello", "welcome"].contains(&kind) {
                self.arrows.push(format!("{from} -> {to} {kind}"));
            }
        }
    }

    fn name(&self, who: Who) -> String {
        match who {
            Who::Client(index) => self.clients[index].name.to_owned(),
            Who::Server(index) => self.servers[index].domain.clone(),
        }
    }
}

pub(super) fn key(client: usize) -> UserKey {
    let mut seed = [u8::try_from(client % 255).unwrap() + 1; 32];
    seed[0] = seed[0].wrapping_add(u8::try_from(client / 255).unwrap());
    UserKey::from_seed(&seed)
}

fn server(config: ServerConfig, at: u8) -> Server {
    Server::new(config, server_key(at), Entropy::from_number(u64::from(at) + 1_000))
}

pub(super) fn server_key(at: u8) -> UserKey {
    UserKey::from_seed(&[100 + at; 32])
}
