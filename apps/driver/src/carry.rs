//! One stream from its beginning to its end: a task of its own, so that none waits for another.

use core::time::Duration;
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rove_base::{ClosedBy, Connect, StreamId, Transport};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc::{Sender, UnboundedReceiver},
    time::timeout,
};

use crate::{
    peers, quic,
    tls::{Tls, server_name},
    websocket,
};

/// What a stream's task is told.
pub(crate) enum Order {
    Write(Vec<u8>),
    ReadOn,
}

/// What a stream's task tells.
pub(crate) enum News {
    Accepted(TcpStream, SocketAddr, Kind),
    Incoming(Box<(quinn::Incoming, quinn::Endpoint)>),
    Connected {
        stream: StreamId,
        local: SocketAddr,
        remote: SocketAddr,
        transport: Transport,
        /// Who the other end has shown to be.
        name: Option<String>,
    },
    Bytes(StreamId, Vec<u8>),
    Ended(StreamId, ClosedBy),
}

/// What is spoken where streams are accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) transport: Transport,
    /// Whether those that come must show who they are.
    pub(crate) peers: bool,
}

/// Who has ended a stream in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    Us,
    Peer,
}

/// The ends that a stream's task holds.
pub(crate) struct Carrier {
    pub(crate) stream: StreamId,
    pub(crate) orders: UnboundedReceiver<Order>,
    pub(crate) news: Sender<News>,
    /// Bytes that wait to be written.
    pub(crate) waiting: Arc<Waiting>,
}

/// Bytes that wait for one peer, counted among those that wait for all; given back when nobody knows them any more.
#[derive(Debug)]
pub(crate) struct Waiting {
    own: AtomicUsize,
    all: Arc<AtomicUsize>,
}

impl Waiting {
    pub(crate) const fn new(all: Arc<AtomicUsize>) -> Self {
        Self { own: AtomicUsize::new(0), all }
    }

    /// So many more; answers how many there are now.
    pub(crate) fn add(&self, count: usize) -> usize {
        self.all.fetch_add(count, Ordering::Relaxed);
        self.own.fetch_add(count, Ordering::Relaxed).saturating_add(count)
    }

    pub(crate) fn own(&self) -> usize {
        self.own.load(Ordering::Relaxed)
    }

    fn sub(&self, count: usize) {
        self.all.fetch_sub(count, Ordering::Relaxed);
        self.own.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.fetch_sub(*self.own.get_mut(), Ordering::Relaxed);
    }
}

impl Carrier {
    /// Hands a piece over; the next is read when the machine has dealt with it. `false` when nobody is there any more.
    pub(crate) async fn bytes(&self, bytes: Vec<u8>) -> bool {
        self.news.send(News::Bytes(self.stream, bytes)).await.is_ok()
    }

    pub(crate) fn written(&self, count: usize) {
        self.waiting.sub(count);
    }

