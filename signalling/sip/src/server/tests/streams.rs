//! Users behind streams: browsers, and others that are reached the way they came alone (RFC 5626, RFC 7118).

use rove_base::{Arrival, ClosedBy, Entropy, Flow, Machine, Now, Scratch, Step, StreamId, Transport};

use super::world::{addr, config, register, request};
use crate::{
    message::{HeaderName, Message, Request, Response, StatusCode},
    server::{SipServer, SipServerConfig},
    transport::LocalAddress,
};

const HERE: &str = "192.0.2.1:5060";
const SOCKET: &str = "192.0.2.1:443";
const ALICE: &str = "192.0.2.11:5060";

/// A server with a browser behind stream 1, at a moment.
struct Edge {
    server: SipServer,
    now: Now,
    scratch: Scratch,
}

/// Where something went, and what.
type Sent = (Flow, Message);

impl Edge {
    fn new() -> Self {
        let mut config: SipServerConfig = config(HERE, &[]);
        config.local.push(LocalAddress { transport: Transport::Wss, address: addr(SOCKET) });
        let server = SipServer::new(config, Entropy::from_number(5));
        Self { server, now: Now::default(), scratch: Scratch::default() }
    }

    fn tell(&mut self, arrival: Arrival<'_>) -> Vec<Sent> {
        self.server.handle(self.now, arrival);
        let mut sent = Vec::new();
        loop {
            match self.server.poll(&mut self.scratch) {
                Step::Send(transmit) => {
                    let message = Message::parse(self.scratch.get(transmit.range)).unwrap();
                    sent.push((transmit.flow, message));
                }
                Step::Event(_) => {}
                Step::Wait(_) => return sent,
                other => panic!("{other:?}"),
            }
        }
    }

    fn connect(&mut self, stream: u64) {
        let (local, remote) = (addr(SOCKET), addr("198.51.100.7:50000"));
        let stream = StreamId(stream);
        self.tell(Arrival::Connected { stream, local, remote, transport: Transport::Wss });
    }

    fn say(&mut self, stream: u64, text: &str) -> Vec<Sent> {
        self.tell(Arrival::Stream { stream: StreamId(stream), bytes: text.as_bytes() })
    }

    fn datagram(&mut self, from: &str, text: &str) -> Vec<Sent> {
        self.tell(Arrival::Datagram { flow: Flow::udp(addr(HERE), addr(from)), bytes: text.as_bytes() })
    }

    fn register(&mut self, stream: u64) {
        self.connect(stream);
        let text = register("bob", "b.invalid", "", "").replace("SIP/2.0/UDP", "SIP/2.0/WSS").replace(
            "<sip:bob@b.invalid>",
            "<sip:bob@b.invalid;transport=ws>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"",
        );
        let sent = self.say(stream, &text);
        let [(Flow::Stream(back), Message::Response(response))] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((*back, response.status.code()), (StreamId(stream), 200), "{response:?}");
    }
}

fn request_of(sent: &[Sent]) -> (Flow, Request) {
    match sent {
        [(flow, Message::Request(request))] => (*flow, request.clone()),
        other => panic!("{other:?}"),
    }
}

fn response_of(sent: &[Sent]) -> (Flow, Response) {
    match sent {
        [(flow, Message::Response(response))] => (*flow, response.clone()),
        other => panic!("{other:?}"),
    }
}

