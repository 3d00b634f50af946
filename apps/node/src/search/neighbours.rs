//! Whom a server takes into its table of neighbours: not too many from one network, so that whoever has many addresses in one
//! place cannot surround it.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId;

/// A network that counts as one: /24 in IPv4, /48 in IPv6.
type Network = [u8; 7];

/// Counts neighbours by their networks.
#[derive(Debug)]
pub struct Neighbours {
    most: usize,
    networks: HashMap<Network, usize>,
    known: HashMap<PeerId, Network>,
}

impl Neighbours {
    /// At most `most` of one network.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, networks: HashMap::new(), known: HashMap::new() }
    }

    /// Whether a neighbour at this address may be taken in; it counts from then on. Addresses of this machine itself are
    /// not counted: what runs here is our own.
    pub fn admits(&mut self, peer: PeerId, address: &Multiaddr) -> bool {
        let Some(network) = network_of(address) else { return true };
        match self.known.get(&peer) {
            Some(known) => *known == network,
            None => {
                let count = self.networks.entry(network).or_default();
                let room = *count < self.most;
                if room {
                    *count += 1;
                    self.known.insert(peer, network);
                }
                room
            }
        }
    }

    /// It is no neighbour any more.
    pub fn left(&mut self, peer: &PeerId) {
        if let Some(network) = self.known.remove(peer)
            && let Some(count) = self.networks.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&network);
            }
        }
    }
}

fn network_of(address: &Multiaddr) -> Option<Network> {
    let ip = ip_of(address)?;
    if ip.is_loopback() {
        return None;
    }
    let mut network = Network::default();
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            network = [4, a, b, c, 0, 0, 0];
        }
        IpAddr::V6(ip) => {
            network[0] = 6;
            network[1..].copy_from_slice(&ip.octets()[..6]);
        }
    }
    Some(network)
}

/// The address of the host; `None` where there is none.
pub(super) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(canonical(ip)),
        _ => None,
    })
}

fn canonical(ip: Ipv6Addr) -> IpAddr {
    ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)
}
