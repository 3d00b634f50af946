//! What a visited network asks a home to bind, and why the home believes it.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::{HostName, Imsi, NetworkName};

/// Counts the stays of one subscriber. The home gives a new one with each accepted update of the location, so what
/// belongs to an older stay can be told from what belongs to the newest, however late it comes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Generation(pub u64);

/// The addresses a terminal has in the network it visits; at least one in all that is bound.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Addresses {
    /// Of the pool, by DHCP.
    pub v4: Option<Ipv4Addr>,
    /// Of the pool, by DHCPv6 or SLAAC.
    pub v6: Option<Ipv6Addr>,
}

/// "In this stay, this name has these addresses in this network": what the terminal proves and the home binds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BindClaim {
    /// Whose name.
    pub imsi: Imsi,
    /// In which stay.
    pub generation: Generation,
    /// The name, which must be the subscriber's.
    pub name: HostName,
    /// What it is to resolve to.
    pub addresses: Addresses,
    /// Where: the domain of the visited network, which must be that of the partner who asks.
    pub network: NetworkName,
}

impl BindClaim {
    /// The bytes that a terminal puts its proof over: a label, then each field with its length in front, big endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        let mut field = |field: &[u8]| {
            bytes.extend_from_slice(&u16::try_from(field.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(field);
        };
        field(LABEL);
        field(self.imsi.as_str().as_bytes());
        field(&self.generation.0.to_be_bytes());
        field(self.name.as_str().as_bytes());
        field(&self.addresses.v4.map(|v4| v4.octets().to_vec()).unwrap_or_default());
        field(&self.addresses.v6.map(|v6| v6.octets().to_vec()).unwrap_or_default());
        field(self.network.as_str().as_bytes());
        bytes
    }
}

/// A terminal's proof over [`BindClaim::to_bytes`], 32 bytes of HMAC-SHA256 under a key that only terminal and home
/// have (AKA), or 64 bytes of Ed25519 signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof(pub Vec<u8>);

/// Keeps proofs of bindings apart from everything else that a key may sign.
const LABEL: &[u8] = b"rove bind 1";
