//! The datagram sockets of a role, and the listeners beside them.

use std::{
    future::poll_fn,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::AsFd as _,
    task::Poll,
};

use rove_base::{Scratch, Transmit};
use rove_io::{
    clock::Clock,
    net::{BATCH, BindFailure, Received, RecvBatch, SendBatch, UdpSocket},
};
use tokio::io::Interest;

use super::streams::Streams;

/// One address, bound for datagrams, for streams, or for both.
pub(crate) struct Listener {
    udp: Option<UdpSocket>,
    tcp: Option<TcpListener>,
    address: SocketAddr,
}

/// What an address is bound for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Over {
    Udp,
    Tcp,
    /// Both, at the same port.
    Both,
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    ///
    /// [`CannotBind`].
    pub(crate) fn bind(mut address: SocketAddr, over: Over) -> Result<Self, CannotBind> {
        let (mut udp, mut tcp) = (None, None);
        if over != Over::Tcp {
            let fail = |error: rove_io::net::BindError| CannotBind { over: "UDP", what: error.what };
            let socket = UdpSocket::bind(address).map_err(fail)?;
            address = socket.local_addr();
            udp = Some(socket);
        }
        if over != Over::Udp {
            let fail = |error| CannotBind { over: "TCP", what: failure(error) };
            let listener = TcpListener::bind(address).map_err(fail)?;
            listener.set_nonblocking(true).map_err(fail)?;
            address = listener.local_addr().map_err(fail)?;
            tcp = Some(listener);
        }
        Ok(Self { udp, tcp, address })
    }

    pub(crate) const fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

/// Why an address cannot be used.
pub(crate) struct CannotBind {
    /// UDP or TCP.
    pub(crate) over: &'static str,
    pub(crate) what: BindFailure,
}

/// Datagram sockets with their batches.
pub(super) struct Sockets {
    sockets: Vec<Watched>,
    inbox: RecvBatch,
    outbox: SendBatch,
}

impl Sockets {
    /// Watches the listeners; must be called on the runtime.
    pub(super) fn new(listeners: Vec<(usize, Listener)>) -> io::Result<(Self, Streams)> {
        let (mut sockets, mut streams) = (Vec::new(), Streams::new());
        for (role, Listener { udp, tcp, .. }) in listeners {
            if let Some(udp) = udp {
                sockets.push(Watched::new(role, udp)?);
            }
            if let Some(tcp) = tcp {
                streams.accept_from(role, tokio::net::TcpListener::from_std(tcp)?);
            }
        }
        let (inbox, outbox) = (RecvBatch::new(BATCH, DATAGRAM_BYTES), SendBatch::new(WAITING));
        Ok((Self { sockets, inbox, outbox }, streams))
    }

    /// Waits until a socket has something, and answers which one.
    pub(super) async fn readable(&self) -> usize {
        poll_fn(|cx| {
            for (index, socket) in self.sockets.iter().enumerate() {
                if socket.readiness.poll_recv_ready(cx).is_ready() {
                    return Poll::Ready(index);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Whose socket that is.
    pub(super) fn role(&self, index: usize) -> Option<usize> {
        self.sockets.get(index).map(|socket| socket.role)
    }

    /// Takes one batch from socket `index`.
    pub(super) fn receive(&mut self, index: usize, clock: Clock, visit: impl FnMut(Received<'_>)) {
        let Some(socket) = self.sockets.get(index) else { return };
        let inbox = &mut self.inbox;
        let received =
            socket.readiness.try_io(Interest::READABLE, || match inbox.recv(&socket.udp, clock, visit) {
                // Less than a batch: the socket is empty, and the next wait must ask the system again.
                Ok(count) if count < inbox.capacity() => Err(io::ErrorKind::WouldBlock.into()),
                other => other,
            });
        if let Err(error) = received
            && error.kind() != io::ErrorKind::WouldBlock
        {
            tracing::warn!(target: "rove::sockets", %error, "a socket cannot be read");
        }
    }

    /// Queues a datagram, sending what waits when there is no more room.
    pub(super) fn push(&mut self, transmit: Transmit, scratch: &Scratch) {
        if self.outbox.is_full() {
            self.flush(scratch);
        }
        let _ = self.outbox.push(transmit);
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self, scratch: &Scratch) {
        if self.outbox.is_empty() {
            return;
        }
        let Self { sockets, outbox, .. } = self;
        let find = |local| sockets.iter().map(|watched| &watched.udp).find(|udp| udp.carries(local));
        let counts = outbox.flush(scratch, find);
        if counts.refused + counts.unroutable + counts.blocked > 0 {
            tracing::debug!(target: "rove::sockets", ?counts, "datagrams were dropped");
        }
    }
}

/// A socket, and a second handle to it by which the runtime sees that something waits.
struct Watched {
    role: usize,
    udp: UdpSocket,
    readiness: tokio::net::UdpSocket,
}

impl Watched {
    fn new(role: usize, udp: UdpSocket) -> io::Result<Self> {
        let handle = std::net::UdpSocket::from(udp.as_fd().try_clone_to_owned()?);
        Ok(Self { role, udp, readiness: tokio::net::UdpSocket::from_std(handle)? })
    }
}

fn failure(error: io::Error) -> BindFailure {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindFailure::InUse,
        io::ErrorKind::PermissionDenied => BindFailure::Denied,
        io::ErrorKind::AddrNotAvailable => BindFailure::NotAvailable,
        _ => BindFailure::Other(error),
    }
}

/// The longest datagram there is.
const DATAGRAM_BYTES: usize = 65_535;
/// Datagrams that leave together at most.
const WAITING: usize = 256;
