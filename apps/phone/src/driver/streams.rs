//! TCP streams that a machine asked for, for answers that do not fit a datagram.

use core::time::Duration;
use std::collections::HashMap;

use rove_base::{ClosedBy, Connect, StreamId, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

/// What a stream brought.
#[derive(Debug)]
pub(super) enum StreamEvent {
    Connected {
        stream: StreamId,
        local: std::net::SocketAddr,
        remote: std::net::SocketAddr,
        transport: Transport,
    },
    Bytes {
        stream: StreamId,
        bytes: Vec<u8>,
    },
    Closed {
        stream: StreamId,
        by: ClosedBy,
    },
}

/// All open streams of one control thread.
pub(super) struct Streams {
    open: HashMap<StreamId, mpsc::Sender<Vec<u8>>>,
    events: mpsc::Sender<StreamEvent>,
    inbox: mpsc::Receiver<StreamEvent>,
}

impl Streams {
    pub(super) fn new() -> Self {
        let (events, inbox) = mpsc::channel(WAITING);
        Self { open: HashMap::new(), events, inbox }
    }

    /// Opens a stream in the background; must be called on the runtime.
    pub(super) fn connect(&mut self, connect: Connect) {
        let (sender, outgoing) = mpsc::channel(WAITING);
        self.open.insert(connect.stream, sender);
        tokio::spawn(carry(connect, outgoing, self.events.clone()));
    }

    /// Sends on a stream; a peer that does not read loses the stream instead of filling memory.
    pub(super) fn send(&mut self, stream: StreamId, bytes: &[u8]) {
        if self.open.get(&stream).is_some_and(|sender| sender.try_send(bytes.to_vec()).is_err()) {
            self.open.remove(&stream);
        }
    }

    /// Closes a stream once what was sent on it has left.
    pub(super) fn close(&mut self, stream: StreamId) {
        self.open.remove(&stream);
    }

    /// The next thing that happens on any stream.
    pub(super) async fn next(&mut self) -> StreamEvent {
        loop {
            if let Some(event) = self.inbox.recv().await {
                if let StreamEvent::Closed { stream, .. } = event {
                    self.open.remove(&stream);
                }
                return event;
            }
        }
    }
}

/// One stream from connect to close.
async fn carry(connect: Connect, mut outgoing: mpsc::Receiver<Vec<u8>>, events: mpsc::Sender<StreamEvent>) {
    let stream = connect.stream;
    let by = match converse(connect, &mut outgoing, &events).await {
        Ok(by) => by,
        Err(error) => {
            tracing::debug!(target: "rove::streams", stream = stream.0, %error, "stream ended");
            ClosedBy::Failure
        }
    };
    let _ = events.send(StreamEvent::Closed { stream, by }).await;
}

async fn converse(
    connect: Connect,
    outgoing: &mut mpsc::Receiver<Vec<u8>>,
    events: &mpsc::Sender<StreamEvent>,
) -> std::io::Result<ClosedBy> {
    if connect.transport != Transport::Tcp {
        return Err(std::io::ErrorKind::Unsupported.into());
    }
    let mut tcp = tokio::time::timeout(PATIENCE, TcpStream::connect(connect.remote)).await??;
    let (local, remote) = (tcp.local_addr()?, tcp.peer_addr()?);
    let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    let transport = connect.transport;
    let connected = StreamEvent::Connected { stream: connect.stream, local, remote, transport };
    events.send(connected).await.map_err(gone)?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        tokio::select! {
            bytes = outgoing.recv() => match bytes {
                Some(bytes) => tcp.write_all(&bytes).await?,
                None => {
                    tcp.shutdown().await?;
                    return Ok(ClosedBy::Us);
                }
            },
            read = tokio::time::timeout(PATIENCE, tcp.read(&mut buffer)) => match read?? {
                0 => return Ok(ClosedBy::Peer),
                count => {
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    events.send(StreamEvent::Bytes { stream: connect.stream, bytes }).await.map_err(gone)?;
                }
            },
        }
    }
}

/// A stream on which nothing moves for this long is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pieces that may wait in either direction.
const WAITING: usize = 64;
const READ_BYTES: usize = 16 * 1024;
