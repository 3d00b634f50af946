//! A node's registry put together.

use rove_base::Transport;
use rove_driver::{CannotBind, Listener, StreamBounds};
use rove_io::{entropy::os_entropy, net::UdpSocket};
use rove_irmv::{Registry, RegistryLimits, SharedRegistry, UserKey};

use super::{NodeError, Parts, cannot};
use crate::{
    config::{ConfigError, NodeConfig},
    driver::{Access, Place},
    irmv::{IrmvConfig, IrmvRole},
    sip,
};

impl Parts {
    /// The registry that all roles stand on.
    pub(super) fn registry(&mut self, config: &NodeConfig) -> Result<SharedRegistry, NodeError> {
        if let Some(registry) = &self.registry {
            return Ok(registry.clone());
        }
        let mut entropy = os_entropy()?;
        let of_sip = config.sip.as_ref().map(|sip| sip.bindings()).unwrap_or_default();
        let registry = match &config.irmv {
            Some(irmv) => IrmvRole::registry(irmv, of_sip, &mut entropy)?,
            None => {
                let (records, bytes) = of_sip;
                let mut seed = [0; 32];
                entropy.fill(&mut seed);
                // Nobody asks for what it would sign.
                Registry::new(RegistryLimits { records, bytes }, &UserKey::from_seed(&seed), &mut entropy)
            }
        };
        Ok(self.registry.insert(SharedRegistry::new(registry)).clone())
    }

    pub(super) fn add_irmv(&mut self, config: &IrmvConfig, all: &NodeConfig) -> Result<(), NodeError> {
        let (mut sockets, mut listeners) = (Vec::new(), Vec::new());
        for &address in &config.listen {
            let listener =
                Listener::bind(address, Transport::Quic).map_err(cannot("[irmv] listen", address))?;
            self.irmv.push(listener.local_addr());
            listeners.push(listener);
        }
        let mut resolver_at = None;
        if let Some(address) = sip::dns_local(&config.dns_servers) {
            let fail = |error: rove_io::net::BindError| {
                cannot("[irmv] dns_servers", address)(CannotBind { over: "UDP", what: error.what })
            };
            let socket = UdpSocket::bind(address).map_err(fail)?;
            resolver_at = Some(socket.local_addr());
            sockets.push(socket);
        }
        let (tls, bounds) = (config.tls().map_err(ConfigError::IrmvTls)?, StreamBounds::default());
        let registry = self.registry(all)?;
        let role = Box::new(IrmvRole::new(config, resolver_at, registry, os_entropy()?)?);
        let (access, control, outside) = (Access::default(), None, None);
        self.places.push(Place { role, sockets, listeners, tls, bounds, access, control, outside });
        Ok(())
    }
}
