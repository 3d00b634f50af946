//! A TURN server (RFC 8656) over UDP and streams, that lends UDP addresses, one client each.
//!
//! Drive it: hand in what comes in with [`TurnServer::datagram`], [`TurnServer::stream`] and [`TurnServer::peer_sent`], then
//! [`TurnServer::poll`] until it says [`Step::Wait`]. It asks for sockets by events, which the driver answers with
//! [`TurnServer::bound`] before it polls on. Bytes to send are written when they come in: what leaves is in the same scratch.
//!
//! Whoever has not proved that it is where its packets say gets at most three times the bytes it has sent, and so many
//! answers a second; nothing is kept of it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod allocation;
mod asked;
mod data;
mod desks;
mod lend;
mod nonce;
mod ports;
mod prepaid;
mod requests;
mod streams;
mod tally;

#[cfg(test)]
mod tests;

use core::{ops::RangeInclusive, time::Duration};
use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use rove_base::{Dscp, Entropy, Flow, Instant, Now, Scratch, Span, Step, Transmit, UdpFlow};

use self::{
    allocation::Allocation,
    desks::Others,
    nonce::{Nonces, Sources},
    ports::{Place, Ports},
    prepaid::Prepaid,
    streams::Streams,
    tally::Tally,
};
use crate::{
    accounts::{Accounts, holder},
    counts::{Cause, Counts},
    policy::Policy,
    table::Table,
};

pub use desks::Tiding;
pub use ports::RelayAddress;
pub use tally::Holder;

/// What a server is told to be.
#[derive(Clone, Debug)]
pub struct TurnConfig {
    /// Who may have an address.
    pub accounts: Accounts,
    /// Whom is sent to.
    pub policy: Policy,
    /// Addresses of this host that ports are lent of, the first of each family.
    pub addresses: Vec<RelayAddress>,
    /// Ports that are lent.
    pub ports: RangeInclusive<u16>,
    /// Where clients come to; nothing is ever relayed there.
    pub own: Vec<SocketAddr>,
    /// What may grow, and how far.
    pub limits: TurnLimits,
    /// How all that is sent is marked: by a fixed value, whatever came with a packet (RFC 8656 §14).
    pub dscp: Dscp,
}

/// What may grow, and how far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TurnLimits {
    /// Addresses lent, at all desks together.
    pub allocations: usize,
    /// Addresses lent to one account, at all desks together.
    pub per_user: usize,
    /// Peers that one client may let in at once.
    pub permissions: usize,
    /// Peers that one client may give a number to at once.
    pub channels: usize,
    /// Streams that are open.
    pub streams: usize,
    /// The longest that an address is lent without being asked for again.
    pub life: Duration,
}

impl Default for TurnLimits {
    fn default() -> Self {
        Self {
            allocations: 16_384,
            per_user: 64,
            permissions: 64,
            channels: 64,
            streams: 4_096,
            life: Duration::from_secs(3_600),
        }
    }
}

/// Names a place that an address is lent from, between the server and its driver.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RelayPort(pub u32);

/// What the driver has to do about sockets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TurnEvent {
    /// Bind this address, and say how that went with [`TurnServer::bound`]; what comes in there goes to
    /// [`TurnServer::peer_sent`].
    Bind {
        /// Which place.
        port: RelayPort,
        /// What address.
        address: SocketAddr,
    },
    /// Let go of it.
    Unbind {
        /// Which place.
        port: RelayPort,
    },
}

/// A TURN server.
pub struct TurnServer {
    accounts: Accounts,
    policy: Policy,
    own: Vec<SocketAddr>,
    limits: TurnLimits,
    nonces: Nonces,
    sources: Sources,
    ports: Ports,
    clients: Table<Flow, RelayPort>,
    lent: Tally,
    /// When what was lent or kept is over.
    ends: BTreeSet<(Instant, RelayPort)>,
    streams: Streams,
    prepaid: Prepaid,
    steps: VecDeque<Step<TurnEvent>>,
    counts: Counts,
    /// Desks that share its ports, and what they are to be told.
    others: Option<Box<Others>>,
    /// How what it sends is marked.
    dscp: Dscp,
}

