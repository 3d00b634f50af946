//! The loop that carries packets between sockets and the relay's machines.

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    net::SocketAddr,
    os::fd::{AsFd as _, OwnedFd},
    task::Poll,
};

use rove_base::{Flow, Instant, Now, Scratch, Step, StreamId, Transmit};
use rove_driver::{Alarm, StreamEvent, Streams};
use rove_io::{
    clock::Clock,
    net::{BATCH, Poller, RecvBatch, SendBatch, SendCounts, UdpSocket},
};
use rove_relay::{
    calls::Calls,
    turn::{RelayPort, TurnEvent, TurnServer},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::Notify,
};

use super::credit::Purse;
use crate::driver::{Asker, Control};

/// Runs a relay until it is told to stop.
pub(super) async fn run(
    mut desk: Desk,
    mut streams: Streams,
    (mut control, mut inside): (Option<Control>, Option<Control>),
    stop: &Notify,
) {
    let mut alarm = Alarm::default();
    loop {
        let wake = desk.wake();
        tokio::select! {
            () = stop.notified() => return desk.purse.keep(desk.turn.credits()),
            () = desk.readable() => desk.datagrams(&mut streams),
            event = streams.next() => desk.stream(&event, &mut streams),
            (line, reply) = Control::next(&mut control) => desk.order(&line, reply, &mut streams),
            (line, reply) = Control::next(&mut inside) => desk.order(&line, reply, &mut streams),
            () = alarm.until(wake.map(|at| desk.clock.std_instant(at))) => desk.tick(&mut streams),
        }
    }
}

/// The machines with their sockets.
pub(super) struct Desk {
    pub(super) turn: TurnServer,
    pub(super) calls: Calls,
    /// Whom to tell whose credit is spent.
    pub(super) node: Option<Asker>,
    pub(super) purse: Purse,
    /// Where clients come to.
    doors: Vec<UdpSocket>,
    lent: HashMap<RelayPort, UdpSocket>,
    by_address: HashMap<SocketAddr, RelayPort>,
    poller: Poller,
    /// Tells when the poller has something.
    watch: AsyncFd<OwnedFd>,
    inbox: RecvBatch,
    outbox: SendBatch,
    scratch: Scratch,
    pub(super) clock: Clock,
    pub(super) sent: SendCounts,
    ready: Vec<u64>,
}

