use core::time::Duration;
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use rove_base::CandidateKind;
use rove_nat::stun::{
    Class,
    turn::{Frame, LongTermKey, Seal, TurnMessage, TurnWriter, frame},
};

use super::*;

/// What the server sees, whoever asks.
const SEEN: ([u8; 4], u16) = ([203, 0, 113, 7], 40_000);

/// Answers a question: unsealed by a challenge, else with an address.
fn answer(question: &[u8], relayed: SocketAddr) -> Vec<u8> {
    let key = LongTermKey::new(b"me", b"r", b"of-me");
    let message = TurnMessage::parse(question).unwrap();
    let (method, transaction) = (message.method(), message.transaction());
    let mut bytes = Vec::new();
    if message.has_seal() {
        let seal: Seal<'_> = message.is_sealed(&key).expect("sealed by its password");
        let answer = TurnWriter::new(&mut bytes, Class::Success, method, transaction).relayed(relayed);
        answer.mapped(SEEN.into()).lifetime(600).sealed(seal).done();
    } else {
        let answer = TurnWriter::new(&mut bytes, Class::Error, method, transaction).error(401);
        answer.realm(b"r").nonce(b"xyz").done();
    }
    bytes
}

/// A server in datagrams; answers where it is. All that come later than the test are never answered.
fn by_datagrams(relayed: u16) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut bytes = [0; 1_500];
        while let Ok((len, from)) = socket.recv_from(&mut bytes) {
            let _ = socket.send_to(&answer(&bytes[..len], ([192, 0, 2, 1], relayed).into()), from);
        }
    });
    at
}

/// The same in a stream; says at the end what it heard.
fn by_stream(relayed: u16) -> (SocketAddr, thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut waiting, mut bytes, mut heard) = (Vec::new(), [0; 1_500], 0);
        while let Ok(len @ 1..) = stream.read(&mut bytes) {
            waiting.extend_from_slice(&bytes[..len]);
            while let Frame::Of(len) = frame(&waiting)
                && len <= waiting.len()
            {
                let question: Vec<u8> = waiting.drain(..len).collect();
                heard += 1;
                stream.write_all(&answer(&question, ([192, 0, 2, 2], relayed).into())).unwrap();
            }
        }
        heard
    });
    (at, serving)
}

fn server(server: SocketAddr, over: TurnTransport) -> (TurnServer, Entropy) {
    let password = Zeroizing::new("of-me".to_owned());
    let server = TurnServer { server, over, user: "me".into(), password, dedicated: false };
    let entropy = Entropy::from_number(server.server.port().into());
    (server, entropy)
}

fn asked(servers: Vec<(TurnServer, Entropy)>) -> Answers {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap();
    port.set_nonblocking(true).unwrap();
    let own = port.local_addr().unwrap();
    ask(
        vec![Port { socket: port, local: own }],
        Clock::new(),
        servers,
        (&Tls::default(), Duration::from_secs(20)),
    )
}

#[test]
fn a_server_in_a_stream_lends_an_address_after_those_in_datagrams_and_tells_nobody_how_the_port_is_seen() {
    let (at, serving) = by_stream(5_002);
    let answers = asked(vec![server(at, TurnTransport::Tcp)]);
    assert_eq!(answers.seen, None, "that is another port");
    let [candidate] = answers.candidates[..] else { panic!("{:?}", answers.candidates) };
    assert_eq!((candidate.kind, candidate.address), (CandidateKind::Relayed, ([192, 0, 2, 2], 5_002).into()));
    let [stands_for] = answers.borrowed.servers() else { panic!("one server") };
    assert_ne!(stands_for.server, at, "a port of this host stands for it");
    drop(answers);
    // Twice asked for an address, and it is given back; nothing is asked again.
    assert_eq!(serving.join().unwrap(), 3);

    let (at, serving) = by_stream(5_002);
    let answers =
        asked(vec![server(at, TurnTransport::Tcp), server(by_datagrams(5_001), TurnTransport::Udp)]);
    assert_eq!(answers.seen, Some(SEEN.into()));
    let mut candidates = answers.candidates.clone();
    candidates.sort_unstable_by_key(|candidate| core::cmp::Reverse(candidate.priority));
    let ports: Vec<_> = candidates.iter().map(|candidate| candidate.address.port()).collect();
    assert_eq!(ports, [5_001, 5_002], "{candidates:?}");
    drop(answers);
    assert_eq!(serving.join().unwrap(), 3);
}

#[test]
fn where_no_stream_stands_the_call_goes_on_without() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let answers =
        asked(vec![server(gone, TurnTransport::Tcp), server(gone, TurnTransport::Tls { name: None })]);
    assert!(answers.candidates.is_empty() && answers.borrowed.servers().is_empty());
}

#[test]
fn a_server_is_asked_through_the_port_on_the_address_that_leads_to_it() {
    let port = |address: &str| {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_nonblocking(true).unwrap();
        let local = socket.local_addr().unwrap();
        Port { socket, local }
    };
    // The system reaches all of this host from its first address.
    let ports = vec![port("127.0.0.2:0"), port("127.0.0.1:0")];
    let server = server(by_datagrams(5_001), TurnTransport::Udp);
    let answers = ask(ports, Clock::new(), vec![server], (&Tls::default(), Duration::from_secs(20)));
    assert_eq!(answers.candidates.len(), 1, "{:?}", answers.candidates);
    assert_eq!(answers.borrowed.servers().iter().map(|through| through.port).collect::<Vec<_>>(), [1]);
    assert_eq!(answers.seen, None, "that is not how the first is seen");
}
