//! Requests that are too long for a datagram (RFC 3261 §18.1.1).

use rove_base::{
    Arrival, ClosedBy, Entropy, Flow, Instant, Machine, Now, Scratch, Step, StreamId, Transport,
};

use super::world::{PROXY, addr, config, register, request};
use crate::{
    message::{HeaderName, Message, Request, Response, StatusCode},
    server::SipServer,
    transport::LocalAddress,
};

const ALICE: &str = "192.0.2.11:5060";
const BOB: &str = "192.0.2.12:5062";
const STREAM: &str = "192.0.2.1:5070";

/// A server, what it sent, and the streams it asked for.
struct Desk {
    server: SipServer,
    now: Now,
    sent: Vec<(Flow, Message)>,
    asked: Vec<(StreamId, std::net::SocketAddr)>,
}

impl Desk {
    /// Bob is registered; TCP is listened for where `tcp` says so.
    fn new(tcp: bool) -> Self {
        let mut config = config(PROXY, &[]);
        if tcp {
            config.local.push(LocalAddress { transport: Transport::Tcp, address: addr(STREAM) });
        }
        let server = SipServer::new(config, Entropy::from_number(5));
        let mut desk = Self { server, now: Now::default(), sent: Vec::new(), asked: Vec::new() };
        desk.datagram(BOB, &register("bob", BOB, "", ""));
        desk.sent.clear();
        desk
    }

    fn tell(&mut self, arrival: Arrival<'_>) {
        self.server.handle(self.now, arrival);
        self.drain();
    }

    fn drain(&mut self) -> Option<Instant> {
        let mut scratch = Scratch::default();
        loop {
            match self.server.poll(&mut scratch) {
                Step::Send(transmit) => {
                    let message = Message::parse(scratch.get(transmit.range)).unwrap();
                    self.sent.push((transmit.flow, message));
                }
                Step::Connect(connect) => self.asked.push((connect.stream, connect.remote)),
                Step::Wait(at) => return at,
                _ => {}
            }
        }
    }

    fn datagram(&mut self, from: &str, text: &str) {
        self.tell(Arrival::Datagram { flow: Flow::udp(addr(PROXY), addr(from)), bytes: text.as_bytes() });
    }

    /// Alice sends bob this many bytes too many.
    fn long_message(&mut self) {
        let long = format!("Subject: {}\r\n", "x".repeat(1_300));
        self.datagram(ALICE, &request("MESSAGE", "sip:bob@home.example", ALICE, &long));
    }

    fn connected(&mut self) -> StreamId {
        let (stream, remote) = self.asked.pop().expect("a stream is asked for");
        assert_eq!(remote, addr(BOB));
        let local = addr("192.0.2.1:40000");
        self.tell(Arrival::Connected { stream, local, remote, transport: Transport::Tcp });
        stream
    }

    fn request(&mut self) -> (Flow, Request) {
        let at = self.sent.iter().position(|(_, message)| matches!(message, Message::Request(_)));
        match self.sent.remove(at.expect("a request left")) {
            (flow, Message::Request(request)) => (flow, request),
            other => panic!("{other:?}"),
        }
    }

    fn response(&mut self) -> Response {
        match self.sent.remove(0) {
            (_, Message::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, stream: StreamId, request: &Request, status: StatusCode) {
        let mut bytes = Vec::new();
        request.response(status).write(&mut bytes);
        self.tell(Arrival::Stream { stream, bytes: &bytes });
    }
}

#[test]
fn a_request_too_long_for_a_datagram_leaves_a_proxy_over_tcp_and_its_response_comes_back() {
    let mut desk = Desk::new(true);
    desk.long_message();
    assert!(desk.sent.is_empty(), "{:?}", desk.sent);
    let stream = desk.connected();
    let (flow, copy) = desk.request();
    assert_eq!(flow, Flow::Stream(stream));
    let via = copy.headers.get(&HeaderName::Via).unwrap();
    assert!(via.starts_with(&format!("SIP/2.0/TCP {STREAM};")) && !via.contains("rport"), "{via}");
    desk.answer(stream, &copy, StatusCode::OK);
    let response = desk.response();
    assert_eq!(response.status, StatusCode::OK);
    assert!(response.headers.get(&HeaderName::Via).unwrap().starts_with("SIP/2.0/UDP 192.0.2.11:5060"));
}

#[test]
fn where_no_stream_can_be_opened_it_goes_as_a_datagram_after_all() {
    let mut desk = Desk::new(true);
    desk.long_message();
    let (stream, _) = desk.asked.pop().expect("a stream is asked for");
    desk.tell(Arrival::Closed { stream, by: ClosedBy::Failure });
    assert!(desk.asked.is_empty(), "no other stream");
    let (flow, copy) = desk.request();
    assert_eq!(flow, Flow::udp(addr(PROXY), addr(BOB)));
    assert!(copy.headers.get(&HeaderName::Via).unwrap().starts_with("SIP/2.0/UDP 192.0.2.1:5060;"));
}

#[test]
fn what_was_answered_over_the_stream_or_not_in_time_is_not_sent_again() {
    let mut desk = Desk::new(true);
    desk.long_message();
    let stream = desk.connected();
    let (_, copy) = desk.request();
    desk.answer(stream, &copy, StatusCode::SERVICE_UNAVAILABLE);
    assert!(desk.response().status.code() >= 500);
    assert!(desk.sent.is_empty(), "{:?}", desk.sent);

    let mut desk = Desk::new(true);
    desk.long_message();
    desk.connected();
    desk.request();
    while let Some(at) = desk.drain().filter(|at| at.as_nanos() < 60_000_000_000) {
        desk.now = desk.now.later(at.since(desk.now.mono));
        desk.server.tick(desk.now);
    }
    assert!(desk.sent.iter().all(|(_, message)| matches!(message, Message::Response(_))), "{:?}", desk.sent);
}

#[test]
fn short_requests_and_those_of_a_server_without_streams_stay_datagrams() {
    let mut desk = Desk::new(true);
    desk.datagram(ALICE, &request("MESSAGE", "sip:bob@home.example", ALICE, ""));
    assert_eq!(desk.request().0, Flow::udp(addr(PROXY), addr(BOB)));
    let mut desk = Desk::new(false);
    desk.long_message();
    assert_eq!(desk.request().0, Flow::udp(addr(PROXY), addr(BOB)));
}
