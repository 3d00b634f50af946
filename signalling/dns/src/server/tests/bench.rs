//! A server, a clock that stands still, and everything that came out.

use rove_base::{StreamId, Ticket};

use super::*;

pub(super) const CLIENT: &str = "192.0.2.200:4000";

pub(super) fn config() -> ServerConfig {
    ServerConfig::new(vec![home(), zone("2.0.192.in-addr.arpa", &["1 PTR alice.home.example."])], vec![key()])
}

/// A server, a clock that stands still, and everything that came out.
pub(super) struct Bench {
    pub(super) server: Server,
    pub(super) now: Now,
    pub(super) sent: Vec<(Flow, Vec<u8>)>,
    pub(super) records: Vec<(Ticket, Vec<u8>)>,
    pub(super) events: Vec<Event>,
    pub(super) closed: Vec<StreamId>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let now = Now { mono: Instant::ZERO, wall: NOON };
        let server = Server::new(config()).unwrap();
        Self { server, now, sent: vec![], records: vec![], events: vec![], closed: vec![] }
    }

    pub(super) fn drain(&mut self) -> Option<Instant> {
        let mut scratch = Scratch::default();
        loop {
            match self.server.poll(&mut scratch) {
                Step::Send(transmit) => self.sent.push((transmit.flow, scratch.get(transmit.range).to_vec())),
                Step::Append(append) => {
                    self.records.push((append.ticket, scratch.get(append.range).to_vec()));
                }
                Step::Close(stream) => self.closed.push(stream),
                Step::Event(event) => self.events.push(event),
                Step::Wait(until) => return until,
                Step::Connect(_) => panic!("a server connects to nobody"),
            }
        }
    }

    pub(super) fn handle(&mut self, input: Arrival<'_>) {
        self.server.handle(self.now, input);
        self.drain();
    }

    /// Sends a datagram; answers what came back at once.
    pub(super) fn datagram(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
        self.sent.clear();
        self.handle(Arrival::Datagram { flow, bytes });
        assert!(self.sent.len() <= 1, "one question, one answer");
        self.sent.pop().map(|(_, bytes)| bytes)
    }

    pub(super) fn ask(&mut self, asked: &str, rtype: u16) -> Reply {
        let bytes = self.datagram(&question(7, asked, rtype)).unwrap();
        Reply::from_bytes(&bytes).unwrap()
    }

    pub(super) fn durable(&mut self, ticket: u64) -> Vec<Vec<u8>> {
        self.sent.clear();
        self.handle(Arrival::Durable { ticket: Ticket(ticket) });
        self.sent.drain(..).map(|(_, bytes)| bytes).collect()
    }

    pub(super) fn addresses(&mut self, asked: &str) -> Vec<String> {
        let reply = self.ask(asked, rtype::A);
        reply.answers.iter().map(|record| record.data.to_string()).collect()
    }
}
