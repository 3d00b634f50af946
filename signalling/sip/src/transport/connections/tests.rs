#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may stop")]

use core::time::Duration;

use super::*;

mod bounds;
mod keeping;
mod streams;

/// Connections, with what they did.
struct Desk {
    all: Connections,
    now: Now,
}

#[derive(Debug, Eq, PartialEq)]
enum Did {
    Sent(Flow, String),
    Connected { stream: u64, remote: SocketAddr, transport: Transport, name: Option<String> },
    Closed(u64),
    Heard(String),
    Lost(SocketAddr),
    Failed(SocketAddr),
}

const OURS: ([u8; 4], u16) = ([192, 0, 2, 1], 5060);
const PEER: ([u8; 4], u16) = ([192, 0, 2, 2], 5060);

impl Desk {
    fn new(limits: Limits) -> Self {
        Self { all: Connections::new(limits, Entropy::from_number(1)), now: Now::default() }
    }

    /// A stream that somebody at `ip` opens.
    fn accept(&mut self, stream: u64, ip: [u8; 4]) {
        self.connected(stream, (ip, 40_000).into(), Transport::Tcp);
    }

    fn connected(&mut self, stream: u64, remote: SocketAddr, transport: Transport) {
        let (stream, local) = (StreamId(stream), OURS.into());
        self.all.handle(self.now, Arrival::Connected { stream, local, remote, transport });
    }

    fn hear(&mut self, stream: u64, text: &str) {
        self.all.handle(self.now, Arrival::Stream { stream: StreamId(stream), bytes: text.as_bytes() });
    }

    fn closed(&mut self, stream: u64, by: ClosedBy) {
        self.all.handle(self.now, Arrival::Closed { stream: StreamId(stream), by });
    }

    fn send(&mut self, hop: Hop, text: &str) {
        self.all.send(self.now.mono, &hop, text.as_bytes().into());
    }

    fn wait(&mut self, time: Duration) {
        if !self.all.out.is_empty() || !self.all.news.is_empty() {
            return;
        }
        let end = self.now.later(time);
        while let Step::Wait(Some(at)) = self.all.poll(&mut Scratch::default()) {
            if at > end.mono {
                break;
            }
            self.now = self.now.later(at.since(self.now.mono));
            self.all.tick(self.now);
            if !self.all.out.is_empty() || !self.all.news.is_empty() {
                return;
            }
        }
        self.now = end;
    }

    fn did(&mut self) -> Vec<Did> {
        let mut scratch = Scratch::default();
        let mut did = Vec::new();
        loop {
            did.push(match self.all.poll(&mut scratch) {
                Step::Send(Transmit { flow, range, .. }) => {
                    Did::Sent(flow, String::from_utf8_lossy(scratch.get(range)).into_owned())
                }
                Step::Connect(Connect { stream, remote, transport, name }) => {
                    Did::Connected { stream: stream.0, remote, transport, name }
                }
                Step::Close(stream) => Did::Closed(stream.0),
                Step::Event(News::Message { bytes, .. }) => Did::Heard(String::from_utf8(bytes).unwrap()),
                Step::Event(News::Lost { hop }) => Did::Lost(hop.remote),
                Step::Event(News::FlowFailed { hop }) => Did::Failed(hop.remote),
                Step::Wait(_) => return did,
                Step::Append(_) => panic!("nothing to keep"),
            });
        }
    }
}

fn toward(transport: Transport) -> Hop {
    Hop::toward(transport, OURS.into(), PEER.into())
}

fn sent(stream: u64, text: &str) -> Did {
    Did::Sent(Flow::Stream(StreamId(stream)), text.into())
}

fn heard(text: &str) -> Did {
    Did::Heard(text.into())
}

fn opened(stream: u64, transport: Transport) -> Did {
    Did::Connected { stream, remote: PEER.into(), transport, name: None }
}

const HELLO: &str = "OPTIONS sip:b@192.0.2.1 SIP/2.0\r\nContent-Length: 0\r\n\r\n";
