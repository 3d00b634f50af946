//! How the doings of a host reach the world.

use core::fmt;
use std::net::SocketAddr;

use rove_base::{ClosedBy, Connect, Dscp, Flow, Scratch, StreamId, Transmit, Transport, UdpFlow};

use crate::{
    host::Outlet,
    network::Sent,
    streams::{CONNECT_TIMEOUT, End, What},
    world::{Next, World},
};

/// The world, as one of its hosts reaches it.
pub(crate) struct WorldOutlet<'a> {
    world: &'a mut World,
    host: usize,
}

impl<'a> WorldOutlet<'a> {
    pub(crate) const fn new(world: &'a mut World, host: usize) -> Self {
        Self { world, host }
    }

    fn datagram(&mut self, flow: UdpFlow, dscp: Dscp, bytes: &[u8]) {
        let now = self.world.clock.now().mono;
        match self.world.network.send(now, self.host, flow, dscp, bytes) {
            Sent::On(arrivals) => {
                self.world.trace.packet(now, "sent", &flow, dscp, bytes);
                for (at, slot) in arrivals.into_iter().flatten() {
                    self.world.queue.plan(at, Next::Datagram(slot));
                }
            }
            Sent::Gone(why) => self.world.trace.packet(now, why, &flow, dscp, bytes),
        }
    }

    fn stream_bytes(&mut self, stream: StreamId, bytes: &[u8]) {
        let end = (self.host, stream);
        let Some((peer, latency)) = self.world.streams.peer(end) else { return };
        let now = self.world.clock.now().mono;
        if self.world.network.link(self.host, peer.0).impairments().is_cut(now) {
            return self.break_stream(end);
        }
        self.tell_later(peer, What::Bytes(bytes.to_vec()), latency);
    }

    /// Ends a stream on both sides at once.
    pub(crate) fn break_stream(&mut self, end: End) {
        let Some((peer, _)) = self.world.streams.close(end) else { return };
        self.world.streams.close(peer);
        for side in [end, peer] {
            self.tell_later(side, What::Closed(ClosedBy::Failure), core::time::Duration::ZERO);
        }
    }

    fn tell_later(&mut self, end: End, what: What, latency: core::time::Duration) {
        let name = self.world.streams.keep(end, what);
        self.world.queue.plan(self.world.clock.now().mono + latency, Next::Stream(name));
    }

    /// Whether the certificate of `host`, where it has one, is of the name that was asked for.
    fn is_named(&self, host: usize, name: Option<&str>) -> bool {
        let shown = if host == self.host { None } else { self.world.certificate(host) };
        name.is_none() || shown.is_none() || name == shown.as_deref()
    }

    /// Our address towards `remote`: the first of its family.
    fn address_towards(&self, remote: SocketAddr) -> Option<SocketAddr> {
        let ours = self.world.network.addresses_of(self.host);
        let ip = ours.into_iter().find(|ip| ip.is_ipv4() == remote.is_ipv4())?;
        Some(SocketAddr::new(ip, EPHEMERAL_PORT))
    }
}

impl Outlet for WorldOutlet<'_> {
    fn send(&mut self, transmit: Transmit, from: &Scratch) {
        let bytes = from.get(transmit.range);
        match transmit.flow {
            Flow::Udp(flow) => self.datagram(flow, transmit.dscp, bytes),
            Flow::Stream(stream) => self.stream_bytes(stream, bytes),
        }
    }

    fn connect(&mut self, connect: Connect) {
        let Connect { stream, remote, transport, name } = connect;
        let (now, asking) = (self.world.clock.now().mono, (self.host, stream));
        let reachable = self.world.network.owner(remote.ip()).zip(self.address_towards(remote));
        let Some((host, local)) = reachable else {
            return self.tell_later(asking, What::Closed(ClosedBy::Failure), CONNECT_TIMEOUT);
        };
        let link = self.world.network.link(self.host, host).impairments();
        let (cut, there) = (link.is_cut(now), link.delay);
        let back = self.world.network.link(host, self.host).impairments().delay;
        if cut {
            self.tell_later(asking, What::Closed(ClosedBy::Failure), CONNECT_TIMEOUT);
        } else if host != self.host
            && self.world.host(host).listens(remote)
            && self.is_named(host, name.as_deref())
        {
            let theirs = self.world.streams.join(asking, host, there, back);
            self.tell_later(
                (host, theirs),
                What::Connected { local: remote, remote: local, transport },
                there,
            );
            self.tell_later(asking, What::Connected { local, remote, transport }, there + back);
            let shown = [((host, theirs), self.host, there), (asking, host, there + back)];
            for (end, other, latency) in shown.into_iter().filter(|_| transport == Transport::Tls) {
                if let Some(name) = self.world.certificate(other) {
                    self.tell_later(end, What::Identified(name), latency);
                }
            }
        } else {
            self.tell_later(asking, What::Closed(ClosedBy::Failure), there + back);
        }
    }

    fn close(&mut self, stream: StreamId) {
        let end = (self.host, stream);
        if let Some((peer, latency)) = self.world.streams.close(end) {
            self.tell_later(peer, What::Closed(ClosedBy::Peer), latency);
            self.tell_later(end, What::Closed(ClosedBy::Us), core::time::Duration::ZERO);
        }
    }

    fn note(&mut self, line: fmt::Arguments<'_>) {
        let now = self.world.clock.now().mono;
        let name = self.world.name(self.host).to_owned();
        self.world.trace.note(now, &name, line);
    }
}

/// Where streams seem to come from.
const EPHEMERAL_PORT: u16 = 49_152;
