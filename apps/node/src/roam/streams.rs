//! Which of a node's parts a stream belongs to.
//!
//! Those that others opened are told apart by where they came to, and where several wires listen at one address, by who
//! has opened them. Each part names those that it asks for with even
//! numbers of its own; the driver gets others, so that no two are alike.

use std::{collections::HashMap, net::SocketAddr};

use rove_base::{Arrival, Connect, Flow, Step, StreamId, Transmit, Transport};

/// The part that a stream belongs to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Lane {
    Names,
    Attach,
    /// By its place in the list.
    Wire(usize),
    /// To the existing server with the names of the home, or (`true`) of the visited network.
    Elsewhere(bool),
}

/// All streams of one node; as many as its parts and the driver let stand.
#[derive(Debug)]
pub(super) struct Streams {
    listeners: Vec<(Lane, SocketAddr)>,
    /// By the driver's name.
    outer: HashMap<StreamId, (Lane, StreamId)>,
    /// By the part's name.
    inner: HashMap<(Lane, StreamId), StreamId>,
    /// Those that stand and may belong to one of several wires: until right after, when it is told who opened them.
    undecided: HashMap<StreamId, Undecided>,
    next: u64,
}

/// A stream that stands.
#[derive(Clone, Copy, Debug)]
struct Undecided {
    local: SocketAddr,
    remote: SocketAddr,
    transport: Transport,
}

impl Streams {
    pub(super) fn new(attach: Vec<SocketAddr>) -> Self {
        let listeners = attach.into_iter().map(|at| (Lane::Attach, at)).collect();
        Self { listeners, outer: HashMap::new(), inner: HashMap::new(), undecided: HashMap::new(), next: 2 }
    }

    /// Streams that come to these addresses belong to `lane`; those that come elsewhere are questions for names.
    pub(super) fn listen(&mut self, lane: Lane, at: &[SocketAddr]) {
        self.listeners.extend(at.iter().map(|at| (lane, *at)));
    }

    /// Whose a stream may be that came to this address; questions for names where nobody else listens.
    fn lanes(&self, local: SocketAddr) -> impl Iterator<Item = Lane> {
        let listens = move |at: &SocketAddr| {
            at.port() == local.port() && (at.ip() == local.ip() || at.ip().is_unspecified())
        };
        self.listeners.iter().filter(move |(_, at)| listens(at)).map(|(lane, _)| *lane)
    }

    /// It was told who is at the other end of a stream, and so which of several wires it belongs to: the first that
    /// `knows` it, else the first of all, which will turn it away. What that wire has to hear before anything else.
    pub(super) fn decide(
        &mut self,
        stream: StreamId,
        knows: impl Fn(usize) -> bool,
    ) -> Option<(Lane, Arrival<'static>)> {
        let Undecided { local, remote, transport } = self.undecided.remove(&stream)?;
        let knows = |lane: &Lane| matches!(lane, Lane::Wire(index) if knows(*index));
        let lane = self.lanes(local).find(knows).or_else(|| self.lanes(local).next())?;
        self.know(lane, stream, stream);
        Some((lane, Arrival::Connected { stream, local, remote, transport }))
    }

    /// What happened to a stream, as the part it belongs to calls it. `None` for one that is not known any more.
    pub(super) fn arrived<'a>(&mut self, arrival: Arrival<'a>) -> Option<(Lane, Arrival<'a>)> {
        let known = |streams: &Self, stream: StreamId| streams.outer.get(&stream).copied();
        match arrival {
            Arrival::Connected { stream, local, remote, transport } => {
                let (lane, stream) = match known(self, stream) {
                    Some(known) => known,
                    None if self.lanes(local).nth(1).is_some() => {
                        self.undecided.insert(stream, Undecided { local, remote, transport });
                        return None;
                    }
                    None => {
                        let lane = self.lanes(local).next().unwrap_or(Lane::Names);
                        self.know(lane, stream, stream);
                        (lane, stream)
                    }
                };
                Some((lane, Arrival::Connected { stream, local, remote, transport }))
            }
            Arrival::Identified { stream, name } => {
                known(self, stream).map(|(lane, stream)| (lane, Arrival::Identified { stream, name }))
            }
            Arrival::Stream { stream, bytes } => {
                known(self, stream).map(|(lane, stream)| (lane, Arrival::Stream { stream, bytes }))
            }
            Arrival::Closed { stream, by } => {
                self.undecided.remove(&stream);
                let (lane, inner) = self.outer.remove(&stream)?;
                self.inner.remove(&(lane, inner));
                Some((lane, Arrival::Closed { stream: inner, by }))
            }
            Arrival::Datagram { .. } | Arrival::Durable { .. } => None,
        }
    }

    /// A step of a part, the stream in it as the driver calls it. `None` when there is none any more.
    pub(super) fn leave<E>(&mut self, lane: Lane, step: Step<E>) -> Option<Step<E>> {
        Some(match step {
            Step::Send(Transmit { flow: Flow::Stream(stream), range, dscp }) => {
                let stream = *self.inner.get(&(lane, stream))?;
                Step::Send(Transmit { flow: Flow::Stream(stream), range, dscp })
            }
            Step::Connect(connect) => {
                let outer = StreamId(self.next);
                self.next = self.next.wrapping_add(2);
                self.know(lane, connect.stream, outer);
                Step::Connect(Connect { stream: outer, ..connect })
            }
            Step::Close(stream) => {
                let outer = self.inner.remove(&(lane, stream))?;
                self.outer.remove(&outer);
                Step::Close(outer)
            }
            step => step,
        })
    }

    pub(super) fn know(&mut self, lane: Lane, inner: StreamId, outer: StreamId) {
        self.outer.insert(outer, (lane, inner));
        self.inner.insert((lane, inner), outer);
    }
}

