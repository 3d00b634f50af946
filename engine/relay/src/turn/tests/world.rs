//! A server, its sockets as they are asked for, and a client that does what a client does.

use std::collections::{BTreeMap, BTreeSet};

use rove_base::{Arrival, StreamId, Transport, UnixTime};
use rove_nat::stun::{
    Class,
    turn::{Algorithm, LongTermKey, Method, Seal, TurnMessage, TurnWriter},
};

use crate::turn::*;

pub(super) const REALM: &str = "relay.example";
pub(super) const WALL: u64 = 1_800_000_000;

pub(super) struct World {
    pub(super) server: TurnServer,
    pub(super) now: Now,
    out: Scratch,
    pub(super) bound: BTreeMap<RelayPort, SocketAddr>,
    /// Addresses that the system refuses.
    pub(super) refused: BTreeSet<u16>,
    /// What left: on which flow, and what.
    pub(super) left: Vec<(Flow, Vec<u8>)>,
    pub(super) closed: Vec<StreamId>,
    /// How what left last was marked.
    pub(super) mark: Option<Dscp>,
    next: u8,
}

pub(super) fn config() -> TurnConfig {
    let mut accounts = Accounts::new(REALM);
    accounts.add_user("alice", "secret of alice");
    accounts.add_user("bob", "secret of bob");
    accounts.add_secret("north");
    TurnConfig {
        accounts,
        policy: Policy::new(vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()], vec![]),
        addresses: vec![RelayAddress::from(std::net::IpAddr::from([192, 0, 2, 1]))],
        ports: 50_000..=50_099,
        own: vec![listen()],
        limits: TurnLimits::default(),
        dscp: Dscp::DEFAULT,
    }
}

pub(super) fn listen() -> SocketAddr {
    ([192, 0, 2, 1], 3_478).into()
}

pub(super) fn peer(port: u16) -> SocketAddr {
    ([192, 0, 2, 77], port).into()
}

impl World {
    pub(super) fn new(config: TurnConfig) -> Self {
        Self {
            server: TurnServer::new(config, Entropy::from_number(5)),
            now: Now { mono: Instant::from_nanos(7_000_000_000), wall: UnixTime::from_secs(WALL) },
            out: Scratch::default(),
            bound: BTreeMap::new(),
            refused: BTreeSet::new(),
            left: Vec::new(),
            closed: Vec::new(),
            mark: None,
            next: 0,
        }
    }

    /// One of several desks.
    pub(super) fn among(config: TurnConfig, index: u8, count: u8) -> Self {
        let server = TurnServer::new(config.clone(), Entropy::from_number(index.into()));
        let desk = crate::desks::Desk::new(index, count).unwrap();
        Self { server: server.among(desk), ..Self::new(config) }
    }

    /// Another desk tells this.
    pub(super) fn told(&mut self, tiding: &Tiding) {
        self.out.clear();
        self.server.told(self.now, tiding, &mut self.out);
        self.drain();
    }

    pub(super) fn client(&mut self, user: &str, password: &str) -> Client {
        self.next += 1;
        let remote = ([198, 51, 100, self.next], 4_000).into();
        let flow = Flow::udp(listen(), remote);
        let key = LongTermKey::new(user.as_bytes(), REALM.as_bytes(), password.as_bytes());
        Client {
            flow,
            remote,
            user: user.into(),
            key,
            nonce: Vec::new(),
            transaction: 0,
            algorithm: None,
            newer: false,
        }
    }

    /// The next client comes from where the first one came from.
    pub(super) const fn restart_clients(&mut self) {
        self.next = 0;
    }

    pub(super) fn alice(&mut self) -> Client {
        self.client("alice", "secret of alice")
    }

    pub(super) fn stream(&mut self, client: &mut Client) {
        let stream = StreamId(u64::from(self.next) * 2 + 1);
        client.flow = Flow::Stream(stream);
        let (local, remote, transport) = (listen(), client.remote, Transport::Tcp);
        self.arrive(Arrival::Connected { stream, local, remote, transport });
    }

    pub(super) fn arrive(&mut self, arrival: Arrival<'_>) {
        self.out.clear();
        self.server.stream(self.now, arrival, &mut self.out);
        self.drain();
    }

    /// A client's bytes come in.
    pub(super) fn heard(&mut self, flow: Flow, bytes: &[u8]) {
        match flow {
            Flow::Stream(stream) => self.arrive(Arrival::Stream { stream, bytes }),
            Flow::Udp(flow) => {
                self.out.clear();
                self.server.datagram(self.now, flow, bytes, &mut self.out);
                self.drain();
            }
        }
    }

    /// A peer sends to an address that is lent.
    pub(super) fn peer_sends(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let port = self.bound.iter().find(|(_, address)| **address == to).map(|(port, _)| *port);
        if let Some(port) = port {
            self.out.clear();
            self.server.peer_sent(self.now, port, from, bytes, &mut self.out);
            self.drain();
        }
    }

