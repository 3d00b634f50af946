//! Batches of datagrams: the loop around the system calls, the same on every system.

use std::{io, net::SocketAddr};

use rove_base::{Flow, Instant, Scratch, Transmit, UdpFlow};

use super::{BATCH, UdpSocket, sys};
use crate::clock::Clock;

/// One datagram that came in.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Which way it came; `local` is the address it was sent to, never the unspecified one.
    pub flow: UdpFlow,
    /// Its payload, or the beginning of it.
    pub bytes: &'a [u8],
    /// When it reached this host, by the kernel's stamp where there is one.
    pub arrived: Instant,
    /// Whether it was longer than the buffer.
    pub truncated: bool,
}

/// Buffers for one system call's worth of incoming datagrams. Allocates once.
#[derive(Debug)]
pub struct RecvBatch {
    inbox: sys::Inbox,
    transient: u64,
}

impl RecvBatch {
    /// Room for `count` datagrams (1 to [`BATCH`]) of `bytes` bytes each; what is longer is cut and says so.
    #[must_use]
    pub fn new(count: usize, bytes: usize) -> Self {
        Self { inbox: sys::Inbox::new(count.clamp(1, BATCH), bytes.max(1)), transient: 0 }
    }

    /// Takes what waits at `socket`, at most one batch, and shows each datagram to `visit`. Answers how many there were:
    /// a full batch means that more may wait. Never blocks.
    ///
    /// # Errors
    ///
    /// Only what makes the socket useless; nothing waiting and network errors of earlier sends are no errors (the
    /// latter are counted in [`RecvBatch::transient_errors`]).
    pub fn recv(
        &mut self,
        socket: &UdpSocket,
        clock: Clock,
        mut visit: impl FnMut(Received<'_>),
    ) -> io::Result<usize> {
        for _ in 0..TRANSIENT_ERRORS {
            match self.inbox.receive(socket, clock, &mut visit) {
                Ok(count) => return Ok(count),
                Err(error) => match Failure::of(&error) {
                    Failure::Blocked => return Ok(0),
                    Failure::Interrupted => {}
                    Failure::Network => self.transient += 1,
                    Failure::Fatal => return Err(error),
                },
            }
        }
        Ok(0)
    }

    /// The most datagrams that one [`RecvBatch::recv`] brings.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inbox.count()
    }

    /// How often the system reported a network error of an earlier send instead of a datagram.
    #[must_use]
    pub fn transient_errors(&self) -> u64 {
        self.transient
    }
}

/// What became of the datagrams given to a [`SendBatch`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SendCounts {
    /// Handed to the network.
    pub sent: u64,
    /// Dropped because the socket's buffer or the device's queue was full.
    pub blocked: u64,
    /// Refused by the system: no route, port unreachable, too long, filtered.
    pub refused: u64,
    /// Dropped because no socket has the flow's local address.
    pub unroutable: u64,
}

impl std::ops::AddAssign for SendCounts {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.blocked += more.blocked;
        self.refused += more.refused;
        self.unroutable += more.unroutable;
    }
}

/// Datagrams waiting to leave together. Allocates once.
///
/// Like the network itself it may lose datagrams, and then counts them: whoever needs them sends again by timer.
#[derive(Debug)]
pub struct SendBatch {
    waiting: Vec<Pending>,
    /// Not all of them leave by one address.
    mixed: bool,
    outbox: sys::Outbox,
}

/// One datagram that waits to leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) flow: UdpFlow,
    pub(super) transmit: Transmit,
    order: usize,
}

impl SendBatch {
    /// Room for `capacity` datagrams.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { waiting: Vec::with_capacity(capacity.max(1)), mixed: false, outbox: sys::Outbox::new() }
    }

    /// Adds a datagram, whose bytes must stay in the scratch until [`SendBatch::flush`]. `false`: full, or not a
    /// datagram; it was not added.
    #[must_use]
    pub fn push(&mut self, transmit: Transmit) -> bool {
        match transmit.flow {
            Flow::Udp(flow) if !self.is_full() => {
                self.mixed |= self.waiting.last().is_some_and(|last| last.flow.local != flow.local);
                self.waiting.push(Pending { flow, transmit, order: self.waiting.len() });
                true
            }
            _ => false,
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the next [`SendBatch::push`] would be refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() == self.waiting.capacity()
    }

    /// Sends all that waits, in order within each flow, one system call per socket and [`BATCH`] datagrams. `socket_of`
    /// names the socket for a flow's local address (see [`UdpSocket::carries`]).
    pub fn flush<'s>(
        &mut self,
        scratch: &Scratch,
        mut socket_of: impl FnMut(SocketAddr) -> Option<&'s UdpSocket>,
    ) -> SendCounts {
        let mut counts = SendCounts::default();
        if std::mem::take(&mut self.mixed) {
            self.waiting.sort_unstable_by_key(|pending| (pending.flow.local, pending.order));
        }
        for group in self.waiting.chunk_by(|a, b| a.flow.local == b.flow.local) {
            match group.first().and_then(|pending| socket_of(pending.flow.local)) {
                Some(socket) => counts += send_group(&mut self.outbox, socket, group, scratch),
                None => counts.unroutable += group.len() as u64,
            }
        }
        self.waiting.clear();
        counts
    }
}

/// Sends `group` through one socket. A failure concerns the first datagram not yet sent: it is tried once more, because
/// the system reports errors of earlier sends this way, then given up.
fn send_group(
    outbox: &mut sys::Outbox,
    socket: &UdpSocket,
    group: &[Pending],
    scratch: &Scratch,
) -> SendCounts {
    let mut counts = SendCounts::default();
    let (mut rest, mut retried) = (group, false);
    while !rest.is_empty() {
        match outbox.send(socket, rest, scratch) {
            Ok(sent) => {
                counts.sent += sent as u64;
                rest = rest.get(sent.max(1)..).unwrap_or_default();
                retried = false;
            }
            Err(error) => match Failure::of(&error) {
                Failure::Interrupted => {}
                Failure::Blocked => {
                    counts.blocked += rest.len() as u64;
                    return counts;
                }
                Failure::Network if !retried => retried = true,
                Failure::Network | Failure::Fatal => {
                    counts.refused += 1;
                    rest = rest.get(1..).unwrap_or_default();
                    retried = false;
                }
            },
        }
    }
    counts
}

/// What an error of a datagram call means for its caller.
enum Failure {
    /// A signal came; try again.
    Interrupted,
    /// Nothing there, or no room now.
    Blocked,
    /// About one peer or path, not about the socket.
    Network,
    /// The call or the socket is wrong.
    Fatal,
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EINTR) => Self::Interrupted,
            Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => Self::Blocked,
            Some(
                libc::ECONNREFUSED
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::ENETDOWN
                | libc::ECONNRESET
                | libc::EPERM
                | libc::EMSGSIZE,
            ) => Self::Network,
            _ => Self::Fatal,
        }
    }
}

/// Errors of earlier sends taken off a socket in one [`RecvBatch::recv`].
const TRANSIENT_ERRORS: usize = 16;
