//! Data both ways: the path of every packet. One copy, no allocation.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::SocketAddr;

use rove_base::{Flow, Now, Scratch};
use rove_nat::stun::{
    Class,
    turn::{ChannelData, Method, TurnMessage, TurnWriter},
};

use super::{RelayPort, TurnServer};
use crate::{counts::Cause, policy::canonical};

impl TurnServer {
    /// A client sends to a peer by its number.
    pub(super) fn channel_data(&mut self, now: Now, client: Flow, bytes: &[u8], out: &mut Scratch) {
        let Some(ChannelData { channel, data }) = ChannelData::parse(bytes) else {
            return self.counts.refuse(Cause::NotUnderstood);
        };
        let Some((_, allocation)) = self.allocation(client) else {
            return self.counts.refuse(Cause::NoChannel);
        };
        let Some(peer) = allocation.peer_of(now.mono, channel) else {
            return self.counts.refuse(Cause::NoChannel);
        };
        // The number outlives the permission unless it is bound again.
        if !allocation.permits(now.mono, peer.ip()) {
            return self.counts.refuse(Cause::NoPermission);
        }
        let flow = Flow::udp(allocation.relayed, peer);
        self.counts.went_out(data.len());
        let range = out.push(data);
        self.send(flow, range);
    }

    /// A client sends to a peer by its address.
    pub(super) fn send_indication(
        &mut self,
        now: Now,
        client: Flow,
        message: &TurnMessage<'_>,
        out: &mut Scratch,
    ) {
        let told = message.attributes();
        let (Some(peer), Some(data)) = (told.peer, told.data) else {
            return self.counts.refuse(Cause::BadRequest);
        };
        if told.unknown.is_some() || told.dont_fragment {
            return self.counts.refuse(Cause::UnknownAttribute);
        }
        let Some((_, allocation)) = self.allocation(client) else {
            return self.counts.refuse(Cause::Mismatch);
        };
        let same_family = peer.is_ipv4() == allocation.relayed.is_ipv4();
        if !same_family || peer.port() == 0 || !allocation.permits(now.mono, peer.ip()) {
            return self.counts.refuse(Cause::NoPermission);
        }
        if self.own.contains(&peer) {
            return self.counts.refuse(Cause::Forbidden);
        }
        let flow = Flow::udp(allocation.relayed, peer);
        self.counts.went_out(data.len());
        let range = out.push(data);
        self.send(flow, range);
    }

    /// Something came in at an address that is lent.
    pub fn peer_sent(
        &mut self,
        now: Now,
        port: RelayPort,
        from: SocketAddr,
        bytes: &[u8],
        out: &mut Scratch,
    ) {
        let from = SocketAddr::new(canonical(from.ip()), from.port());
        let Some(allocation) = self.ports.lent(port) else { return self.counts.refuse(Cause::Uninvited) };
        if !allocation.permits(now.mono, from.ip()) {
            return self.counts.refuse(Cause::Uninvited);
        }
        let (client, channel) = (allocation.client, allocation.channel_of(now.mono, from));
        let padded = matches!(client, Flow::Stream(_));
        let entropy = self.counts.packets_in;
        let range = out.write(|out| match channel {
            Some(channel) => ChannelData { channel, data: bytes }.write(out, padded),
            None => {
                // Nobody answers an indication: its number need not be a secret.
                let mut transaction = [0; 12];
                transaction.iter_mut().zip(entropy.to_be_bytes()).for_each(|(to, from)| *to = from);
                TurnWriter::new(out, Class::Indication, Method::Data, transaction)
                    .peer(from)
                    .data(bytes)
                    .done();
            }
        });
        self.counts.came_in(bytes.len());
        self.send(client, range);
    }
}
