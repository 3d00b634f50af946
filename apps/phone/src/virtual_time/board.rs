//! The switchboard of a phone in virtual time.

use std::net::SocketAddr;

use rove_base::{Entropy, Transport};
use rove_session::{Config, Disclosure, Switchboard, Target};
use rove_sip::{
    message::{NameAddr, SipUri},
    transport::{Limits, LocalAddress},
};

use super::{DNS_PORT, MOST_CALLS, VirtualConfig};

pub(super) fn board(config: &VirtualConfig, entropy: &mut Entropy) -> Switchboard {
    let own = SipUri::at(SocketAddr::new(config.ip, config.sip_port));
    let identity = Target::parse(&config.identity).map_or(own, |target| target.uri().clone());
    Switchboard::new(
        Config {
            identity: NameAddr::new(identity),
            anonymous: false,
            user_agent: concat!("rove/", env!("CARGO_PKG_VERSION")).into(),
            sip: vec![SocketAddr::new(config.ip, config.sip_port)],
            sip_streams: [
                (Transport::Tcp, config.sip_port),
                (Transport::Tls, config.sip_port.saturating_add(1)),
            ]
            .map(|(transport, port)| LocalAddress { transport, address: SocketAddr::new(config.ip, port) })
            .to_vec(),
            streams: Limits::default(),
            dns: vec![SocketAddr::new(config.ip, DNS_PORT)],
            dns_servers: config.dns_servers.clone(),
            dns_walk: false,
            codecs: config.codecs.clone(),
            packet_time: config.packet_time,
            media_security: config.media_security,
            follow_transfers: true,
            stun_server: None,
            ring_for: config.ring_for,
            cname: format!("{:016x}", entropy.next_u64()),
            most_calls: MOST_CALLS,
            disclosure: Disclosure::State,
            most_watchers: MOST_CALLS,
            most_requests: 0,
            most_ringing: MOST_CALLS,
        },
        entropy.fork(),
    )
}
