use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, UdpSocket},
    time::Duration,
};

use rove_base::UnixTime;
use rove_dns::tsig::{self, TsigKey};
use rove_io::{
    clock::Clock,
    entropy::os_entropy,
    journal::{FileStorage, Log},
};

use super::*;
use crate::{Dev, ZONE};

const PATIENCE: Duration = Duration::from_secs(10);

fn loopback() -> Vec<SocketAddr> {
    vec!["127.0.0.1:0".parse().unwrap()]
}

fn start(folder: &std::path::Path) -> (RunningNode, TsigKey) {
    let dev = Dev::prepare(folder, loopback()).unwrap();
    let key = TsigKey::from_key_file(&std::fs::read_to_string(&dev.key_file).unwrap()).unwrap();
    (Node::start(dev.config).unwrap(), key)
}

fn labels(name: &str) -> Vec<u8> {
    let name: rove_dns::wire::Name = name.parse().unwrap();
    name.as_wire().to_vec()
}

fn question(name: &str) -> Vec<u8> {
    let header = [7, 0, 1, 0, 0, 0_u16].map(u16::to_be_bytes).concat();
    [header, labels(name), vec![0, 1, 0, 1]].concat()
}

/// Adds one address to `name` in the zone.
fn update(id: u16, name: &str, last: u8) -> Vec<u8> {
    let header = [id, 0x2800, 1, 0, 1, 0].map(u16::to_be_bytes).concat();
    let zone = [labels(ZONE), vec![0, 6, 0, 1]].concat();
    let record = [labels(name), vec![0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, last]].concat();
    [header, zone, record].concat()
}

fn exchange(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(message, server).unwrap();
    let mut answer = [0; 1_500];
    let (len, _) = socket.recv_from(&mut answer).unwrap();
    answer[..len].to_vec()
}

/// RCODE and number of answers.
fn outcome(answer: &[u8]) -> (u8, u8) {
    (answer[3] & 0x0f, answer[7])
}

fn signed(key: &TsigKey, mut message: Vec<u8>) -> Vec<u8> {
    let now: UnixTime = Clock::new().now().wall;
    tsig::sign(&mut message, key, now, None);
    message
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart_and_a_repeat_is_still_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (node, key) = start(folder.path());
    let server = node.dns_addresses()[0];
    let accepted = signed(&key, update(1, "bob.home.example", 7));
    assert_eq!(outcome(&exchange(server, &accepted)).0, 0);
    assert_eq!(outcome(&exchange(server, &question("bob.home.example"))), (0, 1));
    assert_eq!(outcome(&exchange(server, &accepted)).0, 9, "NOTAUTH, for the second time");
    node.shutdown();

    let (node, again) = start(folder.path());
    let server = node.dns_addresses()[0];
    assert_eq!(again.to_key_file(), key.to_key_file(), "the key is kept");
    assert_eq!(outcome(&exchange(server, &question("bob.home.example"))), (0, 1));
    assert_eq!(outcome(&exchange(server, &accepted)).0, 9);
}

#[test]
fn a_journal_that_became_long_is_written_anew_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let prepare = || {
        let mut dev = Dev::prepare(folder.path(), loopback()).unwrap();
        dev.config.journal.as_mut().unwrap().compact_after = 20;
        dev
    };
    let dev = prepare();
    let key = TsigKey::from_key_file(&std::fs::read_to_string(&dev.key_file).unwrap()).unwrap();
    let node = Node::start(dev.config).unwrap();
    let server = node.dns_addresses()[0];
    let bob = |n: u8| signed(&key, update(n.into(), "bob.home.example", 7));
    for n in 0..200 {
        assert_eq!(outcome(&exchange(server, &bob(n))).0, 0, "the same again changes nothing and is kept");
    }
    node.shutdown();
    let storage = FileStorage::open(folder.path().join("journal")).unwrap();
    let (_, mut replay) = Log::open(storage, &mut os_entropy().unwrap()).unwrap();
    let first = replay.next().unwrap();
    // Role, version, then the key that signed: a snapshot's is the root.
    assert_eq!(first[..3], [1, 1, 0], "the journal begins with what came of many updates");
    drop(replay);
    let node = Node::start(prepare().config).unwrap();
    let server = node.dns_addresses()[0];
    assert_eq!(outcome(&exchange(server, &question("bob.home.example"))), (0, 1));
}

