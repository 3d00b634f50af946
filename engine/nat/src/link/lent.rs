//! Addresses that TURN servers lend a media port (RFC 8656): what leaves from there goes to the server, in a channel, and what
//! the server passes on has come there.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::any::Any;
use std::net::SocketAddr;

use rove_base::{Candidate, Flow, Instant, Scratch, Transmit, UdpFlow};

use super::Link;
use crate::{
    ice::Ice,
    stun::turn::ChannelData,
    turn::{FromServer, TurnClient, TurnNews},
};

/// One address, and the client that keeps it.
#[derive(Debug)]
pub struct Lent {
    relayed: SocketAddr,
    /// From the port to the server.
    way: UdpFlow,
    client: TurnClient,
    /// It leads into a network for voice alone.
    dedicated: bool,
    /// To be given back once all else has left.
    ending: bool,
    /// What has to be there as long as the address is of use.
    _kept: Option<Box<dyn Any + Send + Sync>>,
}

impl Lent {
    /// The address that `client` has at the server at the far end of `way`. `None`: it has none.
    #[must_use]
    pub fn new(way: UdpFlow, client: TurnClient) -> Option<Self> {
        let relayed = client.relayed()?;
        Some(Self { relayed, way, client, dedicated: false, ending: false, _kept: None })
    }

    /// Keeps `what` as long as the address is of use: the far end of a way to a server that is not reached by datagrams.
    #[must_use]
    pub fn keeping(mut self, what: Option<Box<dyn Any + Send + Sync>>) -> Self {
        self._kept = what;
        self
    }

    /// Whether it leads into a network for voice alone; not so unless said.
    #[must_use]
    pub const fn dedicated(mut self, dedicated: bool) -> Self {
        self.dedicated = dedicated;
        self
    }

    /// What the peer is told; the server sees us at `mapped`.
    #[must_use]
    pub fn candidate(&self, mapped: Option<SocketAddr>, preference: u16) -> Candidate {
        Candidate::relayed(self.relayed, mapped.unwrap_or(self.way.local), preference)
    }

    /// Gives the address back before it was ever used: where to, and the datagram that says so.
    pub fn end(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        self.give_back();
        self.next_datagram(now).map(|(way, datagram)| (way.remote, datagram))
    }

    /// The address is of no more use once all that waits has left from it.
    pub(super) const fn give_back(&mut self) {
        self.ending = true;
    }

    /// What became of peers that were to be let in.
    pub(super) fn settle(&mut self, now: Instant, ice: &mut Ice) {
        while let Some(news) = self.client.news() {
            if let TurnNews::Reached(remote) = news {
                ice.reached(now, UdpFlow { local: self.relayed, remote });
            }
        }
    }

    /// To be asked when nothing else is left to send.
    pub(super) fn next_datagram(&mut self, now: Instant) -> Option<(UdpFlow, Vec<u8>)> {
        if core::mem::take(&mut self.ending) {
            self.client.end(now);
        }
        self.client.next_datagram(now).map(|datagram| (self.way, datagram))
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.client.next_wake()
    }
}

impl Link {
    /// Checks and media may leave from the addresses of `lent` as well, of which the plan has told the peer. Answers those
    /// before.
    pub fn borrow(&mut self, lent: Vec<Lent>) -> Vec<Lent> {
        if let Some(ice) = &mut self.ice {
            ice.dedicate(lent.iter().filter(|lent| lent.dedicated).map(|lent| lent.relayed).collect());
        }
        core::mem::replace(&mut self.lent, lent)
    }

    /// A datagram as it leaves this host: what leaves from an address that is lent goes to whom it belongs. `None`: the far
    /// end is not let in there, or not any more.
    #[must_use]
    pub fn outward(&self, transmit: Transmit, out: &mut Scratch) -> Option<Transmit> {
        let Flow::Udp(flow) = transmit.flow else { return Some(transmit) };
        let Some(lent) = self.lent.iter().find(|lent| lent.relayed == flow.local) else {
            return Some(transmit);
        };
        let channel = lent.client.channel(flow.remote)?;
        let range = out.prefix(transmit.range, &ChannelData::header(channel, transmit.range.len()));
        Some(Transmit { flow: Flow::Udp(lent.way), range, ..transmit })
    }

    /// A datagram as the peer has sent it, and which way. `None`: it was the server's own word.
    pub fn inward<'a>(
        &mut self,
        now: Instant,
        flow: UdpFlow,
        bytes: &'a [u8],
    ) -> Option<(UdpFlow, &'a [u8])> {
        let (flow, bytes) = self.taken_out(now, flow, bytes)?;
        if let Some(ice) = &mut self.ice {
            ice.heard(now, flow);
        }
        Some((flow, bytes))
    }

    fn taken_out<'a>(&mut self, now: Instant, flow: UdpFlow, bytes: &'a [u8]) -> Option<(UdpFlow, &'a [u8])> {
        let Some(lent) = self.lent.iter_mut().find(|lent| lent.way == flow) else {
            return Some((flow, bytes));
        };
        let local = lent.relayed;
        match lent.client.receive(now, bytes) {
            FromServer::Data { peer, bytes } => Some((UdpFlow { local, remote: peer }, bytes)),
            FromServer::Answer => {
                self.settle();
                None
            }
            // The same server may answer how it sees the port.
            FromServer::Other => Some((flow, bytes)),
        }
    }

    /// Lets a relay let the far end of `flow` in.
    pub(super) fn reach(&mut self, flow: UdpFlow) {
        if let Some(lent) = self.lent.iter_mut().find(|lent| lent.relayed == flow.local) {
            // One too many is not reached, and its checks are never answered.
            lent.client.reach(self.now, flow.remote);
        }
    }
}
