//! Calls over streams, and requests that are too long for a datagram (RFC 3261 §18).

use std::net::SocketAddr;

use rove_base::{Arrival, ClosedBy, Entropy, Flow, Machine, Now, Scratch, Step, StreamId, Transport};

use crate::{
    message::{HeaderName, Message, Request, Response, StatusCode},
    transport::{Hop, LocalAddress},
    ua::{CallId, Event, Failure, OutgoingInvite, UaConfig, UserAgent},
};

/// One agent, whose other side is played by hand.
struct Lone {
    agent: UserAgent,
    now: Now,
    events: Vec<Event>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful, in a test")]
enum Did {
    Asked(StreamId, Transport),
    Said(Flow, Message),
    Closed,
}

const OURS: ([u8; 4], u16) = ([192, 0, 2, 1], 5060);
const PEER: ([u8; 4], u16) = ([192, 0, 2, 2], 5062);

impl Lone {
    fn new() -> Self {
        let config = UaConfig { local: vec![LocalAddress::udp(OURS.into())], ..UaConfig::default() };
        let agent = UserAgent::new(config, Entropy::from_number(1));
        Self { agent, now: Now::default(), events: Vec::new() }
    }

    fn call(&mut self, transport: Transport, uri: &str, body: usize) -> CallId {
        let outgoing = OutgoingInvite {
            hop: Hop::toward(transport, OURS.into(), PEER.into()),
            name: None,
            uri: uri.parse().unwrap(),
            from: "<sip:alice@a.example>".parse().unwrap(),
            to: "<sip:bob@b.example>".parse().unwrap(),
            body: vec![b'x'; body],
            private: false,
            headers: Vec::new(),
        };
        self.agent.invite(self.now, outgoing)
    }

    fn did(&mut self) -> Vec<Did> {
        let mut scratch = Scratch::default();
        let mut did = Vec::new();
        loop {
            match self.agent.poll(&mut scratch) {
                Step::Send(transmit) => {
                    let message = Message::parse(scratch.get(transmit.range)).unwrap();
                    did.push(Did::Said(transmit.flow, message));
                }
                Step::Connect(connect) => did.push(Did::Asked(connect.stream, connect.transport)),
                Step::Close(_) => did.push(Did::Closed),
                Step::Event(event) => self.events.push(event),
                Step::Wait(_) => return did,
                Step::Append(_) => panic!("nothing to keep"),
            }
        }
    }

    /// The one request that was sent, and how.
    fn request(&mut self) -> (Flow, Request) {
        let did = self.did();
        match <[Did; 1]>::try_from(did) {
            Ok([Did::Said(flow, Message::Request(request))]) => (flow, request),
            other => panic!("{other:?}"),
        }
    }

    /// The stream that was asked for.
    fn asked(&mut self, wanted: Transport) -> StreamId {
        match self.did()[..] {
            [Did::Asked(stream, transport)] if transport == wanted => stream,
            ref other => panic!("{other:?}"),
        }
    }

    fn connected(&mut self, stream: StreamId, remote: SocketAddr, transport: Transport) {
        self.agent.handle(self.now, Arrival::Connected { stream, local: OURS.into(), remote, transport });
    }

    fn closed(&mut self, stream: StreamId) {
        self.agent.handle(self.now, Arrival::Closed { stream, by: ClosedBy::Failure });
    }

    fn hear(&mut self, stream: StreamId, text: &[u8]) {
        self.agent.handle(self.now, Arrival::Stream { stream, bytes: text });
    }

