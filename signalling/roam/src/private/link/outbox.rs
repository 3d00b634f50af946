//! What a machine is about to ask of its driver, in order.

use std::collections::VecDeque;

use rove_base::{Connect, Dscp, Flow, Scratch, Step, StreamId, Transmit};

/// Bytes for streams, and streams to be opened and closed.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    queue: VecDeque<Out>,
}

#[derive(Debug)]
enum Out {
    Send { stream: StreamId, from: usize, to: usize },
    Connect(Connect),
    Close(StreamId),
}

impl Outbox {
    /// Sends what `write` appends. Pieces for one stream that follow each other leave as one.
    pub(crate) fn send(&mut self, stream: StreamId, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.bytes.len();
        write(&mut self.bytes);
        let end = self.bytes.len();
        match self.queue.back_mut() {
            Some(Out::Send { stream: last, from, to })
                if *last == stream && end.saturating_sub(*from) <= PIECE =>
            {
                *to = end;
            }
            _ => self.queue.push_back(Out::Send { stream, from, to: end }),
        }
    }

    pub(crate) fn connect(&mut self, connect: Connect) {
        self.queue.push_back(Out::Connect(connect));
    }

    pub(crate) fn close(&mut self, stream: StreamId) {
        self.queue.push_back(Out::Close(stream));
    }

    /// The next step, its bytes in `scratch`.
    pub(crate) fn poll<E>(&mut self, scratch: &mut Scratch) -> Option<Step<E>> {
        let step = match self.queue.pop_front()? {
            Out::Send { stream, from, to } => {
                let range = scratch.push(self.bytes.get(from..to).unwrap_or_default());
                Step::Send(Transmit { flow: Flow::Stream(stream), range, dscp: Dscp::CS3 })
            }
            Out::Connect(connect) => Step::Connect(connect),
            Out::Close(stream) => Step::Close(stream),
        };
        if self.queue.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
        }
        Some(step)
    }
}

/// What one step sends at most, unless one message is longer.
const PIECE: usize = 65_536;
/// Memory that stays allocated between drains.
const KEPT: usize = 262_144;