    async fn connected(
        &self,
        (local, remote): (SocketAddr, SocketAddr),
        transport: Transport,
        name: Option<String>,
    ) -> io::Result<()> {
        let connected = News::Connected { stream: self.stream, local, remote, transport, name };
        self.news.send(connected).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    async fn end(self, ended: io::Result<Said>) {
        let by = match ended {
            Ok(Said::Us) => ClosedBy::Us,
            Ok(Said::Peer) => ClosedBy::Peer,
            Err(error) => {
                tracing::debug!(target: "rove::streams", stream = self.stream.0, %error, "a stream broke");
                ClosedBy::Failure
            }
        };
        let _ = self.news.send(News::Ended(self.stream, by)).await;
    }
}

/// Opens a stream and carries it.
pub(crate) async fn ask(connect: Connect, tls: Tls, mut carrier: Carrier) {
    let ended = asked(connect, &tls, &mut carrier).await;
    carrier.end(ended).await;
}

async fn asked(connect: Connect, tls: &Tls, carrier: &mut Carrier) -> io::Result<Said> {
    let Connect { remote, transport, name, .. } = connect;
    let opening = async {
        if transport == Transport::Quic {
            let (local, pipe) = quic::open(remote, name.as_deref(), tls.quic()?).await?;
            return Ok((local, None, Opened::Bytes(Box::new(pipe))));
        }
        let tcp = TcpStream::connect(remote).await?;
        tcp.set_nodelay(true)?;
        let local = tcp.local_addr()?;
        let mut shown = None;
        let stream: Box<dyn Pipe> = if transport.is_secure() {
            let name = server_name(name.as_deref(), remote.ip())?;
            let stream = tls.connector().connect(name, tcp).await?;
            shown =
                tls.has_peers().then(|| peers::shown(stream.get_ref().1.peer_certificates())).transpose()?;
            Box::new(stream)
        } else {
            Box::new(tcp)
        };
        if !is_websocket(transport) {
            return Ok((local, shown, Opened::Bytes(stream)));
        }
        let host = websocket::authority(name.as_deref(), remote);
        let socket = websocket::ask(stream, &host, transport.is_secure()).await.map_err(io::Error::other)?;
        Ok::<_, io::Error>((local, shown, Opened::Messages(Box::new(socket))))
    };
    let (local, shown, opened) = timeout(HANDSHAKE, opening).await??;
    carrier.connected((local, remote), transport, shown).await?;
    opened.carry(carrier).await
}

/// Carries a stream that somebody has opened.
pub(crate) async fn accept(
    tcp: TcpStream,
    remote: SocketAddr,
    kind: Kind,
    tls: Tls,
    origins: Arc<[String]>,
    mut carrier: Carrier,
) {
    let ended = accepted(tcp, remote, kind, &tls, &origins, &mut carrier).await;
    carrier.end(ended).await;
}

async fn accepted(
    tcp: TcpStream,
    remote: SocketAddr,
    Kind { transport, peers }: Kind,
    tls: &Tls,
    origins: &[String],
    carrier: &mut Carrier,
) -> io::Result<Said> {
    let local = tcp.local_addr()?;
    tcp.set_nodelay(true)?;
    let opening = async {
        let mut shown = None;
        let stream: Box<dyn Pipe> = match (transport.is_secure(), tls.acceptor(peers)) {
            (false, _) => Box::new(tcp),
            (true, Some(acceptor)) => {
                let stream = acceptor.accept(tcp).await?;
                shown = peers.then(|| peers::shown(stream.get_ref().1.peer_certificates())).transpose()?;
                Box::new(stream)
            }
            (true, None) => return Err(io::ErrorKind::Unsupported.into()),
        };
        if !is_websocket(transport) {
            return Ok((shown, Opened::Bytes(stream)));
        }
        let socket = websocket::accept(stream, origins).await.map_err(io::Error::other)?;
        Ok::<_, io::Error>((shown, Opened::Messages(Box::new(socket))))
    };
    let (shown, opened) = timeout(HANDSHAKE, opening).await??;
    carrier.connected((local, remote), transport, shown).await?;
    opened.carry(carrier).await
}

/// Carries the stream of a connection that somebody opens.
pub(crate) async fn accept_quic(
    incoming: quinn::Incoming,
    endpoint: quinn::Endpoint,
    tls: Tls,
    mut carrier: Carrier,
) {
    let remote = incoming.remote_address();
    let carried = async {
        let opening = quic::accept(incoming, endpoint, tls.quic()?);
        let (local, shown, pipe) = timeout(HANDSHAKE, opening).await??;
        carrier.connected((local, remote), Transport::Quic, shown).await?;
        Opened::Bytes(Box::new(pipe)).carry(&mut carrier).await
    };
    let ended = carried.await;
    carrier.end(ended).await;
}

const fn is_websocket(transport: Transport) -> bool {
    matches!(transport, Transport::Ws | Transport::Wss)
}

/// Whatever carries bytes both ways.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// A stream that stands.
enum Opened {
    Bytes(Box<dyn Pipe>),
    Messages(Box<tokio_tungstenite::WebSocketStream<Box<dyn Pipe>>>),
}

impl Opened {
    async fn carry(self, carrier: &mut Carrier) -> io::Result<Said> {
        match self {
            Self::Bytes(mut pipe) => carry(&mut pipe, carrier).await,
            Self::Messages(mut socket) => {
                websocket::carry(&mut socket, carrier).await.map_err(io::Error::other)
            }
        }
    }
}

async fn carry(pipe: &mut Box<dyn Pipe>, carrier: &mut Carrier) -> io::Result<Said> {
    let mut buffer = vec![0; READ_BYTES];
    let (mut reading, mut wrote) = (true, false);
    loop {
        tokio::select! {
            order = carrier.orders.recv() => match order {
                Some(Order::Write(bytes)) => {
                    timeout(PATIENCE, pipe.write_all(&bytes)).await??;
                    timeout(PATIENCE, pipe.flush()).await??;
                    carrier.written(bytes.len());
                    wrote = true;
                }
                Some(Order::ReadOn) => reading = true,
                None => {
                    timeout(PATIENCE, pipe.shutdown()).await??;
                    if wrote {
                        let _ = timeout(LINGER, drain(pipe, &mut buffer)).await;
                    }
                    return Ok(Said::Us);
                }
            },
            read = pipe.read(&mut buffer), if reading => match read? {
                0 => return Ok(Said::Peer),
                count => {
                    reading = false;
                    if !carrier.bytes(buffer.get(..count).unwrap_or_default().to_vec()).await {
                        return Ok(Said::Us);
                    }
                }
            },
        }
    }
}

/// Reads on until the peer ends too: bytes that nobody reads would make the system throw away our last answer.
async fn drain(pipe: &mut Box<dyn Pipe>, buffer: &mut [u8]) {
    let mut left = MOST_DRAINED;
    while let Ok(count @ 1..) = pipe.read(buffer).await {
        left = left.saturating_sub(count);
        if left == 0 {
            return;
        }
    }
}

/// From the first packet to the end of the last handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A peer that takes nothing for this long is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long the other end may take to end too.
const LINGER: Duration = Duration::from_secs(1);
const MOST_DRAINED: usize = 256 * 1_024;
/// The messages in one piece, and so their answers, are few.
const READ_BYTES: usize = 8 * 1_024;
