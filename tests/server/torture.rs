//! The REGISTERs among the torture messages of RFC 4475 and RFC 5118, over the transport each names.
//!
//! The messages lie beside the repository, in `../shared/vectors`; without them these tests say so and pass.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use rove_sip::message::{HeaderName, Message, Response};
use rove_tests::programs::root;
use serde_json::Value;

use crate::stage::{Client, PATIENCE, Server};

/// What each must be answered with; more than one where the standard leaves a choice.
const ANSWERS: &[(&str, &[u16])] = &[
    ("escnull", &[200]),
    ("esc02", &[501]),
    ("dblreq", &[200]),
    ("scalar02", &[400]),
    ("regbadct", &[400]),
    ("unksm2", &[400]),
    ("regaut01", &[200, 401]),
    ("cparam01", &[200]),
    ("cparam02", &[200]),
    ("regescrt", &[200]),
    ("ipv6-good", &[200]),
    ("ipv6-bad", &[400]),
    ("port-ambiguous", &[200]),
    ("port-unambiguous", &[200]),
];

#[test]
fn every_torture_register_is_answered_as_its_standard_says_and_the_server_hears_on() {
    let folder = root().join("../shared/vectors/sip");
    let Ok(manifest) = fs::read_to_string(folder.join("manifest.json")) else {
        return println!("skipped: the torture messages are not there");
    };
    let manifest: Vec<Value> = serde_json::from_str(&manifest).unwrap();
    let domains = ["example.com", "registrar.example.com", "[2001:db8::10]", "[2001:db8::10:5070]"];
    let mut server = Server::start(&domains, "auth = false");
    let mut wrong = Vec::new();
    for (name, expected) in ANSWERS {
        let entry = manifest.iter().find(|entry| entry["name"] == *name).expect("in the manifest");
        let bytes = fs::read(folder.join(entry["file"].as_str().unwrap())).unwrap();
        let answer = match entry["via_transport"].as_str().unwrap() {
            "TCP" => over_tcp(&server, &bytes),
            _ => over_udp(&server, &bytes),
        };
        if !expected.contains(&answer.status.code()) {
            wrong.push(format!("{name}: {} {}", answer.status, answer.reason));
        }
        understood(name, &answer);
        // The same source is still heard.
        let client = Client::new();
        let Message::Response(alive) = client.ask(server.address, &options(&client)) else {
            panic!("{name}")
        };
        assert_eq!(alive.status.code(), 200, "{name}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(server.process.is_alive());
}

/// That contacts are told as they were registered.
fn understood(name: &str, answer: &Response) {
    let contacts: Vec<_> = answer
        .headers
        .all(&HeaderName::Contact)
        .map(|contact| contact.split(";expires").next().unwrap())
        .collect();
    let expected: &[&str] = match name {
        "escnull" => &["<sip:%00@host5.example.com>", "<sip:%00%00@host5.example.com>"],
        "cparam01" => &["<sip:+19725552222@gw1.example.net>;unknownparam"],
        "regescrt" => &["<sip:user@example.com?Route=%3Csip:sip.example.com%3E>"],
        _ => return,
    };
    assert_eq!(contacts, expected, "{name}");
}

/// The response is for a host that is not this one: it says where it wants answers, and we read them where they go.
fn over_udp(server: &Server, bytes: &[u8]) -> Response {
    let client = Client::new();
    // Answers go to the port in Via; `rport` asks for the one the request came from (RFC 3581).
    let text = String::from_utf8_lossy(bytes).into_owned();
    let asked = text.replacen("branch=z9hG4bK", "rport;branch=z9hG4bK", 1);
    match client.ask(server.address, asked.as_bytes()) {
        Message::Response(response) => response,
        other => panic!("{other:?}"),
    }
}

fn over_tcp(server: &Server, bytes: &[u8]) -> Response {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut heard = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        let len = stream.read(&mut piece).unwrap();
        assert!(len > 0, "closed after {:?}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&piece[..len]);
        if let Ok(Message::Response(response)) = Message::parse(&heard) {
            return response;
        }
    }
}

fn options(client: &Client) -> Vec<u8> {
    let at = client.socket.local_addr().unwrap();
    format!(
        "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKo{};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:a@example.com>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: o@{at}\r\nCSeq: 1 OPTIONS\r\n\r\n",
        at.port()
    )
    .into_bytes()
}
