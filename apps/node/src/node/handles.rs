//! Where a node is reached, and what it is ended with, and made to read its files again, from anywhere.

use std::{net::SocketAddr, sync::Arc};

use rove_base::Transport;
use tokio::sync::Notify;

/// Ends a node from anywhere, a signal handler's thread for example.
#[derive(Clone, Debug)]
pub struct Stopper(pub(super) Arc<Notify>);

impl Stopper {
    /// Asks the node to end; returns at once.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

/// Makes a node read its files again from anywhere.
#[derive(Clone, Debug)]
pub struct Reloader(pub(super) Arc<Notify>);

impl Reloader {
    /// Asks for it; returns at once.
    pub fn reload(&self) {
        self.0.notify_one();
    }
}

/// Where a node registers users and takes calls, or passes media on.
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
}
