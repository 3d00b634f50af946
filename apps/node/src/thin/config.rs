//! The sections `[[thin]]`: links on which every byte counts.

use std::net::{IpAddr, SocketAddr};

use rove_rohc::link::{LinkConfig, Terms};
use serde::Deserialize;

use crate::config::ConfigError;

/// One `[[thin]]`: a device of this host whose packets go over a link with compressed headers, to a node that agrees on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ThinConfig {
    /// The device, which is made: what this host routes by it goes over the link.
    pub tun: String,
    /// Its addresses, each with the length of its prefix, as in `10.9.0.1/30`; one of IPv4 at the most.
    #[serde(default)]
    pub address: Vec<String>,
    /// The Ethernet interface that the link is.
    pub interface: Option<String>,
    /// Where the link is a tunnel over UDP: this end of it.
    pub listen: Option<SocketAddr>,
    /// The other end: its Ethernet address, or its address and port.
    pub peer: String,
    /// Flows at once that headers are compressed for, 1 to 16383: MAX_CID. Above 15 each packet has a byte more.
    #[serde(default = "default_flows")]
    pub flows: u16,
    /// Whether anything is compressed.
    #[serde(default = "yes")]
    pub compress: bool,
    /// Whether feedback goes back over the link.
    #[serde(default = "yes")]
    pub feedback: bool,
    /// Packets in a row that may be lost without harm, 1 to 61: beyond 13 at two more bytes a packet.
    #[serde(default = "default_loss_run")]
    pub loss_run: u8,
    /// Whether identifications of IPv4 that mean nothing are replaced by ones that cost nothing.
    #[serde(default = "yes")]
    pub renumber: bool,
    /// Whether UDP checksums over IPv4 are verified and left out.
    #[serde(default)]
    pub drop_checksums: bool,
    /// Whether frames are padded to 46 bytes, as Ethernet over wires would do at their end, where it looks like payload. Not on a
    /// link without such frames, a Wi-Fi or a virtual one.
    #[serde(default = "yes")]
    pub padding: bool,
    /// The longest packet; 8 bytes less than the interface carries, or 1400 in a tunnel, when not given.
    pub mtu: Option<usize>,
}

const fn yes() -> bool {
    true
}

const fn default_flows() -> u16 {
    15
}

const fn default_loss_run() -> u8 {
    13
}

/// What a link goes over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    Ether { interface: String, peer: [u8; 6] },
    Tunnel { local: SocketAddr, peer: SocketAddr },
}

impl ThinConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let plain = |name: &str| {
            !name.is_empty() && name.len() < 16 && !name.contains(|c: char| c == '/' || c.is_whitespace())
        };
        if !plain(&self.tun) {
            return Err(self.wrong("tun", "must be a name of 1 to 15 characters, such as \"rovethin0\""));
        }
        if !(1..=16_383).contains(&self.flows) {
            return Err(self.wrong("flows", "must be 1 to 16383; compress = false compresses nothing"));
        }
        if !(1..=61).contains(&self.loss_run) {
            return Err(self.wrong("loss_run", "must be 1 to 61"));
        }
        if self.mtu.is_some_and(|mtu| !(576..=65_535).contains(&mtu)) {
            return Err(self.wrong("mtu", "must be 576 to 65535"));
        }
        let addresses = self.addresses()?;
        if addresses.iter().filter(|(address, _)| address.is_ipv4()).count() > 1 {
            return Err(self.wrong("address", "may have one address of IPv4 alone"));
        }
        self.way().map(drop)
    }

    /// Its addresses with the lengths of their prefixes.
    pub(crate) fn addresses(&self) -> Result<Vec<(IpAddr, u8)>, ConfigError> {
        let read = |text: &String| {
            let (address, prefix) = text.split_once('/')?;
            let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
            (prefix <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, prefix))
        };
        let wrong = |text| {
            self.wrong("address", &format!("{text}: not an address with a prefix, such as 10.9.0.1/30"))
        };
        self.address.iter().map(|text| read(text).ok_or_else(|| wrong(text))).collect()
    }

    pub(crate) fn way(&self) -> Result<Way, ConfigError> {
        match (&self.interface, self.listen) {
            (Some(interface), None) => {
                let peer = hardware(&self.peer).ok_or_else(|| {
                    self.wrong("peer", "must be the other end's Ethernet address, such as 02:00:00:00:00:02")
                })?;
                Ok(Way::Ether { interface: interface.clone(), peer })
            }
            (None, Some(local)) => {
                let peer =
                    self.peer.parse::<SocketAddr>().ok().filter(|peer| peer.is_ipv4() == local.is_ipv4());
                let peer = peer.ok_or_else(|| {
                    self.wrong(
                        "peer",
                        "must be the other end's address and port, of the same kind as `listen`",
                    )
                })?;
                Ok(Way::Tunnel { local, peer })
            }
            _ => Err(self.wrong(
                "interface",
                "give either `interface`, for a link of Ethernet frames, or `listen`, for a tunnel over UDP",
            )),
        }
    }

    pub(crate) fn link(&self, way: &Way) -> LinkConfig {
        let terms = if self.compress {
            Terms { feedback: self.feedback, ..Terms::with_flows(self.flows) }
        } else {
            Terms::NONE
        };
        let shortest = if self.padding && matches!(way, Way::Ether { .. }) { SHORTEST_PAYLOAD } else { 0 };
        let Self { loss_run, renumber, drop_checksums, .. } = *self;
        LinkConfig { terms, loss_run, renumber, drop_checksums, shortest }
    }

    fn wrong(&self, key: &'static str, what: &str) -> ConfigError {
        ConfigError::Thin { tun: self.tun.clone(), key, what: what.to_owned() }
    }
}

/// An Ethernet address as people write it; no group's.
fn hardware(text: &str) -> Option<[u8; 6]> {
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        let part = parts.next().filter(|part| part.len() == 2)?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    (parts.next().is_none() && bytes[0] & 1 == 0).then_some(bytes)
}

/// Of an Ethernet frame.
const SHORTEST_PAYLOAD: usize = 46;
