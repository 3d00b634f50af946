//! Starting and ending a node.

mod addresses;
mod error;
mod handles;
mod irmv;
mod operate;
mod sip;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, thread::JoinHandle};

pub use addresses::{Roaming, SipAddress};
pub use error::NodeError;
pub use handles::{Reloader, Stopper};

use rove_base::Transport;
use rove_driver::{CannotBind, Listener, StreamBounds, bind_pair};
use rove_io::{clock::Clock, entropy::os_entropy, journal::Journal, net::UdpSocket};
use rove_irmv::SharedRegistry;
use tokio::sync::{Notify, mpsc};

use self::replay::read_back;
use crate::{
    conference::ConferenceRole,
    config::{ConfigError, NodeConfig},
    dns::{DnsConfig, DnsRole, Published},
    driver::{self, Access, Control, Driver, Keeper, Outside, Place, Searching},
    irmv::IrmvConfig,
    operate::Reload,
    relay::{Relay, Working},
    roam::{Listening, Roam, RoamRole, RoamSections},
    shared::Shared,
    tenant::relay_of,
    thin::ThinRole,
};

/// Starts nodes.
#[derive(Debug)]
pub struct Node;

/// A node at work. Dropping it ends it in order.
#[derive(Debug)]
pub struct RunningNode {
    dns: Vec<SocketAddr>,
    sip: Vec<SipAddress>,
    irmv: Vec<SocketAddr>,
    http: Vec<SocketAddr>,
    roam: Roaming,
    search: Option<String>,
    relays: Vec<SipAddress>,
    stop: Stopper,
    reload: Reloader,
    thread: Option<JoinHandle<()>>,
    relay: Option<Working>,
}

/// Roles with where they listen, while a node is put together.
#[derive(Default)]
struct Parts {
    places: Vec<Place>,
    dns: Vec<SocketAddr>,
    sip: Vec<SipAddress>,
    irmv: Vec<SocketAddr>,
    http: Vec<SocketAddr>,
    roam: Roaming,
    /// Who is registered, with all roles that register.
    registry: Option<SharedRegistry>,
}

impl Parts {
    /// All roles that `config` has a section for.
    fn assemble(config: &NodeConfig, clock: Clock) -> Result<Self, NodeError> {
        let mut parts = Self::default();
        match (config.roaming_sections()?, &config.dns) {
            #[cfg(feature = "roaming")]
            (Some(sections), _) => parts.add_roaming(&sections, clock)?,
            #[cfg(not(feature = "roaming"))]
            (Some(_), _) => {
                return Err(NodeError::NoRoaming);
            }
            (None, Some(dns)) => parts.add_dns(dns, config)?,
            (None, None) => {}
        }
        if let Some(sip) = &config.sip {
            parts.add_sip(sip, config, None)?;
        }
        if let Some(irmv) = &config.irmv {
            parts.add_irmv(irmv, config)?;
        }
        if let Some(conference) = &config.conference {
            let registry =
                config.irmv.as_ref().map(|irmv| Ok::<_, NodeError>((parts.registry(config)?, irmv)));
            let role = Box::new(ConferenceRole::new(conference, registry.transpose()?, &mut os_entropy()?)?);
            parts.places.push(Place::without_sockets(role));
        }
        if !config.thin.is_empty() {
            let role = Box::new(ThinRole::start(&config.thin, clock)?);
            parts.places.push(Place::without_sockets(role));
        }
        parts.add_tenants(config)?;
        parts.add_http(config)?;
        Ok(parts)
    }

    fn add_dns(&mut self, config: &DnsConfig, all: &NodeConfig) -> Result<(), NodeError> {
        let (mut sockets, mut listeners) = (Vec::new(), Vec::new());
        for &address in &config.listen {
            let (udp, tcp) = bind_pair(address).map_err(cannot("[dns] listen", address))?;
            self.dns.push(udp.local_addr());
            sockets.push(udp.for_questions());
            listeners.push(tcp);
        }
        let mut role = DnsRole::new(config, self.dns.clone(), os_entropy()?)?;
        if let Some(irmv) = &all.irmv {
            role = role.publishing(Published::new(self.registry(all)?, &irmv.domain));
        }
        self.places.push(Place::listening(Box::new(role), sockets, listeners));
        Ok(())
    }