#[test]
fn streams_carry_many_questions_and_a_peer_that_leaves_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (node, _) = start(folder.path());
    let server = node.dns_addresses()[0];
    for _ in 0..3 {
        let mut tcp = TcpStream::connect(server).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let message = question("ns.home.example");
        let framed = [u16::try_from(message.len()).unwrap().to_be_bytes().to_vec(), message].concat();
        let all = framed.repeat(500);
        let writer = {
            let mut tcp = tcp.try_clone().unwrap();
            std::thread::spawn(move || tcp.write_all(&all).unwrap())
        };
        for n in 0..500 {
            let mut len = [0; 2];
            tcp.read_exact(&mut len).unwrap_or_else(|error| panic!("answer {n}: {error}"));
            let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
            tcp.read_exact(&mut answer).unwrap();
            assert_eq!(outcome(&answer), (0, 1));
        }
        writer.join().unwrap();
    }
    assert_eq!(outcome(&exchange(server, &question("ns.home.example"))), (0, 1));
}

#[test]
fn a_node_that_cannot_start_says_why_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = UdpSocket::bind(taken).unwrap();
    let dev = Dev::prepare(folder.path(), vec![taken]).unwrap();
    let error = Node::start(dev.config.clone()).unwrap_err().to_string();
    for part in [taken.to_string().as_str(), "listen", "another program"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    drop(holder);

    let journal = &dev.config.journal.as_ref().unwrap().path;
    std::fs::write(journal, "this is a shopping list, and a long one").unwrap();
    let error = Node::start(dev.config.clone()).unwrap_err().to_string();
    assert!(error.contains("journal") && error.contains("not a journal"), "{error}");
    std::fs::remove_file(journal).unwrap();
    let first = Node::start(dev.config.clone()).unwrap();
    let mut elsewhere = dev.config.clone();
    elsewhere.dns.as_mut().unwrap().listen = loopback();
    let error = Node::start(elsewhere).unwrap_err().to_string();
    assert!(error.contains("in use by another program"), "{error}");
    drop(first);

    assert!(matches!(Node::start(NodeConfig::default()), Err(NodeError::NoRole)));
    let outside = Dev::prepare(folder.path(), vec!["0.0.0.0:0".parse().unwrap()]).unwrap_err().to_string();
    assert!(outside.contains("loopback"), "{outside}");
}

const OPTIONS: &str = "OPTIONS sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport\r\n\
    Max-Forwards: 70\r\nFrom: <sip:a@home.example>;tag=1\r\nTo: <sip:home.example>\r\nCall-ID: 1\r\n\
    CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

#[test]
fn names_and_calls_live_in_one_node_or_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::prepare(folder.path(), loopback()).unwrap().with_sip(loopback()).unwrap();
    let key = TsigKey::from_key_file(&std::fs::read_to_string(&dev.key_file).unwrap()).unwrap();
    let node = Node::start(dev.config.clone()).unwrap();
    let names = node.dns_addresses()[0];
    let [udp, tcp] = node.sip_addresses() else { panic!("{:?}", node.sip_addresses()) };
    assert_eq!(udp.address, tcp.address, "one port for both");
    let answered = |address| exchange(address, OPTIONS.as_bytes()).starts_with(b"SIP/2.0 200");
    assert!(answered(udp.address));
    let mut stream = TcpStream::connect(tcp.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(OPTIONS.replace("/UDP", "/TCP").as_bytes()).unwrap();
    let mut start = [0; 11];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"SIP/2.0 200");
    assert_eq!(outcome(&exchange(names, &signed(&key, update(1, "bob.home.example", 7)))).0, 0);
    assert_eq!(outcome(&exchange(names, &question("bob.home.example"))), (0, 1));
    drop((stream, node));

    let mut alone = dev.config.clone();
    (alone.dns, alone.journal) = (None, None);
    let node = Node::start(alone).unwrap();
    assert!(node.dns_addresses().is_empty() && answered(node.sip_addresses()[0].address));
    drop(node);
    let mut alone = dev.config;
    alone.sip = None;
    let node = Node::start(alone).unwrap();
    assert_eq!(outcome(&exchange(node.dns_addresses()[0], &question("bob.home.example"))), (0, 1));
}
