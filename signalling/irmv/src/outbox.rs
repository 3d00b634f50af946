//! Steps that wait to be polled.

use std::collections::VecDeque;

use rove_base::{Append, Connect, Dscp, Flow, Scratch, Step, StreamId, Ticket, Transmit};

use crate::Message;

/// Steps in order.
#[derive(Debug)]
pub(crate) struct Outbox<E> {
    steps: VecDeque<Pending<E>>,
}

#[derive(Debug)]
enum Pending<E> {
    Send(StreamId, Vec<u8>),
    Append(Ticket, Vec<u8>),
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
    pub(crate) fn say(&mut self, stream: StreamId, message: &Message) {
        self.frame(stream, &[&message.encode()]);
    }

    /// A frame in pieces. What goes to one stream without anything between goes together.
    pub(crate) fn frame(&mut self, stream: StreamId, parts: &[&[u8]]) {
        let len = parts.iter().map(|part| part.len()).fold(0, usize::saturating_add);
        let head = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
        match self.steps.back_mut() {
            Some(Pending::Send(to, bytes)) if *to == stream && bytes.len() < TOGETHER => {
                bytes.extend_from_slice(&head);
                parts.iter().for_each(|part| bytes.extend_from_slice(part));
            }
            _ => {
                let mut bytes = Vec::with_capacity(len.saturating_add(2));
                bytes.extend_from_slice(&head);
                parts.iter().for_each(|part| bytes.extend_from_slice(part));
                self.steps.push_back(Pending::Send(stream, bytes));
            }
        }
    }

    pub(crate) fn append(&mut self, ticket: Ticket, record: Vec<u8>) {
        self.steps.push_back(Pending::Append(ticket, record));
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
            Pending::Append(ticket, record) => Step::Append(Append { range: out.push(&record), ticket }),
            Pending::Connect(connect) => Step::Connect(connect),
            Pending::Close(stream) => Step::Close(stream),
            Pending::Event(event) => Step::Event(event),
        })
    }
}

/// Bytes after which more go by themselves.
const TOGETHER: usize = 16 * 1_024;
