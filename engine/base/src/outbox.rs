//! Steps of a machine that wait to be polled.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::VecDeque;

use crate::{Append, Connect, Dscp, Flow, Scratch, Step, StreamId, Ticket, Transmit};

/// Steps in order, of a machine that speaks in [`Frames`](crate::Frames).
#[derive(Debug)]
pub struct Outbox<E> {
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
    /// A frame, in pieces. What goes to one stream without anything between goes together.
    pub fn frame(&mut self, stream: StreamId, parts: &[&[u8]]) {
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

    /// A record for the journal.
    pub fn append(&mut self, ticket: Ticket, record: Vec<u8>) {
        self.steps.push_back(Pending::Append(ticket, record));
    }

    /// A stream to be opened.
    pub fn connect(&mut self, connect: Connect) {
        self.steps.push_back(Pending::Connect(connect));
    }

    /// A stream to be closed.
    pub fn close(&mut self, stream: StreamId) {
        self.steps.push_back(Pending::Close(stream));
    }

    /// An event for the owner.
    pub fn event(&mut self, event: E) {
        self.steps.push_back(Pending::Event(event));
    }

    /// The next step; `None` when there is nothing to do.
    pub fn poll(&mut self, out: &mut Scratch) -> Option<Step<E>> {
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
