//! The loop that carries packets between sockets and the relay's machines.

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    task::{Context, Poll},
    time::Duration,
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

use super::{
    Seat,
    credit::Purse,
    peers::{Note, Peers},
};
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
        let wake = desk.wake().map(|at| desk.clock.std_instant(at));
        tokio::select! {
            () = stop.notified() => return desk.purse.keep(desk.turn.credits()),
            next = desk.next() => match next {
                Next::At(place) => desk.datagrams(place, &mut streams),
                Next::Said(note) => desk.listen(note, &mut streams),
            },
            event = streams.next() => desk.stream(&event, &mut streams),
            (line, reply) = Control::next(&mut control) => desk.order(&line, reply, &mut streams),
            (line, reply) = Control::next(&mut inside) => desk.order(&line, reply, &mut streams),
            () = alarm.until(wake) => desk.tick(&mut streams),
        }
    }
}

/// What a desk waits for.
enum Next {
    /// Something can be read there.
    At(usize),
    /// Another desk says something.
    Said(Note),
}

/// A socket that clients come to, watched by the runtime itself: the path of most packets is one system call that waits, one
/// that takes what is there, and one that sends it on.
struct Door {
    socket: UdpSocket,
    watch: AsyncFd<OwnedFd>,
}

#[expect(
    deprecated,
    reason = "unsound only for types that may let go of their descriptor; an OwnedFd does not"
)]
fn watched(it: &impl AsFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(it.as_fd().try_clone_to_owned()?, Interest::READABLE)
}

/// The machines with their sockets.
pub(super) struct Desk {
    pub(super) turn: TurnServer,
    pub(super) calls: Calls,
    /// Whom to tell whose credit is spent.
    pub(super) node: Option<Asker>,
    pub(super) purse: Purse,
    /// The others that share its doors' addresses.
    pub(super) peers: Option<Peers>,
    /// Where clients come to.
    doors: Vec<Door>,
    /// Which is looked at first.
    first: usize,
    lent: HashMap<RelayPort, UdpSocket>,
    by_address: HashMap<SocketAddr, RelayPort>,
    poller: Poller,
    /// Tells when the poller has something.
    watch: AsyncFd<OwnedFd>,
    inbox: RecvBatch,
    outbox: SendBatch,
    pub(super) scratch: Scratch,
    pub(super) clock: Clock,
    pub(super) sent: SendCounts,
    ready: Vec<u64>,
}