    /// Home, visited, or both: with the zones of `[dns]`, which they write to.
    fn add_roaming(&mut self, sections: &RoamSections<'_>, clock: Clock) -> Result<(), NodeError> {
        let (mut sockets, mut listeners, mut at) = (Vec::new(), Vec::new(), Listening::default());
        let mut access = Access::default();
        for &address in &sections.dns.listen {
            let (udp, tcp) = bind_pair(address).map_err(cannot("[dns] listen", address))?;
            self.dns.push(udp.local_addr());
            sockets.push(udp.for_questions());
            listeners.push(tcp);
        }
        for &address in &sections.roaming.listen {
            let listener = Listener::bind(address, Transport::Tls);
            let listener = listener.map_err(cannot("[roaming] listen", address))?.for_peers();
            at.map.push(listener.local_addr());
            listeners.push(listener);
        }
        if let Some(address) = sections.roaming.sctp_listen {
            let socket = bind_datagrams("[roaming] sctp_listen", address)?;
            at.sctp = Some(socket.local_addr());
            sockets.push(socket);
        }
        if let Some((visited, pool)) = sections.visited {
            for &address in &visited.listen {
                let listener = Listener::bind(address, Transport::Tls);
                let listener = listener.map_err(cannot("[visited] listen", address))?;
                at.attach.push(listener.local_addr());
                listeners.push(listener);
            }
            if let Some(interface) = &pool.interface {
                access = pool.access(interface)?;
                at.hardware = Some(rove_io::raw::hardware_address(interface)?);
                at.dhcp.extend(access.dhcp.iter().map(rove_io::raw::DhcpSocket::local_addr));
            } else if let Some(address) = pool.listen {
                let socket = bind_datagrams("[pool] listen", address)?;
                at.dhcp.push(socket.local_addr());
                sockets.push(socket);
            }
        }
        self.roam = at.addresses();
        let control = bind_control(sections)?;
        let tls = sections.tls().map_err(ConfigError::RoamTls)?;
        let backends = sections.backends(&at, os_entropy()?)?;
        let associations = sections.associations(at.sctp, os_entropy()?)?;
        let roam = Roam::new(sections.roles(at, os_entropy()?)?).map_err(ConfigError::Zone)?;
        let roam = roam.with_backends(backends).with_associations(associations);
        let kea = sections.visited.and_then(|(visited, _)| visited.behind_kea());
        let outside = kea.map(|kea| Outside::at(kea.socket.clone()));
        let role = Box::new(RoamRole::new(roam, self.dns.clone(), clock.now().wall));
        // As many terminals may be on their way to a stay; a moment's pause of the disk must not turn any away.
        let shaking = rove_roam::vlr::Limits::default().attaching;
        let bounds = StreamBounds { shaking, ..StreamBounds::default() };
        let keeping = None;
        self.places.push(Place { role, sockets, listeners, tls, bounds, access, control, outside, keeping });
        Ok(())
    }
}

impl Node {
    /// Checks `config`, binds its addresses, reads its journal back and starts answering on a thread named `rove-node`.
    ///
    /// # Errors
    ///
    /// [`NodeError`]; then nothing is left behind.
    pub fn start(config: NodeConfig) -> Result<RunningNode, NodeError> {
        config.check()?;
        let clock = Clock::new();
        let mut parts = Parts::assemble(&config, clock)?;
        let mut relay = relay_of(&config).as_ref().map(Relay::bind).transpose()?;
        let control = operate::control(&config)?;
        let to_relay = relay.as_mut().and_then(|relay| relay.meet(control.asker()));
        if parts.places.is_empty() && relay.is_none() {
            return Err(NodeError::NoRole);
        }
        let (told, outcomes) = mpsc::unbounded_channel();
        let (again, irmv_config) = (Reload::new(config.clone()), config.irmv.clone());
        let keeper = match config.journal {
            None => None,
            Some(journal) => {
                let tell = move |outcome| drop(told.send(outcome));
                let opened = Journal::open(&journal.path, tell);
                let (keeper, replay) =
                    opened.map_err(|source| NodeError::Journal { path: journal.path.clone(), source })?;
                let records = read_back(&mut parts.places, replay, &journal.path)?;
                Some(Keeper::new(keeper, outcomes, records, journal.compact_after))
            }
        };
        let (stop, reload) = (Stopper(Arc::new(Notify::new())), Reloader(Arc::new(Notify::new())));
        let Parts { places, dns, sip, irmv, roam, http, .. } = parts;
        let (stops, reloads) = (Arc::clone(&stop.0), Arc::clone(&reload.0));
        let (relay_asker, config) = (to_relay, again);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (searching, search) = runtime.block_on(take_part(irmv_config.as_ref()))?;
        let shared = irmv_config.as_ref().map(Shared::start).transpose()?.flatten();
        let driver = Driver {
            searching,
            shared,
            places,
            keeper,
            clock,
            stop: stops,
            reload: reloads,
            control,
            relay: relay_asker,
            config,
        };
        let thread = std::thread::Builder::new()
            .name("rove-node".into())
            .spawn(move || runtime.block_on(driver::run(driver)))?;
        let relays = relay.as_ref().map(|relay| relay.addresses.clone()).unwrap_or_default();
        let thread = Some(thread);
        let mut node =
            RunningNode { dns, sip, irmv, roam, http, relays, search, stop, reload, thread, relay: None };
        node.relay = relay.map(|relay| relay.start(clock)).transpose()?;
        Ok(node)
    }
}

