//! The streams that clients and roles open, one task each.
//!
//! Back-pressure: a task hands one piece over and reads on only when the role has dealt with it and every answer has
//! been written. A peer that does not read its answers is not read from, and closed when it does not read for long.

use core::time::Duration;
use std::{collections::HashMap, io, net::SocketAddr};

use rove_base::{ClosedBy, Connect, StreamId, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel},
    time::timeout,
};

/// What a stream brought.
#[derive(Debug)]
pub(super) enum StreamEvent {
    Connected { stream: StreamId, local: SocketAddr, remote: SocketAddr, transport: Transport },
    Bytes { stream: StreamId, bytes: Vec<u8> },
    Closed { stream: StreamId, by: ClosedBy },
}

/// What a stream's task is told.
enum Order {
    Write(Vec<u8>),
    ReadOn,
}

/// What a stream's task, or a listener's, tells.
enum News {
    Accepted(usize, TcpStream, SocketAddr),
    Opened(Place, SocketAddr, SocketAddr),
    Bytes(Place, Vec<u8>),
    Ended(Place, ClosedBy),
}

/// A stream of a role, by the number of the role.
pub(super) type Place = (usize, StreamId);

/// All open streams of one driver.
pub(super) struct Streams {
    open: HashMap<Place, UnboundedSender<Order>>,
    /// The stream whose piece the role is dealing with.
    current: Option<Place>,
    next: u64,
    news: Sender<News>,
    inbox: Receiver<News>,
}

impl Streams {
    pub(super) fn new() -> Self {
        let (news, inbox) = channel(WAITING);
        Self { open: HashMap::new(), current: None, next: 1, news, inbox }
    }

    /// Takes what connects to the `listener` of a role; must be called on the runtime.
    pub(super) fn accept_from(&mut self, role: usize, listener: TcpListener) {
        tokio::spawn(accept(role, listener, self.news.clone()));
    }

    /// The next thing that happens on any stream.
    pub(super) async fn next(&mut self) -> (usize, StreamEvent) {
        loop {
            match self.inbox.recv().await {
                Some(News::Accepted(role, tcp, remote)) => {
                    if let Ok(local) = tcp.local_addr() {
                        return (role, self.open(role, tcp, local, remote));
                    }
                }
                Some(News::Opened((role, stream), local, remote)) => {
                    return (
                        role,
                        StreamEvent::Connected { stream, local, remote, transport: Transport::Tcp },
                    );
                }
                Some(News::Bytes(place, bytes)) => {
                    self.current = Some(place);
                    return (place.0, StreamEvent::Bytes { stream: place.1, bytes });
                }
                Some(News::Ended(place, by)) => {
                    self.open.remove(&place);
                    return (place.0, StreamEvent::Closed { stream: place.1, by });
                }
                None => std::future::pending().await,
            }
        }
    }

    /// The driver names the streams it accepts with odd numbers.
    fn open(&mut self, role: usize, tcp: TcpStream, local: SocketAddr, remote: SocketAddr) -> StreamEvent {
        let stream = StreamId(self.next);
        self.next = self.next.wrapping_add(2);
        let (orders, inbox) = unbounded_channel();
        self.open.insert((role, stream), orders);
        tokio::spawn(carry((role, stream), tcp, inbox, self.news.clone()));
        StreamEvent::Connected { stream, local, remote, transport: Transport::Tcp }
    }

    /// Writes `bytes`.
    pub(super) fn send(&mut self, stream: Place, bytes: &[u8]) {
        if let Some(orders) = self.open.get(&stream) {
            let _ = orders.send(Order::Write(bytes.to_vec()));
        }
    }

    /// Closes a stream once what was sent on it has left.
    pub(super) fn close(&mut self, stream: Place) {
        self.open.remove(&stream);
    }

    /// Opens a stream for a role.
    pub(super) fn connect(&mut self, role: usize, connect: &Connect) {
        let place = (role, connect.stream);
        let (orders, inbox) = unbounded_channel();
        self.open.insert(place, orders);
        let (remote, news) = (connect.remote, self.news.clone());
        if connect.transport != Transport::Tcp {
            tracing::warn!(target: "rove::streams", over = %connect.transport, "this node opens TCP streams alone");
            tokio::spawn(async move { drop(news.send(News::Ended(place, ClosedBy::Failure)).await) });
            return;
        }
        tokio::spawn(async move {
            let opened = timeout(PATIENCE, TcpStream::connect(remote)).await;
            let Ok(Ok((tcp, local))) =
                opened.map(|tcp| tcp.and_then(|tcp| tcp.local_addr().map(|at| (tcp, at))))
            else {
                return drop(news.send(News::Ended(place, ClosedBy::Failure)).await);
            };
            if news.send(News::Opened(place, local, remote)).await.is_ok() {
                carry(place, tcp, inbox, news).await;
            }
        });
    }

    /// The role has dealt with the last piece: its stream may be read on.
    pub(super) fn read_on(&mut self) {
        if let Some(orders) = self.current.take().and_then(|stream| self.open.get(&stream)) {
            let _ = orders.send(Order::ReadOn);
        }
    }
}

async fn accept(role: usize, listener: TcpListener, news: Sender<News>) {
    loop {
        match listener.accept().await {
            Ok((tcp, remote)) => {
                if news.send(News::Accepted(role, tcp, remote)).await.is_err() {
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

/// One stream from its beginning to its end.
async fn carry(place: Place, mut tcp: TcpStream, mut orders: UnboundedReceiver<Order>, news: Sender<News>) {
    let by = match converse(place, &mut tcp, &mut orders, &news).await {
        Ok(by) => by,
        Err(error) => {
            tracing::debug!(target: "rove::streams", stream = place.1.0, %error, "a stream broke");
            ClosedBy::Failure
        }
    };
    let _ = news.send(News::Ended(place, by)).await;
}

async fn converse(
    place: Place,
    tcp: &mut TcpStream,
    orders: &mut UnboundedReceiver<Order>,
    news: &Sender<News>,
) -> io::Result<ClosedBy> {
    let mut buffer = [0; READ_BYTES];
    let mut reading = true;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Write(bytes)) => timeout(PATIENCE, tcp.write_all(&bytes)).await??,
                Some(Order::ReadOn) => reading = true,
                None => {
                    timeout(PATIENCE, tcp.shutdown()).await??;
                    return Ok(ClosedBy::Us);
                }
            },
            read = tcp.read(&mut buffer), if reading => match read? {
                0 => return Ok(ClosedBy::Peer),
                count => {
                    reading = false;
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    if news.send(News::Bytes(place, bytes)).await.is_err() {
                        return Ok(ClosedBy::Us);
                    }
                }
            },
        }
    }
}

/// A peer that takes nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause after a failure to accept.
const BREATHER: Duration = Duration::from_millis(100);
/// Pieces that may wait for the role.
const WAITING: usize = 64;
/// The questions in one piece, and so their answers, are few.
const READ_BYTES: usize = 4 * 1_024;
