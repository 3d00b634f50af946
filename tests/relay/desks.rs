//! One relay at two threads: calls whose ends come to different ones, and clients of both.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use rove_base::{Entropy, Instant as Mono};
use rove_nat::turn::{FromServer, TurnClient, TurnCredentials, TurnNews};
use rove_relay::calls::{Answer, Grant, Leg, Secret, Ticket, Word, pair};

use crate::stage::{PASSWORD, PATIENCE, Relay, USER};

const CALL_SECRET: &str = "of calls";
const CALLS: u8 = 64;
const ROUNDS: u8 = 20;

/// Two threads, and more of the section.
fn relay(more: &str) -> Relay {
    Relay::start(&format!("threads = 2\ncall_secret = \"{CALL_SECRET}\"\nallow = [\"127.0.0.0/8\"]\n{more}"))
}

fn socket(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(server).unwrap();
    socket
}

/// An end of a call.
struct End {
    socket: UdpSocket,
    grant: Grant,
}

impl End {
    fn new(server: SocketAddr, call: u8, leg: Leg) -> Self {
        let ticket = Ticket { call: [call; 16], pair: pair(b"a", b"b"), leg, expires: u32::MAX };
        Self { socket: socket(server), grant: Secret::new(CALL_SECRET.as_bytes()).grant(ticket) }
    }

    fn hears(&self) -> Vec<u8> {
        let mut bytes = [0; 2_048];
        let len = self.socket.recv(&mut bytes).unwrap();
        bytes[..len].to_vec()
    }

    fn hears_nothing(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        self.socket.recv(&mut [0; 2_048]).is_err()
    }

    /// Says a word, and is given a challenge for it, which it shows.
    fn says(&self, word: Word) {
        self.socket.send(&self.grant.write(word, [0; 8])).unwrap();
        let Some(Answer::Challenge(challenge)) = Answer::parse(&self.hears()) else { panic!("no challenge") };
        self.socket.send(&self.grant.write(word, challenge)).unwrap();
    }

    /// Whether the other end is there as well.
    fn enters(&self) -> bool {
        self.says(Word::Hello);
        let Some(Answer::Welcome { joined, .. }) = Answer::parse(&self.hears()) else {
            panic!("not welcome")
        };
        joined
    }
}

/// So many calls, each with both ends.
fn begun(relay: &Relay, calls: std::ops::Range<u8>) -> Vec<[End; 2]> {
    let call = |call| {
        let ends = [Leg::Caller, Leg::Callee].map(|leg| End::new(relay.udp, call, leg));
        // Whichever thread it comes to, that knows of the first one before the second one can be there.
        assert_eq!(ends.each_ref().map(End::enters), [false, true]);
        ends
    };
    calls.map(call).collect()
}

/// Waits until the relay has counted so many.
fn counted(relay: &Relay, name: &str, expected: u64) {
    let until = Instant::now() + PATIENCE;
    loop {
        let count = relay.counted(name);
        if count == expected {
            return;
        }
        assert!(Instant::now() < until, "{name}: {count} instead of {expected}");
    }
}

/// What each thread has counted, both of which have done something.
fn of_threads(relay: &Relay, name: &str) -> u64 {
    let counts = [0, 1].map(|thread| relay.counted(&format!("{name}{{thread=\"{thread}\"}}")));
    assert!(counts.iter().all(|count| *count > 0), "{name}: {counts:?}");
    counts.iter().sum()
}

#[test]
fn all_packets_of_calls_whose_ends_come_to_different_threads_arrive_and_a_word_of_either_ends_them_at_both() {
    let relay = relay("");
    let calls = begun(&relay, 0..CALLS);
    for round in 0..ROUNDS {
        for [caller, callee] in &calls {
            for (from, to) in [(caller, callee), (callee, caller)] {
                from.socket.send(&[0x80, round]).unwrap();
                assert_eq!(to.hears(), [0x80, round]);
            }
        }
    }
    let passed = u64::from(CALLS) * u64::from(ROUNDS) * 2;
    assert_eq!(relay.counted("rove_relay_packets_out_total{part=\"calls\"}"), passed);
    assert_eq!(of_threads(&relay, "rove_relay_thread_packets_total"), passed);
    assert_eq!(relay.counted("rove_relay_begun_total{part=\"calls\"}"), u64::from(CALLS));
    // The operator sees each call once, with what both threads have passed on.
    let listed = relay.operator(&["calls", "list", "--json"]);
    assert_eq!(listed.lines().count(), usize::from(CALLS), "{listed}");
    let whole = format!("\"packets\":{}", 2 * u64::from(ROUNDS));
    assert!(listed.lines().all(|call| call.contains(&whole)), "{listed}");
    // Half of them end by a word of one end or the other, one by the operator.
    let (over, standing) = calls.split_at(usize::from(CALLS / 2));
    over.iter().enumerate().for_each(|(index, ends)| ends[index % 2].says(Word::Bye));
    counted(&relay, "rove_relay_calls", u64::from(CALLS / 2));
    relay.operator(&["calls", "hangup", &"20".repeat(16)]);
    counted(&relay, "rove_relay_calls", u64::from(CALLS / 2) - 1);
    let [hung, standing @ ..] = standing else { panic!("no call is left") };
    for ends in over.iter().chain([hung]) {
        for end in ends {
            end.socket.send(&[0x80, 1]).unwrap();
        }
    }
    counted(
        &relay,
        "rove_relay_refused_total{part=\"turn\",cause=\"not understood\"}",
        2 * (over.len() as u64 + 1),
    );
    assert!(over.iter().chain([hung]).flatten().all(End::hears_nothing));
    for [caller, callee] in standing {
        caller.socket.send(b"\x80still").unwrap();
        assert_eq!(callee.hears(), b"\x80still");
    }
}

