//! What all parts of a server share.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::VecDeque, net::IpAddr, sync::Arc};

use rove_base::{Entropy, Now, Transport};

use super::{Event, SipServerConfig, load::Load, state::WatcherId};
use crate::{
    message::{HeaderName, Request, Response, SipUri, StatusCode},
    proxy::{Loops, Ours, Tokens},
    registrar::AskId,
    sources::Sources,
    transaction::{ClientKey, Keyed, Layer, ServerKey},
    transport::{Connections, Hop},
    ua::reply::Reply,
};

/// Names a request that is being passed on.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct RelayId(pub(super) u64);

/// What a client transaction of the server is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum ClientUse {
    /// A branch of a relay. The server transaction stays known for 2xx that come when the relay is over.
    Branch {
        relay: RelayId,
        branch: usize,
        server: ServerKey,
    },
    Cancel,
    /// Somebody who watches is told something.
    Notify(WatcherId),
}

/// What a server transaction of the server is for. `None` when it was answered here.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerUse {
    pub(super) relay: Option<RelayId>,
}

#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: SipServerConfig,
    pub(super) ours: Ours,
    pub(super) tokens: Tokens,
    pub(super) loops: Loops,
    pub(super) now: Now,
    pub(super) layer: Layer<ClientUse, ServerUse>,
    pub(super) keyed: Keyed,
    pub(super) entropy: Entropy,
    pub(super) events: VecDeque<Event>,
    pub(super) sources: Sources,
    pub(super) connections: Connections,
    pub(super) load: Load,
    last_ask: u64,
    buffer: Vec<u8>,
}

impl Core {
    pub(super) fn new(config: SipServerConfig, mut entropy: Entropy) -> Self {
        let keyed = Keyed::new(&mut entropy);
        let ours = Ours { addresses: config.local.clone(), domains: config.registrar.domains.clone() };
        Self {
            ours,
            tokens: Tokens::new(keyed.clone()),
            loops: Loops::new(keyed.clone()),
            now: Now::default(),
            layer: Layer::new(&keyed, config.limits.transactions),
            connections: Connections::new(config.streams, entropy.fork()),
            sources: Sources::new(&config.limits.rate(), keyed.clone()),
            load: Load::default(),
            keyed,
            entropy,
            events: VecDeque::new(),
            last_ask: 0,
            buffer: Vec::new(),
            config,
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Tells of a message, where that is wanted.
    pub(super) fn capture(&mut self, hop: Hop, sent: bool, bytes: &[u8]) {
        if self.config.capture {
            let (at, bytes) = (self.now.wall, bytes.to_vec());
            self.events.push_back(Event::Message { at, hop, sent, bytes });
        }
    }

    pub(super) fn next_ask(&mut self) -> AskId {
        self.last_ask = self.last_ask.saturating_add(1);
        AskId(self.last_ask)
    }

    /// A transaction number nobody can guess.
    pub(super) fn next_key(&mut self) -> ClientKey {
        ClientKey { branch: self.entropy.next_u64(), cancel: false }
    }

    pub(super) fn request_bytes(&mut self, request: &Request) -> Arc<[u8]> {
        self.buffer.clear();
        request.write(&mut self.buffer);
        self.buffer.as_slice().into()
    }

    pub(super) fn response_bytes(&mut self, response: &Response) -> Arc<[u8]> {
        self.buffer.clear();
        match self.with_load(response) {
            Some(told) => told.write(&mut self.buffer),
            None => response.write(&mut self.buffer),
        }
        self.buffer.as_slice().into()
    }

    /// Our tag in the answer to a request: the same for the same request.
    pub(super) fn tag(&self, key: ServerKey) -> String {
        format!("{:016x}", self.keyed.number(&("tag", key)))
    }

    /// A response of our own, whose tag depends on nothing but the request, so that the same request gets the same.
    pub(super) fn plain(&self, reply: &Reply, key: ServerKey, status: StatusCode) -> Response {
        let mut response = reply.response(status, &self.tag(key));
        if !self.config.name.is_empty() && status != StatusCode::TRYING {
            response.headers.push(HeaderName::Server, self.config.name.as_str());
        }
        response
    }

    /// Answers and forgets (RFC 3261 §8.2.7).
    pub(super) fn answer(&mut self, reply: &Reply, response: &Response) {
        let bytes = self.response_bytes(response);
        self.layer.send(reply.hop(), bytes);
    }

    /// Answers with a status alone, and forgets.
    pub(super) fn refuse(&mut self, reply: &Reply, key: ServerKey, status: StatusCode) {
        let response = self.plain(reply, key, status);
        self.answer(reply, &response);
    }

    /// The way to a URI whose host is an address. `None` for a name, and where none of our addresses reaches.
    pub(super) fn hop_to(&self, uri: &SipUri) -> Option<Hop> {
        let ip = uri.host.ip()?;
        let transport = uri.transport().unwrap_or(Transport::Udp);
        let default = if transport.is_secure() { 5_061 } else { 5_060 };
        self.hop_at(transport, ip, uri.port.unwrap_or(default))
    }

    /// The way to an address.
    pub(super) fn hop_at(&self, transport: Transport, ip: IpAddr, port: u16) -> Option<Hop> {
        let remote = std::net::SocketAddr::new(ip, port);
        let reachable = !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::from([255_u8; 4]);
        let local = self.own_address(transport, remote).filter(|_| reachable)?;
        Some(Hop::toward(transport, local, remote))
    }
}
