//! The way a message came, or goes.

use std::net::SocketAddr;

use rove_base::{Flow, StreamId, Transport, UdpFlow};

use crate::{
    message::{SipUri, Uri, ViaTransport},
    transaction::Delivery,
};

/// One hop: how a message came, or goes.
///
/// For a stream, `local` is where we listen for others, and `remote` where the other end does: what Via says, and
/// where a new stream leads when this one is gone. Of a message that came, both are the ends of its stream.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Hop {
    /// The datagrams' way, or the stream; [`Hop::ANY_STREAM`] is whichever leads to `remote`, opened when needed.
    pub flow: Flow,
    /// In what.
    pub transport: Transport,
    /// Our end, never the unspecified address.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

impl Hop {
    /// The stream that stands for any that leads to the same remote address in the same transport. No stream has its
    /// number.
    pub const ANY_STREAM: Flow = Flow::Stream(StreamId(0));

    /// Datagrams from `local` to `remote`.
    #[must_use]
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { flow: Flow::udp(local, remote), transport: Transport::Udp, local, remote }
    }

    /// From `local` to `remote` in `transport`, over whichever stream leads there.
    #[must_use]
    pub const fn toward(transport: Transport, local: SocketAddr, remote: SocketAddr) -> Self {
        match transport {
            Transport::Udp => Self::udp(local, remote),
            _ => Self { flow: Self::ANY_STREAM, transport, local, remote },
        }
    }

    /// Along a stream that stands.
    #[must_use]
    pub const fn stream(
        stream: StreamId,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Self {
        Self { flow: Flow::Stream(stream), transport, local, remote }
    }

    /// The stream, unless any will do or there is none.
    #[must_use]
    pub fn stream_id(&self) -> Option<StreamId> {
        match self.flow {
            Flow::Stream(stream) if self.flow != Self::ANY_STREAM => Some(stream),
            _ => None,
        }
    }

    /// Whether transactions must repeat what was lost.
    #[must_use]
    pub const fn delivery(&self) -> Delivery {
        if self.transport.is_reliable() { Delivery::Reliable } else { Delivery::Unreliable }
    }
}

impl From<UdpFlow> for Hop {
    fn from(flow: UdpFlow) -> Self {
        Self::udp(flow.local, flow.remote)
    }
}

/// An address of ours, and in what it can be reached.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct LocalAddress {
    /// In what.
    pub transport: Transport,
    /// Where; never the unspecified address.
    pub address: SocketAddr,
}

impl LocalAddress {
    /// An address for datagrams.
    #[must_use]
    pub const fn udp(address: SocketAddr) -> Self {
        Self { transport: Transport::Udp, address }
    }
}

/// Which of our addresses a request to `remote` in `transport` names as its sender: one in that transport, else any, of
/// the same family. `None` when there is none of that family.
#[must_use]
pub fn local_toward(ours: &[LocalAddress], transport: Transport, remote: SocketAddr) -> Option<SocketAddr> {
    let fits =
        |one: &&LocalAddress| one.address.is_ipv4() == remote.is_ipv4() && !one.address.ip().is_unspecified();
    let same = ours.iter().filter(fits).find(|one| one.transport == transport);
    same.or_else(|| ours.iter().find(fits)).map(|one| one.address)
}

impl From<Transport> for ViaTransport {
    /// The name in Via (RFC 3261 §20.42, RFC 7118 §5).
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Tcp => Self::Tcp,
            Transport::Tls => Self::Tls,
            Transport::Ws => Self::Ws,
            Transport::Wss => Self::Wss,
            _ => Self::Udp,
        }
    }
}

impl SipUri {
    /// The transport that it asks for: by its parameter, made secure by `sips` (RFC 3261 §19.1.1, RFC 5630 §3.1.3,
    /// RFC 7118 §6). `None` when it leaves that open, or names one that we do not have.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        let named = self.params.get("transport").map(str::to_ascii_lowercase);
        match (named.as_deref(), self.secure) {
            (None | Some("tcp" | "tls"), true) | (Some("tls"), false) => Some(Transport::Tls),
            (Some("ws" | "wss"), true) | (Some("wss"), false) => Some(Transport::Wss),
            (Some("ws"), false) => Some(Transport::Ws),
            (Some("tcp"), false) => Some(Transport::Tcp),
            (Some("udp"), false) => Some(Transport::Udp),
            _ => None,
        }
    }

    /// Makes it one that is reached in `transport`; nothing is added where that is understood anyway.
    #[must_use]
    pub fn over(mut self, transport: Transport) -> Self {
        let name = match transport {
            Transport::Tcp => Some("tcp"),
            Transport::Tls if !self.secure => Some("tls"),
            Transport::Wss if !self.secure => Some("wss"),
            Transport::Ws | Transport::Wss => Some("ws"),
            _ => None,
        };
        self.params.remove("transport");
        if let Some(name) = name {
            self.params.set("transport", Some(name));
        }
        self
    }
}

/// Whether a URI demands that every hop is secure (RFC 5630 §3.1.1).
pub(crate) fn is_sips(uri: &Uri) -> bool {
    uri.as_sip().is_some_and(|uri| uri.secure)
}

#[cfg(test)]
mod tests;
