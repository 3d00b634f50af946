//! The streams that clients open, one task each.
//!
//! Back-pressure: a task hands one piece over and reads on only when the role has dealt with it and every answer has
//! been written. A peer that does not read its answers is not read from, and closed when it does not read for long.

use core::time::Duration;
use std::{collections::HashMap, io, net::SocketAddr};

use rove_base::{ClosedBy, StreamId, Transport};
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
    Accepted(TcpStream, SocketAddr),
    Bytes(StreamId, Vec<u8>),
    Ended(StreamId, ClosedBy),
}

/// All open streams of one driver.
pub(super) struct Streams {
    open: HashMap<StreamId, UnboundedSender<Order>>,
    /// The stream whose piece the role is dealing with.
    current: Option<StreamId>,
    next: u64,
    news: Sender<News>,
    inbox: Receiver<News>,
}

impl Streams {
    pub(super) fn new() -> Self {
        let (news, inbox) = channel(WAITING);
        Self { open: HashMap::new(), current: None, next: 1, news, inbox }
    }

    /// Takes what connects to `listener`; must be called on the runtime.
    pub(super) fn accept_from(&mut self, listener: TcpListener) {
        tokio::spawn(accept(listener, self.news.clone()));
    }

    /// The next thing that happens on any stream.
    pub(super) async fn next(&mut self) -> StreamEvent {
        loop {
            match self.inbox.recv().await {
                Some(News::Accepted(tcp, remote)) => {
                    if let Ok(local) = tcp.local_addr() {
                        return self.open(tcp, local, remote);
                    }
                }
                Some(News::Bytes(stream, bytes)) => {
                    self.current = Some(stream);
                    return StreamEvent::Bytes { stream, bytes };
                }
                Some(News::Ended(stream, by)) => {
                    self.open.remove(&stream);
                    return StreamEvent::Closed { stream, by };
                }
                None => std::future::pending().await,
            }
        }
    }

    /// The driver names the streams it accepts with odd numbers.
    fn open(&mut self, tcp: TcpStream, local: SocketAddr, remote: SocketAddr) -> StreamEvent {
        let stream = StreamId(self.next);
        self.next = self.next.wrapping_add(2);
        let (orders, inbox) = unbounded_channel();
        self.open.insert(stream, orders);
        tokio::spawn(carry(stream, tcp, inbox, self.news.clone()));
        StreamEvent::Connected { stream, local, remote, transport: Transport::Tcp }
    }

    /// Writes `bytes`.
    pub(super) fn send(&mut self, stream: StreamId, bytes: &[u8]) {
        if let Some(orders) = self.open.get(&stream) {
            let _ = orders.send(Order::Write(bytes.to_vec()));
        }
    }

    /// Closes a stream once what was sent on it has left.
    pub(super) fn close(&mut self, stream: StreamId) {
        self.open.remove(&stream);
    }

    /// Roles of a node answer; none of them connects yet.
    pub(super) fn refuse(&mut self, stream: StreamId) {
        tracing::error!(target: "rove::streams", stream = stream.0, "this node opens no streams");
    }

    /// The role has dealt with the last piece: its stream may be read on.
    pub(super) fn read_on(&mut self) {
        if let Some(orders) = self.current.take().and_then(|stream| self.open.get(&stream)) {
            let _ = orders.send(Order::ReadOn);
        }
    }
}

async fn accept(listener: TcpListener, news: Sender<News>) {
    loop {
        match listener.accept().await {
            Ok((tcp, remote)) => {
                if news.send(News::Accepted(tcp, remote)).await.is_err() {
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
async fn carry(
    stream: StreamId,
    mut tcp: TcpStream,
    mut orders: UnboundedReceiver<Order>,
    news: Sender<News>,
) {
    let by = match converse(stream, &mut tcp, &mut orders, &news).await {
        Ok(by) => by,
        Err(error) => {
            tracing::debug!(target: "rove::streams", stream = stream.0, %error, "a stream broke");
            ClosedBy::Failure
        }
    };
    let _ = news.send(News::Ended(stream, by)).await;
}

async fn converse(
    stream: StreamId,
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
                    if news.send(News::Bytes(stream, bytes)).await.is_err() {
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
