//! The IRMV protocol: messages, a server that hears any bytes from a terminal or from another server, and a terminal that
//! hears them from its server; and the records of a server's journal.

use rove_base::{Arrival, Entropy, Instant, Machine, Now, Scratch, Step, StreamId, Transport, UnixTime};
use rove_irmv::{
    Frames, Listing, Message, Pointer, Record, UserKey, Words,
    client::{Client, ClientConfig},
    server::{Server, ServerConfig},
};

const NOW: Now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
const STREAM: StreamId = StreamId(1);

/// What is read is written the same; whatever a server or a terminal hears, what it says can be read, nothing is said on
/// a stream that it has closed, and answers stay in proportion.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    if let Ok(message) = Message::decode(bytes) {
        assert_eq!(message.encode(), bytes);
    }
    if let Ok(record) = Record::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
    if let Ok(listing) = Listing::decode(bytes) {
        assert_eq!(listing.encode(), bytes);
    }
    if let Ok(pointers) = Pointer::decode_all(bytes) {
        assert_eq!(Pointer::encode_all(&pointers), bytes);
    }
    let mut whole = bytes;
    let _ = Frames::default().next(&mut whole);
    let terminal = Message::Hello { server: None };
    let other = Message::Hello { server: Some(("b.example".into(), [1; 32])) };
    for hello in [None, Some(terminal), Some(other)] {
        server(hello.as_ref(), bytes);
    }
    client(bytes);
    kept(bytes);
}

fn server(hello: Option<&Message>, bytes: &[u8]) {
    let key = UserKey::from_seed(&[9; 32]);
    let mut server = Server::new(ServerConfig::open("a.example"), key, Entropy::from_number(1));
    server.handle(NOW, connected());
    server.handle(NOW, Arrival::Identified { stream: STREAM, name: "b.example" });
    let mut said = Said::default();
    if let Some(hello) = hello {
        let frame = Frames::frame(&hello.encode());
        server.handle(NOW, Arrival::Stream { stream: STREAM, bytes: &frame });
        said.drain(&mut server);
    }
    said.count = 0;
    for bytes in bytes.chunks(50) {
        server.handle(NOW, Arrival::Stream { stream: STREAM, bytes });
        said.drain(&mut server);
    }
    assert!(said.count <= 8 + bytes.len(), "{} messages to {} bytes", said.count, bytes.len());
}

fn client(bytes: &[u8]) {
    let (server, further) = (([127, 0, 0, 1], 5_064).into(), Vec::new());
    let config = ClientConfig { server, further, domain: "a.example".into() };
    let mut client = Client::new(config, Entropy::from_number(1));
    client.query(NOW, "bob@b.example".parse().expect("a name"));
    client.watch(NOW, "+46701234567".parse().expect("a number"));
    client.search(NOW, Words::new(["smith"]).expect("a word"));
    let Step::Connect(connect) = client.poll(&mut Scratch::default()) else { panic!("it connects") };
    let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    let stream = connect.stream;
    client.handle(NOW, Arrival::Connected { stream, local, remote, transport: Transport::Quic });
    let welcome = Message::Welcome { domain: "a.example".into(), key: [3; 32] };
    let frame = Frames::frame(&welcome.encode());
    client.handle(NOW, Arrival::Stream { stream, bytes: &frame });
    let mut said = Said::default();
    for bytes in bytes.chunks(50) {
        client.handle(NOW, Arrival::Stream { stream, bytes });
        said.drain(&mut client);
    }
}

/// A record of the journal is read back or refused, and what came of it can be read back, too.
fn kept(bytes: &[u8]) {
    let server = || {
        let key = UserKey::from_seed(&[9; 32]);
        Server::new(ServerConfig::open("a.example"), key, Entropy::from_number(1))
    };
    let mut first = server();
    if first.replay(bytes) == Ok(true) {
        let (records, mut second) = (first.snapshot().expect("nothing waits"), server());
        for record in &records {
            assert_eq!(second.replay(record), Ok(true));
        }
        assert_eq!(second.snapshot(), Some(records));
    }
}

/// What a machine has said, and whether it may go on.
#[derive(Default)]
struct Said {
    count: usize,
    closed: bool,
}

impl Said {
    fn drain<M: Machine>(&mut self, machine: &mut M) {
        let mut out = Scratch::default();
        loop {
            match machine.poll(&mut out) {
                Step::Send(transmit) => {
                    assert!(!self.closed, "nothing is said on a closed stream");
                    let mut bytes = out.get(transmit.range);
                    while let Ok(Some(frame)) = Frames::default().next(&mut bytes) {
                        assert!(Message::decode(&frame).is_ok());
                        self.count += 1;
                    }
                    assert!(bytes.is_empty(), "whole frames");
                }
                Step::Close(_) => self.closed = true,
                Step::Wait(_) => return,
                _ => {}
            }
        }
    }
}

fn connected() -> Arrival<'static> {
    let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    Arrival::Connected { stream: STREAM, local, remote, transport: Transport::Quic }
}