impl RunningNode {
    /// Where names are answered, over UDP and TCP, in the order of the configuration; ports as bound.
    #[must_use]
    pub fn dns_addresses(&self) -> &[SocketAddr] {
        &self.dns
    }

    /// Where users register and calls are taken; ports as bound.
    #[must_use]
    pub fn sip_addresses(&self) -> &[SipAddress] {
        &self.sip
    }

    /// Where terminals register and ask, and other servers connect; ports as bound.
    #[must_use]
    pub fn irmv_addresses(&self) -> &[SocketAddr] {
        &self.irmv
    }

    /// Where health, counters and the dashboard are; ports as bound.
    #[must_use]
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http
    }

    /// How other servers begin with this one in the search network, `/ip4/ADDRESS/tcp/PORT/p2p/ID`; `None` when it takes no
    /// part.
    #[must_use]
    pub fn search_address(&self) -> Option<&str> {
        self.search.as_deref()
    }

    /// Where terminals and partners connect; ports as bound.
    #[must_use]
    pub const fn roaming_addresses(&self) -> &Roaming {
        &self.roam
    }

    /// Where clients of the relay come to; ports as bound.
    #[must_use]
    pub fn relay_addresses(&self) -> &[SipAddress] {
        &self.relays
    }

    /// Something to make this node read its files again with.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reload.clone()
    }

    /// Something to end this node with while [`RunningNode::wait`] waits for its end.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stop.clone()
    }

    /// Waits until the node has ended.
    pub fn wait(mut self) {
        self.join();
    }

    /// Ends the node: what was accepted is written to the journal, then its thread ends.
    pub fn shutdown(self) {
        self.stop.stop();
        self.wait();
    }

    fn join(&mut self) {
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(target: "rove::node", "the node's thread panicked");
        }
        if let Some(relay) = self.relay.take() {
            relay.end();
        }
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.stop.stop();
        self.join();
    }
}

/// The node's part in the search network, if it is to have one, and how others begin with it.
async fn take_part(irmv: Option<&IrmvConfig>) -> Result<(Option<Searching>, Option<String>), NodeError> {
    let Some((irmv, search)) = irmv.and_then(|irmv| Some((irmv, irmv.search.as_ref()?))) else {
        return Ok((None, None));
    };
    let (key, peers) = (irmv.signing_key()?, search.peers()?);
    let (searching, at) = Searching::start(irmv, search, key, &peers).await?;
    Ok((Some(searching), Some(at.to_string())))
}

/// Where the operator of the home is heard, or of the visited network, where there is no home.
fn bind_control(sections: &RoamSections<'_>) -> Result<Option<Control>, NodeError> {
    let control = sections.home.and_then(|home| home.control.as_ref());
    let control = control.or_else(|| sections.visited.and_then(|(visited, _)| visited.control.as_ref()));
    let bind = |path: &PathBuf| {
        Control::bind(path).map_err(|source| NodeError::Control { path: path.clone(), source })
    };
    control.map(bind).transpose()
}

fn bind_datagrams(option: &'static str, address: SocketAddr) -> Result<UdpSocket, NodeError> {
    let fail = |error: rove_io::net::BindError| CannotBind { over: "UDP", what: error.what };
    UdpSocket::bind(address).map_err(fail).map_err(cannot(option, address))
}

/// Where a role asks the name servers that `option` lists; `None` where it lists none.
fn bind_resolver(option: &'static str, servers: &[SocketAddr]) -> Result<Option<UdpSocket>, NodeError> {
    crate::sip::dns_local(servers).map(|address| bind_datagrams(option, address)).transpose()
}

/// Says which option named an address that cannot be used.
pub(crate) fn cannot(option: &'static str, address: SocketAddr) -> impl Fn(CannotBind) -> NodeError {
    move |CannotBind { over, what }| NodeError::Bind { option, address, over, what }
}

mod replay;
#[cfg(test)]
mod tests;
