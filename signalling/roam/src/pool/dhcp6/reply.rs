//! Writing what DHCPv6 clients are told (RFC 8415 §18.3).

use core::net::Ipv6Addr;

use dhcproto::{
    Encodable,
    v6::{DhcpOption, DhcpOptions, IAAddr, IANA, Message, MessageType, Status, StatusCode},
};

use super::request::Request;
use crate::pool::V6Config;

impl Request {
    /// ADVERTISE or REPLY with the address that is the client's, and for how many seconds. Others it named are over.
    pub(super) fn grant(
        &self,
        config: &V6Config,
        kind: MessageType,
        lease: (Ipv6Addr, u32),
    ) -> Option<Vec<u8>> {
        let (address, secs) = lease;
        let association = self.association.as_ref()?;
        let mut addresses = DhcpOptions::new();
        addresses.insert(lasting(address, secs));
        for over in association.addresses.iter().filter(|over| **over != address) {
            addresses.insert(lasting(*over, 0));
        }
        let (t1, t2) = (secs / 2, u32::try_from(u64::from(secs).saturating_mul(4) / 5).unwrap_or(secs));
        self.write(config, kind, [DhcpOption::IANA(IANA { id: association.id, t1, t2, opts: addresses })])
    }

    /// REPLY in which the association has no address.
    pub(super) fn refuse(&self, config: &V6Config, status: Status) -> Option<Vec<u8>> {
        let association = self.association.as_ref()?;
        let mut opts = DhcpOptions::new();
        opts.insert(DhcpOption::StatusCode(StatusCode { status, msg: String::new() }));
        let none = IANA { id: association.id, t1: 0, t2: 0, opts };
        self.write(config, MessageType::Reply, [DhcpOption::IANA(none)])
    }

    /// REPLY with a word on the whole.
    pub(super) fn say(&self, config: &V6Config, status: Status) -> Option<Vec<u8>> {
        let status = DhcpOption::StatusCode(StatusCode { status, msg: String::new() });
        self.write(config, MessageType::Reply, [status])
    }

    /// REPLY with nothing but the network's facts.
    pub(super) fn inform(&self, config: &V6Config) -> Option<Vec<u8>> {
        self.write(config, MessageType::Reply, [])
    }

    fn write<const N: usize>(
        &self,
        config: &V6Config,
        kind: MessageType,
        more: [DhcpOption; N],
    ) -> Option<Vec<u8>> {
        let mut message = Message::new_with_id(kind, self.transaction);
        let options = message.opts_mut();
        if let Some(client) = &self.client {
            options.insert(DhcpOption::ClientId(client.clone()));
        }
        options.insert(DhcpOption::ServerId(config.duid()));
        if !config.dns.is_empty() {
            let dns = config.dns.iter().take(RESOLVERS).copied().collect();
            options.insert(DhcpOption::DomainNameServers(dns));
        }
        more.into_iter().for_each(|option| options.insert(option));
        message.to_vec().ok()
    }
}

fn lasting(address: Ipv6Addr, secs: u32) -> DhcpOption {
    let addr = IAAddr { addr: address, preferred_life: secs, valid_life: secs, opts: DhcpOptions::new() };
    DhcpOption::IAAddr(addr)
}

const RESOLVERS: usize = 3;
