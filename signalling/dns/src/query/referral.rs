//! A server that does not know, and says who would (RFC 1034 §4.3.1).

use core::{fmt, time::Duration};
use std::net::IpAddr;

use hickory_proto::{
    op::Message,
    rr::{DNSClass, Name, RData, Record},
};

use super::plain;

/// The zone that a name is in, and its servers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Referral {
    pub(crate) zone: Name,
    /// Each with the addresses that came along.
    pub(crate) servers: Vec<(Name, Vec<IpAddr>)>,
    /// How long that may be remembered.
    pub(crate) ttl: Duration,
}

impl Referral {
    /// What the authority section refers to, be it about another name or not; `None` when it does not.
    pub(super) fn read(message: &Message) -> Option<Self> {
        let is_server =
            |record: &&Record| record.dns_class == DNSClass::IN && matches!(record.data, RData::NS(_));
        let zone = message.authorities.iter().find(is_server)?.name.clone();
        let of_zone = || message.authorities.iter().filter(is_server).filter(|record| record.name == zone);
        let ttl = of_zone().map(|record| record.ttl).min().unwrap_or(0);
        let glue = |server: &Name| {
            let of = message.additionals.iter().filter(|record| record.name == *server);
            of.filter_map(|record| record.data.ip_addr()).take(MOST_ADDRESSES).collect()
        };
        let servers = of_zone().filter_map(|record| match &record.data {
            RData::NS(server) => Some((server.0.clone(), glue(&server.0))),
            _ => None,
        });
        let servers = servers.take(MOST_SERVERS).collect();
        Some(Self { zone: zone.clone(), servers, ttl: Duration::from_secs(u64::from(ttl)) })
    }

    /// The addresses that came along.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.servers.iter().flat_map(|(_, addresses)| addresses.iter().copied())
    }
}

impl fmt::Display for Referral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is at", plain(&self.zone))?;
        for (index, (server, addresses)) in self.servers.iter().enumerate() {
            write!(f, "{} {}", if index == 0 { "" } else { "," }, plain(server))?;
            for address in addresses {
                write!(f, " {address}")?;
            }
        }
        Ok(())
    }
}

/// Servers of one zone that are looked at.
const MOST_SERVERS: usize = 8;
/// Addresses of one server.
const MOST_ADDRESSES: usize = 4;
