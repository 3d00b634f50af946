//! Steps that wait to be polled.

use std::collections::VecDeque;

use rove_base::{Connect, Dscp, Flow, Scratch, Step, StreamId, Transmit};

use super::Frames;

/// Steps in order.
#[derive(Debug)]
pub(crate) struct Outbox<E> {
    steps: VecDeque<Pending<E>>,
}

#[derive(Debug)]
enum Pending<E> {
    Send(StreamId, Vec<u8>),
    Connect(Connect),
    Close(StreamId),
    Event(E),
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Self { steps: VecDeque::new() }
    }
}

impl<E> Outbox<E> {
    pub(crate) fn frame(&mut self, stream: StreamId, frame: &[u8]) {
        self.steps.push_back(Pending::Send(stream, Frames::frame(frame)));
    }

    pub(crate) fn connect(&mut self, connect: Connect) {
        self.steps.push_back(Pending::Connect(connect));
    }

    pub(crate) fn close(&mut self, stream: StreamId) {
        self.steps.push_back(Pending::Close(stream));
    }

    pub(crate) fn event(&mut self, event: E) {
        self.steps.push_back(Pending::Event(event));
    }

    /// The next step; `None` when there is nothing to do.
    pub(crate) fn poll(&mut self, out: &mut Scratch) -> Option<Step<E>> {
        Some(match self.steps.pop_front()? {
            Pending::Send(stream, bytes) => Step::Send(Transmit {
                flow: Flow::Stream(stream),
                range: out.push(&bytes),
                dscp: Dscp::default(),
            }),
            Pending::Connect(connect) => Step::Connect(connect),
            Pending::Close(stream) => Step::Close(stream),
            Pending::Event(event) => Step::Event(event),
        })
    }
}
