//! Steps that wait to be polled.

use core::ops::Range;
use std::collections::VecDeque;

use rove_base::{Append, Dscp, Flow, Scratch, Step, StreamId, Ticket, Transmit};

use super::Event;

/// Steps in order; their bytes lie in one buffer that is emptied when the last has left.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    steps: VecDeque<Pending>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
enum Pending {
    Send(Flow, Range<usize>),
    Append(Ticket, Range<usize>),
    Close(StreamId),
    Event(Box<Event>),
}

impl Outbox {
    /// Sends one message; on a stream with its length before it (RFC 1035 §4.2.2).
    pub(super) fn send(&mut self, flow: Flow, message: &[u8]) {
        let start = self.bytes.len();
        if let Flow::Stream(_) = flow {
            self.bytes.extend_from_slice(&u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
        self.bytes.extend_from_slice(message);
        self.steps.push_back(Pending::Send(flow, start..self.bytes.len()));
    }

    /// Asks for a record, which `write` appends, to be made durable.
    pub(super) fn append(&mut self, ticket: Ticket, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.steps.push_back(Pending::Append(ticket, start..self.bytes.len()));
    }

    pub(super) fn close(&mut self, stream: StreamId) {
        self.steps.push_back(Pending::Close(stream));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.steps.push_back(Pending::Event(Box::new(event)));
    }

    /// The next step; `None` when there is nothing to do.
    pub(super) fn poll(&mut self, out: &mut Scratch) -> Option<Step<Event>> {
        let Some(step) = self.steps.pop_front() else {
            self.bytes.clear();
            return None;
        };
        let bytes = |range: Range<usize>| self.bytes.get(range).unwrap_or_default();
        Some(match step {
            Pending::Send(flow, range) => {
                Step::Send(Transmit { flow, range: out.push(bytes(range)), dscp: Dscp::default() })
            }
            Pending::Append(ticket, range) => Step::Append(Append { range: out.push(bytes(range)), ticket }),
            Pending::Close(stream) => Step::Close(stream),
            Pending::Event(event) => Step::Event(*event),
        })
    }
}