#[cfg(test)]
mod tests {
    use rove_base::ClosedBy;

    use super::*;

    fn at(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn came(stream: u64, port: u16) -> Arrival<'static> {
        Arrival::Connected {
            stream: StreamId(stream),
            local: at(port),
            remote: at(9),
            transport: Transport::Tls,
        }
    }

    fn ask(stream: u64) -> Step<()> {
        let (stream, remote) = (StreamId(stream), at(7));
        Step::Connect(Connect { stream, remote, transport: Transport::Tls, name: None })
    }

    #[test]
    fn streams_go_to_the_part_that_listens_there() {
        let mut streams = Streams::new(vec![at(4_043)]);
        streams.listen(Lane::Wire(0), &[([0, 0, 0, 0], 2_905).into()]);
        for (stream, port, lane) in
            [(1, 4_043, Lane::Attach), (3, 2_905, Lane::Wire(0)), (5, 53, Lane::Names)]
        {
            assert_eq!(streams.arrived(came(stream, port)).map(|(lane, _)| lane), Some(lane));
            let bytes = Arrival::Stream { stream: StreamId(stream), bytes: b"x" };
            assert_eq!(streams.arrived(bytes), Some((lane, bytes)));
        }
    }

    #[test]
    fn where_two_wires_listen_who_comes_says_whose_the_stream_is() {
        let mut streams = Streams::new(Vec::new());
        for wire in 0..2 {
            streams.listen(Lane::Wire(wire), &[at(2_905)]);
        }
        for (stream, known, lane) in [(1, Some(1), 1), (3, Some(0), 0), (5, None, 0)] {
            assert_eq!(streams.arrived(came(stream, 2_905)), None, "nobody hears of it yet");
            let stream = StreamId(stream);
            let decided = streams.decide(stream, |wire| Some(wire) == known);
            assert_eq!(decided, Some((Lane::Wire(lane), came(stream.0, 2_905))));
            let identified = Arrival::Identified { stream, name: "x" };
            assert_eq!(streams.arrived(identified), Some((Lane::Wire(lane), identified)));
            assert_eq!(streams.decide(stream, |_| true), None);
        }
        assert_eq!(streams.arrived(came(7, 2_905)), None);
        let closed = Arrival::Closed { stream: StreamId(7), by: ClosedBy::Peer };
        assert_eq!(streams.arrived(closed), None);
        assert!(streams.undecided.is_empty());
    }

    #[test]
    fn two_parts_that_choose_the_same_number_get_two_streams() {
        let mut streams = Streams::new(Vec::new());
        let outer = [0, 1].map(|wire| match streams.leave(Lane::Wire(wire), ask(2)) {
            Some(Step::Connect(connect)) => connect.stream,
            other => panic!("{other:?}"),
        });
        assert_ne!(outer[0], outer[1]);
        for (wire, outer) in outer.into_iter().enumerate() {
            let (lane, arrival) = streams.arrived(came(outer.0, 1)).unwrap();
            assert_eq!(lane, Lane::Wire(wire));
            assert!(matches!(arrival, Arrival::Connected { stream: StreamId(2), .. }));
            let closed = Arrival::Closed { stream: outer, by: ClosedBy::Peer };
            assert!(streams.arrived(closed).is_some() && streams.arrived(closed).is_none());
        }
        assert_eq!(streams.leave::<()>(Lane::Wire(0), Step::Close(StreamId(2))), None);
        assert!(streams.outer.is_empty() && streams.inner.is_empty());
    }
}
