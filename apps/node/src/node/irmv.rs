//! A node's registry put together.

use rove_base::Transport;
use rove_driver::{CannotBind, Listener, StreamBounds};
use rove_io::{entropy::os_entropy, net::UdpSocket};

use super::{NodeError, Parts, cannot};
use crate::{
    config::ConfigError,
    driver::{Access, Place},
    irmv::{IrmvConfig, IrmvRole},
    sip,
};

impl Parts {
    pub(super) fn add_irmv(&mut self, config: &IrmvConfig) -> Result<(), NodeError> {
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
        let role = Box::new(IrmvRole::new(config, resolver_at, os_entropy()?)?);
        let (access, control, outside) = (Access::default(), None, None);
        self.places.push(Place { role, sockets, listeners, tls, bounds, access, control, outside });
        Ok(())
    }
}
