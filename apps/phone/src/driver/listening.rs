//! Where SIP is listened for: datagrams, and streams of every kind that was asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rove_base::Transport;
use rove_driver::{CannotBind, Listener, bind_pair};
use rove_io::net::{BindFailure, UdpSocket};
use rove_sip::transport::LocalAddress;

use crate::{PhoneConfig, StartError};

/// Everything that listens.
pub(super) struct Listening {
    pub(super) sockets: Vec<UdpSocket>,
    pub(super) listeners: Vec<Listener>,
}

impl Listening {
    pub(super) fn open(config: &PhoneConfig) -> Result<Self, StartError> {
        let mut all = Self { sockets: Vec::new(), listeners: Vec::new() };
        for &address in &config.listen {
            all.add(address, config.sip_tcp)?;
        }
        if config.listen.is_empty() {
            all.add(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), config.sip_port), config.sip_tcp)?;
            let v6 = IpAddr::from(Ipv6Addr::UNSPECIFIED);
            match all.add(SocketAddr::new(v6, config.sip_port), config.sip_tcp) {
                // Many hosts do without IPv6.
                Err(StartError::Listen { what: BindFailure::NotAvailable, .. }) => {}
                other => other?,
            }
        }
        let secure = [(Transport::Tls, &config.sip_tls), (Transport::Wss, &config.sip_wss)];
        if config.tls_certificate.is_none() && secure.iter().any(|(_, addresses)| !addresses.is_empty()) {
            return Err(StartError::NoCertificate);
        }
        for (transport, addresses) in secure.into_iter().chain([(Transport::Ws, &config.sip_ws)]) {
            for &address in addresses {
                let listener = Listener::bind(address, transport).map_err(|error| cannot(address, error))?;
                all.listeners.push(listener);
            }
        }
        Ok(all)
    }

    fn add(&mut self, address: SocketAddr, tcp: bool) -> Result<(), StartError> {
        if tcp {
            let (socket, listener) = bind_pair(address).map_err(|error| cannot(address, error))?;
            self.sockets.push(socket);
            self.listeners.push(listener);
        } else {
            let socket = UdpSocket::bind(address)
                .map_err(|error| cannot(address, CannotBind { over: "UDP", what: error.what }))?;
            self.sockets.push(socket);
        }
        Ok(())
    }

    /// Where datagrams are heard.
    pub(super) fn datagrams(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(UdpSocket::local_addr).collect()
    }

    /// Where streams are accepted.
    pub(super) fn streams(&self) -> Vec<LocalAddress> {
        let at = |one: &Listener| LocalAddress { transport: one.transport(), address: one.local_addr() };
        self.listeners.iter().map(at).collect()
    }
}

fn cannot(address: SocketAddr, error: CannotBind) -> StartError {
    StartError::Listen { address, over: error.over, what: error.what }
}

/// The name servers of `/etc/resolv.conf`; none when it cannot be read.
pub(super) fn system_name_servers() -> Vec<SocketAddr> {
    let Ok(text) = std::fs::read("/etc/resolv.conf") else { return Vec::new() };
    let Ok(config) = resolv_conf::Config::parse(text) else { return Vec::new() };
    config.nameservers.iter().map(|server| SocketAddr::new(server.into(), 53)).collect()
}
