//! Where the roles of a node listen.

use std::net::SocketAddr;

use rove_base::Transport;

/// Where a node registers users and takes calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SipAddress {
    /// In what.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

impl SipAddress {
    /// The address of a relay as its clients are configured with it (RFC 7065).
    #[must_use]
    pub fn relay_uri(&self) -> String {
        let Self { transport, address } = self;
        match transport {
            Transport::Tls => format!("turns:{address}?transport=tcp"),
            other => format!("turn:{address}?transport={other}"),
        }
    }
}

/// Where a node's terminals and partners connect; ports as bound.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roaming {
    /// Terminals.
    pub attach: Vec<SocketAddr>,
    /// Partners' nodes.
    pub partners: Vec<SocketAddr>,
    /// Terminals that want an address.
    pub dhcp: Vec<SocketAddr>,
    /// Partners' nodes that are reached by SCTP in UDP.
    pub sctp: Option<SocketAddr>,
}