    fn answer(&mut self, stream: StreamId, request: &Request, contact: &str) {
        let mut response = request.response(StatusCode::OK);
        let to = request.headers.to().unwrap();
        response.headers.set(HeaderName::To, to.with_tag("b").to_string());
        response.headers.push(HeaderName::Contact, contact);
        self.hear(stream, &bytes(&response));
    }
}

fn bytes(response: &Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    response.write(&mut bytes);
    bytes
}

fn top_via(request: &Request) -> String {
    request.headers.via().unwrap().to_string()
}

#[test]
fn via_and_contact_name_the_transport() {
    let cases = [
        (Transport::Udp, "sip:bob@b.example", "SIP/2.0/UDP 192.0.2.1:5060;", "<sip:alice@192.0.2.1:5060>"),
        (
            Transport::Tcp,
            "sip:bob@b.example",
            "SIP/2.0/TCP 192.0.2.1:5060;",
            "<sip:alice@192.0.2.1:5060;transport=tcp>",
        ),
        (
            Transport::Tls,
            "sip:bob@b.example",
            "SIP/2.0/TLS 192.0.2.1:5060;",
            "<sip:alice@192.0.2.1:5060;transport=tls>",
        ),
        (Transport::Tls, "sips:bob@b.example", "SIP/2.0/TLS 192.0.2.1:5060;", "<sips:alice@192.0.2.1:5060>"),
        (
            Transport::Ws,
            "sip:bob@b.example",
            "SIP/2.0/WS 192.0.2.1:5060;",
            "<sip:alice@192.0.2.1:5060;transport=ws>",
        ),
        (
            Transport::Wss,
            "sips:bob@b.example",
            "SIP/2.0/WSS 192.0.2.1:5060;",
            "<sips:alice@192.0.2.1:5060;transport=ws>",
        ),
    ];
    for (transport, uri, via, contact) in cases {
        let mut lone = Lone::new();
        lone.call(transport, uri, 10);
        if transport.is_reliable() {
            let stream = lone.asked(transport);
            lone.connected(stream, PEER.into(), transport);
        }
        let (_, invite) = lone.request();
        assert!(top_via(&invite).starts_with(via), "{transport}: {}", top_via(&invite));
        assert_eq!(invite.headers.get(&HeaderName::Contact), Some(contact), "{transport}");
        let alias = matches!(transport, Transport::Tcp | Transport::Tls);
        assert_eq!(top_via(&invite).ends_with(";alias"), alias, "{transport}");
    }
}

#[test]
fn a_request_too_long_for_a_datagram_goes_over_tcp_and_nothing_else_changes() {
    let mut lone = Lone::new();
    lone.call(Transport::Udp, "sip:bob@b.example", 1_400);
    let stream = lone.asked(Transport::Tcp);
    lone.connected(stream, PEER.into(), Transport::Tcp);
    let (flow, invite) = lone.request();
    assert_eq!(flow, Flow::Stream(stream));
    assert!(top_via(&invite).starts_with("SIP/2.0/TCP "), "{}", top_via(&invite));
    assert_eq!(invite.headers.get(&HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>"));
    lone.answer(stream, &invite, "<sip:bob@192.0.2.2:5062>");
    assert!(lone.did().len() == 1, "the ACK");
    assert!(matches!(lone.events[..], [Event::Answered { .. }]), "{:?}", lone.events);
}

#[test]
fn where_there_is_no_tcp_the_long_request_goes_as_a_datagram() {
    let mut lone = Lone::new();
    let call = lone.call(Transport::Udp, "sip:bob@b.example", 1_400);
    let stream = lone.asked(Transport::Tcp);
    lone.closed(stream);
    let (flow, invite) = lone.request();
    assert_eq!(flow, Flow::udp(OURS.into(), PEER.into()));
    assert!(top_via(&invite).starts_with("SIP/2.0/UDP "), "{}", top_via(&invite));
    assert_eq!(invite.body.len(), 1_400);
    assert_eq!(lone.events, []);
    let mut response = invite.response(StatusCode::BUSY_HERE);
    response.headers.set(HeaderName::To, "<sip:bob@b.example>;tag=b");
    let flow = Flow::udp(OURS.into(), PEER.into());
    lone.agent.handle(lone.now, Arrival::Datagram { flow, bytes: &bytes(&response) });
    lone.did();
    assert!(
        matches!(&lone.events[..], [Event::Failed { call: failed, .. }] if *failed == call),
        "{:?}",
        lone.events
    );
}

#[test]
fn a_stream_that_cannot_be_opened_fails_the_call_at_once() {
    let mut lone = Lone::new();
    let call = lone.call(Transport::Tcp, "sip:bob@b.example", 10);
    let stream = lone.asked(Transport::Tcp);
    lone.closed(stream);
    assert!(lone.did().is_empty());
    assert_eq!(lone.events, [Event::Failed { call, failure: Failure::Transport }]);
    assert!(lone.agent.is_idle() && lone.agent.connections().is_empty());
}

#[test]
fn a_stream_lost_in_mid_call_is_opened_again_for_the_bye() {
    let mut lone = Lone::new();
    let call = lone.call(Transport::Tcp, "sip:bob@b.example", 10);
    let stream = lone.asked(Transport::Tcp);
    lone.connected(stream, PEER.into(), Transport::Tcp);
    let (_, invite) = lone.request();
    lone.answer(stream, &invite, "<sip:bob@192.0.2.2:5062;transport=tcp>");
    let (flow, _ack) = lone.request();
    assert_eq!(flow, Flow::Stream(stream));
    lone.closed(stream);
    lone.did();
    lone.agent.hang_up(lone.now, call);
    let again = lone.asked(Transport::Tcp);
    assert_ne!(again, stream);
    lone.connected(again, PEER.into(), Transport::Tcp);
    let (flow, bye) = lone.request();
    assert_eq!((flow, bye.method.as_str()), (Flow::Stream(again), "BYE"));
}

#[test]
fn a_sips_request_is_served_over_a_secure_stream_and_refused_over_another() {
    for (transport, refused) in [(Transport::Tls, false), (Transport::Tcp, true)] {
        let mut lone = Lone::new();
        let stream = StreamId(1);
        lone.connected(stream, ([192, 0, 2, 2], 40_000).into(), transport);
        let via = if refused { "TCP" } else { "TLS" };
        let text = format!(
            "OPTIONS sips:b@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/{via} 192.0.2.2;branch=z9hG4bK1\r\n\
             From: <sips:a@x.example>;tag=1\r\nTo: <sips:b@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        );
        lone.hear(stream, text.as_bytes());
        let did = lone.did();
        let [Did::Said(flow, Message::Response(response))] = &did[..] else { panic!("{did:?}") };
        assert_eq!(*flow, Flow::Stream(stream), "answered where it came from");
        assert_eq!(response.status.code(), if refused { 416 } else { 200 });
    }
}
