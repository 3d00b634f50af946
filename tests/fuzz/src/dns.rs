//! The name server: questions, updates with and without a signature, streams.

use std::sync::OnceLock;

use rove_base::{
    Arrival, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, StreamId, Ticket, Transport, UnixTime,
};
use rove_dns::{
    dnssec::ZoneKey,
    server::{RateLimit, Secondary, Server, ServerConfig, ZoneTransfer},
    tsig::{TsigKey, sign},
    wire::{Header, Name, Reader},
    zones::{Record, ZoneConfig},
};

const NOW: Now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
const STREAM: StreamId = StreamId(1);
const PAYLOAD: usize = 1_232;

/// Whatever arrives, each datagram has at most one answer, which is well formed, fits and is an answer to it; and what
/// the journal is given can be read back.
///
/// # Panics
///
/// When that does not hold.
pub fn server(datagram: &[u8]) {
    let mut server = new();
    one(&mut server, datagram);
    let mut signed = datagram.to_vec();
    if signed.len() >= Header::LEN {
        sign(&mut signed, &key(), NOW.wall, None);
    }
    one(&mut server, &signed);
    // A connection that carries the same bytes, twice and with a frame around them.
    let len = u16::try_from(signed.len()).unwrap_or(u16::MAX).to_be_bytes();
    let pieces: [&[u8]; 4] = [&len, &signed, &len, datagram];
    let (local, remote) = (([127, 0, 0, 1], 53).into(), ([127, 0, 0, 1], 4_000).into());
    server.handle(NOW, Arrival::Connected { stream: STREAM, local, remote, transport: Transport::Tcp });
    for bytes in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        server.handle(NOW, Arrival::Stream { stream: STREAM, bytes });
        drain(&mut server);
    }
}

fn one(server: &mut Server, datagram: &[u8]) {
    let flow = Flow::udp(([127, 0, 0, 1], 53).into(), ([127, 0, 0, 1], 4_000).into());
    server.handle(NOW, Arrival::Datagram { flow, bytes: datagram });
    let (mut answers, records) = drain(server);
    for (ticket, record) in records {
        assert!(new().replay(&record).is_ok(), "a record that cannot be read back");
        server.handle(NOW, Arrival::Durable { ticket });
    }
    answers.extend(drain(server).0);
    assert!(answers.len() <= 1, "one datagram, {} answers", answers.len());
    if let Some(answer) = answers.first() {
        assert!(answer.len() <= PAYLOAD, "an answer of {} bytes", answer.len());
        assert_eq!(answer.get(..2), datagram.get(..2), "the id is the question's");
        well_formed(answer);
    }
}

fn well_formed(answer: &[u8]) {
    let mut reader = Reader::new(answer);
    let header = reader.header().expect("a header");
    assert!(header.is_answer());
    for _ in 0..header.counts[0] {
        reader.question().expect("a question");
    }
    for _ in 0..header.records() {
        reader.record().expect("a record");
    }
    reader.finish().expect("nothing more");
}

type Drained = (Vec<Vec<u8>>, Vec<(Ticket, Vec<u8>)>);

fn drain(server: &mut Server) -> Drained {
    let (mut answers, mut records) = (Vec::new(), Vec::new());
    let mut scratch = Scratch::default();
    loop {
        match server.poll(&mut scratch) {
            Step::Send(transmit) => answers.push(scratch.get(transmit.range).to_vec()),
            Step::Append(append) => records.push((append.ticket, scratch.get(append.range).to_vec())),
            Step::Wait(_) => return (answers, records),
            _ => {}
        }
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn key() -> TsigKey {
    let key = TsigKey::from_base64("k.home.example", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=");
    key.expect("a key").allowing(name("home.example"))
}

fn new() -> Server {
    static CONFIG: OnceLock<ServerConfig> = OnceLock::new();
    let server = Server::new(CONFIG.get_or_init(config).clone()).expect("zones");
    server.with_entropy(Entropy::from_number(1))
}

fn config() -> ServerConfig {
    let origin = name("home.example");
    let lines =
        ["ns A 127.0.0.1", "a A 127.0.0.2", "b CNAME a", "c NS ns", "_s._u.a SRV 0 0 1 a", "d.e TXT x"];
    let record = |line: &&str| Record::parse(line, &origin, 60).expect("a record");
    let zone = ZoneConfig {
        primary: name("ns.home.example"),
        hostmaster: name("h.home.example"),
        ttl: 60,
        negative_ttl: 5,
        records: lines.iter().map(record).collect(),
        origin: origin.clone(),
    };
    let transfer = ZoneTransfer {
        zone: name("home.example"),
        keys: vec![name("k.home.example")],
        secondaries: vec![Secondary { address: ([127, 0, 0, 1], 4_000).into(), key: None }],
    };
    ServerConfig {
        transfers: vec![transfer],
        rate: Some(RateLimit::new(100)),
        signing: vec![(name("home.example"), ZoneKey::draw(&mut Entropy::from_number(2)))],
        ..ServerConfig::new(vec![zone], vec![key()])
    }
}
