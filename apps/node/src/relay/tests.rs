#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{net::UdpSocket, time::Duration};

use rove_base::Transport;
use rove_nat::stun::Class;
use rove_nat::stun::turn::{ChannelData, LongTermKey, Method, Seal, TurnMessage, TurnWriter};
use rove_relay::calls::{Answer, Grant, Leg, Secret, Ticket, Word, pair};

use crate::{Node, NodeConfig, RelayConfig, RelayUser, RunningNode};

fn node(allow: &[&str]) -> RunningNode {
    let config = config(allow, 1);
    Node::start(config).unwrap()
}

fn config(allow: &[&str], threads: usize) -> NodeConfig {
    let relay = RelayConfig {
        threads,
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        user: vec![RelayUser {
            name: "me".into(),
            password: Some("pass".to_owned().into()),
            password_file: None,
        }],
        call_secret: Some("shared".to_owned().into()),
        allow: allow.iter().map(|&text| text.to_owned()).collect(),
        ..RelayConfig::default()
    };
    NodeConfig { relay: Some(relay), ..NodeConfig::default() }
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

fn heard(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = [0; 2_000];
    let (len, _) = socket.recv_from(&mut bytes).unwrap();
    bytes[..len].to_vec()
}

/// Asks with a name and a nonce.
fn ask(
    socket: &UdpSocket,
    method: Method,
    nonce: &[u8],
    say: impl Fn(TurnWriter<'_>) -> TurnWriter<'_>,
) -> Vec<u8> {
    let key = LongTermKey::new(b"me", b"rove", b"pass");
    let mut bytes = Vec::new();
    let ask = say(TurnWriter::new(&mut bytes, Class::Request, method, [7; 12]));
    let seal = Seal::Sha1(key.by(rove_nat::stun::turn::Algorithm::Md5).unwrap());
    ask.username(b"me").realm(b"rove").nonce(nonce).sealed(seal).done();
    socket.send(&bytes).unwrap();
    heard(socket)
}

#[test]
fn a_client_and_a_peer_reach_each_other_through_a_running_node() {
    let node = node(&["127.0.0.0/8"]);
    let at = node.relay_addresses()[0];
    assert_eq!(at.transport, Transport::Udp);
    let (client, peer) = (socket(), socket());
    client.connect(at.address).unwrap();
    let challenge = ask(&client, Method::Allocate, b"none yet", |ask| ask.transport(17));
    let nonce = TurnMessage::parse(&challenge).unwrap().attributes().nonce.unwrap().to_vec();
    let lent = ask(&client, Method::Allocate, &nonce, |ask| ask.transport(17));
    let relayed = TurnMessage::parse(&lent).unwrap().attributes().relayed.unwrap();
    let there = peer.local_addr().unwrap();
    let bound = ask(&client, Method::ChannelBind, &nonce, |ask| ask.channel(0x4000).peer(there));
    assert_eq!(TurnMessage::parse(&bound).unwrap().class(), Class::Success);
    for round in 0..100_u32 {
        let mut bytes = Vec::new();
        ChannelData { channel: 0x4000, data: &round.to_be_bytes() }.write(&mut bytes, false);
        client.send(&bytes).unwrap();
        assert_eq!(heard(&peer), round.to_be_bytes());
        peer.send_to(&round.to_be_bytes(), relayed).unwrap();
        assert_eq!(heard(&client), bytes);
    }
    let gone = ask(&client, Method::Refresh, &nonce, |ask| ask.lifetime(0));
    assert_eq!(TurnMessage::parse(&gone).unwrap().attributes().lifetime, Some(0));
    // Its port is anybody's again.
    UdpSocket::bind(relayed).unwrap();
    node.shutdown();
}

#[test]
fn nothing_is_relayed_to_this_machine_unless_that_is_allowed() {
    let node = node(&[]);
    let client = socket();
    client.connect(node.relay_addresses()[0].address).unwrap();
    let challenge = ask(&client, Method::Allocate, b"none yet", |ask| ask.transport(17));
    let nonce = TurnMessage::parse(&challenge).unwrap().attributes().nonce.unwrap().to_vec();
    ask(&client, Method::Allocate, &nonce, |ask| ask.transport(17));
    for peer in ["127.0.0.1:9", "169.254.169.254:80", "10.0.0.1:9"] {
        let refused = ask(&client, Method::CreatePermission, &nonce, |ask| ask.peer(peer.parse().unwrap()));
        assert_eq!(TurnMessage::parse(&refused).unwrap().attributes().error, Some(403), "{peer}");
    }
    node.shutdown();
}

fn enter(socket: &UdpSocket, grant: &Grant) -> bool {
    socket.send(&grant.write(Word::Hello, [0; 8])).unwrap();
    let Some(Answer::Challenge(challenge)) = Answer::parse(&heard(socket)) else { panic!() };
    socket.send(&grant.write(Word::Hello, challenge)).unwrap();
    matches!(Answer::parse(&heard(socket)), Some(Answer::Welcome { joined: true, .. }))
}

#[test]
fn calls_are_joined_on_the_same_port() {
    joins(node(&[]));
}

#[test]
fn threads_share_a_port_that_others_find_taken_until_they_end() {
    let node = Node::start(config(&[], 4)).unwrap();
    let at = node.relay_addresses()[0].address;
    let mut second = config(&[], 4);
    second.relay.as_mut().unwrap().listen = vec![at];
    let error = Node::start(second.clone()).unwrap_err().to_string();
    assert!(error.contains("[relay] listen") && error.contains("another program"), "{error}");
    joins(node);
    Node::start(second).unwrap().shutdown();
}

fn joins(node: RunningNode) {
    let at = node.relay_addresses()[0].address;
    let expires = u32::MAX;
    let ends: Vec<_> = [Leg::Caller, Leg::Callee]
        .into_iter()
        .map(|leg| {
            let end = socket();
            end.connect(at).unwrap();
            let ticket = Ticket { call: [1; 16], pair: pair(b"a", b"b"), leg, expires };
            (end, Secret::new(b"shared").grant(ticket))
        })
        .collect();
    assert_eq!([enter(&ends[0].0, &ends[0].1), enter(&ends[1].0, &ends[1].1)], [false, true]);
    for round in 0..100_u32 {
        ends[0].0.send(&round.to_be_bytes()).unwrap();
        assert_eq!(heard(&ends[1].0), round.to_be_bytes());
        ends[1].0.send(&round.to_be_bytes()).unwrap();
        assert_eq!(heard(&ends[0].0), round.to_be_bytes());
    }
    node.shutdown();
}

#[test]
fn settings_that_make_no_sense_say_which() {
    let parse = |text: &str| {
        NodeConfig::parse(&format!("[relay]\n{text}"), "x".as_ref())
            .unwrap()
            .check()
            .map_err(|error| error.to_string())
    };
    assert_eq!(parse("listen = [\"127.0.0.1:3478\"]"), Ok(()));
    let cases = [
        ("", "listen"),
        ("listen = [\"0.0.0.0:3478\"]", "addresses"),
        ("listen = [\"127.0.0.1:3478\"]\nrealm = \"\"", "realm"),
        ("listen = [\"127.0.0.1:3478\"]\nrealm = \"a realm that is longer than answers may be\"", "realm"),
        ("listen = [\"127.0.0.1:3478\"]\nports = [2, 1]", "ports"),
        ("listen = [\"127.0.0.1:3478\"]\nallow = [\"everybody\"]", "allow"),
        ("listen = [\"127.0.0.1:3478\"]\ntold = [\"192.0.2.1\"]", "told"),
        ("tls = [\"127.0.0.1:5349\"]", "tls"),
        ("listen = [\"127.0.0.1:3478\"]\nuser = [{ name = \"a\" }]", "user"),
        ("listen = [\"127.0.0.1:3478\"]\nsecret = \"\"", "secret"),
        ("listen = [\"127.0.0.1:3478\"]\nthreads = 0", "threads"),
        ("listen = [\"127.0.0.1:3478\"]\nthreads = 65", "threads"),
        ("listen = [\"127.0.0.1:3478\"]\nthreads = 3\nports = [50000, 50004]", "threads"),
        ("tls = [\"127.0.0.1:5349\"]\nthreads = 2", "threads"),
    ];
    for (text, key) in cases {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with(&format!("[relay] {key}:")), "{text}: {error}");
    }
    let credit = |threads: u8| {
        parse(&format!(
            "listen = [\"127.0.0.1:3478\"]\nthreads = {threads}\ncredit_file = \"spent\"\n\
             credit = [{{ account = \"a\", minutes = 1 }}]"
        ))
    };
    assert_eq!(credit(1), Ok(()));
    let error = credit(2).unwrap_err();
    assert!(error.starts_with("[relay] threads: must be 1 where minutes are counted"), "{error}");
    assert!(error.contains("[[relay.credit]]") && error.contains("relay_minutes"), "{error}");
}
