//! All streams of one driver: those that a machine asked for, and those that others opened.
//!
//! Back-pressure: a stream's task hands one piece over and reads on only when the machine has dealt with it and every
//! answer has been written. A peer that does not read its answers is not read from, and closed when it does not read
//! for long or when too much waits for it.

use core::time::Duration;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rove_base::{Arrival, ClosedBy, Connect, StreamId, Transport};
use tokio::{
    net::TcpListener,
    sync::mpsc::{Receiver, Sender, UnboundedSender, channel, unbounded_channel},
    task::AbortHandle,
};

use crate::{
    Listener, Tls,
    carry::{self, Carrier, Kind, News, Order, Waiting},
    listener::Bound,
    quic,
};

/// What a stream brought.
#[derive(Debug)]
pub enum StreamEvent {
    /// It stands.
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
    /// Who the other end has shown to be; right after it stands.
    Identified {
        /// Which stream.
        stream: StreamId,
        /// The first name of its certificate.
        name: String,
    },
    /// Bytes, or one message of a WebSocket.
    Bytes {
        /// Which stream.
        stream: StreamId,
        /// At least one byte.
        bytes: Vec<u8>,
    },
    /// It is gone.
    Closed {
        /// Which stream.
        stream: StreamId,
        /// Whose doing it was.
        by: ClosedBy,
    },
}

impl StreamEvent {
    /// As a machine is told.
    #[must_use]
    pub fn arrival(&self) -> Arrival<'_> {
        match *self {
            Self::Connected { stream, local, remote, transport } => {
                Arrival::Connected { stream, local, remote, transport }
            }
            Self::Identified { stream, ref name } => Arrival::Identified { stream, name },
            Self::Bytes { stream, ref bytes } => Arrival::Stream { stream, bytes },
            Self::Closed { stream, by } => Arrival::Closed { stream, by },
        }
    }
}

/// What others may do to the streams of one driver.
#[derive(Clone, Debug)]
pub struct StreamBounds {
    /// Streams in their handshake that others have opened.
    pub shaking: usize,
    /// Bytes that may wait for all peers together; past that, whoever lets most wait loses its stream.
    pub waiting: usize,
    /// Origins (RFC 6454) whose pages may open a WebSocket; none lets all of them. Whoever names no origin is no browser,
    /// and is let.
    pub origins: Arc<[String]>,
}

impl Default for StreamBounds {
    /// 256 handshakes, 64 MiB, any origin.
    fn default() -> Self {
        Self { shaking: 256, waiting: 64 << 20, origins: Arc::new([]) }
    }
}

/// All open streams of one driver.
#[derive(Debug)]
pub struct Streams {
    tls: Tls,
    bounds: StreamBounds,
    /// Bytes that wait for all peers.
    waiting: Arc<AtomicUsize>,
    open: HashMap<StreamId, Open>,
    /// Streams that others have opened and that do not stand yet, oldest first.
    shaking: VecDeque<StreamId>,
    /// The stream whose piece the machine is dealing with.
    current: Option<StreamId>,
    next: u64,
    own: VecDeque<StreamEvent>,
    news: Sender<News>,
    inbox: Receiver<News>,
}

#[derive(Debug)]
struct Open {
    orders: UnboundedSender<Order>,
    waiting: Arc<Waiting>,
    task: AbortHandle,
    /// Whether the machine knows of it.
    known: bool,
}

impl Streams {
    /// No streams yet, within the usual bounds.
    #[must_use]
    pub fn new(tls: Tls) -> Self {
        Self::within(StreamBounds::default(), tls)
    }

    /// No streams yet, within these bounds.
    #[must_use]
    pub fn within(bounds: StreamBounds, tls: Tls) -> Self {
        let (news, inbox) = channel(WAITING);
        Self {
            tls,
            bounds,
            waiting: Arc::new(AtomicUsize::new(0)),
            open: HashMap::new(),
            shaking: VecDeque::new(),
            current: None,
            next: 1,
            own: VecDeque::new(),
            news,
            inbox,
        }
    }

    /// Streams that come from now on see this.
    pub fn set_tls(&mut self, tls: Tls) {
        self.tls = tls;
    }

    /// Takes what connects to `listener`; must be called on the runtime.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch it.
    pub fn accept_from(&mut self, listener: Listener) -> io::Result<()> {
        let kind = Kind { transport: listener.transport, peers: listener.peers };
        match listener.bound {
            Bound::Tcp(tcp) => {
                let tcp = TcpListener::from_std(tcp)?;
                drop(tokio::spawn(accept(tcp, kind, self.news.clone())));
            }
            Bound::Quic(socket) => {
                let quic = self.tls.quic()?;
                drop(tokio::spawn(accept_quic(quic::endpoint(socket, quic)?, self.news.clone())));
            }
        }
        Ok(())
    }

    /// Opens a stream in the background; must be called on the runtime.
    pub fn connect(&mut self, connect: Connect) {
        let (stream, tls) = (connect.stream, self.tls.clone());
        self.start(stream, true, |carrier| tokio::spawn(carry::ask(connect, tls, carrier)).abort_handle());
    }

    /// Writes `bytes`. A peer that lets too much wait loses the stream instead of filling memory.
    pub fn send(&mut self, stream: StreamId, bytes: &[u8]) {
        let Some(open) = self.open.get(&stream) else { return };
        let waiting = open.waiting.add(bytes.len());
        let all = self.waiting.load(Ordering::Relaxed);
        if waiting > MOST_WAITING || all > self.bounds.waiting && waiting > FAIR {
            tracing::debug!(target: "rove::streams", stream = stream.0, "a peer does not read");
            open.task.abort();
            self.open.remove(&stream);
            self.own.push_back(StreamEvent::Closed { stream, by: ClosedBy::Failure });
        } else {
            let _ = open.orders.send(Order::Write(bytes.to_vec()));
        }
    }

