//! The media thread: between sockets and streams, without allocation per packet, never waiting for anyone.
//!
//! ```text
//!  control ── add, remove ──▶ FIFO + wake ──▶ ┌ one turn ──────────────────────────────────────────────┐
//!                                             │ ppoll(sockets, wake, next deadline)                    │
//!                                             │ recvmmsg ▶ stream.handle(Datagram) ▶ packet ring       │
//!                                             │            STUN, DTLS ▶ link ▶ way and keys ▶ stream  │
//!                                             │ pcm ring ▶ stream.handle(Pcm);  meter ▶ handle(Meter)  │
//!  control ◀── MediaEvent ◀── FIFO + callback │ stream.poll ▶ events;  sendmmsg                        │
//!                                             └────────────────────────────────────────────────────────┘
//! ```
//! While a call captures sound it turns at least every [`CAPTURE_TURN`]; else it sleeps until a packet or a deadline.

mod call;
mod losing;
mod poll;
mod priority;
mod routes;
mod wake;
mod worker;

#[cfg(test)]
mod tests;

pub use losing::Loses;

use std::{
    io,
    sync::mpsc::{self, Receiver, Sender},
    thread::JoinHandle,
    time::Duration,
};

use rove_base::{Candidate, Entropy, Instant, MediaPlan, Quality, RouteKind, SrtpProfile, UdpFlow};
use rove_core::{
    path::Switched,
    reroute::{Complaint, Rerouted, Tolerance},
    send::Tripped,
    stream::{Digit, Refused, Replan, Stream, StreamError},
};
use rove_nat::{Lent, Link, LinkFailure, NoIdentity, Relink, dtls::Identity};

use self::{
    call::{Call, Change},
    wake::Waker,
    worker::{Command, Note, Worker},
};
use crate::{
    bridge::{MediaEnds, PacketTx},
    clock::Clock,
    net::{SendCounts, UdpSocket},
};

pub use worker::CAPTURE_TURN;

/// What the media thread tells of a call, named by the number it was added with.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum MediaEvent {
    /// The first packet that could be used came.
    FirstPacket {
        /// Which call.
        call: u64,
        /// When it reached this host.
        at: Instant,
    },
    /// The first decoded sample was played.
    FirstAudio {
        /// Which call.
        call: u64,
        /// When it was handed to the device.
        at: Instant,
    },
    /// How the last second was.
    Quality {
        /// Which call.
        call: u64,
        /// As measured.
        quality: Quality,
    },
    /// The peer said goodbye in RTCP.
    PeerBye {
        /// Which call.
        call: u64,
    },
    /// The peer pressed a key.
    Digit {
        /// Which call.
        call: u64,
        /// Which key, and how long.
        digit: Digit,
    },
    /// Another candidate of ours, for the peer to be told (RFC 8838); `None`: there will be no more.
    Candidate {
        /// Which call.
        call: u64,
        /// What the peer is to be told.
        candidate: Option<Candidate>,
    },
    /// Media goes this way from now on: checks found it, or the peer's handshake came from there.
    Routed {
        /// Which call.
        call: u64,
        /// Which way.
        flow: UdpFlow,
        /// What kind of way it is.
        kind: RouteKind,
    },
    /// Both ends agreed on keys, and media is protected with them.
    Secured {
        /// Which call.
        call: u64,
        /// How.
        profile: SrtpProfile,
    },
    /// There is no way to the peer, or there are no keys: no media.
    LinkFailed {
        /// Which call.
        call: u64,
        /// Why.
        why: LinkFailure,
    },
    /// Nothing is sent any more; what comes is still received.
    SendingStopped {
        /// Which call.
        call: u64,
        /// Why.
        why: Tripped,
    },
    /// Packets came to take another route, and this is what it cost.
    Switched {
        /// Which call.
        call: u64,
        /// From where to where, and the gap.
        switched: Switched,
    },
    /// The peer's packets were made to come by a better route.
    Rerouted {
        /// Which call.
        call: u64,
        /// From where to where, why, and what it cost.
        rerouted: Rerouted,
    },
    /// The last seconds were worse than the user puts up with, and the media path knows no better route.
    Complaint {
        /// Which call.
        call: u64,
        /// What was wrong.
        complaint: Complaint,
    },
    /// The call was removed; nothing more is told of it.
    Stopped {
        /// Which call.
        call: u64,
        /// The whole of it.
        summary: Quality,
        /// What went wrong on the way.
        counts: MediaCounts,
    },
}

