//! The one shape every protocol in this workspace has.

use std::net::SocketAddr;

use crate::{Dscp, Flow, Instant, Now, Scratch, Span, StreamId, Transport};

/// A protocol that does no I/O. Drive it: one [`handle`](Self::handle) or [`tick`](Self::tick), then
/// [`poll`](Self::poll) until it says [`Step::Wait`], then sleep.
///
/// A machine owns no socket, thread, clock, file or global: time, bytes, randomness and durability are handed in.
pub trait Machine {
    /// What can happen to it.
    type Input<'a>;
    /// What its owner is told.
    type Event;

    /// Reports that `input` happened at `now`.
    fn handle(&mut self, now: Now, input: Self::Input<'_>);

    /// Reports that it is `now` and nothing else happened. Harmless when early.
    fn tick(&mut self, now: Now);

    /// The next thing to do; bytes to send are written into `out`. [`Step::Wait`] ends the drain and, until the next
    /// input, repeats.
    fn poll(&mut self, out: &mut Scratch) -> Step<Self::Event>;
}

/// What a [`Machine`] asks of its driver. Owns all it carries, so a machine can contain machines.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Step<E> {
    /// Put these bytes on the wire.
    Send(Transmit),
    /// Open a stream; [`Arrival::Connected`] or [`Arrival::Closed`] answers.
    Connect(Connect),
    /// Close a stream once what was sent on it has left.
    Close(StreamId),
    /// Make this record durable; [`Arrival::Durable`] answers. Until then nothing may show that it happened.
    Append(Append),
    /// Tell the owner.
    Event(E),
    /// Nothing to do before this instant (`None`: until the next input).
    Wait(Option<Instant>),
}

impl<E> Step<E> {
    /// The same step with its event, if it is one, turned into another.
    pub fn map<F>(self, turn: impl FnOnce(E) -> F) -> Step<F> {
        match self.nested() {
            Nested::Event(event) => Step::Event(turn(event)),
            Nested::Wait(until) => Step::Wait(until),
            Nested::Pass(step) => step,
        }
    }

    /// Sorts a step of a machine inside another: its events and waits are the outer machine's business, everything
    /// else passes through unchanged.
    pub fn nested<F>(self) -> Nested<E, F> {
        match self {
            Self::Event(event) => Nested::Event(event),
            Self::Wait(until) => Nested::Wait(until),
            Self::Send(transmit) => Nested::Pass(Step::Send(transmit)),
            Self::Connect(connect) => Nested::Pass(Step::Connect(connect)),
            Self::Close(stream) => Nested::Pass(Step::Close(stream)),
            Self::Append(append) => Nested::Pass(Step::Append(append)),
        }
    }
}

/// What the owner of a nested machine has to do with its step.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Nested<E, F> {
    /// Act on it.
    Event(E),
    /// Remember it; the outer machine waits for the earliest of all.
    Wait(Option<Instant>),
    /// Hand it to the driver.
    Pass(Step<F>),
}

/// Bytes to send: one datagram, or a piece of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Transmit {
    /// Which way.
    pub flow: Flow,
    /// Which bytes of the scratch.
    pub range: Span,
    /// How the IP packet is marked.
    pub dscp: Dscp,
}

/// A stream to be opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connect {
    /// The machine's name for it, even.
    pub stream: StreamId,
    /// Where to.
    pub remote: SocketAddr,
    /// In what.
    pub transport: Transport,
    /// Whose certificate is expected: a host name, or an address as text. `None` where nothing is secured, or when the
    /// address alone is known.
    pub name: Option<String>,
}

/// A record for the journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Append {
    /// Which bytes of the scratch.
    pub range: Span,
    /// What [`Arrival::Durable`] will carry.
    pub ticket: Ticket,
}

/// Names one record between a machine and its journal. Grows by one with each record of a machine.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket(pub u64);

/// What the network and the journal bring to a machine.
///
/// Back-pressure: while more than the driver's high-water mark waits to leave on a stream, the driver reads no more
/// from that stream, so a peer that does not read its answers cannot make its questions pile up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival<'a> {
    /// One whole datagram.
    Datagram {
        /// Which way it came; `Flow::Udp` always.
        flow: Flow,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// The next bytes of a stream, cut anywhere.
    Stream {
        /// Which stream.
        stream: StreamId,
        /// At least one byte.
        bytes: &'a [u8],
    },
    /// A stream stands: one that was asked for, or one that was accepted.
    Connected {
        /// Which stream.
        stream: StreamId,
        /// Our end.
        local: SocketAddr,
        /// The other end.
        remote: SocketAddr,
        /// In what.
        transport: Transport,
    },
    /// The other end of a stream showed a certificate that was verified; comes right after [`Arrival::Connected`], and
    /// only where the stream's listener or connector asks for one.
    Identified {
        /// Which stream.
        stream: StreamId,
        /// The first DNS name of the certificate, in lower case.
        name: &'a str,
    },
    /// A stream is gone, or could not be opened. Nothing more arrives on it.
    Closed {
        /// Which stream.
        stream: StreamId,
        /// Whose doing it was.
        by: ClosedBy,
    },
    /// All records up to and including `ticket` are on stable storage.
    Durable {
        /// The newest durable record.
        ticket: Ticket,
    },
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClosedBy {
    /// We asked for it.
    Us,
    /// The peer ended it in order.
    Peer,
    /// It could not be opened, or broke.
    Failure,
}
