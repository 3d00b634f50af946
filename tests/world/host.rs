//! What lives in the world: anything with an address that takes datagrams and time.

use core::{any::Any, fmt};
use std::net::{IpAddr, SocketAddr};

use rove_base::{Arrival, Connect, Instant, Machine, Now, Scratch, Step, StreamId, Transmit, UdpFlow};

/// A host of the world: one network stack, and behind it any number of machines.
///
/// After each call to [`Host::receive`], [`Host::stream`] or [`Host::tick`] the world calls [`Host::drain`].
pub trait Host: Any {
    /// Its addresses. All datagrams to them come here, whatever the port.
    fn addresses(&self) -> Vec<IpAddr>;

    /// A datagram has arrived. `flow` is seen from here: `local` is where it was sent to.
    fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], arrived: Instant);

    /// Something happened to a stream: `Connected`, `Stream` or `Closed`.
    fn stream(&mut self, now: Now, arrival: Arrival<'_>) {
        let _ = (now, arrival);
    }

    /// Whether it accepts streams at this address.
    fn listens(&self, local: SocketAddr) -> bool {
        let _ = local;
        false
    }

    /// The name in its certificate; both ends of a TLS stream are told the other's.
    fn certificate(&self) -> Option<String> {
        None
    }

    /// It is `now`, and the host asked to be woken.
    fn tick(&mut self, now: Now);

    /// Does all there is to do; answers when it wants to be woken. `out` is empty at first.
    fn drain(&mut self, now: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant>;
}

/// Where a host's doings go.
pub trait Outlet {
    /// A datagram, or a piece of a stream, whose bytes are in `from`.
    fn send(&mut self, transmit: Transmit, from: &Scratch);

    /// Open a stream; [`Arrival::Connected`] or [`Arrival::Closed`] answers.
    fn connect(&mut self, connect: Connect);

    /// Close a stream.
    fn close(&mut self, stream: StreamId);

    /// A line for the trace.
    fn note(&mut self, line: fmt::Arguments<'_>);
}

/// Drains a machine into `net`: sends, connects and closes go there, events and records to `take`. Answers when the
/// machine wants to be woken.
pub fn drain_machine<M: Machine>(
    machine: &mut M,
    out: &mut Scratch,
    net: &mut dyn Outlet,
    mut take: impl FnMut(Taken<'_, M::Event>, &mut dyn Outlet),
) -> Option<Instant> {
    loop {
        match machine.poll(out) {
            Step::Send(transmit) => net.send(transmit, out),
            Step::Connect(connect) => net.connect(connect),
            Step::Close(stream) => net.close(stream),
            Step::Append(append) => {
                take(Taken::Record { ticket: append.ticket, bytes: out.get(append.range) }, net);
            }
            Step::Event(event) => take(Taken::Event(event), net),
            Step::Wait(until) => return until,
        }
    }
}

/// What a machine hands to its owner.
#[derive(Debug)]
pub enum Taken<'a, E> {
    /// Something to know.
    Event(E),
    /// Something to make durable.
    Record {
        /// What to answer with.
        ticket: rove_base::Ticket,
        /// The record.
        bytes: &'a [u8],
    },
}

/// A host that is one machine fed with [`Arrival`]s: a resolver, an updater, a SIP agent without media.
///
/// It keeps its events with their instants and notes them in the trace. It has no journal: records are durable at once.
#[derive(Debug)]
pub struct MachineHost<M: Machine> {
    /// The machine.
    pub machine: M,
    /// What it told so far.
    pub events: Vec<(Instant, M::Event)>,
    addresses: Vec<IpAddr>,
}

impl<M: Machine> MachineHost<M> {
    /// A host with these addresses.
    #[must_use]
    pub const fn new(machine: M, addresses: Vec<IpAddr>) -> Self {
        Self { machine, events: Vec::new(), addresses }
    }
}

impl<M, E> Host for MachineHost<M>
where
    M: for<'a> Machine<Input<'a> = Arrival<'a>, Event = E> + 'static,
    E: fmt::Debug + 'static,
{
    fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.clone()
    }

    fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], _arrived: Instant) {
        self.machine.handle(now, Arrival::Datagram { flow: rove_base::Flow::Udp(flow), bytes });
    }

    fn stream(&mut self, now: Now, arrival: Arrival<'_>) {
        self.machine.handle(now, arrival);
    }

    fn tick(&mut self, now: Now) {
        self.machine.tick(now);
    }

    fn drain(&mut self, now: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant> {
        loop {
            let mut durable = None;
            let wake = drain_machine(&mut self.machine, out, net, |taken, net| match taken {
                Taken::Event(event) => {
                    net.note(format_args!("{event:?}"));
                    self.events.push((now.mono, event));
                }
                Taken::Record { ticket, .. } => durable = Some(ticket),
            });
            match durable {
                Some(ticket) => self.machine.handle(now, Arrival::Durable { ticket }),
                None => return wake,
            }
        }
    }
}
