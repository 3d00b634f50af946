//! One call on the media thread: a stream with its sockets and crossings.

use std::time::Duration;

use rove_base::{Instant, Machine, Now, Route, RouteId, Scratch, Step, Transmit, UdpFlow};
use rove_core::{
    demux::{Kind, kind},
    path::{GRACE, Why},
    playout::PlayoutMeter,
    stream::{MediaInput, Replan, Stream, StreamEvent},
};
use rove_nat::{Link, LinkEvent, LinkFailure, LinkInput, Relink};

use super::{MediaCounts, MediaEvent, Ports, losing::Losing};
use crate::{
    bridge::{Captured, LatestRx, PacketTx, PcmRx},
    clock::Clock,
    net::{RecvBatch, SendBatch, UdpSocket},
};

/// Everything the media thread owns of a call.
#[derive(Debug)]
pub(super) struct Call {
    id: u64,
    stream: Stream<PacketTx>,
    /// What goes on between the ports beside media; `None` when nothing does.
    link: Option<Box<Link>>,
    /// Where packets go, as far as the link knows.
    led: Option<UdpFlow>,
    sockets: Vec<UdpSocket>,
    /// The sockets before, and how long something may still come there.
    left: Option<(Box<Change>, Instant)>,
    pcm: PcmRx,
    meter: LatestRx<PlayoutMeter>,
    captures: bool,
    counts: MediaCounts,
}

/// What another plan changes of a call; afterwards, what is of no more use.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) replan: Replan<PacketTx>,
    pub(super) relink: Relink,
    pub(super) sends: bool,
    pub(super) ports: Ports,
}

/// Another set of routes for a call's media.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reroute {
    Add(Route),
    Remove(RouteId),
    Switch(RouteId, Why),
}

/// The buffers that all calls of a thread share.
#[derive(Debug)]
pub(super) struct Buffers {
    inbox: RecvBatch,
    outbox: SendBatch,
    scratch: Scratch,
    /// What is to be lost, for those who want to show what follows.
    pub(super) losing: Option<Losing>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            inbox: RecvBatch::new(crate::net::BATCH, DATAGRAM_BYTES),
            outbox: SendBatch::new(OUTBOX),
            scratch: Scratch::with_capacity(OUTBOX * DATAGRAM_BYTES),
            losing: None,
        }
    }
}

impl Call {
    pub(super) fn new(
        id: u64,
        stream: Stream<PacketTx>,
        link: Option<Link>,
        sockets: Vec<UdpSocket>,
        pcm: PcmRx,
        meter: LatestRx<PlayoutMeter>,
        captures: bool,
    ) -> Self {
        let link = link.map(Box::new);
        let counts = MediaCounts::default();
        Self { id, stream, link, led: None, sockets, left: None, pcm, meter, captures, counts }
    }

    /// Goes on by another plan, on other sockets if there are some. Those before are listened at a little longer. Answers
    /// what is of no more use.
    pub(super) fn change(&mut self, clock: Clock, mut change: Box<Change>) -> Option<Box<Change>> {
        let now = clock.now();
        self.stream.tick(now);
        self.stream.replan(&mut change.replan);
        self.captures = change.sends;
        let moves = !change.ports.sockets.is_empty();
        if self.link.is_none() {
            self.link = change.relink.take_link().map(Box::new);
        }
        if let Some(link) = &mut self.link {
            if moves {
                change.ports.lent = link.borrow(std::mem::take(&mut change.ports.lent));
            }
            link.relink(now, &mut change.relink);
        }
        if !moves {
            return Some(change);
        }
        std::mem::swap(&mut self.sockets, &mut change.ports.sockets);
        self.left.replace((change, now.mono + GRACE)).map(|(before, _)| before)
    }

    /// What was left, once nothing more is expected there.
    pub(super) fn take_left(&mut self, now: Instant) -> Option<Box<Change>> {
        self.left.take_if(|(_, until)| *until <= now).map(|(left, _)| left)
    }