impl Desk {
    /// Must be called on the runtime.
    #[expect(
        deprecated,
        reason = "unsound only for types that may let go of their descriptor; an OwnedFd does not"
    )]
    pub(super) fn new(
        turn: TurnServer,
        calls: Calls,
        doors: Vec<UdpSocket>,
        clock: Clock,
        (node, purse): (Option<Asker>, Purse),
    ) -> io::Result<Self> {
        let poller = Poller::new(READY)?;
        for (door, number) in doors.iter().zip(DOOR..) {
            poller.watch(door.as_fd(), number)?;
        }
        let watch = AsyncFd::with_interest(poller.as_fd().try_clone_to_owned()?, Interest::READABLE)?;
        Ok(Self {
            turn,
            calls,
            node,
            purse,
            doors,
            lent: HashMap::new(),
            by_address: HashMap::new(),
            poller,
            watch,
            inbox: RecvBatch::new(BATCH, DATAGRAM_BYTES),
            outbox: SendBatch::new(WAITING),
            scratch: Scratch::with_capacity(SCRATCH_BYTES),
            clock,
            sent: SendCounts::default(),
            ready: Vec::with_capacity(READY),
        })
    }

    /// Waits until a socket has something. May be dropped and asked again.
    async fn readable(&self) {
        poll_fn(|cx| match self.watch.poll_read_ready(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        })
        .await;
    }

    /// When something is to be done though nothing happens.
    fn wake(&mut self) -> Option<Instant> {
        let calls = match self.calls.poll() {
            Step::Wait(at) => at,
            _ => Some(Instant::ZERO),
        };
        let turn = match self.turn.poll() {
            Step::Wait(at) => at,
            _ => Some(Instant::ZERO),
        };
        Instant::earliest(calls, turn)
    }

    /// Takes what waits, a round of all sockets at a time, and lets others have their turn after some.
    fn datagrams(&mut self, streams: &mut Streams) {
        for _ in 0..ROUNDS {
            let Self { poller, ready, watch, .. } = self;
            let found = watch.try_io(Interest::READABLE, |_| {
                ready.clear();
                ready.extend_from_slice(poller.ready());
                if ready.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            if found.is_err() {
                return;
            }
            let now = self.clock.now();
            for index in 0..self.ready.len() {
                if let Some(number) = self.ready.get(index).copied() {
                    self.receive(now, number);
                }
                if self.scratch.len() > SCRATCH_BYTES / 2 {
                    self.drain(now, streams);
                    self.flush();
                }
            }
            self.drain(now, streams);
            self.flush();
        }
    }

    /// One batch of one socket.
    fn receive(&mut self, now: Now, number: u64) {
        let Self { turn, calls, doors, lent, inbox, scratch, clock, .. } = self;
        let received = match usize::try_from(number.wrapping_sub(DOOR)).ok().and_then(|door| doors.get(door))
        {
            Some(door) => inbox.recv(door, *clock, |got| {
                if !calls.datagram(now, got.flow, got.bytes, scratch) {
                    turn.datagram(now, got.flow, got.bytes, scratch);
                }
            }),
            None => {
                let port = RelayPort(u32::try_from(number).unwrap_or(u32::MAX));
                let Some(socket) = lent.get(&port) else { return };
                inbox.recv(socket, *clock, |got| {
                    turn.peer_sent(now, port, got.flow.remote, got.bytes, scratch);
                })
            }
        };
        if let Err(error) = received {
            tracing::warn!(target: "rove::relay", %error, "a socket cannot be read");
        }
    }

    fn stream(&mut self, event: &StreamEvent, streams: &mut Streams) {
        let now = self.clock.now();
        self.turn.stream(now, event.arrival(), &mut self.scratch);
        self.drain(now, streams);
        self.flush();
        streams.read_on();
    }

    fn tick(&mut self, streams: &mut Streams) {
        let now = self.clock.now();
        self.turn.tick(now);
        self.calls.tick(now);
        self.settle(now);
        self.drain(now, streams);
        self.flush();
    }

    /// Does what the machines want done.
    fn drain(&mut self, now: Now, streams: &mut Streams) {
        while let Step::Send(transmit) = self.calls.poll() {
            self.push(transmit);
        }
        loop {
            match self.turn.poll() {
                Step::Send(transmit) => match transmit.flow {
                    Flow::Udp(_) => self.push(transmit),
                    Flow::Stream(stream) => self.write(streams, stream, transmit),
                },
                Step::Event(TurnEvent::Bind { port, address }) => {
                    let done = self.open(port, address);
                    self.turn.bound(now, port, done, &mut self.scratch);
                }
                Step::Event(TurnEvent::Unbind { port }) => self.close(port),
                Step::Close(stream) => streams.close(stream),
                Step::Connect(_) | Step::Append(_) => {}
                Step::Wait(_) => return,
            }
        }
    }

    fn write(&self, streams: &mut Streams, stream: StreamId, transmit: Transmit) {
        // Media is worth nothing late: who reads slowly loses packets instead of the stream.
        if streams.waiting(stream) < MOST_WAITING {
            streams.send(stream, self.scratch.get(transmit.range));
        }
    }

    fn push(&mut self, transmit: Transmit) {
        if self.outbox.is_full() {
            self.send();
        }
        let _ = self.outbox.push(transmit);
    }

    /// Sends what waits and forgets its bytes.
    fn flush(&mut self) {
        self.send();
        self.scratch.clear();
    }

    fn send(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        let Self { outbox, scratch, doors, lent, by_address, sent, .. } = self;
        let counts = outbox.flush(scratch, |local| match by_address.get(&local) {
            Some(port) => lent.get(port),
            None => doors.iter().find(|door| door.carries(local)),
        });
        *sent += counts;
    }

    fn open(&mut self, port: RelayPort, address: SocketAddr) -> bool {
        let bound = UdpSocket::bind(address).map_err(io::Error::other).and_then(|socket| {
            let socket = socket.for_questions();
            self.poller.watch(socket.as_fd(), port.0.into())?;
            Ok(socket)
        });
        match bound {
            Ok(socket) => {
                self.by_address.insert(address, port);
                self.lent.insert(port, socket);
                true
            }
            Err(error) => {
                tracing::debug!(target: "rove::relay", %address, %error, "a port cannot be lent");
                false
            }
        }
    }

    fn close(&mut self, port: RelayPort) {
        // What waits to leave there leaves first.
        self.send();
        if let Some(socket) = self.lent.remove(&port) {
            self.by_address.remove(&socket.local_addr());
        }
    }
}

/// The sockets that clients come to are numbered from here; below are those that are lent.
const DOOR: u64 = 1 << 32;
/// Sockets that are told of at once.
const READY: usize = 512;
/// After so many rounds others have their turn.
const ROUNDS: usize = 16;
/// The longest datagram that is passed on, and so much more that no two of a batch begin at the same place of the
/// processor's cache.
const DATAGRAM_BYTES: usize = 65_536 + 192;
/// Datagrams that leave together at most.
const WAITING: usize = 512;
/// What one round writes, as a rule.
const SCRATCH_BYTES: usize = 1 << 20;
/// Bytes that wait for one client's stream.
const MOST_WAITING: usize = 256 * 1_024;