#[test]
fn the_limits_of_two_threads_are_those_of_both_together_also_when_they_change() {
    let relay = relay("calls = 8\n");
    let calls = begun(&relay, 0..8);
    let asking = |calls: std::ops::Range<u8>| {
        let ends: Vec<_> = calls.map(|call| End::new(relay.udp, call, Leg::Caller)).collect();
        ends.iter().for_each(|end| end.says(Word::Hello));
        ends
    };
    let waiting = asking(100..120);
    let capacity = "rove_relay_refused_total{part=\"calls\",cause=\"capacity\"}";
    counted(&relay, capacity, 20);
    relay.changes("calls = 8", "calls = 28");
    relay.operator(&["reload"]);
    assert!(waiting.iter().all(|end| !end.enters()));
    asking(120..140);
    counted(&relay, capacity, 40);
    for [caller, callee] in &calls {
        callee.socket.send(b"\x80still").unwrap();
        assert_eq!(caller.hears(), b"\x80still");
    }
}

/// A client with an address at a relay and a peer that it has let in.
struct Client {
    turn: TurnClient,
    socket: UdpSocket,
    peer: UdpSocket,
    relayed: SocketAddr,
    began: Instant,
}

impl Client {
    /// `Err`: with the code it was refused by.
    fn new(server: SocketAddr, number: u64) -> Result<Self, Option<u16>> {
        let (socket, peer) = (socket(server), UdpSocket::bind("127.0.0.1:0").unwrap());
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let credentials = TurnCredentials { user: USER.into(), password: PASSWORD.to_owned().into() };
        let began = Instant::now();
        let now = || Mono::ZERO + began.elapsed();
        let mut turn = TurnClient::new(now(), credentials, Entropy::from_number(number));
        let there = peer.local_addr().unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        loop {
            assert!(began.elapsed() < PATIENCE, "no answer");
            while let Some(question) = turn.next_datagram(now()) {
                socket.send(&question).unwrap();
            }
            let mut answer = [0; 2_048];
            if let Ok(len) = socket.recv(&mut answer) {
                turn.receive(now(), &answer[..len]);
            }
            while let Some(news) = turn.news() {
                match news {
                    TurnNews::Lent { .. } => assert!(turn.reach(now(), there)),
                    TurnNews::Reached(_) => {
                        let relayed = turn.relayed().unwrap();
                        socket.set_read_timeout(Some(PATIENCE)).unwrap();
                        return Ok(Self { turn, socket, peer, relayed, began });
                    }
                    TurnNews::Ended(code) => return Err(code),
                    TurnNews::Unreachable(_, code) => panic!("{code:?}"),
                }
            }
        }
    }

    /// Something from the client to the peer, and back.
    fn talks(&mut self, what: &[u8]) {
        let (mut wire, mut bytes) = (Vec::new(), [0; 2_048]);
        assert!(self.turn.write(self.peer.local_addr().unwrap(), what, &mut wire));
        self.socket.send(&wire).unwrap();
        let (len, from) = self.peer.recv_from(&mut bytes).unwrap();
        assert_eq!((&bytes[..len], from), (what, self.relayed));
        self.peer.send_to(what, self.relayed).unwrap();
        let len = self.socket.recv(&mut bytes).unwrap();
        let FromServer::Data { bytes, .. } =
            self.turn.receive(Mono::ZERO + self.began.elapsed(), &bytes[..len])
        else {
            panic!("no data")
        };
        assert_eq!(bytes, what);
    }
}

#[test]
fn clients_of_both_threads_are_lent_addresses_and_one_user_no_more_than_it_may_have_at_both() {
    let relay = relay("");
    let mut clients: Vec<_> = (0..48).map(|number| Client::new(relay.udp, number).ok().unwrap()).collect();
    for round in 0..10 {
        clients.iter_mut().for_each(|client| client.talks(&[round; 100]));
    }
    let mut ports: Vec<_> = clients.iter().map(|client| client.relayed.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!((ports.len(), relay.counted("rove_relay_allocations")), (48, 48));
    assert_eq!(of_threads(&relay, "rove_relay_thread_allocations"), 48);
    assert_eq!(relay.counted("rove_relay_packets_in_total{part=\"turn\"}"), 480);
    relay.changes("per_user = 10000", "per_user = 64");
    relay.operator(&["reload"]);
    let more: Vec<_> = (100..130).map(|number| Client::new(relay.udp, number).err()).collect();
    assert_eq!(more.iter().filter(|refused| refused.is_none()).count(), 16);
    assert!(more.iter().skip(16).all(|refused| *refused == Some(Some(486))), "{more:?}");
}
