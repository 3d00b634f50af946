//! Steps that wait to be polled: the same small queue for every client machine here.

use std::{collections::VecDeque, net::SocketAddr};

use rove_base::{Connect, Dscp, Flow, Scratch, Step, StreamId, Transmit, Transport};

/// What a machine wants done, in order, and the even stream names it hands out.
#[derive(Debug)]
pub(crate) struct Outbox<E> {
    steps: VecDeque<Pending<E>>,
    next_stream: u64,
}

#[derive(Debug)]
enum Pending<E> {
    Send(Flow, Vec<u8>),
    Connect(Connect),
    Close(StreamId),
    Event(E),
}

impl<E> Outbox<E> {
    /// An empty one whose streams are named from `first_stream` on, an even number.
    pub(crate) fn new(first_stream: u64) -> Self {
        Self { steps: VecDeque::new(), next_stream: first_stream }
    }

    pub(crate) fn send(&mut self, flow: Flow, bytes: Vec<u8>) {
        self.steps.push_back(Pending::Send(flow, bytes));
    }

    pub(crate) fn connect(&mut self, remote: SocketAddr, transport: Transport) -> StreamId {
        let stream = StreamId(self.next_stream);
        self.next_stream = self.next_stream.wrapping_add(2);
        self.steps.push_back(Pending::Connect(Connect { stream, remote, transport, name: None }));
        stream
    }

    pub(crate) fn close(&mut self, stream: StreamId) {
        self.steps.push_back(Pending::Close(stream));
    }

    pub(crate) fn event(&mut self, event: E) {
        self.steps.push_back(Pending::Event(event));
    }

    /// The oldest step, its bytes written into `out`.
    pub(crate) fn pop(&mut self, out: &mut Scratch) -> Option<Step<E>> {
        Some(match self.steps.pop_front()? {
            Pending::Send(flow, bytes) => {
                Step::Send(Transmit { flow, range: out.push(&bytes), dscp: Dscp::DEFAULT })
            }
            Pending::Connect(connect) => Step::Connect(connect),
            Pending::Close(stream) => Step::Close(stream),
            Pending::Event(event) => Step::Event(event),
        })
    }
}
