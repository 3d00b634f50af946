//! What a node's operator asks at, and the tenants of a node, put together.

use rove_base::Transport;
use rove_driver::Listener;

use super::{NodeError, Parts, cannot};
use crate::{
    config::NodeConfig,
    driver::{Control, Place},
    operate::HttpRole,
};

impl Parts {
    pub(super) fn add_tenants(&mut self, config: &NodeConfig) -> Result<(), NodeError> {
        for tenant in &config.tenant {
            self.add_sip(&tenant.sip(), config, Some(&tenant.domain))?;
        }
        Ok(())
    }

    pub(super) fn add_http(&mut self, config: &NodeConfig) -> Result<(), NodeError> {
        let Some(http) = &config.http else { return Ok(()) };
        let mut listeners = Vec::new();
        let clear = http.listen.iter().map(|address| (Transport::Tcp, address, "[http] listen"));
        let tls = http.tls.iter().map(|address| (Transport::Tls, address, "[http] tls"));
        for (transport, &address, option) in clear.chain(tls) {
            let listener = Listener::bind(address, transport).map_err(cannot(option, address))?;
            self.http.push(listener.local_addr());
            listeners.push(listener);
        }
        let (role, tls) = (Box::new(HttpRole::new(config, http)?), http.tls()?);
        self.places.push(Place { tls, ..Place::listening(role, Vec::new(), listeners) });
        Ok(())
    }
}

/// Where the whole node is asked.
pub(super) fn control(config: &NodeConfig) -> Result<Control, NodeError> {
    let Some(control) = &config.control else { return Ok(Control::inside()) };
    let path = &control.path;
    Control::bind(path).map_err(|source| NodeError::Control { path: path.clone(), source })
}
