//! Writing what DHCPv4 clients are told (RFC 2131 §4.3.1, table 3) and finding the way to them (§4.1).

use core::net::{Ipv4Addr, SocketAddr};

use dhcproto::{
    Encodable,
    v4::{DhcpOption, DhcpOptions, MessageType, Opcode, OptionCode, UnknownOption},
};

use super::request::{FULL_NAME, Request};
use crate::pool::V4Config;

/// What is granted: an address, and for how many seconds.
pub(in crate::pool) type Lease = (Ipv4Addr, u32);

impl Request {
    /// OFFER or ACK with a lease.
    pub(in crate::pool) fn grant(
        &self,
        config: &V4Config,
        kind: MessageType,
        lease: Lease,
    ) -> Option<Vec<u8>> {
        let (address, secs) = lease;
        let mut options = self.common(config, kind);
        self.facts(config, &mut options);
        options.insert(DhcpOption::AddressLeaseTime(secs));
        options.insert(DhcpOption::Renewal(secs / 2));
        options.insert(DhcpOption::Rebinding(
            u32::try_from(u64::from(secs).saturating_mul(7) / 8).unwrap_or(secs),
        ));
        let client = if kind == MessageType::Ack { self.message().ciaddr() } else { Ipv4Addr::UNSPECIFIED };
        self.write(options, address, client, false)
    }

    /// NAK.
    pub(in crate::pool) fn refuse(&self, config: &V4Config) -> Option<Vec<u8>> {
        let options = self.common(config, MessageType::Nak);
        let none = Ipv4Addr::UNSPECIFIED;
        self.write(options, none, none, !self.message().giaddr().is_unspecified())
    }

    /// ACK to INFORM: everything but an address.
    pub(in crate::pool) fn inform(&self, config: &V4Config) -> Option<Vec<u8>> {
        let mut options = self.common(config, MessageType::Ack);
        self.facts(config, &mut options);
        self.write(options, Ipv4Addr::UNSPECIFIED, self.message().ciaddr(), false)
    }

    /// Where the answer goes.
    pub(in crate::pool) fn way(
        &self,
        config: &V4Config,
        kind: MessageType,
        from: SocketAddr,
        yours: Ipv4Addr,
    ) -> SocketAddr {
        let message = self.message();
        let (relay, has) = (message.giaddr(), message.ciaddr());
        if config.to_source {
            from
        } else if !relay.is_unspecified() {
            SocketAddr::from((relay, config.server_port))
        } else if kind != MessageType::Nak && !has.is_unspecified() {
            SocketAddr::from((has, config.client_port))
        } else if kind == MessageType::Nak || message.flags().broadcast() || yours.is_unspecified() {
            SocketAddr::from((Ipv4Addr::BROADCAST, config.client_port))
        } else {
            SocketAddr::from((yours, config.client_port))
        }
    }

    /// What every answer carries: its kind, whose it is, and the client's own words (RFC 6842, RFC 3046 §2.2).
    fn common(&self, config: &V4Config, kind: MessageType) -> DhcpOptions {
        let mut options = DhcpOptions::new();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::ServerIdentifier(config.server));
        for (code, value) in [
            (OptionCode::ClientIdentifier, &self.client_id),
            (OptionCode::RelayAgentInformation, &self.relay),
        ] {
            if let Some(value) = value {
                options.insert(DhcpOption::Unknown(UnknownOption::new(code, value.clone())));
            }
        }
        options
    }

    /// The network's facts.
    fn facts(&self, config: &V4Config, options: &mut DhcpOptions) {
        options.insert(DhcpOption::SubnetMask(config.mask()));
        if let Some(router) = config.router {
            options.insert(DhcpOption::Router(vec![router]));
        }
        if !config.dns.is_empty() {
            options
                .insert(DhcpOption::DomainNameServer(config.dns.iter().take(RESOLVERS).copied().collect()));
        }
        if let Some(name) = &self.full_name {
            options
                .insert(DhcpOption::Unknown(UnknownOption::new(OptionCode::from(FULL_NAME), name.answer())));
        }
    }

    fn write(
        &self,
        options: DhcpOptions,
        yours: Ipv4Addr,
        client: Ipv4Addr,
        broadcast: bool,
    ) -> Option<Vec<u8>> {
        let mut message = self.message().clone();
        message.set_opcode(Opcode::BootReply).set_hops(0).set_secs(0);
        message.set_yiaddr(yours).set_ciaddr(client).set_siaddr(Ipv4Addr::UNSPECIFIED).set_opts(options);
        if broadcast {
            message.set_flags(message.flags().set_broadcast());
        }
        let mut bytes = message.to_vec().ok()?;
        // Relays and clients of old take nothing shorter (RFC 1542 §2.1).
        bytes.resize(bytes.len().max(SHORTEST), 0);
        Some(bytes)
    }
}

const RESOLVERS: usize = 4;
const SHORTEST: usize = 300;
