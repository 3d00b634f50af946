//! Publishing this phone's name, and the sockets towards name servers.

use std::net::{IpAddr, SocketAddr};

use rove_driver::address_toward;
use rove_io::net::UdpSocket;
use rove_session::{Registration, RegistrationError};

use super::Desk;
use crate::{PhoneEvent, StartError, phone::DnsRegistration};

impl Desk {
    pub(super) fn register(&mut self, wanted: DnsRegistration) {
        let now = self.clock.now();
        let leads = address_toward(wanted.server).unwrap_or(IpAddr::from([127, 0, 0, 1]));
        let addresses =
            if wanted.addresses.is_empty() { vec![self.reachable_at(leads)] } else { wanted.addresses };
        let local = match self.sockets.open(SocketAddr::new(leads, 0)) {
            Ok(local) => local,
            Err(error) => {
                tracing::error!(target: "rove::sockets", %error, "no socket for updates");
                let server = wanted.server;
                return self.tell(PhoneEvent::RegistrationFailed(RegistrationError::Unreachable { server }));
            }
        };
        let sip_port = wanted.port.or_else(|| self.sip.first().map(SocketAddr::port)).unwrap_or(5060);
        let registration = Registration {
            name: wanted.name,
            addresses,
            sip_port,
            server: wanted.server,
            key: wanted.key,
            ttl: wanted.ttl,
        };
        self.registered = true;
        self.board.register(now, local, registration);
    }

    /// The address others reach our SIP at: the one it is bound to, else the one that leads outside.
    fn reachable_at(&self, leads: IpAddr) -> IpAddr {
        self.sip.iter().map(SocketAddr::ip).find(|ip| !ip.is_unspecified()).unwrap_or(leads)
    }
}

/// One socket per family of `servers`, on the address that leads to the first of that family.
pub(super) fn dns_sockets(servers: &[SocketAddr]) -> Result<Vec<UdpSocket>, StartError> {
    let mut sockets: Vec<UdpSocket> = Vec::new();
    for &server in servers {
        if sockets.iter().any(|socket| socket.local_addr().is_ipv4() == server.is_ipv4()) {
            continue;
        }
        // No route to a server is no reason not to start: names that need it fail when they are looked up.
        if let Ok(ip) = address_toward(server) {
            sockets.push(UdpSocket::bind(SocketAddr::new(ip, 0))?);
        }
    }
    Ok(sockets)
}