fn text(message: &Message) -> String {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_browser_is_called_over_the_socket_it_registered_on_and_its_dialog_stays_there() {
    let mut edge = Edge::new();
    edge.register(1);
    let sent = edge.datagram(ALICE, &request("INVITE", "sip:bob@home.example", ALICE, ""));
    let (flow, invite) = request_of(&sent);
    assert_eq!(flow, Flow::Stream(StreamId(1)));
    assert!(invite.headers.via().unwrap().to_string().starts_with("SIP/2.0/WSS 192.0.2.1:443;"));
    let records: Vec<_> = invite.headers.all(&HeaderName::RecordRoute).collect();
    assert_eq!(records.len(), 2, "one for each side");
    assert!(records[0].contains("transport=wss") && records[0].contains('@'), "{records:?}");
    // It answers; the answer goes back to Alice, with both.
    let mut answer = invite.response(StatusCode::OK);
    let to = invite.headers.to().unwrap().with_tag("b");
    answer.headers.set(HeaderName::To, to.to_string());
    answer.headers.copy(&HeaderName::RecordRoute, &invite.headers);
    answer.headers.push(HeaderName::Contact, "<sip:bob@b.invalid;transport=ws>");
    let (flow, answer) = response_of(&edge.say(1, &text(&Message::Response(answer))));
    assert_eq!((flow, answer.status), (Flow::udp(addr(HERE), addr(ALICE)), StatusCode::OK));
    // Alice says BYE along the routes; it reaches the browser.
    let mut routes = answer.headers.record_routes().unwrap();
    routes.reverse();
    let routes: String = routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
    let call_id = answer.headers.call_id().unwrap().to_owned();
    let bye = request("BYE", "sip:bob@b.invalid;transport=ws", ALICE, &routes);
    let own = bye.lines().find(|line| line.starts_with("Call-ID")).unwrap().to_owned();
    let bye = bye.replace(&own, &format!("Call-ID: {call_id}"));
    let (flow, _) = request_of(&edge.datagram(ALICE, &bye));
    assert_eq!(flow, Flow::Stream(StreamId(1)));
    // So does the browser's towards Alice, by the same routes the other way round.
    let routes: String =
        answer.headers.record_routes().unwrap().iter().map(|r| format!("Route: {r}\r\n")).collect();
    let back = request("BYE", &format!("sip:alice@{ALICE}"), "b.invalid", &routes).replace("/UDP", "/WSS");
    let own = back.lines().find(|line| line.starts_with("Call-ID")).unwrap().to_owned();
    let back = back.replace(&own, &format!("Call-ID: {call_id}"));
    let (flow, _) = request_of(&edge.say(1, &back));
    assert_eq!(flow, Flow::udp(addr(HERE), addr(ALICE)));
}

#[test]
fn a_browser_that_has_gone_is_not_there_and_its_flow_has_failed() {
    let mut edge = Edge::new();
    edge.register(1);
    let sent = edge.datagram(ALICE, &request("INVITE", "sip:bob@home.example", ALICE, ""));
    let (_, invite) = request_of(&sent);
    let routes: String = invite
        .headers
        .record_routes()
        .unwrap()
        .iter()
        .rev()
        .map(|route| format!("Route: {route}\r\n"))
        .collect();
    edge.tell(Arrival::Closed { stream: StreamId(1), by: ClosedBy::Peer });
    assert_eq!(edge.server.bindings(), 0);
    let sent = edge.datagram(ALICE, &request("MESSAGE", "sip:bob@home.example", ALICE, ""));
    assert_eq!(response_of(&sent).1.status.code(), 480);
    let bye = request("INFO", "sip:bob@b.invalid", ALICE, &routes);
    let own = bye.lines().find(|line| line.starts_with("Call-ID")).unwrap().to_owned();
    let bye = bye.replace(&own, &format!("Call-ID: {}", invite.headers.call_id().unwrap()));
    assert_eq!(response_of(&edge.datagram(ALICE, &bye)).1.status.code(), 430);
}

#[test]
fn whoever_reconnects_is_reached_over_the_new_socket() {
    let mut edge = Edge::new();
    edge.register(1);
    edge.register(3);
    let sent = edge.datagram(ALICE, &request("MESSAGE", "sip:bob@home.example", ALICE, ""));
    assert_eq!(request_of(&sent).0, Flow::Stream(StreamId(3)));
    edge.tell(Arrival::Closed { stream: StreamId(1), by: ClosedBy::Peer });
    assert_eq!(edge.server.bindings(), 1, "the old socket takes nothing with it");
}
