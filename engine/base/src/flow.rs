//! Where bytes come from and go to.

use core::fmt;
use std::net::SocketAddr;

/// A path that bytes take, with both ends pinned.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Flow {
    /// Datagrams between two addresses.
    Udp(UdpFlow),
    /// One byte stream: TCP, TLS, WebSocket, a QUIC stream. They all look alike from inside.
    Stream(StreamId),
}

impl Flow {
    /// Datagrams from `local` to `remote`.
    #[must_use]
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self::Udp(UdpFlow { local, remote })
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(flow) => write!(f, "udp {} -> {}", flow.local, flow.remote),
            Self::Stream(StreamId(id)) => write!(f, "stream {id}"),
        }
    }
}

/// A pinned pair of UDP addresses. `local` is a real address of this host, never the unspecified one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct UdpFlow {
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

/// Names one byte stream between a machine and its driver.
///
/// The driver names the streams it accepts with odd numbers; a machine names those it asks for with even ones.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamId(pub u64);

/// What a stream or datagram travels in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Transport {
    /// UDP datagrams.
    Udp,
    /// A TCP byte stream.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// Messages of a WebSocket (RFC 6455); each arrives as one piece of its stream.
    Ws,
    /// A WebSocket over TLS.
    Wss,
    /// A stream of QUIC (RFC 9000): the first of a connection, and its only one.
    Quic,
}

impl Transport {
    /// Whether it repeats what is lost by itself, and keeps the order.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether nobody between the two ends can read along.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss | Self::Quic)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Quic => "quic",
        })
    }
}
