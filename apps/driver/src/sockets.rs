//! Datagram sockets, read and written in batches.

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
    task::Poll,
};

use rove_base::Scratch;
use rove_io::{
    clock::Clock,
    net::{Received, RecvBatch, SendBatch, UdpSocket},
};
use tokio::io::{Interest, unix::AsyncFd};

/// Sockets with their batches. Bytes never pass through the runtime, which only tells when something waits.
pub struct Sockets {
    sockets: Vec<Watched>,
    inbox: RecvBatch,
    outbox: SendBatch,
}

/// A socket, and a second handle on it through which the runtime tells when it can be read. Bytes never pass through
/// the second one. The runtime is not asked when it can be written: it would wake us after each batch that has left.
struct Watched {
    socket: UdpSocket,
    readiness: AsyncFd<OwnedFd>,
}

impl Watched {
    #[expect(
        deprecated,
        reason = "unsound only for types that may let go of their descriptor; an OwnedFd does not"
    )]
    fn new(socket: UdpSocket) -> io::Result<Self> {
        let handle = socket.as_fd().try_clone_to_owned()?;
        Ok(Self { readiness: AsyncFd::with_interest(handle, Interest::READABLE)?, socket })
    }
}

impl Sockets {
    /// Watches sockets; must be called on the runtime.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch one.
    pub fn new(sockets: Vec<UdpSocket>) -> io::Result<Self> {
        let sockets = sockets.into_iter().map(Watched::new).collect::<io::Result<_>>()?;
        Ok(Self {
            sockets,
            inbox: RecvBatch::new(rove_io::net::BATCH, DATAGRAM_BYTES),
            outbox: SendBatch::new(WAITING),
        })
    }

    /// Binds one more socket and answers its address.
    ///
    /// # Errors
    ///
    /// When it cannot be bound or watched.
    pub fn open(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let socket = UdpSocket::bind(address).map_err(io::Error::other)?;
        let local = socket.local_addr();
        self.sockets.push(Watched::new(socket)?);
        Ok(local)
    }

    /// Waits until a socket has something, and answers which one.
    pub async fn readable(&self) -> usize {
        poll_fn(|cx| {
            for (index, socket) in self.sockets.iter().enumerate() {
                if socket.readiness.poll_read_ready(cx).is_ready() {
                    return Poll::Ready(index);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Takes one batch from socket `index`.
    pub fn receive(&mut self, index: usize, clock: Clock, visit: impl FnMut(Received<'_>)) {
        self.receive_batch(index, clock, visit);
    }

    /// The same, and answers whether it was a full one, so that more may wait.
    pub fn receive_batch(&mut self, index: usize, clock: Clock, visit: impl FnMut(Received<'_>)) -> bool {
        let Some(socket) = self.sockets.get(index) else { return false };
        let mut taken = 0;
        let received = socket.readiness.try_io(Interest::READABLE, |_| {
            let received = self.inbox.recv(&socket.socket, clock, visit);
            taken = received.as_ref().map_or(0, |count| *count);
            match received {
                // Less than a batch: the socket is empty, and the next wait must ask the system again.
                Ok(count) if count < self.inbox.capacity() => Err(io::ErrorKind::WouldBlock.into()),
                other => other,
            }
        });
        if let Err(error) = received
            && error.kind() != io::ErrorKind::WouldBlock
        {
            tracing::warn!(target: "rove::sockets", %error, "a socket cannot be read");
        }
        taken == self.inbox.capacity()
    }

    /// Queues a datagram, sending what waits when there is no more room.
    pub fn push(&mut self, transmit: rove_base::Transmit, scratch: &Scratch) {
        if self.outbox.is_full() {
            self.flush(scratch);
        }
        let _ = self.outbox.push(transmit);
    }

    /// Sends what waits.
    pub fn flush(&mut self, scratch: &Scratch) {
        if self.outbox.is_empty() {
            return;
        }
        let Self { sockets, outbox, .. } = self;
        let counts = outbox.flush(scratch, |local| {
            sockets.iter().map(|watched| &watched.socket).find(|socket| socket.carries(local))
        });
        if counts.refused + counts.unroutable + counts.blocked > 0 {
            tracing::debug!(target: "rove::sockets", ?counts, "datagrams were dropped");
        }
    }
}

/// The address of this host that packets to `remote` leave from; asks the routing table, sends nothing.
///
/// # Errors
///
/// When no route leads there.
pub fn address_toward(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = std::net::UdpSocket::bind(any)?;
    probe.connect(remote)?;
    Ok(probe.local_addr()?.ip())
}

/// The longest datagram there is, and so much more that no two of a batch begin at the same place of the processor's
/// cache.
const DATAGRAM_BYTES: usize = 65_536 + 192;
/// Datagrams that leave together at most.
const WAITING: usize = 256;
