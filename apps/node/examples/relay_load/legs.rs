//! The two ends of a call, by each way to join them.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use rove_base::{Entropy, Instant as Mono};
use rove_nat::turn::{TurnClient, TurnCredentials, TurnNews};
use rove_relay::calls::{self, Answer, Secret, Ticket, Word, pair};

/// How ends are joined.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Kind {
    /// One end has an address at a TURN server, the other sends there.
    Turn,
    /// By tickets.
    Calls,
    /// By nothing but the number of the call.
    Bare,
}

impl Kind {
    pub(crate) fn read(text: &str) -> Option<Self> {
        [("turn", Self::Turn), ("calls", Self::Calls), ("bare", Self::Bare)]
            .into_iter()
            .find_map(|(name, kind)| (name == text).then_some(kind))
    }
}

/// One end.
pub(crate) struct Leg {
    socket: UdpSocket,
    /// What stands in front of each packet.
    front: Vec<u8>,
}

impl Leg {
    pub(crate) fn say(&mut self, packet: &[u8]) -> u64 {
        if self.front.is_empty() {
            return u64::from(self.socket.send(packet).is_ok());
        }
        self.front.truncate(4);
        self.front.extend_from_slice(packet);
        u64::from(self.socket.send(&self.front).is_ok())
    }

    pub(crate) fn hear(&mut self) -> u64 {
        let mut bytes = [0; 2_048];
        let mut heard = 0;
        while let Ok(len) = self.socket.recv(&mut bytes) {
            heard += u64::from(len >= 172);
        }
        heard
    }
}

/// Where an end is, and where it sends to.
type Way = (SocketAddr, SocketAddr);

/// The calls of a file of ways.
pub(crate) fn ways(text: &str) -> Vec<[Way; 2]> {
    let call = |line: &str| {
        let at: Vec<SocketAddr> = line.split(' ').map(|word| word.parse().expect("an address")).collect();
        let &[a, of_a, b, of_b] = at.as_slice() else { panic!("a call has four addresses, not {line:?}") };
        [(a, of_a), (b, of_b)]
    };
    text.lines().map(call).collect()
}

/// Both ends.
pub(crate) struct Pair(pub(crate) [Leg; 2]);

impl Pair {
    pub(crate) fn begin(kind: Kind, server: SocketAddr, call: u64, secret: &str) -> Self {
        let sockets = [0, 1].map(|end| socket(call, end));
        let legs = match kind {
            Kind::Turn => return lent(sockets, server, call, secret),
            Kind::Calls => {
                let mut number = [0; 16];
                number[..8].copy_from_slice(&call.to_be_bytes());
                let ends = [calls::Leg::Caller, calls::Leg::Callee].into_iter();
                for (socket, leg) in sockets.iter().zip(ends) {
                    socket.connect(server).expect("a way to the server");
                    let pair = pair(b"load", b"load");
                    enter(socket, secret, Ticket { call: number, pair, leg, expires: u32::MAX });
                }
                sockets
            }
            Kind::Bare => {
                for socket in &sockets {
                    socket.connect(server).expect("a way to the server");
                    let mut hello = vec![0xb1];
                    hello.extend(call.to_be_bytes());
                    exchange(socket, &hello);
                }
                sockets
            }
        };
        Self::of(legs)
    }

    /// A call that is set up already.
    pub(crate) fn along(ways: &[Way; 2]) -> Self {
        Self::of(ways.map(|(here, there)| {
            let socket = bound(here);
            socket.connect(there).expect("a way to the server");
            socket
        }))
    }

    /// Nothing stands in front of their packets.
    fn of(sockets: [UdpSocket; 2]) -> Self {
        Self(sockets.map(|socket| {
            socket.set_nonblocking(true).expect("a socket");
            Leg { socket, front: Vec::new() }
        }))
    }
}

/// An address of its own for each end, so that it is told from all others also after its socket is gone.
fn socket(call: u64, end: u16) -> UdpSocket {
    let [.., net, a, b] = call.to_be_bytes();
    bound((Ipv4Addr::new(127, 1 + net, a, b), 20_000 + end).into())
}

fn bound(here: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(here).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a socket");
    socket
}

/// Asks until there is an answer.
fn exchange(socket: &UdpSocket, bytes: &[u8]) -> Vec<u8> {
    let mut answer = [0; 2_048];
    for _ in 0..20 {
        socket.send(bytes).expect("the server's port");
        if let Ok(len) = socket.recv(&mut answer) {
            return answer[..len].to_vec();
        }
    }
    panic!("no answer");
}

fn enter(socket: &UdpSocket, secret: &str, ticket: Ticket) {
    let grant = Secret::new(secret.as_bytes()).grant(ticket);
    let first = exchange(socket, &grant.write(Word::Hello, [0; 8]));
    let Some(Answer::Challenge(challenge)) = Answer::parse(&first) else { panic!("no challenge") };
    let second = exchange(socket, &grant.write(Word::Hello, challenge));
    assert!(matches!(Answer::parse(&second), Some(Answer::Welcome { .. })), "not welcome");
}

/// The first end has an address that the second one sends to; the user is `load`, its password the secret.
fn lent([client, peer]: [UdpSocket; 2], server: SocketAddr, call: u64, secret: &str) -> Pair {
    client.connect(server).expect("a way to the server");
    let there = peer.local_addr().expect("an address");
    let began = Instant::now();
    let now = || Mono::ZERO + began.elapsed();
    let credentials = TurnCredentials { user: "load".into(), password: secret.to_owned().into() };
    let mut turn = TurnClient::new(now(), credentials, Entropy::from_number(call));
    let mut reached = false;
    while !reached {
        assert!(began.elapsed() < Duration::from_secs(20), "no answer");
        while let Some(question) = turn.next_datagram(now()) {
            client.send(&question).expect("the server's port");
        }
        let mut answer = [0; 2_048];
        if let Ok(len) = client.recv(&mut answer) {
            turn.receive(now(), &answer[..len]);
        }
        while let Some(news) = turn.news() {
            match news {
                TurnNews::Lent { relayed, .. } => {
                    peer.connect(relayed).expect("a way to the address");
                    assert!(turn.reach(now(), there));
                }
                TurnNews::Reached(_) => reached = true,
                other => panic!("{other:?}"),
            }
        }
    }
    let mut front = Vec::new();
    assert!(turn.write(there, &[0; 172], &mut front));
    client.set_nonblocking(true).expect("a socket");
    peer.set_nonblocking(true).expect("a socket");
    Pair([Leg { socket: client, front }, Leg { socket: peer, front: Vec::new() }])
}