/// What went wrong with a call's datagrams.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MediaCounts {
    /// What became of those sent.
    pub sent: SendCounts,
    /// Received but not used, by reason.
    pub refused: Refused,
    /// Received from where the peer was never proven to be, and thrown away before anything looked at it.
    pub strangers: u64,
    /// Received but too long for any voice packet, and thrown away.
    pub oversized: u64,
    /// Routes that were to be added, removed or switched to and could not be.
    pub refused_routes: u64,
    /// Network errors that the sockets reported.
    pub network_errors: u64,
}

/// How a running call goes on: all that differs between two plans takes effect, and all else stays. Names, numbers and what
/// is buffered stay as long as the codec does; keys and ways that are to be agreed on in the media path replace those before
/// once they are.
#[derive(Debug)]
pub struct Continuation<'a> {
    /// What was agreed on until now.
    pub before: &'a MediaPlan,
    /// What is agreed on from now on.
    pub after: &'a MediaPlan,
    /// Samples per second of the call's devices, which stay.
    pub rate: u32,
    /// Where packets go that the playout does not understand that there is: [`Continuation::needs_playout`].
    pub packets: Option<PacketTx>,
    /// These take the place of the ports before, unless there are none.
    pub ports: Ports,
}

/// Where a call's media leaves from.
#[derive(Debug, Default)]
pub struct Ports {
    /// One for RTP and one for RTCP, or one for both.
    pub sockets: Vec<UdpSocket>,
    /// What TURN servers lend the first of them.
    pub lent: Vec<Lent>,
}

impl From<Vec<UdpSocket>> for Ports {
    fn from(sockets: Vec<UdpSocket>) -> Self {
        Self { sockets, lent: Vec::new() }
    }
}

impl Continuation<'_> {
    /// Whether what is received is in another format, for which there has to be another playout.
    #[must_use]
    pub fn needs_playout(before: &MediaPlan, after: &MediaPlan) -> bool {
        Replan::<PacketTx>::needs_sink(before, after)
    }
}

/// A media thread and the control side of its FIFOs. Dropping it stops all its calls, with their farewells, and the
/// thread.
#[derive(Debug)]
pub struct MediaThread {
    commands: Sender<Command>,
    notes: Receiver<Note>,
    waker: Waker,
    clock: Clock,
    /// Who this program is where keys are agreed on in the media path.
    identity: Option<Identity>,
    tolerance: Tolerance,
    thread: Option<JoinHandle<()>>,
}

impl MediaThread {
    /// Starts the thread, at realtime priority where the system allows it. `wake` is called from it when there is
    /// something for [`MediaThread::try_event`]; it must not block.
    ///
    /// # Errors
    ///
    /// When the system gives no thread or no descriptors.
    pub fn start(clock: Clock, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (waker, sleeper) = wake::pair()?;
        let ((commands, orders), (tell, notes)) = (mpsc::channel(), mpsc::channel());
        let worker = Worker::new(clock, orders, sleeper, tell, Box::new(wake));
        let thread = std::thread::Builder::new().name("rove-media".into()).spawn(move || worker.run())?;
        Ok(Self {
            commands,
            notes,
            waker,
            clock,
            identity: None,
            tolerance: Tolerance::default(),
            thread: Some(thread),
        })
    }

    /// Calls whose keys are agreed on in the media path show `identity` from now on.
    pub fn identify(&mut self, identity: Identity) {
        self.identity = Some(identity);
    }

