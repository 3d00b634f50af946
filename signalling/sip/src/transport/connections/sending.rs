//! Messages on their way out: along the stream that is there, else along one that is opened (RFC 3261 §18.1.1, §18.2.2).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{
    Arc, Connect, Connection, Connections, Flow, Hop, Instant, News, Out, SocketAddr, State, StreamId,
    Transport,
};
use crate::transport::Framer;

impl Connections {
    /// Sends a message this way. Over a stream: along the one that `hop` names, if that stands; else along any that
    /// leads to the same address; else one is opened, for which the message waits. [`News::Lost`](super::News::Lost)
    /// tells when that fails.
    pub fn send(&mut self, now: Instant, hop: &Hop, bytes: Arc<[u8]>) {
        self.at(now);
        let stream = match hop.flow {
            Flow::Udp(_) => return self.out.push_back(Out::Send(hop.flow, bytes)),
            Flow::Stream(_) => {
                self.lead(hop).filter(|id| hop.stream_id() == Some(*id) || self.is_with(*id, hop))
            }
        };
        let id = match stream {
            Some(id) => id,
            // Behind a WebSocket that a client has opened nobody listens (RFC 7118 §5).
            None if is_of_client(hop) => return self.news.push_back(News::Lost { hop: *hop }),
            None => self.open(hop),
        };
        let (now, most) = (self.now, self.limits.waiting);
        let fits = self.change(id, |one| {
            let mut fits = true;
            match &mut one.state {
                State::Open => one.used = now,
                State::Opening { waiting, .. } => {
                    let sum = waiting.iter().fold(bytes.len(), |sum, bytes| sum.saturating_add(bytes.len()));
                    fits = sum <= most;
                    if fits {
                        waiting.push(bytes.clone());
                    }
                }
            }
            (fits, one.is_open())
        });
        match fits {
            Some((true, true)) => self.out.push_back(Out::Send(Flow::Stream(id), bytes)),
            Some((true, false)) => {}
            Some((false, _)) | None => self.close(id),
        }
    }

    /// The certificate of `remote` must be of `name`: of the domain that was looked up, not of the host that it led to
    /// (RFC 5922 §7.1). A stream that was opened for another name is not used.
    pub fn expect_name(&mut self, transport: Transport, remote: SocketAddr, name: &str) {
        if !transport.is_secure() {
            return;
        }
        if self.names.len() >= MOST_NAMES {
            self.names.clear();
        }
        self.names.insert((transport, remote), name.to_owned());
    }

    /// Whether a stream that leads to the same address is with whom we mean.
    fn is_with(&self, id: StreamId, hop: &Hop) -> bool {
        let expected = self.names.get(&(hop.transport, hop.remote));
        let named = self.streams.get(&id).and_then(|one| one.name.as_ref());
        !hop.transport.is_secure() || expected.is_none() || named.is_none() || expected == named
    }

    fn open(&mut self, hop: &Hop) -> StreamId {
        self.make_room(None);
        let id = StreamId(self.next_stream);
        self.next_stream = self.next_stream.wrapping_add(2);
        let name = self.names.get(&(hop.transport, hop.remote)).cloned();
        self.add(Connection {
            id,
            transport: hop.transport,
            local: hop.local,
            remote: hop.remote,
            name: name.clone(),
            state: State::Opening { until: self.now + self.limits.connect, waiting: Vec::new() },
            framer: Framer::default(),
            heard: true,
            used: self.now,
            began: None,
            keep: None,
        });
        self.routes.insert((hop.transport, hop.remote), id);
        let (remote, transport) = (hop.remote, hop.transport);
        self.out.push_back(Out::Connect(Connect { stream: id, remote, transport, name }));
        id
    }

    /// A stream stands: what waits for it goes out; one that others have opened may make another give way.
    pub(super) fn connected(
        &mut self,
        id: StreamId,
        local: SocketAddr,
        remote: SocketAddr,
        transport: Transport,
    ) {
        if self.streams.contains_key(&id) {
            let now = self.now;
            let state = self.change(id, |one| {
                one.used = now;
                core::mem::replace(&mut one.state, State::Open)
            });
            if let Some(State::Opening { waiting, .. }) = state {
                self.out.extend(waiting.into_iter().map(|bytes| Out::Send(Flow::Stream(id), bytes)));
            }
            return;
        }
        if id.0.is_multiple_of(2) {
            // One that we have given up meanwhile.
            return self.out.push_back(Out::Close(id));
        }
        self.make_room(Some(super::source(remote.ip())));
        let one = Connection {
            id,
            transport,
            local,
            remote,
            name: None,
            state: State::Open,
            framer: Framer::default(),
            heard: false,
            used: self.now,
            began: None,
            keep: None,
        };
        // The machine's memory is for those that are here.
        if !self.has_memory(one.bytes()) {
            return self.out.push_back(Out::Close(id));
        }
        self.add(one);
    }
}

fn is_of_client(hop: &Hop) -> bool {
    let accepted = hop.stream_id().is_some_and(|id| !id.0.is_multiple_of(2));
    accepted && matches!(hop.transport, Transport::Ws | Transport::Wss)
}

/// Names that are remembered.
const MOST_NAMES: usize = 1_024;
