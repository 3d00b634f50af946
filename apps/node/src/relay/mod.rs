//! The role `[relay]`: media passed on, on threads of its own, in batches.
//!
//! ```text
//!  clients' sockets ─┐ one poller  ┌▶ calls ─┐          ┌▶ batches by socket
//!  lent sockets ─────┤             │         ├─ steps ──┤
//!  streams ──────────┘ tokio       └▶ TURN ──┘          └▶ streams
//! ```
//!
//! Each thread is a desk with sockets of its own at the same addresses, which the system shares out by sender; what they have
//! to tell each other is in `peers.rs`. Streams, the operator and the node come to the first one.

mod config;
mod credit;
mod desk;
mod metrics;
mod orders;
mod peers;

#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, thread::JoinHandle};

use rove_base::Transport;
use rove_driver::{CannotBind, Listener, StreamBounds, Streams, bind_pair};
use rove_io::{
    clock::Clock,
    entropy::os_entropy,
    net::{BindError, UdpSocket},
};
use rove_relay::{calls::Calls, desks, turn::TurnServer};
use tokio::sync::Notify;

use crate::{
    driver::{Asker, Control},
    node::{NodeError, SipAddress, cannot},
};

use self::{credit::Purse, peers::Peers};

pub(crate) use config::shared_secret;
pub use config::{RelayConfig, RelayCredit, RelayUser};

/// A relay that is bound and not at work yet.
pub(crate) struct Relay {
    pub(crate) addresses: Vec<SipAddress>,
    /// One for each desk.
    seats: Vec<Seat>,
    front: Front,
}

/// What each desk has of its own.
struct Seat {
    turn: TurnServer,
    calls: Calls,
    /// Where clients come to.
    doors: Vec<UdpSocket>,
}

/// What the first desk alone has.
#[derive(Default)]
struct Front {
    listeners: Vec<Listener>,
    tls: rove_driver::Tls,
    control: Option<Control>,
    /// The node asks here, and hears of what it has to know.
    inside: Option<Control>,
    node: Option<Asker>,
    purse: Purse,
}

/// A relay at work.
#[derive(Debug)]
pub(crate) struct Working(Vec<(Arc<Notify>, JoinHandle<()>)>);

impl Relay {
    /// Binds all that `config` names.
    pub(crate) fn bind(config: &RelayConfig) -> Result<Self, NodeError> {
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        let mut doors: Vec<Vec<UdpSocket>> = (0..config.threads).map(|_| Vec::new()).collect();
        for &address in &config.listen {
            let (udp, tcp) = bind_pair(address).map_err(cannot("[relay] listen", address))?;
            let address = udp.local_addr();
            addresses
                .extend([Transport::Udp, Transport::Tcp].map(|transport| SipAddress { transport, address }));
            for (doors, door) in doors.iter_mut().zip(shared(udp, config.threads)?) {
                doors.push(door);
            }
            listeners.push(tcp);
        }
        for &address in &config.tls {
            let listener = Listener::bind(address, Transport::Tls).map_err(cannot("[relay] tls", address))?;
            addresses.push(SipAddress { transport: Transport::Tls, address: listener.local_addr() });
            listeners.push(listener);
        }
        let own: Vec<SocketAddr> = addresses.iter().map(|one| one.address).collect();
        let purse = Purse::open(config)?;
        let seats = doors.into_iter().zip(0..).map(|(doors, index)| Seat::new(config, index, &own, doors));
        let mut seats = seats.collect::<Result<Vec<_>, _>>()?;
        if let Some(first) = seats.first_mut() {
            first.turn.set_credits(purse.restored(config));
        }
        let control = match &config.control {
            Some(path) => Some(
                Control::bind(path).map_err(|source| NodeError::Control { path: path.clone(), source })?,
            ),
            None => None,
        };
        let inside = Some(Control::inside());
        let front = Front { listeners, tls: config.tls()?, control, inside, node: None, purse };
        Ok(Self { addresses, seats, front })
    }

    /// It and its node can ask each other from now on. Answers what the node asks it with.
    pub(crate) fn meet(&mut self, node: Asker) -> Option<Asker> {
        self.front.node = Some(node);
        self.front.inside.as_ref().map(Control::asker)
    }

    /// Begins to work, on threads named `rove-relay`, `rove-relay-1` and so on.
    pub(crate) fn start(self, clock: Clock) -> io::Result<Working> {
        let Self { seats, mut front, .. } = self;
        let _ = rove_io::net::lift_descriptors();
        let peers = peers::between(seats.len());
        let mut working = Working(Vec::new());
        for (index, (seat, peers)) in seats.into_iter().zip(peers).enumerate() {
            match seat.start(clock, index, peers, std::mem::take(&mut front)) {
                Ok(desk) => working.0.push(desk),
                Err(error) => {
                    working.end();
                    return Err(error);
                }
            }
        }
        Ok(working)
    }
}

/// A socket for each desk, all at the address of the first.
fn shared(first: UdpSocket, count: usize) -> Result<Vec<UdpSocket>, NodeError> {
    let fail = |error: BindError| CannotBind { over: "UDP", what: error.what };
    let more = (1..count).map(|_| first.share()).collect::<Result<Vec<_>, _>>();
    let more = more.map_err(fail).map_err(cannot("[relay] listen", first.local_addr()))?;
    Ok(std::iter::once(first).chain(more).map(UdpSocket::for_questions).collect())
}

impl Seat {
    /// The one with this index.
    fn new(
        config: &RelayConfig,
        index: u8,
        own: &[SocketAddr],
        doors: Vec<UdpSocket>,
    ) -> Result<Self, NodeError> {
        let turn = TurnServer::new(config.turn(own.to_vec())?, os_entropy()?);
        let calls = config.call_server()?;
        let count = u8::try_from(config.threads).ok();
        Ok(match count.and_then(|count| desks::Desk::new(index, count)) {
            Some(desk) => Self { turn: turn.among(desk), calls: calls.among(desk), doors },
            None => Self { turn, calls, doors },
        })
    }

    /// Begins to work, on a thread of its own.
    fn start(
        self,
        clock: Clock,
        index: usize,
        peers: Option<Peers>,
        front: Front,
    ) -> io::Result<(Arc<Notify>, JoinHandle<()>)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let stop = Arc::new(Notify::new());
        let heard = Arc::clone(&stop);
        let Front { listeners, tls, mut control, inside, node, purse } = front;
        let (desk, streams) = {
            let _on = runtime.enter();
            let mut streams = Streams::within(StreamBounds::default(), tls);
            listeners.into_iter().try_for_each(|listener| streams.accept_from(listener))?;
            if let Some(control) = &mut control {
                control.watch()?;
            }
            (desk::Desk::new(self, peers, clock, (node, purse))?, streams)
        };
        let work = move || runtime.block_on(desk::run(desk, streams, (control, inside), &heard));
        let name = if index == 0 { "rove-relay".to_owned() } else { format!("rove-relay-{index}") };
        Ok((stop, std::thread::Builder::new().name(name).spawn(work)?))
    }
}

impl Working {
    /// Ends it and waits for that.
    pub(crate) fn end(self) {
        self.0.iter().for_each(|(stop, _)| stop.notify_one());
        for (_, thread) in self.0 {
            if thread.join().is_err() {
                tracing::error!(target: "rove::relay", "a thread of the relay panicked");
            }
        }
    }
}
