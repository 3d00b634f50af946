//! The world: hosts, a network between them, and virtual time that jumps from one thing to the next.

use core::{any::Any, fmt, marker::PhantomData, time::Duration};
use std::{cmp::Reverse, collections::BinaryHeap};

use rove_base::{Instant, Now, Scratch, UdpFlow};
use rove_phone::netem::{Impairments, LinkStats};

use crate::{
    clock::{Clock, WallError},
    host::Host,
    network::{Network, Slot},
    outlet::WorldOutlet,
    streams::Streams,
    trace::Trace,
};

/// Hosts and the network between them, in virtual time. One seed decides everything that is left to chance.
///
/// ```
/// use core::time::Duration;
/// use rove_tests::{Impairments, World};
///
/// let mut world = World::new(7);
/// world.set_default_link(Impairments::delay(Duration::from_millis(20)));
/// world.run_for(Duration::from_secs(3_600));
/// assert_eq!(world.now().mono.as_nanos(), 3_600_000_000_000);
/// ```
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) network: Network,
    pub(crate) streams: Streams,
    pub(crate) queue: Queue,
    pub(crate) trace: Trace,
    hosts: Vec<Slotted>,
    actions: Vec<Option<Action>>,
    scratch: Scratch,
    busy: Busy,
}

type Action = Box<dyn FnOnce(&mut World)>;

struct Slotted {
    name: String,
    host: Box<dyn Host>,
    /// The name in its certificate.
    certificate: Option<String>,
    wake: Option<Instant>,
    wall_error: WallError,
}

/// How often hosts were woken without time moving on.
#[derive(Default)]
struct Busy {
    at: Instant,
    wakes: u32,
}

/// Names a host of a world and knows its type.
pub struct Handle<H> {
    index: usize,
    host: PhantomData<fn() -> H>,
}

impl<H> Clone for Handle<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Handle<H> {}

impl<H> fmt::Debug for Handle<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.index)
    }
}

/// What is to come, by time and, at one time, in the order in which it was planned.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<(Instant, u64, Next)>>,
    planned: u64,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Next {
    Datagram(Slot),
    Stream(u64),
    Wake(usize),
    Action(usize),
}

impl Queue {
    pub(crate) fn plan(&mut self, at: Instant, what: Next) {
        self.planned += 1;
        self.heap.push(Reverse((at, self.planned, what)));
    }

    fn pop_until(&mut self, limit: Instant) -> Option<(Instant, Next)> {
        let Reverse((at, ..)) = self.heap.peek()?;
        if *at > limit {
            return None;
        }
        self.heap.pop().map(|Reverse((at, _, what))| (at, what))
    }
}

