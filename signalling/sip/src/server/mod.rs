//! The server side: registrar, proxy and redirect server, as one machine (RFC 3261 §8.3, §10.3, §16).
//!
//! ```text
//!  bytes ─▶ parse ─▶ rate ─▶ transaction ─▶ who ─┬─▶ registrar ─▶ store
//!                                                └─▶ routes ─▶ store ─▶ fork ─▶ copies
//! ```
//! Requests that are refused leave nothing behind; those that are passed on keep a transaction on each side.

mod addresses;
mod calls;
mod config;
mod event;
mod gate;
mod hangup;
mod limits;
mod load;
mod oversize;
mod register;
mod relay;
mod relays;
mod requests;
mod responses;
mod services;
mod shared;
mod state;
mod stateless;
mod ways;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use rove_base::{Arrival, Dscp, Entropy, Flow, Instant, Machine, Nested, Now, Scratch, Step, Transmit};

pub use config::{Limits, Mode, SipServerConfig};
pub use event::{CallEnd, CallRecord, Event, ResolveId};
pub use hangup::{CallView, NotEnded};
pub use services::{ConsultId, Consultation, Grant, Treatment};
pub use state::{StateConfig, StateLimits, Watching};

use self::{
    calls::Calls,
    register::Registering,
    relay::Relay,
    shared::{Core, RelayId},
    state::State,
};
use crate::{
    digest::Verifier,
    message::Request,
    registrar::{Aor, AskId, Gruus, MemoryStore, RegistryStore},
    transaction::{KeyedMap, Outgoing, Timers},
    transport::Hop,
};

/// A registrar and proxy, with the store `R` for its bindings.
///
/// Bounded whatever peers send: by [`Limits`] and [`SipServerConfig::bindings`].
#[derive(Debug)]
pub struct SipServer<R = MemoryStore> {
    core: Core,
    store: R,
    verifier: Option<Verifier>,
    gruus: Gruus,
    asked: HashMap<AskId, Asked>,
    relays: KeyedMap<RelayId, Relay>,
    timers: Timers<RelayId>,
    resolving: HashMap<ResolveId, (RelayId, usize)>,
    calls: Calls,
    state: State,
    last_relay: u64,
    /// Of all relays.
    relay_bytes: usize,
}

/// What an answer of the store is waited for.
#[derive(Debug)]
enum Asked {
    Register(Box<Registering>),
    Relay(RelayId),
    /// Whether somebody is there who is watched.
    Watched(Aor),
    /// A request that is passed on without memory, and the way it came.
    Stateless(Box<(Request, Hop)>),
}

impl SipServer<MemoryStore> {
    /// A server that keeps its bindings in memory.
    #[must_use]
    pub fn new(config: SipServerConfig, mut entropy: Entropy) -> Self {
        let store = MemoryStore::new(config.bindings, &mut entropy);
        Self::with_store(config, store, entropy)
    }
}

impl<R: RegistryStore> SipServer<R> {
    /// A server that keeps its bindings in `store`.
    #[must_use]
    pub fn with_store(mut config: SipServerConfig, store: R, mut entropy: Entropy) -> Self {
        let users = config.users.take();
        let verifier = users.map(|users| Verifier::new(users, config.verifier.clone(), &mut entropy));
        let gruus = Gruus::new(&mut entropy);
        config.state.keep &= config.mode == Mode::Proxy;
        let state = config.state.clone();
        let core = Core::new(config, entropy);
        Self {
            store,
            verifier,
            gruus,
            asked: HashMap::new(),
            relays: KeyedMap::with_hasher(core.keyed.clone()),
            timers: Timers::default(),
            resolving: HashMap::new(),
            calls: Calls::new(core.config.limits.calls, core.keyed.clone()),
            state: State::new(state, &core.keyed),
            last_relay: 0,
            relay_bytes: 0,
            core,
        }
    }

    /// Number of bindings.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.store.len()
    }

    /// Where its bindings are kept. Who has changed what it says there lets the server know by
    /// [`tick`](Machine::tick).
    pub const fn store(&mut self) -> &mut R {
        &mut self.store
    }

    /// The same, to be read.
    #[must_use]
    pub const fn stored(&self) -> &R {
        &self.store
    }

    /// Number of transactions, most of which only absorb repetitions.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.core.layer.len()
    }

    /// Requests that are being passed on.
    #[must_use]
    pub fn relays(&self) -> usize {
        self.relays.len()
    }

    /// Number of publications, and of subscriptions to what is kept here.
    #[must_use]
    pub fn watched(&self) -> (usize, usize) {
        self.state.counts()
    }

    /// Other users from now on, where users are asked who they are.
    pub fn set_users(&mut self, users: crate::digest::Users) {
        if let Some(verifier) = &mut self.verifier {
            verifier.set_users(users);
        }
    }

    fn at(&mut self, now: Now) {
        self.core.now = Now { mono: self.core.now.mono.max(now.mono), wall: now.wall };
    }

    fn expire(&mut self) {
        let now = self.core.now.mono;
        self.store.tick(self.core.now);
        self.answers();
        self.expire_transactions();
        while let Some(id) = self.timers.take_due(now) {
            self.relay_timer(id);
        }
        self.calls.tick(&mut self.core);
        self.expire_state();
    }
}

impl<R: RegistryStore> Machine for SipServer<R> {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.at(now);
        match input {
            Arrival::Datagram { flow: Flow::Udp(flow), bytes } => {
                if !self.core.connections.is_keep_alive(now.mono, flow, bytes) {
                    self.on_message(Hop::from(flow), bytes);
                }
            }
            stream => {
                self.core.connections.handle(now, stream);
                while let Some(news) = self.core.connections.next_news() {
                    self.on_news(news);
                }
            }
        }
        self.expire();
    }

    fn tick(&mut self, now: Now) {
        self.at(now);
        self.core.connections.tick(now);
        self.expire();
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        loop {
            while let Some(Outgoing { hop, bytes }) = self.core.layer.next_out() {
                self.core.capture(hop, true, &bytes);
                if let Flow::Udp(_) = hop.flow {
                    let range = out.push(&bytes);
                    return Step::Send(Transmit { flow: hop.flow, range, dscp: Dscp::CS3 });
                }
                self.core.connections.send(self.core.now.mono, &hop, bytes);
            }
            let streams = match self.core.connections.poll(out).nested() {
                Nested::Pass(step) => return step,
                Nested::Event(news) => {
                    self.on_news(news);
                    continue;
                }
                Nested::Wait(at) => at,
            };
            if let Some(event) = self.core.events.pop_front() {
                return Step::Event(event);
            }
            let wait = Instant::earliest(self.core.layer.deadline(), self.timers.next());
            let wait = Instant::earliest(Instant::earliest(wait, streams), self.state.deadline());
            return Step::Wait(Instant::earliest(
                wait,
                Instant::earliest(self.store.deadline(), self.calls.deadline()),
            ));
        }
    }
}
