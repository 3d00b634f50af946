//! The way to a TURN server that is reached by a stream (RFC 8656 §3.1), over TCP or TLS, where UDP does not lead: a port beside
//! the call's own that looks like the server. What is sent there goes on as a part of the stream, and what the server says comes
//! from there.
//!
//! ```text
//!  the call's port  ◀── datagrams ──▶  this port │ one thread │ one stream  ◀── TCP, TLS ──▶  server
//! ```
//!
//! Nothing waits for the stream: where it stalls, the oldest media are thrown away. With TCP no packet costs an allocation; with
//! TLS rustls makes some.

use core::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use std::{
    io,
    net::{SocketAddr, UdpSocket as Port},
    os::fd::AsFd as _,
    thread,
};

use rove_driver::{Beside, Pipe, Tls};
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, ReadBuf},
    net::UdpSocket,
    sync::oneshot,
    time::timeout,
};

use super::frames::{Inbox, Lost, Outbox};

/// A server that is reached by a stream.
#[derive(Clone, Debug)]
pub(super) struct Far {
    pub(super) server: SocketAddr,
    /// Over TLS: whose authorities are believed, and whose certificate is expected, that of the address when `None`.
    pub(super) secure: Option<(Tls, Option<String>)>,
}

/// One way to one server.
pub(super) struct Bridge {
    at: SocketAddr,
    stands: oneshot::Receiver<io::Result<()>>,
    life: oneshot::Sender<()>,
}

impl Bridge {
    /// Begins to open a stream to `far`, for `port` alone. What does not stand within `patience` never will.
    pub(super) fn open(port: &Port, far: Far, patience: Duration) -> io::Result<Self> {
        let beside = Beside::new(port)?;
        let socket = beside.port()?;
        let at = socket.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let ((tell, stands), (life, end)) = (oneshot::channel(), oneshot::channel());
        let run = move || {
            let server = far.server;
            let stands = open(&beside, &far, patience);
            match runtime.block_on(run(socket, stands, tell, end)) {
                Ok(0) => {}
                Ok(dropped) => {
                    tracing::info!(target: "rove::turn", %server, dropped, "media that would have been late by the relay's stream");
                }
                Err(error) => {
                    tracing::warn!(target: "rove::turn", %server, %error, "the stream to the relay has ended");
                }
            }
        };
        thread::Builder::new().name("rove-turn".into()).spawn(run)?;
        Ok(Self { at, stands, life })
    }

    /// The port that stands for the server.
    pub(super) const fn at(&self) -> SocketAddr {
        self.at
    }

    /// Whether the stream stands. `None`: not yet. To be asked until it does, or never will.
    pub(super) fn stands(&mut self) -> Option<io::Result<()>> {
        match self.stands.try_recv() {
            Ok(told) => Some(told),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// The way is there as long as this is held.
    pub(super) fn life(self) -> oneshot::Sender<()> {
        self.life
    }
}

async fn open(beside: &Beside, far: &Far, patience: Duration) -> io::Result<Box<dyn Pipe>> {
    let secure = far.secure.as_ref().map(|(tls, name)| (tls, name.as_deref()));
    timeout(patience, beside.stream(far.server, secure)).await?
}

/// Tells whether the stream stands, and carries all that comes until the way is of no more use; answers how many datagrams were
/// thrown away.
async fn run(
    port: Port,
    opening: impl Future<Output = io::Result<Box<dyn Pipe>>>,
    tell: oneshot::Sender<io::Result<()>>,
    mut end: oneshot::Receiver<()>,
) -> io::Result<u64> {
    let opened = tokio::select! {
        // Nobody waits for it any more.
        _ = &mut end => return Ok(0),
        opened = opening => opened.and_then(|stream| Ok((stream, UdpSocket::from_std(port)?))),
    };
    let (stream, port) = match opened {
        Ok(both) => both,
        Err(error) => {
            let _ = tell.send(Err(error));
            return Ok(0);
        }
    };
    let span =
        Span { port, stream, outbox: Outbox::new(), inbox: Inbox::new(), datagram: Box::new([0; DATAGRAM]) };
    match tell.send(Ok(())) {
        Ok(()) => span.carry(end).await,
        Err(_) => Ok(0),
    }
}

/// Both sides, and what is between them.
struct Span {
    port: UdpSocket,
    stream: Box<dyn Pipe>,
    outbox: Outbox,
    inbox: Inbox,
    datagram: Box<[u8; DATAGRAM]>,
}

impl Span {
    async fn carry(mut self, mut end: oneshot::Receiver<()>) -> io::Result<u64> {
        tokio::select! {
            biased;
            _ = &mut end => {}
            error = poll_fn(|cx| self.turn(cx)) => {
                drop(self.stream);
                // Its port stays taken, so that nobody else gets what the call still sends there.
                let _ = end.await;
                return Err(error);
            }
        }
        // The last word, that the address is given back, may still wait; the end of the stream says the same.
        self.take_last()?;
        let last = async {
            poll_fn(|cx| self.write(cx)).await?;
            poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await
        };
        let _: Result<io::Result<()>, _> = timeout(LAST_WORDS, last).await;
        Ok(self.outbox.dropped())
    }

    /// Moves all that can be moved. Ready only when the stream is over: why.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.take(cx);
        if let Poll::Ready(Err(error)) = self.write(cx) {
            return Poll::Ready(error);
        }
        self.read(cx)
    }

    /// Takes what the call sends, whether or not the stream does.
    fn take(&mut self, cx: &mut Context<'_>) {
        loop {
            let mut datagram = ReadBuf::new(&mut *self.datagram);
            match self.port.poll_recv(cx, &mut datagram) {
                Poll::Ready(Ok(())) => self.outbox.push(datagram.filled()),
                Poll::Ready(Err(_)) => {}
                Poll::Pending => return,
            }
        }
    }

    /// Takes what the call has sent, whether or not the runtime has noticed it yet.
    fn take_last(&mut self) -> io::Result<()> {
        let port = Port::from(self.port.as_fd().try_clone_to_owned()?);
        loop {
            match port.recv(&mut *self.datagram) {
                Ok(len) => self.outbox.push(self.datagram.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => {}
            }
        }
    }

    /// Writes what waits. What TLS has taken in leaves before it is given more (rustls would keep 64 KiB, seconds of voice,
    /// where nothing can be thrown away). Ready once all has left.
    fn write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            let Some(front) = self.outbox.front() else { return Poll::Ready(Ok(())) };
            match ready!(Pin::new(&mut self.stream).poll_write(cx, front))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.outbox.left(count),
            }
        }
    }

    /// Hands on what the server says; ready when it says no more: why.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let mut room = ReadBuf::new(self.inbox.room());
            if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room)) {
                return Poll::Ready(error);
            }
            let count = room.filled().len();
            if count == 0 {
                return Poll::Ready(io::ErrorKind::UnexpectedEof.into());
            }
            // What the call does not read in time is lost, as with UDP.
            let port = &self.port;
            let handed = self.inbox.came(count, |message| drop(port.try_send(message)));
            if handed == Err(Lost) {
                return Poll::Ready(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "what is there does not speak TURN",
                ));
            }
        }
    }
}

/// How long the stream may take for what waits when the call is over.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes of a datagram that are read: more than of any that is passed on.
const DATAGRAM: usize = 2_048;

#[cfg(test)]
mod tests;