    /// Bytes that wait to be sent on a stream.
    #[must_use]
    pub fn waiting(&self, stream: StreamId) -> usize {
        self.open.get(&stream).map_or(0, |open| open.waiting.own())
    }

    /// Closes a stream once what was sent on it has left.
    pub fn close(&mut self, stream: StreamId) {
        self.open.remove(&stream);
    }

    /// The machine has dealt with the last piece: its stream may be read on.
    pub fn read_on(&mut self) {
        if let Some(open) = self.current.take().and_then(|stream| self.open.get(&stream)) {
            let _ = open.orders.send(Order::ReadOn);
        }
    }

    /// Closes all streams, and waits until what was sent on them has left, but no longer than `patience`.
    pub async fn finish(mut self, patience: Duration) {
        let mut left: HashSet<StreamId> = self.open.drain().map(|(stream, _)| stream).collect();
        let ended = async {
            while !left.is_empty() {
                if let Some(News::Ended(stream, _)) = self.inbox.recv().await {
                    left.remove(&stream);
                }
            }
        };
        // Whoever does not read keeps nobody here.
        let _ = tokio::time::timeout(patience, ended).await;
    }

    /// How many streams there are, those included that do not stand yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The next thing that happens on any stream. May be dropped and asked again.
    pub async fn next(&mut self) -> StreamEvent {
        loop {
            if let Some(event) = self.own.pop_front() {
                return event;
            }
            match self.inbox.recv().await {
                Some(News::Accepted(tcp, remote, kind)) => self.accepted(|tls, origins, carrier| {
                    tokio::spawn(carry::accept(tcp, remote, kind, tls, origins, carrier)).abort_handle()
                }),
                Some(News::Incoming(incoming)) => self.accepted(|tls, _, carrier| {
                    let (incoming, endpoint) = *incoming;
                    tokio::spawn(carry::accept_quic(incoming, endpoint, tls, carrier)).abort_handle()
                }),
                Some(News::Connected { stream, local, remote, transport, name }) => {
                    self.shaking.retain(|shaking| *shaking != stream);
                    if let Some(open) = self.open.get_mut(&stream) {
                        open.known = true;
                        self.own.extend(name.map(|name| StreamEvent::Identified { stream, name }));
                        return StreamEvent::Connected { stream, local, remote, transport };
                    }
                }
                Some(News::Bytes(stream, bytes)) if self.open.contains_key(&stream) => {
                    self.current = Some(stream);
                    return StreamEvent::Bytes { stream, bytes };
                }
                Some(News::Bytes(..)) => {}
                Some(News::Ended(stream, by)) => {
                    self.shaking.retain(|shaking| *shaking != stream);
                    // One that the machine has closed is no news for it, nor is one it never heard of.
                    if self.open.remove(&stream).is_some_and(|open| open.known) || by == ClosedBy::Us {
                        return StreamEvent::Closed { stream, by };
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// The driver names the streams it accepts with odd numbers. Those whose handshake takes its time give way to those
    /// that come: whoever means it is done within a few round trips.
    fn accepted(&mut self, spawn: impl FnOnce(Tls, Arc<[String]>, Carrier) -> AbortHandle) {
        let stream = StreamId(self.next);
        self.next = self.next.wrapping_add(2);
        let (tls, origins) = (self.tls.clone(), Arc::clone(&self.bounds.origins));
        self.start(stream, false, |carrier| spawn(tls, origins, carrier));
        self.shaking.push_back(stream);
        if self.shaking.len() > self.bounds.shaking
            && let Some(oldest) = self.shaking.pop_front().and_then(|oldest| self.open.remove(&oldest))
        {
            oldest.task.abort();
        }
    }

    fn start(&mut self, stream: StreamId, known: bool, spawn: impl FnOnce(Carrier) -> AbortHandle) {
        let (orders, inbox) = unbounded_channel();
        let waiting = Arc::new(Waiting::new(Arc::clone(&self.waiting)));
        let (news, counter) = (self.news.clone(), Arc::clone(&waiting));
        let task = spawn(Carrier { stream, orders: inbox, news, waiting: counter });
        self.open.insert(stream, Open { orders, waiting, task, known });
    }
}

async fn accept(listener: TcpListener, kind: Kind, news: Sender<News>) {
    loop {
        match listener.accept().await {
            Ok((tcp, remote)) => {
                if news.send(News::Accepted(tcp, remote, kind)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(target: "rove::streams", %error, "a stream was not accepted");
                // Out of descriptors, most likely: give streams time to end.
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

async fn accept_quic(endpoint: quinn::Endpoint, news: Sender<News>) {
    while let Some(incoming) = endpoint.accept().await {
        if news.send(News::Incoming(Box::new((incoming, endpoint.clone())))).await.is_err() {
            return;
        }
    }
}

/// Pause after a failure to accept.
const BREATHER: Duration = Duration::from_millis(100);
/// Pieces that may wait for the machine.
const WAITING: usize = 64;
/// Bytes that may wait for one peer.
const MOST_WAITING: usize = 1 << 20;
/// What one peer may always let wait, that one long answer does not end its stream.
const FAIR: usize = 64 * 1_024;

#[cfg(test)]
mod tests;