    /// Changes the routes.
    pub(super) fn reroute(&mut self, clock: Clock, change: Reroute) {
        self.stream.tick(clock.now());
        let done = match change {
            Reroute::Add(route) => self.stream.add_route(route),
            Reroute::Remove(route) => self.stream.remove_route(route),
            Reroute::Switch(to, why) => self.stream.switch(to, why),
        };
        self.counts.refused_routes += u64::from(done.is_err());
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Where it listens, first where it sends from.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &UdpSocket> {
        self.sockets.iter().chain(self.left.iter().flat_map(|(left, _)| &left.ports.sockets))
    }

    /// Whether samples come in without a packet to announce them.
    pub(super) fn captures(&self) -> bool {
        self.captures
    }

    /// Takes what waits at one of its sockets, a few batches at most so that no call starves another. `false`: the
    /// socket is of no more use.
    pub(super) fn receive(&mut self, socket: usize, clock: Clock, buffers: &mut Buffers) -> bool {
        let Self { stream, link, sockets, left, counts, .. } = self;
        let mut all = sockets.iter().chain(left.iter().flat_map(|(left, _)| &left.ports.sockets));
        let Some(socket) = all.nth(socket) else { return false };
        let Buffers { inbox, losing, .. } = buffers;
        let errors = inbox.transient_errors();
        let mut useful = true;
        for _ in 0..BATCHES {
            let received = inbox.recv(socket, clock, |received| {
                if losing.as_mut().is_some_and(|losing| losing.loses(received.flow)) {
                    return;
                }
                if received.truncated {
                    counts.oversized += 1;
                    return;
                }
                let now = clock.now();
                let (mut flow, mut bytes) = (received.flow, received.bytes);
                if let Some(link) = link {
                    match link.inward(now.mono, flow, bytes) {
                        Some(inward) => (flow, bytes) = inward,
                        None => return,
                    }
                    if !is_media(link, now, flow, bytes) {
                        counts.strangers += u64::from(!link.hears(&flow));
                        return;
                    }
                }
                let arrived = received.arrived.min(now.mono);
                stream.handle(now, MediaInput::Datagram { flow, bytes, arrived });
            });
            match received {
                Ok(count) if count == inbox.capacity() => {}
                Ok(_) => break,
                Err(_) => {
                    (counts.network_errors, useful) = (counts.network_errors + 1, false);
                    break;
                }
            }
        }
        counts.network_errors += inbox.transient_errors() - errors;
        useful
    }

    /// Hands captured samples and the playout's counts to the stream, does what it asks, and answers when to come back.
    pub(super) fn turn(
        &mut self,
        clock: Clock,
        buffers: &mut Buffers,
        tell: &mut impl FnMut(MediaEvent),
    ) -> Option<Instant> {
        let Self { stream, pcm, meter, .. } = self;
        let now = clock.now();
        if let Some(meter) = meter.changed() {
            stream.handle(now, MediaInput::Meter(meter));
        }
        pcm.read(|captured| match captured {
            Captured::Sound { pcm, .. } => stream.handle(now, MediaInput::Pcm(pcm)),
            Captured::Missed { samples } => stream.handle(now, MediaInput::Missed(samples)),
        });
        stream.tick(now);
        // The peer may have asked for another of the ways that were found.
        let led = stream.route().map(|route| route.rtp);
        if let (true, Some(link), Some(flow)) = (led != self.led, &mut self.link, led) {
            link.follow(now.mono, flow);
        }
        self.led = led;
        let link = self.link_turn(now, buffers, tell);
        let left = self.left.as_ref().map(|(_, until)| *until);
        Instant::earliest(Instant::earliest(self.drain(buffers, tell), link), left)
    }

    /// Lets the link do its work, and the stream take what it found: a way, and keys for it.
    fn link_turn(
        &mut self,
        now: Now,
        buffers: &mut Buffers,
        tell: &mut impl FnMut(MediaEvent),
    ) -> Option<Instant> {
        self.link.as_mut()?.tick(now);
        loop {
            let Self { link, stream, id, led, .. } = self;
            let call = *id;
            match link.as_mut()?.poll(&mut buffers.scratch) {
                Step::Send(transmit) => self.put(Some(transmit), buffers),
                Step::Event(LinkEvent::Selected(flow)) => {
                    let kind = link.as_ref()?.kind(flow);
                    stream.handle(now, MediaInput::Found(flow, Some(kind)));
                    stream.handle(now, MediaInput::Routed(Some(flow)));
                    *led = Some(flow);
                    tell(MediaEvent::Routed { call, flow, kind });
                }
                Step::Event(LinkEvent::Spare(flow, kind)) => {
                    stream.handle(now, MediaInput::Found(flow, Some(kind)));
                }
                Step::Event(LinkEvent::SpareGone(flow)) => {
                    stream.handle(now, MediaInput::Found(flow, None));
                }
                Step::Event(LinkEvent::Secured(keys)) => {
                    stream.handle(now, MediaInput::Secured(&keys));
                    tell(MediaEvent::Secured { call, profile: keys.profile() });
                }
                Step::Event(LinkEvent::Failed(why)) => {
                    if matches!(why, LinkFailure::NoWay | LinkFailure::ConsentLost) {
                        stream.handle(now, MediaInput::Routed(None));
                    }
                    tell(MediaEvent::LinkFailed { call, why });
                }
                Step::Event(LinkEvent::Candidate(candidate)) => {
                    tell(MediaEvent::Candidate { call, candidate });
                }
                Step::Event(LinkEvent::Closed) => tell(MediaEvent::PeerBye { call }),
                Step::Wait(until) => return until,
                _ => {}
            }
        }
    }

    /// Hands the link what control was told by the peer.
    pub(super) fn tell_link(&mut self, clock: Clock, input: LinkInput<'_>) {
        if let Some(link) = &mut self.link {
            link.handle(clock.now(), input);
        }
    }

    /// Tells the peer that a key was pressed.
    pub(super) fn press(&mut self, clock: Clock, key: char, duration: Duration) {
        self.stream.handle(clock.now(), MediaInput::Dtmf { digit: key, duration });
    }

    /// Says goodbye and has the last word.
    pub(super) fn stop(&mut self, clock: Clock, buffers: &mut Buffers, tell: &mut impl FnMut(MediaEvent)) {
        self.turn(clock, buffers, tell);
        self.stream.handle(clock.now(), MediaInput::Hangup);
        self.drain(buffers, tell);
        self.tell_link(clock, LinkInput::Close);
        self.link_turn(clock.now(), buffers, tell);
        self.flush(buffers);
        self.counts.refused = self.stream.refused();
        tell(MediaEvent::Stopped { call: self.id, summary: self.stream.summary(), counts: self.counts });
    }

    fn drain(&mut self, buffers: &mut Buffers, tell: &mut impl FnMut(MediaEvent)) -> Option<Instant> {
        loop {
            match self.stream.poll(&mut buffers.scratch) {
                Step::Send(transmit) => {
                    let outward = |link: &Link| link.outward(transmit, &mut buffers.scratch);
                    let transmit = self.link.as_deref().map_or(Some(transmit), outward);
                    self.put(transmit, buffers);
                }
                Step::Event(event) => {
                    if let Some(event) = self.event(event) {
                        tell(event);
                    }
                }
                Step::Wait(until) => {
                    self.flush(buffers);
                    return until;
                }
                Step::Connect(_) | Step::Close(_) | Step::Append(_) => {}
            }
        }
    }

    /// `None`: there is no way any more.
    fn put(&mut self, transmit: Option<Transmit>, buffers: &mut Buffers) {
        let Some(transmit) = transmit else { return };
        // Cannot be refused: the outbox is emptied as soon as it is full.
        let _ = buffers.outbox.push(transmit);
        if buffers.outbox.is_full() {
            self.flush(buffers);
        }
    }

    fn flush(&mut self, buffers: &mut Buffers) {
        if !buffers.outbox.is_empty() {
            let Self { sockets, left, counts, .. } = self;
            // Until another way is found, packets go by the one before, where that still leads somewhere.
            let before = || left.iter().flat_map(|(left, _)| &left.ports.sockets);
            counts.sent += buffers.outbox.flush(&buffers.scratch, |local| {
                sockets.iter().chain(before()).find(|socket| socket.carries(local))
            });
        }
        buffers.scratch.clear();
    }

    fn event(&self, event: StreamEvent) -> Option<MediaEvent> {
        let call = self.id;
        Some(match event {
            StreamEvent::FirstPacket { at } => MediaEvent::FirstPacket { call, at },
            StreamEvent::FirstAudio { at } => MediaEvent::FirstAudio { call, at },
            StreamEvent::Quality(quality) => MediaEvent::Quality { call, quality },
            StreamEvent::PeerBye => MediaEvent::PeerBye { call },
            StreamEvent::Digit(digit) => MediaEvent::Digit { call, digit },
            StreamEvent::SendingStopped(why) => MediaEvent::SendingStopped { call, why },
            StreamEvent::Switched(switched) => MediaEvent::Switched { call, switched },
            StreamEvent::Rerouted(rerouted) => MediaEvent::Rerouted { call, rerouted },
            StreamEvent::Complaint(complaint) => MediaEvent::Complaint { call, complaint },
            _ => return None,
        })
    }
}

/// Hands checks and handshakes to the link (RFC 7983). `true`: it is media, and comes from where the link hears the peer.
fn is_media(link: &mut Link, now: Now, flow: UdpFlow, bytes: &[u8]) -> bool {
    match kind(bytes) {
        Kind::Stun => link.handle(now, LinkInput::Stun { flow, bytes }),
        Kind::Dtls => link.handle(now, LinkInput::Dtls { flow, bytes }),
        _ => return link.hears(&flow),
    }
    false
}

/// Longer than any voice packet on an Ethernet.
const DATAGRAM_BYTES: usize = 1_536;

/// Datagrams of one call that leave together, at most.
const OUTBOX: usize = 32;

/// Batches taken from one socket in one turn.
const BATCHES: usize = 4;
