//! The role `[relay]`: media passed on, on a thread of its own, in batches.
//!
//! ```text
//!  clients' sockets ─┐ one poller  ┌▶ calls ─┐          ┌▶ batches by socket
//!  lent sockets ─────┤             │         ├─ steps ──┤
//!  streams ──────────┘ tokio       └▶ TURN ──┘          └▶ streams
//! ```

mod config;
mod credit;
mod desk;
mod metrics;
mod orders;

#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, thread::JoinHandle};

use rove_base::Transport;
use rove_driver::{Listener, StreamBounds, Streams, bind_pair};
use rove_io::{clock::Clock, entropy::os_entropy, net::UdpSocket};
use rove_relay::{calls::Calls, turn::TurnServer};
use tokio::sync::Notify;

use crate::{
    driver::{Asker, Control},
    node::{NodeError, SipAddress, cannot},
};

use self::credit::Purse;

pub(crate) use config::shared_secret;
pub use config::{RelayConfig, RelayCredit, RelayUser};

/// A relay that is bound and not at work yet.
pub(crate) struct Relay {
    pub(crate) addresses: Vec<SipAddress>,
    turn: TurnServer,
    calls: Calls,
    sockets: Vec<UdpSocket>,
    listeners: Vec<Listener>,
    tls: rove_driver::Tls,
    control: Option<Control>,
    /// The node asks here, and hears of what it has to know.
    inside: Control,
    node: Option<Asker>,
    purse: Purse,
}

/// A relay at work.
#[derive(Debug)]
pub(crate) struct Working {
    stop: Arc<Notify>,
    thread: JoinHandle<()>,
}

impl Relay {
    /// Binds all that `config` names.
    pub(crate) fn bind(config: &RelayConfig) -> Result<Self, NodeError> {
        let (mut sockets, mut listeners, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
        for &address in &config.listen {
            let (udp, tcp) = bind_pair(address).map_err(cannot("[relay] listen", address))?;
            let address = udp.local_addr();
            addresses
                .extend([Transport::Udp, Transport::Tcp].map(|transport| SipAddress { transport, address }));
            sockets.push(udp.for_questions());
            listeners.push(tcp);
        }
        for &address in &config.tls {
            let listener = Listener::bind(address, Transport::Tls).map_err(cannot("[relay] tls", address))?;
            addresses.push(SipAddress { transport: Transport::Tls, address: listener.local_addr() });
            listeners.push(listener);
        }
        let own: Vec<SocketAddr> = addresses.iter().map(|one| one.address).collect();
        let mut turn = TurnServer::new(config.turn(own)?, os_entropy()?);
        let purse = Purse::open(config)?;
        turn.set_credits(purse.restored(config));
        let (calls, tls) = (config.call_server()?, config.tls()?);
        let control = match &config.control {
            Some(path) => Some(
                Control::bind(path).map_err(|source| NodeError::Control { path: path.clone(), source })?,
            ),
            None => None,
        };
        let (inside, node) = (Control::inside(), None);
        Ok(Self { addresses, turn, calls, sockets, listeners, tls, control, inside, node, purse })
    }

    /// It and its node can ask each other from now on. Answers what the node asks it with.
    pub(crate) fn meet(&mut self, node: Asker) -> Asker {
        self.node = Some(node);
        self.inside.asker()
    }

    /// Begins to work, on a thread named `rove-relay`.
    pub(crate) fn start(self, clock: Clock) -> io::Result<Working> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let stop = Arc::new(Notify::new());
        let heard = Arc::clone(&stop);
        let Self { turn, calls, sockets, listeners, tls, mut control, inside, node, purse, .. } = self;
        let _ = rove_io::net::lift_descriptors();
        let (desk, streams) = {
            let _on = runtime.enter();
            let mut streams = Streams::within(StreamBounds::default(), tls);
            listeners.into_iter().try_for_each(|listener| streams.accept_from(listener))?;
            if let Some(control) = &mut control {
                control.watch()?;
            }
            (desk::Desk::new(turn, calls, sockets, clock, (node, purse))?, streams)
        };
        let work = move || runtime.block_on(desk::run(desk, streams, (control, Some(inside)), &heard));
        let thread = std::thread::Builder::new().name("rove-relay".into()).spawn(work)?;
        Ok(Working { stop, thread })
    }
}

impl Working {
    /// Ends it and waits for that.
    pub(crate) fn end(self) {
        self.stop.notify_one();
        if self.thread.join().is_err() {
            tracing::error!(target: "rove::relay", "the relay's thread panicked");
        }
    }
}
