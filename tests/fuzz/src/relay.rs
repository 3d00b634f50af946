//! A relay's wires: TURN's messages, data in channels, and tickets of calls.

use std::net::SocketAddr;

use rove_base::{
    Arrival, Entropy, Flow, Instant, Now, Scratch, Step, StreamId, Transport, UdpFlow, UnixTime,
};
use rove_nat::stun::{
    Class,
    turn::{Algorithm, ChannelData, Frame, LongTermKey, Method, Seal, TurnMessage, TurnWriter, frame},
};
use rove_relay::{
    accounts::Accounts,
    calls::{Answer, CallLimits, Calls, Hello, Secret},
    policy::Policy,
    turn::{RelayAddress, TurnConfig, TurnEvent, TurnLimits, TurnServer},
};

/// What left, and to where.
type Left = Vec<(Flow, Vec<u8>)>;

/// Bytes of a stranger lend nothing, and are answered by three times their length at most, whatever they claim; on a stream,
/// cut anywhere, they lend nothing either.
///
/// # Panics
///
/// When that does not hold.
pub fn turn(bytes: &[u8]) {
    if let Ok(message) = TurnMessage::parse(bytes) {
        let key = LongTermKey::new(b"somebody", b"somewhere", b"a password that nobody knows");
        assert!(message.is_sealed(&key).is_none());
        assert!(message.peers().count() <= bytes.len() / 12);
    }
    let mut server = server();
    let mut out = Scratch::default();
    server.datagram(now(), flow(), bytes, &mut out);
    let left = drain(&mut server, &mut out);
    assert!(left.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= 3 * bytes.len());
    let (stream, local, remote) = (StreamId(1), flow().local, flow().remote);
    server.stream(now(), Arrival::Connected { stream, local, remote, transport: Transport::Tcp }, &mut out);
    for piece in bytes.chunks(7) {
        server.stream(now(), Arrival::Stream { stream, bytes: piece }, &mut out);
    }
    drain(&mut server, &mut out);
    assert_eq!(server.lent(), 0);
}

/// Whatever a client with an address sends goes to the host that it has let in, or is answered to itself.
///
/// # Panics
///
/// When that does not hold.
pub fn channel(bytes: &[u8]) {
    if let Some(data) = ChannelData::parse(bytes) {
        let mut written = Vec::new();
        data.write(&mut written, true);
        assert_eq!(frame(&written), Frame::Of(written.len()));
        assert_eq!(ChannelData::parse(&written), Some(data));
    }
    let (mut server, mut out) = (server(), Scratch::default());
    let challenge = exchange(&mut server, &mut out, Method::Allocate, b"", |ask| ask.transport(17));
    let nonce = TurnMessage::parse(&challenge)
        .ok()
        .and_then(|message| message.attributes().nonce.map(<[u8]>::to_vec));
    let nonce = nonce.unwrap_or_default();
    exchange(&mut server, &mut out, Method::Allocate, &nonce, |ask| ask.transport(17));
    exchange(&mut server, &mut out, Method::ChannelBind, &nonce, |ask| ask.channel(0x4000).peer(peer()));
    assert_eq!(server.lent(), 1);
    server.datagram(now(), flow(), bytes, &mut out);
    for (to, _) in drain(&mut server, &mut out) {
        let Flow::Udp(to) = to else { panic!("{to}") };
        assert!(to == flow() || to.remote.ip() == peer().ip(), "{to:?}");
    }
    assert_eq!(server.lent(), 1);
}

/// Nobody is let into a call without a secret, and nobody is answered by more than he has sent.
///
/// # Panics
///
/// When that does not hold.
pub fn token(bytes: &[u8]) {
    let _ = (Hello::parse(bytes), Answer::parse(bytes));
    let mut calls = Calls::new(vec![Secret::new(b"a secret that nobody knows")], CallLimits::default());
    let mut out = Scratch::default();
    calls.datagram(now(), flow(), bytes, &mut out);
    let mut sent = 0;
    while let Step::Send(transmit) = calls.poll() {
        sent += transmit.range.len();
    }
    assert!(calls.is_empty() && sent <= bytes.len());
}

fn server() -> TurnServer {
    let mut accounts = Accounts::new("r");
    accounts.add_user("u", "p");
    let config = TurnConfig {
        accounts,
        policy: Policy::default(),
        addresses: vec![RelayAddress::from(flow().local.ip())],
        ports: 50_000..=50_100,
        own: vec![flow().local],
        limits: TurnLimits::default(),
        dscp: rove_base::Dscp::DEFAULT,
    };
    TurnServer::new(config, Entropy::from_number(1))
}

fn exchange(
    server: &mut TurnServer,
    out: &mut Scratch,
    method: Method,
    nonce: &[u8],
    say: impl Fn(TurnWriter<'_>) -> TurnWriter<'_>,
) -> Vec<u8> {
    let key = LongTermKey::new(b"u", b"r", b"p");
    let mut bytes = Vec::new();
    let ask = say(TurnWriter::new(&mut bytes, Class::Request, method, [1; 12]));
    let ask = ask.username(b"u").realm(b"r").nonce(nonce);
    ask.sealed(Seal::Sha1(key.by(Algorithm::Md5).unwrap_or_default())).done();
    server.datagram(now(), flow(), &bytes, out);
    drain(server, out).pop().map(|(_, bytes)| bytes).unwrap_or_default()
}

fn drain(server: &mut TurnServer, out: &mut Scratch) -> Left {
    let mut left = Vec::new();
    loop {
        match server.poll() {
            Step::Send(transmit) => left.push((transmit.flow, out.get(transmit.range).to_vec())),
            Step::Event(TurnEvent::Bind { port, .. }) => server.bound(now(), port, true, out),
            Step::Wait(_) => break,
            _ => {}
        }
    }
    left
}

fn now() -> Now {
    Now { mono: Instant::from_nanos(1), wall: UnixTime::from_secs(1_800_000_000) }
}

fn flow() -> UdpFlow {
    UdpFlow { local: ([8, 8, 4, 4], 3_478).into(), remote: ([9, 9, 9, 9], 4_000).into() }
}

fn peer() -> SocketAddr {
    ([8, 8, 8, 8], 5_000).into()
}
