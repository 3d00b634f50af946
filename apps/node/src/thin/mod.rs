//! The role of `[[thin]]`: links whose headers are compressed, each on a thread of its own.
//!
//! ```text
//!  this host's packets ─▶ TUN device ─▶ ┌──────────────┐ ─▶ Ethernet frames, or a tunnel over UDP ─▶ the other end
//!                                       │ Link (rohc)  │
//!  this host's packets ◀─ TUN device ◀─ └──────────────┘ ◀─ the same ◀─ the other end
//! ```
//!
//! Packets go as they are until both ends have said what they are able to do. On Ethernet such packets are ordinary ones, which the other end takes in
//! at its interface: it need not know of any of this.
//! Nobody is asked who he is: whoever can send on the link, or with the tunnel's addresses, is believed as on any wire.

mod config;
mod metrics;
mod road;
#[cfg(test)]
mod tests;
mod worker;

use std::{cell::RefCell, convert::Infallible, io, os::unix::net::UnixStream, thread::JoinHandle};

use rove_base::{Arrival, Now, Scratch, Step};
use rove_io::{
    bridge::{LatestRx, latest},
    clock::Clock,
    entropy::os_entropy,
    raw::{TunDevice, mtu_of},
};
use rove_rohc::link::Link;

use crate::{
    driver::{Role, Unreadable},
    node::NodeError,
};

use self::{
    config::Way,
    road::Road,
    worker::{Shown, Worker},
};

pub use config::ThinConfig;

/// All thin links of a node.
pub(crate) struct ThinRole(Vec<Running>);

struct Running {
    name: String,
    shown: RefCell<LatestRx<Shown>>,
    /// Closed at the end, which the thread hears.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl ThinRole {
    /// Makes their devices and begins, on threads named `rove-thin-0` and so on.
    pub(crate) fn start(configs: &[ThinConfig], clock: Clock) -> Result<Self, NodeError> {
        let mut all = Self(Vec::new());
        for (index, config) in configs.iter().enumerate() {
            let way = config.way()?;
            let addresses = config.addresses()?;
            let opened = Running::start(config, &way, &addresses, clock, index);
            all.0.push(opened.map_err(|(what, source)| NodeError::Thin {
                tun: config.tun.clone(),
                what,
                source,
            })?);
        }
        Ok(all)
    }
}

impl Running {
    fn start(
        config: &ThinConfig,
        way: &Way,
        addresses: &[(std::net::IpAddr, u8)],
        clock: Clock,
        index: usize,
    ) -> Result<Self, (&'static str, io::Error)> {
        let fail = |what| move |error| (what, error);
        let road = Road::open(way).map_err(fail("the link below cannot be used"))?;
        let mtu = match (config.mtu, way) {
            (Some(mtu), _) => mtu,
            (None, Way::Ether { interface, .. }) => {
                mtu_of(interface).map_err(fail("the link below cannot be used"))?.saturating_sub(ADDED)
            }
            (None, Way::Tunnel { .. }) => TUNNEL_MTU,
        };
        let tun = TunDevice::open(&config.tun, mtu, addresses).map_err(fail("the device cannot be made"))?;
        let instance = os_entropy().map_err(fail("no random number"))?.next_u32();
        let (told, shown) = latest(Shown::default());
        let (stop, heard) = UnixStream::pair().map_err(fail("it cannot begin"))?;
        let name = config.tun.clone();
        let link = Link::new(config.link(way), instance);
        let worker = Worker { name: name.clone(), link, tun, road, shown: told, stop: heard, clock };
        let thread = std::thread::Builder::new()
            .name(format!("rove-thin-{index}"))
            .spawn(move || worker.run())
            .map_err(fail("it cannot begin"))?;
        Ok(Self { name, shown: RefCell::new(shown), stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(target: "rove::thin", link = self.name, "the thread of a link panicked");
        }
    }
}

impl Role for ThinRole {
    fn tag(&self) -> u8 {
        TAG
    }

    fn handle(&mut self, _: Now, _: Arrival<'_>) {}

    fn tick(&mut self, _: Now) {}

    fn poll(&mut self, _: Now, _: &mut Scratch) -> Step<Infallible> {
        Step::Wait(None)
    }

    fn replay(&mut self, _: &[u8]) -> Result<bool, Unreadable> {
        Ok(false)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        Some(Vec::new())
    }

    fn journal_failed(&mut self, _: Now) {}

    fn metrics(&self, text: &mut String) {
        for link in &self.0 {
            metrics::text(text, &link.name, &link.shown.borrow_mut().get());
        }
    }
}

/// Bytes that a packet may have more on the link.
const ADDED: usize = 8;
/// Bytes of a packet that a tunnel carries over most ways.
const TUNNEL_MTU: usize = 1_400;
const TAG: u8 = 9;
