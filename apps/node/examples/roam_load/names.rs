//! Questions to both name servers.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use rove_base::{Dscp, Flow, Instant, Scratch, Transmit};
use rove_dns::wire::{Header, Name, Reader};
use rove_driver::Sockets;
use rove_io::{clock::Clock, net::UdpSocket};

/// Which way a name is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Way {
    /// The name's address, at home.
    Forward,
    /// The address's name, in the visited network.
    Reverse,
}

/// What is to be the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wanted {
    There,
    Gone,
}

/// A question that is asked until its answer is right.
#[derive(Clone, Debug)]
struct Asked {
    who: usize,
    way: Way,
    wanted: Wanted,
    number: u64,
    address: Ipv4Addr,
    again: Instant,
}

/// A right answer.
pub(crate) struct Right {
    pub(crate) who: usize,
    pub(crate) way: Way,
    pub(crate) at: Instant,
}

pub(crate) struct Names {
    sockets: Sockets,
    local: SocketAddr,
    servers: [SocketAddr; 2],
    domain: String,
    scratch: Scratch,
    next: u16,
    asked: HashMap<u16, Asked>,
}

impl Names {
    pub(crate) fn new(servers: [SocketAddr; 2], domain: String) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0".parse().expect("an address")).expect("a socket");
        let local = socket.local_addr();
        let sockets = Sockets::new(vec![socket]).expect("a runtime");
        Self { sockets, local, servers, domain, scratch: Scratch::default(), next: 0, asked: HashMap::new() }
    }

    /// Asks until the answer is `wanted`.
    pub(crate) fn ask(
        &mut self,
        now: Instant,
        who: usize,
        way: Way,
        wanted: Wanted,
        number: u64,
        address: Ipv4Addr,
    ) {
        self.next = self.next.wrapping_add(1);
        let id = self.next;
        let asked = Asked { who, way, wanted, number, address, again: now.later(AGAIN) };
        self.send(id, &asked);
        self.asked.insert(id, asked);
    }

    fn send(&mut self, id: u16, asked: &Asked) {
        let [a, b, c, d] = asked.address.octets();
        let (server, name, rtype) = match asked.way {
            Way::Forward => (self.servers[0], format!("t{}.{}", asked.number, self.domain), 1_u16),
            Way::Reverse => (self.servers[1], format!("{d}.{c}.{b}.{a}.in-addr.arpa"), 12),
        };
        let name: Name = name.parse().expect("a name");
        let range = self.scratch.write(|out| {
            out.extend_from_slice(&[id, 0, 1, 0, 0, 0].map(u16::to_be_bytes).concat());
            out.extend_from_slice(name.as_wire());
            out.extend_from_slice(&[rtype, 1].map(u16::to_be_bytes).concat());
        });
        let flow = Flow::udp(self.local, server);
        self.sockets.push(Transmit { flow, range, dscp: Dscp::default() }, &self.scratch);
    }

    /// Everything asked leaves.
    pub(crate) fn flush(&mut self) {
        self.sockets.flush(&self.scratch);
        self.scratch.clear();
    }

    /// Something can be read; may be dropped and asked again.
    pub(crate) async fn readable(&mut self) -> usize {
        self.sockets.readable().await
    }

    /// Which answers are right.
    pub(crate) fn receive(&mut self, index: usize, clock: Clock) -> Vec<Right> {
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        let asked = &mut self.asked;
        self.sockets.receive(index, clock, |received| {
            let [high, low, ..] = received.bytes else { return };
            let id = u16::from_be_bytes([*high, *low]);
            let Some(question) = asked.get(&id) else { return };
            let found = content(received.bytes);
            let fits = match (question.wanted, question.way) {
                (Wanted::Gone, _) => found.is_none(),
                (Wanted::There, Way::Forward) => found == Some(question.address.octets().to_vec()),
                (Wanted::There, Way::Reverse) => {
                    let label = format!("t{}", question.number);
                    let mut start = vec![u8::try_from(label.len()).unwrap_or(0)];
                    start.extend_from_slice(label.as_bytes());
                    found.is_some_and(|found| found.starts_with(&start))
                }
            };
            if fits {
                right.push(Right { who: question.who, way: question.way, at: received.arrived });
                asked.remove(&id);
            } else {
                wrong.push(id);
            }
        });
        // Not yet: asked again in a moment.
        let soon = clock.now().mono.later(SOON);
        for id in wrong {
            if let Some(question) = self.asked.get_mut(&id) {
                question.again = question.again.min(soon);
            }
        }
        right
    }

    /// Asks again what was not answered, or not rightly.
    pub(crate) fn tick(&mut self, now: Instant) {
        let due: Vec<u16> =
            self.asked.iter().filter(|(_, asked)| asked.again <= now).map(|(id, _)| *id).collect();
        for id in due {
            let Some(mut asked) = self.asked.remove(&id) else { continue };
            asked.again = now.later(AGAIN);
            self.next = self.next.wrapping_add(1);
            let id = self.next;
            self.send(id, &asked);
            self.asked.insert(id, asked);
        }
        self.flush();
    }

    /// Gives up on everything.
    pub(crate) fn forget(&mut self) {
        self.asked.clear();
    }

    pub(crate) fn waiting(&self) -> usize {
        self.asked.len()
    }
}

/// Of the first answer; `None` where there is none.
fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(bytes);
    let Header { counts: [questions, answers, ..], .. } = reader.header().ok()?;
    for _ in 0..questions {
        reader.question().ok()?;
    }
    if answers == 0 {
        return None;
    }
    bytes.get(reader.record().ok()?.rdata).map(<[u8]>::to_vec)
}

/// Until an answer counts as lost.
const AGAIN: Duration = Duration::from_millis(500);
/// Until a wrong answer is asked for again.
const SOON: Duration = Duration::from_micros(500);