    /// Hands over a call: what was agreed, the ports its routes name, and the media thread's ends of its crossings. `call` names it in events; numbers are not used twice.
    ///
    /// # Errors
    ///
    /// [`MediaError`]; then nothing was started.
    pub fn add(
        &self,
        call: u64,
        plan: &MediaPlan,
        ports: impl Into<Ports>,
        ends: MediaEnds,
        mut entropy: Entropy,
    ) -> Result<(), MediaError> {
        let (now, Ports { sockets, lent }) = (self.clock.now(), ports.into());
        let mut link = Link::new(now, plan, self.identity.as_ref(), entropy.fork())?;
        if let Some(link) = &mut link {
            link.borrow(lent);
            self.wish(plan).into_iter().for_each(|wish| link.wish(wish));
        }
        let mut stream = Stream::new(now, plan, ends.packets, entropy)?;
        stream.tolerate(self.tolerance);
        let call = Call::new(call, stream, link, sockets, ends.pcm, ends.meter, plan.direction().sends());
        self.order(Command::Add(Box::new(call)))
    }

    /// Lets a call go on by another plan: see [`Continuation`]. What is still on its way to the sockets before is heard a
    /// little longer. A number that is not there is passed over.
    ///
    /// # Errors
    ///
    /// [`MediaError`]; then nothing has changed.
    pub fn replan(&self, call: u64, going_on: Continuation<'_>, entropy: Entropy) -> Result<(), MediaError> {
        let Continuation { before, after, rate, packets, ports } = going_on;
        let now = self.clock.now();
        let replan = Replan::new(now, before, after, rate, packets)?;
        let relink = Relink::new(now, before, after, self.identity.as_ref(), entropy)?;
        let change = Change { replan, relink, sends: after.direction().sends(), ports };
        self.order(Command::Change { call, change: Box::new(change) })
    }

    /// Ends a call: it says goodbye in RTCP, then [`MediaEvent::Stopped`] has the last word. A number that is not there
    /// is passed over.
    ///
    /// # Errors
    ///
    /// [`MediaError::Gone`].
    pub fn remove(&self, call: u64) -> Result<(), MediaError> {
        self.order(Command::Remove(call))
    }

    /// Tells a call's peer that `key` was pressed for `duration`. A number that is not there is passed over, and so are keys
    /// where none were agreed.
    ///
    /// # Errors
    ///
    /// [`MediaError::Gone`].
    pub fn press(&self, call: u64, key: char, duration: Duration) -> Result<(), MediaError> {
        self.order(Command::Press { call, key, duration })
    }

    /// The peer of a call told another candidate; `None`: there will be no more (RFC 8838). A number that is not there is
    /// passed over, and so is a candidate where no way is looked for.
    ///
    /// # Errors
    ///
    /// [`MediaError::Gone`].
    pub fn add_candidate(&self, call: u64, candidate: Option<Candidate>) -> Result<(), MediaError> {
        self.order(Command::Candidate { call, candidate })
    }

    /// The next thing that happened, if any. Also the place where the parts of ended calls are dropped.
    #[must_use]
    pub fn try_event(&self) -> Option<MediaEvent> {
        self.notes.try_iter().find_map(|note| match note {
            Note::Event(event) => Some(event),
            Note::Retired(call) => {
                drop(call);
                None
            }
            Note::Left(change) => {
                drop(change);
                None
            }
        })
    }

    fn order(&self, command: Command) -> Result<(), MediaError> {
        self.commands.send(command).map_err(|_| MediaError::Gone)?;
        self.waker.wake();
        Ok(())
    }
}

impl Drop for MediaThread {
    fn drop(&mut self) {
        let _ = self.order(Command::Stop);
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(target: "rove::media", "the media thread panicked");
        }
    }
}

/// Why a call cannot be handed to the media thread.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Keys are to be agreed on in the media path, and [`MediaThread::identify`] was never called.
    #[error(transparent)]
    NoIdentity(#[from] NoIdentity),
    /// The thread has ended.
    #[error("the media thread has ended")]
    Gone,
}
