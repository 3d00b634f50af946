//! The loop that carries the steps of a node's roles to sockets, streams, timers and the one journal.
//!
//! ```text
//!  UDP batches ─┐                       ┌─▶ UDP batches
//!  streams ─────┼─▶ role.handle ─ poll ─┼─▶ streams
//!  journal ─────┘                       └─▶ journal
//! ```

mod keeper;
mod role;
mod sockets;
mod streams;

use std::{future::poll_fn, sync::Arc, task::Poll};

use rove_base::{Arrival, Flow, Instant, Scratch, Step, Ticket};
use rove_io::{clock::Clock, journal::Outcome};
use tokio::sync::Notify;

pub(crate) use keeper::Keeper;
pub(crate) use role::{Role, eventless};
use sockets::Sockets;
pub(crate) use sockets::{CannotBind, Listener, Over};
use streams::{StreamEvent, Streams};

/// Roles with everything that carries their steps.
pub(crate) struct Driver {
    pub(crate) roles: Vec<Box<dyn Role>>,
    /// Each with the number of its role.
    pub(crate) listeners: Vec<(usize, Listener)>,
    pub(crate) keeper: Option<Keeper>,
    pub(crate) stop: Arc<Notify>,
    /// Files are to be read again.
    pub(crate) reload: Arc<Notify>,
}

/// Runs the roles until they are told to stop.
pub(crate) async fn run(driver: Driver) {
    let Driver { roles, listeners, keeper, stop, reload } = driver;
    let (sockets, streams) = match Sockets::new(listeners) {
        Ok(parts) => parts,
        Err(error) => return tracing::error!(target: "rove::node", %error, "the sockets cannot be watched"),
    };
    let clock = Clock::new();
    let scratch = Scratch::with_capacity(SCRATCH_BYTES);
    let mut desk = Desk { roles, clock, sockets, streams, keeper, scratch };
    loop {
        let wake = desk.drain();
        tokio::select! {
            () = stop.notified() => return,
            () = reload.notified() => desk.roles.iter_mut().for_each(|role| role.reload()),
            index = desk.sockets.readable() => desk.receive(index),
            (role, event) = desk.streams.next() => desk.stream_event(role, event),
            outcome = Keeper::outcome(&mut desk.keeper) => desk.journal_said(outcome),
            () = sleep_until(clock, wake) => {
                let now = clock.now();
                desk.roles.iter_mut().for_each(|role| role.tick(now));
            }
        }
    }
}

struct Desk {
    roles: Vec<Box<dyn Role>>,
    clock: Clock,
    sockets: Sockets,
    streams: Streams,
    keeper: Option<Keeper>,
    scratch: Scratch,
}

impl Desk {
    /// Does what the roles want done, and answers when one wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        let mut wake = None;
        for role in 0..self.roles.len() {
            wake = Instant::earliest(wake, self.drain_role(role));
        }
        self.sockets.flush(&self.scratch);
        self.streams.read_on();
        self.scratch.clear();
        wake
    }

    fn drain_role(&mut self, role: usize) -> Option<Instant> {
        loop {
            let now = self.clock.now();
            match self.roles.get_mut(role)?.poll(now, &mut self.scratch) {
                Step::Send(transmit) => match transmit.flow {
                    Flow::Udp(_) => self.sockets.push(transmit, &self.scratch),
                    Flow::Stream(stream) => {
                        self.streams.send((role, stream), self.scratch.get(transmit.range));
                    }
                },
                Step::Append(append) => self.append(role, append.ticket, append.range),
                Step::Close(stream) => self.streams.close((role, stream)),
                Step::Connect(connect) => self.streams.connect(role, &connect),
                Step::Event(never) => match never {},
                Step::Wait(until) => return until,
            }
        }
    }

    fn append(&mut self, role: usize, ticket: Ticket, range: rove_base::Span) {
        let Some(machine) = self.roles.get_mut(role) else { return };
        let kept = match &mut self.keeper {
            Some(keeper) => keeper.append(role, machine.tag(), ticket, self.scratch.get(range)),
            None => false,
        };
        if !kept {
            machine.journal_failed(self.clock.now());
        }
    }

    fn receive(&mut self, index: usize) {
        let Self { roles, clock, sockets, .. } = self;
        let clock = *clock;
        let Some(role) = sockets.role(index).and_then(|role| roles.get_mut(role)) else { return };
        sockets.receive(index, clock, |received| {
            let flow = Flow::Udp(received.flow);
            if !received.truncated {
                role.handle(clock.now(), Arrival::Datagram { flow, bytes: received.bytes });
            }
        });
    }

    fn stream_event(&mut self, role: usize, event: StreamEvent) {
        let now = self.clock.now();
        let Some(role) = self.roles.get_mut(role) else { return };
        match event {
            StreamEvent::Connected { stream, local, remote, transport } => {
                role.handle(now, Arrival::Connected { stream, local, remote, transport });
            }
            StreamEvent::Bytes { stream, bytes } => {
                role.handle(now, Arrival::Stream { stream, bytes: &bytes });
            }
            StreamEvent::Closed { stream, by } => role.handle(now, Arrival::Closed { stream, by }),
        }
    }

    fn journal_said(&mut self, outcome: Outcome) {
        let now = self.clock.now();
        match outcome {
            Outcome::Durable(ticket) => {
                let waiting = self.keeper.as_mut().map(|keeper| keeper.durable(ticket)).unwrap_or_default();
                for (role, ticket) in waiting {
                    if let Some(role) = self.roles.get_mut(role) {
                        role.handle(now, Arrival::Durable { ticket });
                    }
                }
                self.compact();
            }
            Outcome::Failed(error) => {
                tracing::error!(target: "rove::journal", %error, "nothing can be changed until the node is started again");
                self.roles.iter_mut().for_each(|role| role.journal_failed(now));
            }
        }
    }

    /// Writes the journal anew when it has become long and nothing waits for it.
    fn compact(&mut self) {
        let Some(keeper) = self.keeper.as_mut().filter(|keeper| keeper.is_long()) else { return };
        let mut all = Vec::new();
        for role in &self.roles {
            let Some(records) = role.snapshot() else { return };
            all.extend(records.into_iter().map(|record| (role.tag(), record)));
        }
        keeper.rewrite(all);
    }
}

async fn sleep_until(clock: Clock, wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(clock.std_instant(at).into()).await,
        None => poll_fn(|_| Poll::Pending).await,
    }
}

/// Room for the answers of one batch of usual size.
const SCRATCH_BYTES: usize = 64 * 1_024;
