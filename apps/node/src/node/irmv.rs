//! A node's registry put together.

use rove_base::{Entropy, Transport};
use rove_driver::Listener;
use rove_io::{entropy::os_entropy, net::UdpSocket};
use rove_irmv::{Registry, RegistryLimits, SharedRegistry, UserKey};
use rove_sip::registrar::MemoryLimits;

use super::{NodeError, Parts, bind_resolver, cannot};
use crate::{
    config::{ConfigError, NodeConfig},
    driver::Place,
    irmv::{Accounts, IrmvConfig, IrmvRole},
    sip::{NodeStore, SipConfig},
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
            None => return Ok(self.registry.insert(of_sip_alone(of_sip, &mut entropy)).clone()),
        };
        Ok(self.registry.insert(SharedRegistry::new(registry)).clone())
    }

    /// Where a registrar keeps bindings: in the registry of the node and in its journal, or, for a tenant, in a registry that
    /// nobody else has a hand on, and that phones fill again after a restart.
    pub(super) fn store(
        &mut self,
        config: &SipConfig,
        all: &NodeConfig,
        tenant: Option<&str>,
    ) -> Result<impl FnOnce(MemoryLimits) -> NodeStore + use<>, NodeError> {
        let (registry, keeps) = match tenant {
            Some(_) => (of_sip_alone(config.bindings(), &mut os_entropy()?), false),
            None => (self.registry(all)?, all.journal.is_some()),
        };
        let irmv = all.irmv.as_ref().filter(|_| tenant.is_none());
        let home = irmv.map(|irmv| irmv.domain.to_ascii_lowercase());
        Ok(move |limits| NodeStore::new(registry, limits, home, keeps))
    }

    pub(super) fn add_irmv(&mut self, config: &IrmvConfig, all: &NodeConfig) -> Result<(), NodeError> {
        let mut listeners = Vec::new();
        for &address in &config.listen {
            let listener =
                Listener::bind(address, Transport::Quic).map_err(cannot("[irmv] listen", address))?;
            self.irmv.push(listener.local_addr());
            listeners.push(listener);
        }
        let resolver = bind_resolver("[irmv] dns_servers", &config.dns_servers)?;
        let resolver_at = resolver.as_ref().map(UdpSocket::local_addr);
        let sockets = resolver.into_iter().collect();
        let tls = config.tls().map_err(ConfigError::IrmvTls)?;
        let registry = self.registry(all)?;
        let (accounts, keeping) = Accounts::open(config)?.unzip();
        let role = IrmvRole::new(config, resolver_at, registry, os_entropy()?)?.with_accounts(accounts);
        let role = Box::new(role);
        self.places.push(Place { tls, keeping, ..Place::listening(role, sockets, listeners) });
        Ok(())
    }
}

/// A registry with room for so many names and bytes, which speaks for nobody.
fn of_sip_alone((records, bytes): (usize, usize), entropy: &mut Entropy) -> SharedRegistry {
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    // Nobody asks for what it would sign.
    SharedRegistry::new(Registry::new(RegistryLimits { records, bytes }, &UserKey::from_seed(&seed), entropy))
}
