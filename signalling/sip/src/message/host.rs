//! Host names and addresses, as URIs and Via carry them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{HostView, SyntaxError};

/// Where a URI or a Via points (RFC 3261 §25.1, `host`).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Host {
    /// A host name, in its sender's spelling.
    Domain(Domain),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address; written in brackets.
    Ipv6(Ipv6Addr),
}

impl Host {
    /// The address, when it is not a name.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Domain(_) => None,
            Self::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Self::Ipv6(ip) => Some(IpAddr::V6(*ip)),
        }
    }
}

/// A host name: labels of letters, digits, hyphens and underscores, the last one not starting with a digit. Compares
/// without case.
#[derive(Clone, Debug)]
pub struct Domain(Box<str>);

impl Domain {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Domain {}

impl core::hash::Hash for Domain {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|byte| byte.to_ascii_lowercase().hash(state));
    }
}

impl FromStr for Host {
    type Err = SyntaxError;

    /// A host name, an IPv4 address, or an IPv6 address in brackets.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        HostView::parse(text).map(Self::from)
    }
}

impl From<HostView<'_>> for Host {
    fn from(view: HostView<'_>) -> Self {
        match view {
            HostView::Domain(name) => Self::Domain(Domain(name.into())),
            HostView::Ipv4(ip) => Self::Ipv4(ip),
            HostView::Ipv6(ip) => Self::Ipv6(ip),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Ipv4(ip),
            IpAddr::V6(ip) => Self::Ipv6(ip),
        }
    }
}

impl From<SocketAddr> for Host {
    fn from(address: SocketAddr) -> Self {
        address.ip().into()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(name.as_str()),
            Self::Ipv4(ip) => ip.fmt(f),
            Self::Ipv6(ip) => write!(f, "[{ip}]"),
        }
    }
}