impl Desk {
    /// Must be called on the runtime.
    pub(super) fn new(
        Seat { turn, calls, doors }: Seat,
        peers: Option<Peers>,
        clock: Clock,
        (node, purse): (Option<Asker>, Purse),
    ) -> io::Result<Self> {
        let poller = Poller::new(READY)?;
        let watch = watched(&poller)?;
        let door = |socket| Ok(Door { watch: watched(&socket)?, socket });
        let doors = doors.into_iter().map(door).collect::<io::Result<_>>()?;
        Ok(Self {
            turn,
            calls,
            node,
            purse,
            peers,
            doors,
            first: 0,
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

    /// Waits until another desk says something, or something can be read: at a door, by its index, or behind all doors, at
    /// the addresses that are lent. May be dropped and asked again.
    async fn next(&mut self) -> Next {
        let Self { doors, first, watch, peers, .. } = self;
        // They take turns at being looked at first, so that none starves another.
        let count = doors.len() + 1;
        *first = (*first + 1) % count;
        poll_fn(|cx| {
            if let Some(Poll::Ready(note)) = peers.as_mut().map(|peers| peers.poll(cx)) {
                return Poll::Ready(Next::Said(note));
            }
            let is_ready = |index: &usize, cx: &mut Context<'_>| {
                let watch = doors.get(*index).map_or(&*watch, |door| &door.watch);
                watch.poll_read_ready(cx).is_ready()
            };
            let found = (*first..count).chain(0..*first).find(|index| is_ready(index, cx));
            found.map_or(Poll::Pending, |index| Poll::Ready(Next::At(index)))
        })
        .await
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
        let behind = self.peers.as_ref().is_some_and(Peers::is_behind);
        let again = behind.then(|| self.clock.mono().later(AGAIN));
        Instant::earliest(Instant::earliest(calls, turn), again)
    }

    /// Another desk has said something, and perhaps more.
    fn listen(&mut self, note: Note, streams: &mut Streams) {
        let now = self.clock.now();
        self.hear(now, note);
        if let Some(peers) = &mut self.peers {
            peers.catch_up(now, &mut self.turn, &mut self.calls, &mut self.scratch);
        }
        self.hear_later(now);
        self.finish(now, streams);
    }

    /// Does what the machines want done, tells the other desks, and sends what waits, in this order.
    fn finish(&mut self, now: Now, streams: &mut Streams) {
        self.drain(now, streams);
        self.tell();
        self.flush();
    }

    /// Takes what waits, and lets others have their turn after some rounds.
    fn datagrams(&mut self, place: usize, streams: &mut Streams) {
        for _ in 0..ROUNDS {
            let now = self.clock.now();
            let more = if place < self.doors.len() {
                self.take_door(now, place)
            } else {
                self.take_lent(now, streams)
            };
            self.hear_later(now);
            self.finish(now, streams);
            if !more {
                return;
            }
        }
    }

    /// One batch of what clients sent. Answers whether more may wait; else the runtime tells of what comes next.
    fn take_door(&mut self, now: Now, index: usize) -> bool {
        let Self { turn, calls, doors, inbox, scratch, clock, peers, .. } = self;
        let Some(Door { socket, watch }) = doors.get(index) else { return false };
        let taken = watch.try_io(Interest::READABLE, |_| {
            // Taken in once the batch is here: what its senders were told by then is known.
            let mut fresh = peers.as_mut();
            let received = inbox.recv(socket, *clock, |got| {
                if let Some(peers) = fresh.take() {
                    peers.catch_up(now, turn, calls, scratch);
                }
                if !calls.datagram(now, got.flow, got.bytes, scratch) {
                    turn.datagram(now, got.flow, got.bytes, scratch);
                }
            });
            match received {
                Ok(count) if count == inbox.capacity() => Ok(()),
                // Fewer than there is room for: that was all.
                Ok(_) => Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => {
                    tracing::warn!(target: "rove::relay", %error, "a socket cannot be read");
                    Err(io::ErrorKind::WouldBlock.into())
                }
            }
        });
        taken.is_ok()
    }

    /// One batch of each address lent that has something.
    fn take_lent(&mut self, now: Now, streams: &mut Streams) -> bool {
        let Self { poller, ready, watch, .. } = self;
        let found = watch.try_io(Interest::READABLE, |_| {
            ready.clear();
            ready.extend_from_slice(poller.ready());
            if ready.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        for index in 0..self.ready.len() {
            if let Some(number) = self.ready.get(index).copied() {
                self.receive(now, number);
            }
            if self.scratch.len() > SCRATCH_BYTES / 2 {
                self.drain(now, streams);
                self.flush();
            }
        }
        found.is_ok()
    }

    /// One batch of one address lent.
    fn receive(&mut self, now: Now, number: u64) {
        let Self { turn, lent, inbox, scratch, clock, .. } = self;
        let port = RelayPort(u32::try_from(number).unwrap_or(u32::MAX));
        let Some(socket) = lent.get(&port) else { return };
        let received = inbox.recv(socket, *clock, |got| {
            turn.peer_sent(now, port, got.flow.remote, got.bytes, scratch);
        });
        if let Err(error) = received {
            tracing::warn!(target: "rove::relay", %error, "a socket cannot be read");
        }
    }

    fn stream(&mut self, event: &StreamEvent, streams: &mut Streams) {
        let now = self.clock.now();
        self.turn.stream(now, event.arrival(), &mut self.scratch);
        self.finish(now, streams);
        streams.read_on();
    }

    fn tick(&mut self, streams: &mut Streams) {
        let now = self.clock.now();
        self.turn.tick(now);
        self.calls.tick(now);
        self.settle(now);
        self.finish(now, streams);
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
            None => doors.iter().map(|door| &door.socket).find(|door| door.carries(local)),
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

/// Sockets that are told of at once.
const READY: usize = 512;
/// When to tell again what found no room in the inbox of another desk.
const AGAIN: Duration = Duration::from_millis(2);
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
