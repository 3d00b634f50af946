//! The link that terminals are on: its DHCP servers, and its router's word on them.

use std::{
    future::poll_fn,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    task::Poll,
};

use rove_base::UdpFlow;
use rove_io::raw::{DhcpSocket, RouterSocket};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::Notify,
    time::{Duration, Instant, sleep_until},
};

/// What a role has on such a link; nothing for most.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// The servers' sockets.
    pub(crate) dhcp: Vec<DhcpSocket>,
    /// The router, what it advertises, and what it says at its end.
    pub(crate) router: Option<Router>,
}

/// A router that tells hosts of itself.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) socket: RouterSocket,
    pub(crate) advertisement: Vec<u8>,
    /// The same of a router that is none any more.
    pub(crate) farewell: Vec<u8>,
}

/// An [`Access`] at work.
pub(super) struct Link {
    servers: Vec<Watched>,
    over: Arc<Notify>,
}

/// A socket, and a second handle on it through which the runtime tells when it can be read.
struct Watched {
    socket: DhcpSocket,
    readiness: AsyncFd<OwnedFd>,
}

impl Link {
    /// Must be called on the runtime.
    pub(super) fn new(access: Access) -> io::Result<Self> {
        let watch = |socket: DhcpSocket| {
            let readiness = watched(&socket)?;
            Ok(Watched { socket, readiness })
        };
        let servers = access.dhcp.into_iter().map(watch).collect::<io::Result<_>>()?;
        let over = Arc::new(Notify::new());
        if let Some(router) = access.router {
            let readiness = watched(&router.socket)?;
            tokio::spawn(advertise(router, readiness, Arc::clone(&over)));
        }
        Ok(Self { servers, over })
    }

    /// Waits until a server's socket has something, and answers which one. May be dropped and asked again.
    pub(super) async fn readable(&self) -> usize {
        poll_fn(|cx| {
            let ready = |server: &Watched| server.readiness.poll_read_ready(cx).is_ready();
            self.servers.iter().position(ready).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Takes a batch from server `index`.
    pub(super) fn receive(&mut self, index: usize, mut visit: impl FnMut(UdpFlow, &[u8])) {
        let Some(Watched { socket, readiness }) = self.servers.get_mut(index) else { return };
        for _ in 0..BATCH {
            let got = readiness
                .try_io(Interest::READABLE, |_| socket.recv().map(|(flow, bytes)| visit(flow, bytes)));
            match got {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    return tracing::warn!(target: "rove::dhcp", %error, "a socket cannot be read");
                }
            }
        }
    }

    /// Sends what belongs to one of its servers; `false` when none of them does.
    pub(super) fn send(&mut self, flow: UdpFlow, bytes: &[u8]) -> bool {
        let server = self.servers.iter_mut().find(|server| server.socket.carries(flow.local));
        let Some(server) = server else { return false };
        if let Err(error) = server.socket.send(flow, bytes) {
            // The client asks again.
            tracing::debug!(target: "rove::dhcp", to = %flow.remote, %error, "an answer was not sent");
        }
        true
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.over.notify_one();
    }
}

#[expect(
    deprecated,
    reason = "unsound only for types that may let go of their descriptor; an OwnedFd does not"
)]
fn watched(socket: &impl AsFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(socket.as_fd().try_clone_to_owned()?, Interest::READABLE)
}

/// Tells the hosts of the link, when they ask and from time to time (RFC 4861 §6.2.4, §6.2.6).
async fn advertise(mut router: Router, readiness: AsyncFd<OwnedFd>, over: Arc<Notify>) {
    let mut told = None;
    let mut beginning = BEGINNING;
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = over.notified() => break,
            () = sleep_until(next) => {
                tell(&router.socket, &router.advertisement);
                let now = Instant::now();
                let pause = if beginning > 0 { SHORT_INTERVAL } else { INTERVAL };
                (told, next, beginning) = (Some(now), now + pause, beginning.saturating_sub(1));
            }
            ready = readiness.readable() => {
                let Ok(mut ready) = ready else { break };
                if matches!(ready.try_io(|_| router.socket.asked()), Ok(Ok(true))) {
                    let soonest = told.map_or_else(Instant::now, |told| told + SHORTEST);
                    next = next.min(soonest);
                }
            }
        }
    }
    tell(&router.socket, &router.farewell);
}

fn tell(socket: &RouterSocket, message: &[u8]) {
    if let Err(error) = socket.tell(message) {
        tracing::debug!(target: "rove::dhcp", %error, "hosts were not told of this router");
    }
}

/// Messages that are taken at once.
const BATCH: usize = 64;
/// Advertisements at first that follow each other sooner, and how soon (RFC 4861 §6.2.4, §10).
const BEGINNING: u8 = 2;
const SHORT_INTERVAL: Duration = Duration::from_secs(16);
/// Between advertisements that nobody asked for.
const INTERVAL: Duration = Duration::from_secs(200);
/// Between any two.
const SHORTEST: Duration = Duration::from_secs(3);