impl World {
    /// An empty world whose links take 5 ms and do nothing else.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            clock: Clock::default(),
            network: Network::new(seed, Impairments::delay(Duration::from_millis(5))),
            streams: Streams::default(),
            queue: Queue::default(),
            trace: Trace::default(),
            hosts: Vec::new(),
            actions: Vec::new(),
            scratch: Scratch::with_capacity(64 << 10),
            busy: Busy::default(),
        }
    }

    /// Brings a host to life.
    ///
    /// # Panics
    ///
    /// When another host has one of its addresses.
    pub fn add<H: Host>(&mut self, name: &str, host: H) -> Handle<H> {
        let index = self.hosts.len();
        self.network.register(index, &host.addresses());
        self.hosts.push(Slotted {
            name: name.to_owned(),
            certificate: host.certificate(),
            host: Box::new(host),
            wake: None,
            wall_error: WallError::default(),
        });
        self.drain(index);
        Handle { index, host: PhantomData }
    }

    /// The host.
    #[must_use]
    pub fn get<H: Host>(&self, handle: Handle<H>) -> &H {
        let host: &dyn Any = &*self.hosts[handle.index].host;
        host.downcast_ref().expect("the handle knows the type")
    }

    /// Lets the owner of a host do something to it, now, and the host act upon it. Its addresses may change.
    pub fn act<H: Host, R>(&mut self, handle: Handle<H>, action: impl FnOnce(&mut H, Now) -> R) -> R {
        let now = self.now_at(handle.index);
        let host: &mut dyn Any = &mut *self.hosts[handle.index].host;
        let result = action(host.downcast_mut().expect("the handle knows the type"), now);
        let addresses = self.hosts[handle.index].host.addresses();
        self.network.register(handle.index, &addresses);
        self.drain(handle.index);
        result
    }

    /// From now on the wall clock of this host alone is wrong.
    pub fn set_wall_error<H>(&mut self, handle: Handle<H>, error: WallError) {
        self.hosts[handle.index].wall_error = error;
    }

    /// What the clocks of a host show.
    fn now_at(&self, host: usize) -> Now {
        let now = self.clock.now();
        Now { wall: self.hosts[host].wall_error.apply(now.wall), ..now }
    }

    /// Breaks all streams of a host, on both sides: it has crashed or lost its address.
    pub fn break_streams<H: Host>(&mut self, handle: Handle<H>) {
        for end in self.streams.of_host(handle.index) {
            WorldOutlet::new(self, handle.index).break_stream(end);
        }
    }

    /// What links do that nothing else is said about and that carried nothing yet.
    pub fn set_default_link(&mut self, impairments: Impairments) {
        self.network.set_default(impairments);
    }

    /// What the link does, from now on, in both directions.
    pub fn set_link<A, B>(&mut self, a: Handle<A>, b: Handle<B>, impairments: Impairments) {
        self.network.change(a.index, b.index, impairments.clone());
        self.network.change(b.index, a.index, impairments);
    }

    /// What the link does, from now on, from `from` to `to` alone.
    pub fn set_link_one_way<A, B>(&mut self, from: Handle<A>, to: Handle<B>, impairments: Impairments) {
        self.network.change(from.index, to.index, impairments);
    }

    /// What the link from `from` to `to` did so far.
    #[must_use]
    pub fn stats<A, B>(&self, from: Handle<A>, to: Handle<B>) -> LinkStats {
        self.network.stats(from.index, to.index)
    }

    /// Both clocks.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.clock.now()
    }

    /// The clocks, to set the wall apart.
    pub const fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// What happened so far.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Whether each datagram becomes a line of the trace.
    pub const fn keep_packets(&mut self, keep: bool) {
        self.trace.keep_packets(keep);
    }

    /// Something that will happen to the world: a link cut, a host moved, a wall clock set.
    pub fn at(&mut self, at: Instant, action: impl FnOnce(&mut Self) + 'static) {
        self.actions.push(Some(Box::new(action)));
        self.queue.plan(at.max(self.clock.now().mono), Next::Action(self.actions.len() - 1));
    }

    /// Lets time pass until `until`.
    pub fn run_until(&mut self, until: Instant) {
        while self.step(until) {}
        self.clock.advance_to(until);
    }

    /// Lets this much time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.clock.now().mono + time);
    }

    /// Lets time pass until `condition` holds, which is asked after everything that happens; at most `patience`.
    /// Whether it holds now.
    pub fn wait_for(&mut self, patience: Duration, mut condition: impl FnMut(&Self) -> bool) -> bool {
        let limit = self.clock.now().mono + patience;
        loop {
            if condition(self) {
                return true;
            }
            if !self.step(limit) {
                self.clock.advance_to(limit);
                return condition(self);
            }
        }
    }

    /// The next thing that happens, if it does until `limit`.
    fn step(&mut self, limit: Instant) -> bool {
        let Some((at, next)) = self.queue.pop_until(limit) else { return false };
        self.clock.advance_to(at);
        match next {
            Next::Datagram(slot) => self.deliver(slot),
            Next::Stream(name) => self.deliver_stream(name),
            Next::Wake(host) => self.wake(at, host),
            Next::Action(index) => {
                if let Some(action) = self.actions[index].take() {
                    action(self);
                }
            }
        }
        true
    }

    fn deliver(&mut self, slot: Slot) {
        let datagram = self.network.take(slot);
        let to = datagram.to;
        let now = self.now_at(to);
        let flow = UdpFlow { local: datagram.flow.remote, remote: datagram.flow.local };
        // The host may have moved away while the datagram was on its way.
        if self.network.owner(flow.local.ip()) == Some(to) {
            self.trace.packet(now.mono, "arrived", &flow, datagram.dscp, &datagram.bytes);
            self.hosts[to].host.receive(now, flow, &datagram.bytes, now.mono);
            self.network.give_back(slot, datagram);
            self.drain(to);
        } else {
            self.trace.packet(now.mono, "moved-away", &flow, datagram.dscp, &datagram.bytes);
            self.network.give_back(slot, datagram);
        }
    }

    fn deliver_stream(&mut self, name: u64) {
        let Some(delivery) = self.streams.take(name) else { return };
        let (host, stream) = delivery.to;
        let now = self.now_at(host);
        let arrival = delivery.arrival();
        self.trace.note(now.mono, &self.hosts[host].name, format_args!("stream {} {arrival:?}", stream.0));
        self.hosts[host].host.stream(now, arrival);
        self.drain(host);
    }

    fn wake(&mut self, at: Instant, host: usize) {
        if self.hosts[host].wake != Some(at) {
            return;
        }
        self.busy =
            if self.busy.at == at { Busy { at, wakes: self.busy.wakes + 1 } } else { Busy { at, wakes: 0 } };
        let name = &self.hosts[host].name;
        assert!(self.busy.wakes < MAX_WAKES, "{name} asks to be woken at {at:?} again and again");
        self.hosts[host].wake = None;
        let now = self.now_at(host);
        self.hosts[host].host.tick(now);
        self.drain(host);
    }

    fn drain(&mut self, index: usize) {
        let now = self.now_at(index);
        let mut scratch = core::mem::take(&mut self.scratch);
        scratch.clear();
        // Taken out for a moment, so that the host can reach the rest of the world.
        let mut host = core::mem::replace(&mut self.hosts[index].host, Box::new(Absent));
        let wake = host.drain(now, &mut scratch, &mut WorldOutlet::new(self, index));
        self.hosts[index].host = host;
        self.scratch = scratch;
        let wake = wake.map(|at| at.max(now.mono));
        if wake.is_some() && wake != self.hosts[index].wake {
            self.queue.plan(wake.unwrap_or_default(), Next::Wake(index));
        }
        self.hosts[index].wake = wake;
    }

    pub(crate) fn name(&self, host: usize) -> &str {
        &self.hosts[host].name
    }

    pub(crate) fn certificate(&self, host: usize) -> Option<String> {
        self.hosts[host].certificate.clone()
    }

    pub(crate) fn host(&self, host: usize) -> &dyn Host {
        &*self.hosts[host].host
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.hosts.iter().map(|slot| &slot.name).collect();
        f.debug_struct("World").field("now", &self.clock.now()).field("hosts", &names).finish_non_exhaustive()
    }
}

/// Stands in for a host while it is being drained.
struct Absent;

impl Host for Absent {
    fn addresses(&self) -> Vec<std::net::IpAddr> {
        Vec::new()
    }
    fn receive(&mut self, _: Now, _: UdpFlow, _: &[u8], _: Instant) {}
    fn tick(&mut self, _: Now) {}
    fn drain(&mut self, _: Now, _: &mut Scratch, _: &mut dyn crate::Outlet) -> Option<Instant> {
        None
    }
}

/// So often may hosts be woken without time moving on before it is called a bug.
const MAX_WAKES: u32 = 10_000;
