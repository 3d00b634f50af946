//! A node's registrars and proxies put together.

use rove_base::Transport;
use rove_driver::{Listener, bind_pair};
use rove_io::{entropy::os_entropy, net::UdpSocket};
use rove_sip::transport::LocalAddress;

use super::{NodeError, Parts, SipAddress, bind_datagrams, bind_resolver, cannot};
use crate::{
    config::NodeConfig,
    driver::Place,
    sip::{self, SipConfig, SipRole},
};

impl Parts {
    /// A registrar and proxy, run on behalf of whoever has the domain `tenant`, if that is somebody else: it then stands on a
    /// registry of its own.
    pub(super) fn add_sip(
        &mut self,
        config: &SipConfig,
        all: &NodeConfig,
        tenant: Option<&str>,
    ) -> Result<(), NodeError> {
        let (mut sockets, mut listeners, before) = (Vec::new(), Vec::new(), self.sip.len());
        for (transport, address) in config.listen.all() {
            let option = sip::option(transport);
            let both = transport == Transport::Udp && config.listen.tcp.contains(&address);
            if both {
                // An address named for both has one port for both, also where the system picks it.
                let (udp, tcp) = bind_pair(address).map_err(cannot(option, address))?;
                let address = udp.local_addr();
                self.sip.extend(
                    [Transport::Udp, Transport::Tcp].map(|transport| SipAddress { transport, address }),
                );
                sockets.push(udp);
                listeners.push(tcp);
            } else if transport == Transport::Udp {
                let udp = bind_datagrams(option, address)?;
                self.sip.push(SipAddress { transport, address: udp.local_addr() });
                sockets.push(udp);
            } else if transport != Transport::Tcp || !config.listen.udp.contains(&address) {
                let listener = Listener::bind(address, transport).map_err(cannot(option, address))?;
                self.sip.push(SipAddress { transport, address: listener.local_addr() });
                listeners.push(listener);
            }
        }
        let resolver = bind_resolver("[sip] dns_servers", &config.dns_servers)?;
        let resolver_at = resolver.as_ref().map(UdpSocket::local_addr);
        sockets.extend(resolver);
        let local = |one: &SipAddress| LocalAddress { transport: one.transport, address: one.address };
        let local = self.sip.iter().skip(before).map(local).collect();
        let (tls, bounds) = (config.tls()?, config.bounds());
        let known = [all.home.is_some(), all.visited.is_some(), all.irmv.is_some(), all.conference.is_some()];
        let services = tenant.is_none() && known.contains(&true);
        let store = self.store(config, all, tenant)?;
        let role = SipRole::new(config, local, resolver_at, services, store, os_entropy()?)?.of(tenant);
        self.places.push(Place { tls, bounds, ..Place::listening(Box::new(role), sockets, listeners) });
        Ok(())
    }
}