    pub(super) fn later(&mut self, secs: u64) {
        self.now = self.now.later(Duration::from_secs(secs));
        self.server.tick(self.now);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.server.poll() {
                Step::Send(transmit) => {
                    self.mark = Some(transmit.dscp);
                    self.left.push((transmit.flow, self.out.get(transmit.range).to_vec()));
                }
                Step::Event(TurnEvent::Bind { port, address }) => {
                    let done = !self.refused.contains(&address.port());
                    if done {
                        assert!(!self.bound.values().any(|taken| *taken == address), "{address} twice");
                        assert_eq!(self.bound.insert(port, address), None);
                    }
                    self.server.bound(self.now, port, done, &mut self.out);
                }
                Step::Event(TurnEvent::Unbind { port }) => assert!(self.bound.remove(&port).is_some()),
                Step::Close(stream) => self.closed.push(stream),
                Step::Wait(_) => return,
                other => panic!("{other:?}"),
            }
        }
    }

    /// What was answered last.
    pub(super) fn answered(&mut self, client: &Client) -> Option<Said> {
        let (to, answer) = self.last()?;
        (to == client.flow).then(|| Said::read(&answer))
    }

    /// The last that left.
    pub(super) fn last(&mut self) -> Option<(Flow, Vec<u8>)> {
        self.left.pop()
    }

    /// Asks without a name, and answers what is answered.
    pub(super) fn plain(
        &mut self,
        client: &mut Client,
        method: Method,
        say: impl Fn(TurnWriter<'_>) -> TurnWriter<'_>,
    ) -> Said {
        let mut bytes = Vec::new();
        say(TurnWriter::new(&mut bytes, Class::Request, method, client.next())).done();
        self.exchange(client.flow, &bytes)
    }

    pub(super) fn exchange(&mut self, flow: Flow, bytes: &[u8]) -> Said {
        self.left.clear();
        self.heard(flow, bytes);
        match self.last() {
            Some((to, answer)) if to == flow => Said::read(&answer),
            _ => Said::default(),
        }
    }

    /// Asks as a client does: with a name and a nonce, and again with a new nonce when it is told one.
    pub(super) fn ask(
        &mut self,
        client: &mut Client,
        method: Method,
        say: impl Fn(TurnWriter<'_>) -> TurnWriter<'_>,
    ) -> Said {
        if client.nonce.is_empty() {
            // Long enough that its answer is not too long for who is not believed yet.
            let said = self.plain(client, method, |ask| say(ask.transport(17)));
            assert_eq!((said.error, said.realm.as_slice()), (Some(401), REALM.as_bytes()));
            client.nonce = said.nonce;
        }
        let bytes = client.sealed(method, &say);
        let mut said = self.exchange(client.flow, &bytes);
        if said.error == Some(438) {
            client.nonce = said.nonce;
            let bytes = client.sealed(method, &say);
            said = self.exchange(client.flow, &bytes);
        }
        said
    }

    pub(super) fn allocate(&mut self, client: &mut Client) -> SocketAddr {
        let said = self.ask(client, Method::Allocate, |ask| ask.transport(17));
        assert_eq!((said.error, said.lifetime), (None, Some(600)));
        assert_eq!(said.mapped, Some(client.remote));
        said.relayed.unwrap()
    }

    pub(super) fn permit(&mut self, client: &mut Client, peer: SocketAddr) -> Option<u16> {
        self.ask(client, Method::CreatePermission, |ask| ask.peer(peer)).error
    }

    pub(super) fn bind(&mut self, client: &mut Client, number: u16, peer: SocketAddr) -> Option<u16> {
        self.ask(client, Method::ChannelBind, |ask| ask.channel(number).peer(peer)).error
    }
}

pub(super) struct Client {
    pub(super) flow: Flow,
    pub(super) remote: SocketAddr,
    pub(super) user: String,
    pub(super) key: LongTermKey,
    pub(super) nonce: Vec<u8>,
    pub(super) transaction: u8,
    /// How the key is made, where that is told.
    pub(super) algorithm: Option<Algorithm>,
    /// Seals in the newer way.
    pub(super) newer: bool,
}

impl Client {
    pub(super) fn next(&mut self) -> [u8; 12] {
        self.transaction += 1;
        [self.transaction; 12]
    }

    pub(super) fn sealed(
        &mut self,
        method: Method,
        say: impl Fn(TurnWriter<'_>) -> TurnWriter<'_>,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let transaction = self.next();
        let ask = TurnWriter::new(&mut bytes, Class::Request, method, transaction);
        let mut ask = say(ask).username(self.user.as_bytes()).realm(REALM.as_bytes()).nonce(&self.nonce);
        if let Some(algorithm) = self.algorithm {
            ask = ask.algorithms(&[Algorithm::Md5, Algorithm::Sha256]).algorithm(algorithm);
        }
        let key = self.key.by(self.algorithm.unwrap_or(Algorithm::Md5)).unwrap();
        ask.sealed(if self.newer { Seal::Sha256(key) } else { Seal::Sha1(key) }).done();
        bytes
    }

    pub(super) fn send_to(&mut self, peer: SocketAddr, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        TurnWriter::new(&mut bytes, Class::Indication, Method::Send, self.next())
            .peer(peer)
            .data(data)
            .done();
        bytes
    }
}

/// What was answered.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) success: bool,
    pub(super) error: Option<u16>,
    pub(super) realm: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    pub(super) lifetime: Option<u32>,
    pub(super) relayed: Option<SocketAddr>,
    pub(super) mapped: Option<SocketAddr>,
    pub(super) reservation: Option<[u8; 8]>,
    pub(super) sealed: bool,
    pub(super) bytes: Vec<u8>,
}

impl Said {
    fn read(bytes: &[u8]) -> Self {
        let message = TurnMessage::parse(bytes).unwrap();
        let told = message.attributes();
        Self {
            success: message.class() == Class::Success,
            error: told.error,
            realm: told.realm.unwrap_or_default().into(),
            nonce: told.nonce.unwrap_or_default().into(),
            lifetime: told.lifetime,
            relayed: told.relayed,
            mapped: told.mapped,
            reservation: told.reservation,
            sealed: message.has_seal(),
            bytes: bytes.into(),
        }
    }
}
