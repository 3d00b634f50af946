mod datagrams;
mod dns;
mod speed;
mod streams;

use std::net::{IpAddr, SocketAddr};

use rove_base::{Arrival, Connect, Dscp, Flow, Instant, Now, Scratch, StreamId, Transmit, UdpFlow};

use crate::{Host, Outlet};

/// A host that remembers what comes, says what it is told to, and echoes when asked to.
#[derive(Default)]
pub(super) struct Parrot {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) echo: bool,
    pub(super) listening: bool,
    pub(super) heard: Vec<(Instant, UdpFlow, Vec<u8>)>,
    pub(super) woken: Vec<Now>,
    pub(super) wakes: Vec<Instant>,
    pub(super) to_say: Vec<(Flow, Vec<u8>)>,
    pub(super) to_connect: Vec<Connect>,
    pub(super) to_close: Vec<StreamId>,
    /// Kind, stream and bytes.
    pub(super) streams: Vec<(Instant, String, StreamId, Vec<u8>)>,
    pub(super) never_satisfied: bool,
}

impl Parrot {
    pub(super) fn at(address: &str) -> Self {
        Self { addresses: vec![address.parse().unwrap()], ..Self::default() }
    }

    pub(super) fn say(&mut self, from: &str, to: &str, bytes: &[u8]) {
        self.to_say.push((Flow::udp(socket(from), socket(to)), bytes.to_vec()));
    }
}

pub(super) fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Host for Parrot {
    fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.clone()
    }

    fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], arrived: Instant) {
        assert_eq!(now.mono, arrived);
        self.heard.push((now.mono, flow, bytes.to_vec()));
        if self.echo {
            self.to_say.push((Flow::Udp(flow), bytes.to_vec()));
        }
    }

    fn stream(&mut self, now: Now, arrival: Arrival<'_>) {
        let (kind, stream, bytes) = match arrival {
            Arrival::Connected { stream, .. } => ("connected".to_owned(), stream, Vec::new()),
            Arrival::Stream { stream, bytes } => ("bytes".to_owned(), stream, bytes.to_vec()),
            Arrival::Closed { stream, by } => (format!("closed by {by:?}"), stream, Vec::new()),
            other => panic!("{other:?}"),
        };
        if self.echo && kind == "bytes" {
            self.to_say.push((Flow::Stream(stream), bytes.clone()));
        }
        self.streams.push((now.mono, kind, stream, bytes));
    }

    fn listens(&self, _: SocketAddr) -> bool {
        self.listening
    }

    fn tick(&mut self, now: Now) {
        self.woken.push(now);
        if !self.never_satisfied {
            self.wakes.retain(|at| *at > now.mono);
        }
    }

    fn drain(&mut self, _: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant> {
        for connect in self.to_connect.drain(..) {
            net.connect(connect);
        }
        for (flow, bytes) in self.to_say.drain(..) {
            let range = out.push(&bytes);
            net.send(Transmit { flow, range, dscp: Dscp::EF }, out);
        }
        for stream in self.to_close.drain(..) {
            net.close(stream);
        }
        self.wakes.iter().min().copied()
    }
}
