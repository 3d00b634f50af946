//! One record for all that a change means, and who waits for it.

use std::collections::VecDeque;

use rove_base::{Append, Scratch, Step, Ticket};
use rove_dns::server::OwnChange;
use rove_roam::ChangeId;

use super::RoamEvent;

/// A record of the journal that none of ours can have written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it says what no home or visited network says")]
pub struct Unreadable;

/// Who wanted a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Writer {
    Home(ChangeId),
    Visited(ChangeId),
    Pool(ChangeId),
}

/// What one of a node's parts reads back. A record is a list of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part<'a> {
    Names(&'a [u8]),
    Home(&'a [u8]),
    Visited(&'a [u8]),
    Pool(&'a [u8]),
}

impl<'a> Part<'a> {
    fn write(self, record: &mut Vec<u8>) {
        let (kind, bytes) = match self {
            Part::Names(bytes) => (1, bytes),
            Part::Home(bytes) => (2, bytes),
            Part::Visited(bytes) => (3, bytes),
            Part::Pool(bytes) => (4, bytes),
        };
        record.push(kind);
        record.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        record.extend_from_slice(bytes);
    }

    /// A record of nothing else.
    pub(super) fn alone(self) -> Vec<u8> {
        let mut record = Vec::new();
        self.write(&mut record);
        record
    }

    /// The parts of a record, in order.
    pub(super) fn read_all(mut record: &'a [u8]) -> Result<Vec<Self>, Unreadable> {
        let mut parts = Vec::with_capacity(3);
        while let Some((kind, rest)) = record.split_first() {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable)?;
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Unreadable)?;
            let (bytes, rest) = rest.split_at_checked(length).ok_or(Unreadable)?;
            parts.push(match kind {
                1 => Part::Names(bytes),
                2 => Part::Home(bytes),
                3 => Part::Visited(bytes),
                4 => Part::Pool(bytes),
                _ => return Err(Unreadable),
            });
            record = rest;
        }
        Ok(parts)
    }
}

/// Records that are not durable yet, in the order in which they were asked for. Whoever asks for them bounds them.
#[derive(Debug, Default)]
pub(super) struct Journal {
    newest: Ticket,
    waiting: VecDeque<Waiting>,
    failed: bool,
}

#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    what: Durable,
}

/// What has become durable.
#[derive(Debug)]
pub(super) struct Durable {
    /// An update of the zones' own, by their number for it.
    pub(super) names: Option<Ticket>,
    /// What a register's change means for names.
    pub(super) own: Option<OwnChange>,
    /// Whose it was.
    pub(super) writer: Option<Writer>,
}

impl Journal {
    /// A record of a register or the pool.
    pub(super) fn append(
        &mut self,
        writer: Writer,
        own: Option<OwnChange>,
        parts: &[Part<'_>],
        out: &mut Scratch,
    ) -> Step<RoamEvent> {
        self.push(Durable { names: None, own, writer: Some(writer) }, parts, out)
    }

    /// A record of the zones, which call it `ticket`.
    pub(super) fn append_names(
        &mut self,
        ticket: Ticket,
        parts: &[Part<'_>],
        out: &mut Scratch,
    ) -> Step<RoamEvent> {
        self.push(Durable { names: Some(ticket), own: None, writer: None }, parts, out)
    }

    fn push(&mut self, what: Durable, parts: &[Part<'_>], out: &mut Scratch) -> Step<RoamEvent> {
        let mut record = Vec::with_capacity(256);
        parts.iter().for_each(|part| part.write(&mut record));
        let ticket = Ticket(self.newest.0.saturating_add(1));
        self.newest = ticket;
        self.waiting.push_back(Waiting { ticket, what });
        Step::Append(Append { range: out.push(&record), ticket })
    }

    /// The next of those that are durable because `ticket` is.
    pub(super) fn durable(&mut self, ticket: Ticket) -> Option<Durable> {
        self.waiting.pop_front_if(|waiting| waiting.ticket <= ticket).map(|waiting| waiting.what)
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Nothing more becomes durable. Answers whose changes have failed.
    pub(super) fn fail(&mut self) -> Vec<Writer> {
        self.failed = true;
        self.waiting.drain(..).filter_map(|waiting| waiting.what.writer).collect()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_as_it_was_written_and_no_piece_of_it_is_taken_for_one() {
        let parts = [Part::Names(b"names"), Part::Home(b""), Part::Visited(b"v"), Part::Pool(&[7; 300])];
        let mut record = Vec::new();
        parts.iter().for_each(|part| part.write(&mut record));
        assert_eq!(Part::read_all(&record).unwrap(), parts);
        let ends = [0, 10, 15, 21, record.len()];
        for length in 0..=record.len() {
            let read = Part::read_all(&record[..length]);
            assert_eq!(read.is_ok(), ends.contains(&length), "{length}");
        }
        assert_eq!(Part::read_all(&[9, 0, 0, 0, 0]), Err(Unreadable));
    }

    #[test]
    fn what_waits_is_told_in_order_and_once() {
        let (mut journal, mut out) = (Journal::default(), Scratch::default());
        for id in 1..=3 {
            let Step::Append(append) = journal.append(Writer::Home(ChangeId(id)), None, &[], &mut out) else {
                panic!("a record is wanted")
            };
            assert_eq!(append.ticket, Ticket(id));
        }
        let mut done = Vec::new();
        while let Some(Durable { writer: Some(Writer::Home(ChangeId(id))), .. }) = journal.durable(Ticket(2))
        {
            done.push(id);
        }
        assert_eq!((done, journal.is_settled()), (vec![1, 2], false));
        assert_eq!(journal.fail(), [Writer::Home(ChangeId(3))]);
        assert!(journal.has_failed() && journal.durable(Ticket(9)).is_none());
    }
}