impl TurnServer {
    /// A server with nothing lent.
    #[must_use]
    pub fn new(config: TurnConfig, mut entropy: Entropy) -> Self {
        let TurnConfig { accounts, policy, addresses, ports, own, limits, dscp } = config;
        Self {
            accounts,
            policy,
            own,
            limits,
            nonces: Nonces::new(&mut entropy),
            sources: Sources::new(&mut entropy),
            ports: Ports::new(addresses, ports, entropy),
            clients: Table::default(),
            lent: Tally::default(),
            ends: BTreeSet::new(),
            streams: Streams::default(),
            prepaid: Prepaid::default(),
            steps: VecDeque::new(),
            counts: Counts::default(),
            others: None,
            dscp,
        }
    }

    /// Other accounts, peers and limits from now on; what is lent stays lent.
    pub fn reconfigure(&mut self, config: TurnConfig) {
        let TurnConfig { accounts, policy, limits, dscp, .. } = config;
        (self.accounts, self.policy, self.limits, self.dscp) = (accounts, policy, limits, dscp);
    }

    /// A datagram of a client came in.
    pub fn datagram(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], out: &mut Scratch) {
        self.heard(now, Flow::Udp(flow), flow.remote, bytes, out);
    }

    /// The system answered [`TurnEvent::Bind`]: the address is ours, or cannot be.
    pub fn bound(&mut self, now: Now, port: RelayPort, done: bool, out: &mut Scratch) {
        match self.ports.take(port) {
            Place::Binding(asked) if done => self.first_bound(now, port, asked, out),
            Place::Binding(asked) => self.not_bound(port, *asked, out),
            Place::Kept(kept) => self.second_bound(now, port, kept, done, out),
            other => self.ports.set(port, other),
        }
    }

    /// It is `now`: what was lent too long is taken back.
    pub fn tick(&mut self, now: Now) {
        self.close_idle(now.mono);
        self.charge(now.mono);
        while let Some((due, port)) = self.ends.first().copied()
            && due <= now.mono
        {
            self.ends.remove(&(due, port));
            self.take_back(port);
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Step<TurnEvent> {
        self.steps.pop_front().unwrap_or_else(|| {
            let ends = self.ends.first().map(|(due, _)| *due);
            let charge = self.prepaid.wake(!self.clients.is_empty());
            Step::Wait(Instant::earliest(Instant::earliest(ends, charge), self.streams.wake()))
        })
    }

    /// What happened so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many addresses are lent, or about to be.
    #[must_use]
    pub fn lent(&self) -> usize {
        self.clients.len()
    }

    /// One message, be it of a datagram or of a stream.
    fn heard(&mut self, now: Now, client: Flow, seen: SocketAddr, bytes: &[u8], out: &mut Scratch) {
        match bytes.first() {
            Some(0..=3) => self.message(now, client, seen, bytes, out),
            Some(0x40..=0x7f) => self.channel_data(now, client, bytes, out),
            _ => self.counts.refuse(Cause::NotUnderstood),
        }
    }

    fn allocation(&self, client: Flow) -> Option<(RelayPort, &Allocation)> {
        let port = *self.clients.get(&client)?;
        Some((port, self.ports.lent(port)?))
    }

    /// What is lent or kept is nobody's any more.
    fn take_back(&mut self, port: RelayPort) {
        let (address, until) = match self.ports.take(port) {
            Place::Lent(allocation) => {
                self.forget(allocation.client, &allocation.user, &allocation.account);
                (allocation.relayed, allocation.expires)
            }
            Place::Kept(kept) => (kept.address, kept.until),
            Place::Binding(asked) if asked.waits() => return self.wait_no_longer(port, &asked),
            other => return self.ports.set(port, other),
        };
        self.ends.remove(&(until, port));
        self.ports.free(port, address);
        self.steps.push_back(Step::Event(TurnEvent::Unbind { port }));
    }

    fn forget(&mut self, client: Flow, user: &Arc<[u8]>, account: &Arc<[u8]>) {
        self.clients.remove(&client);
        self.uncount(holder(user, account));
    }

    fn send(&mut self, flow: Flow, range: Span) {
        self.steps.push_back(Step::Send(Transmit { flow, range, dscp: self.dscp }));
    }
}
