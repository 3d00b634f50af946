//! The thread that carries what a thin link wants to the device and the link below, and back.

use std::{
    io::{self, ErrorKind},
    os::{fd::AsFd as _, unix::net::UnixStream},
    time::Duration,
};

use rove_base::{Instant, Machine as _, Scratch, Step};
use rove_io::{bridge::LatestTx, clock::Clock, net::Poller, raw::TunDevice};
use rove_rohc::link::{Counts, Link, LinkEvent, LinkInput};

use super::road::Road;

/// What is shown of a link.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    pub(super) agreed: bool,
    pub(super) counts: Counts,
    /// Frames that the link below did not take, and packets that the device did not.
    pub(super) unsent: u64,
    pub(super) undelivered: u64,
}

pub(super) struct Worker {
    pub(super) name: String,
    pub(super) link: Link,
    pub(super) tun: TunDevice,
    pub(super) road: Road,
    pub(super) shown: LatestTx<Shown>,
    /// Readable, or closed, when the node ends.
    pub(super) stop: UnixStream,
    pub(super) clock: Clock,
}

/// One at work.
struct Desk {
    worker: Worker,
    scratch: Scratch,
    buffer: Vec<u8>,
}

impl Worker {
    /// Works until it is told to stop, or the device is gone.
    pub(super) fn run(self) {
        let name = self.name.clone();
        let mut desk =
            Desk { worker: self, scratch: Scratch::with_capacity(4 * LONGEST), buffer: vec![0; LONGEST] };
        if let Err(error) = desk.work() {
            tracing::error!(target: "rove::thin", link = name, %error, "the link has ended; start the node again once its device and interface are there");
        }
    }
}

impl Desk {
    fn work(&mut self) -> io::Result<()> {
        let mut poller = Poller::new(8)?;
        poller.watch(self.worker.stop.as_fd(), STOP)?;
        poller.watch(self.worker.tun.as_fd(), DEVICE)?;
        self.worker.road.watch(&poller, [FRAMES, HELLOS])?;
        loop {
            let now = self.worker.clock.now();
            self.worker.link.tick(now);
            let wake = self.drain();
            self.show();
            let patience = wake.map_or(LONG, |wake| wake.since(now.mono).min(LONG));
            for &number in poller.wait_for(patience) {
                match number {
                    STOP => return Ok(()),
                    DEVICE => self.packets()?,
                    number => self.frames(number == HELLOS)?,
                }
            }
        }
    }

    /// Packets of this host.
    fn packets(&mut self) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            let Worker { tun, link, clock, .. } = &mut self.worker;
            match tun.receive(&mut self.buffer) {
                Ok(length) => {
                    let packet = self.buffer.get(..length).unwrap_or_default();
                    link.handle(clock.now(), LinkInput::Packet(packet));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            self.drain();
        }
        Ok(())
    }

    /// Frames of the other end.
    fn frames(&mut self, hellos: bool) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            let Worker { road, link, clock, .. } = &mut self.worker;
            match road.receive(hellos, &mut self.buffer) {
                Ok(Some((kind, bytes))) => link.handle(clock.now(), LinkInput::Frame(kind, bytes)),
                Ok(None) => break,
                Err(error) => return Err(error),
            }
            self.drain();
        }
        Ok(())
    }

    /// Does what the link wants. Answers when it wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        let Worker { name, link, tun, road, shown, .. } = &mut self.worker;
        loop {
            match link.poll(&mut self.scratch) {
                Step::Event(LinkEvent::Send { kind, range }) => {
                    if road.send(kind, self.scratch.get(range)).is_err() {
                        shown.update(|shown| shown.unsent += 1);
                    }
                }
                Step::Event(LinkEvent::Deliver { range }) => {
                    if tun.send(self.scratch.get(range)).is_err() {
                        shown.update(|shown| shown.undelivered += 1);
                    }
                }
                Step::Event(LinkEvent::Agreed(Some(agreed))) => {
                    let (flows, feedback) = (agreed.cids.highest(), agreed.feedback);
                    tracing::info!(target: "rove::thin", link = name, flows, feedback, "headers are compressed");
                }
                Step::Event(LinkEvent::Agreed(None)) => {
                    tracing::warn!(target: "rove::thin", link = name, "the other end does not agree any more; packets go as they are");
                }
                Step::Wait(until) => {
                    self.scratch.clear();
                    return until;
                }
                // It asks for nothing else.
                Step::Send(_) | Step::Connect(_) | Step::Close(_) | Step::Append(_) => {}
            }
        }
    }

    fn show(&mut self) {
        let (agreed, counts) = (self.worker.link.agreed().is_some(), self.worker.link.counts());
        self.worker.shown.update(|shown| (shown.agreed, shown.counts) = (agreed, counts));
    }
}

const STOP: u64 = 0;
const DEVICE: u64 = 1;
const FRAMES: u64 = 2;
const HELLOS: u64 = 3;
/// Packets of one side before the other has its turn.
const AT_ONCE: usize = 64;
/// The longest sleep.
const LONG: Duration = Duration::from_secs(60);
/// Bytes of a packet, or a frame.
const LONGEST: usize = 65_536 + 64;
