//! The receiving side of a link.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod context;
mod fields;
mod pace;

use std::collections::VecDeque;

use rove_base::Instant;

use crate::{
    Acknowledgement, Cids, Feedback, Mode, RohcError,
    bits::Reader,
    chain::{read_dynamic, read_static},
    cid::{FEEDBACK, without_padding},
    crc::Crc,
};
use context::{Context, Known};

/// Which context a packet came on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Received {
    /// The context.
    pub cid: u16,
    /// Whether it went uncompressed.
    pub uncompressed: bool,
}

/// Turns packets of a link into IP packets. Its memory is bounded by the number of contexts.
#[derive(Clone, Debug)]
pub struct Decompressor {
    cids: Cids,
    mode: Mode,
    contexts: Vec<Slot>,
    feedback: VecDeque<Feedback>,
    now: Instant,
}

/// What a context identifier stands for.
#[derive(Clone, Debug, Default)]
enum Slot {
    /// Nothing yet; with the packets that came all the same.
    #[default]
    Empty,
    Uncompressed,
    Rtp {
        context: Box<Context>,
        /// Whether the compressor was told the mode.
        told: bool,
        /// Packets that failed in a row.
        failed: u32,
    },
}

impl Decompressor {
    /// A decompressor that knows of no context. With [`Mode::Unidirectional`] it never has feedback.
    #[must_use]
    pub const fn new(cids: Cids, mode: Mode) -> Self {
        Self { cids, mode, contexts: Vec::new(), feedback: VecDeque::new(), now: Instant::ZERO }
    }

    /// Replaces `out` by the IP packet that this packet of the link stands for. Feedback in front of it was taken away before
    /// ([`split_feedback`](crate::split_feedback)). After it, and after an error as well, there may be [feedback](Self::feedback).
    ///
    /// # Errors
    ///
    /// [`RohcError`] when there is no packet to be given out; `out` is empty then.
    pub fn decompress(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<Received, RohcError> {
        out.clear();
        if bytes.len() > usize::from(u16::MAX).saturating_add(64) {
            return Err(RohcError::TooLong);
        }
        let bytes = without_padding(bytes);
        let mut reader = Reader::new(bytes, "packet");
        if reader.peek().is_some_and(|first| first >> 3 == FEEDBACK >> 3) {
            return Err(RohcError::NotForward);
        }
        let (cid, first) = self.cids.read(&mut reader)?;
        let taken = match first {
            0xfc | 0xfd => self.initial(cid, first, bytes, reader, out),
            0xf8 => self.changing(cid, bytes, reader, out),
            0xf0..=0xf7 | 0xf9..=0xfb | 0xfe.. => return Err(RohcError::NotForward),
            _ => self.compressed(cid, first, reader, out),
        };
        self.answer(cid, first, &taken);
        if taken.is_err() {
            out.clear();
        }
        taken.map(|uncompressed| Received { cid, uncompressed })
    }

    /// Tells that it is `now`. To be said before each packet where the compressor is told the time as well
    /// ([`Compressor::at`](crate::Compressor::at)), and nowhere else: few bits after a silence of a flow then mean that packets were lost.
    pub const fn at(&mut self, now: Instant) {
        self.now = now;
    }

    /// Contexts that are known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.contexts.iter().filter(|slot| !matches!(slot, Slot::Empty)).count()
    }

    /// Tells that for about as long as `packets` packets take nothing came over the link, so that as many may have been lost. Said
    /// before the packet that came after it is decompressed; for every context.
    pub fn silence(&mut self, packets: u32) {
        for slot in &mut self.contexts {
            if let Slot::Rtp { context, .. } = slot {
                context.silence(packets);
            }
        }
    }

    /// What is to be told to the compressor, if anything; to be asked until there is nothing more.
    pub fn feedback(&mut self) -> Option<Feedback> {
        self.feedback.pop_front()
    }

    /// IR: everything of a context (§5.7.7.1), or one of uncompressed packets (§5.10.1).
    fn initial(
        &mut self,
        cid: u16,
        first: u8,
        bytes: &[u8],
        mut reader: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, RohcError> {
        let profile = reader.u8()?;
        let at = bytes.len().saturating_sub(reader.rest().len());
        let crc = reader.u8()?;
        if profile == 0 {
            if Crc::Eight.of(bytes.get(..at).unwrap_or_default()) != crc {
                return Err(RohcError::Checksum);
            }
            out.extend_from_slice(reader.rest());
            *self.slot(cid) = Slot::Uncompressed;
            return Ok(true);
        }
        if profile != 1 {
            return Err(RohcError::Unsupported("a profile other than 0x0000 and 0x0001"));
        }
        if first & 1 == 0 {
            return Err(RohcError::Unsupported("a context without what changes in it"));
        }
        let fixed = read_static(&mut reader)?;
        let told = read_dynamic(fixed.is_v4(), &mut reader)?;
        check(bytes, at, reader.rest().len(), crc)?;
        let now = self.now;
        let slot = self.slot(cid);
        if let Slot::Rtp { context, .. } = slot
            && context.known().fixed == fixed
        {
            let known = Known::new(fixed, told, Some(context.known().behaviour));
            context.renew(now, known, reader.rest(), out)?;
            return Ok(false);
        }
        let known = Known::new(fixed, told, None);
        let mut context = Context::new(known, now);
        context.renew(now, known, reader.rest(), out)?;
        *slot = Slot::Rtp { context: Box::new(context), told: false, failed: 0 };
        Ok(false)
    }

    /// IR-DYN: what changes in a context (§5.7.7.2).
    fn changing(
        &mut self,
        cid: u16,
        bytes: &[u8],
        mut reader: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, RohcError> {
        let now = self.now;
        let Slot::Rtp { context, .. } = self.slot(cid) else { return Err(RohcError::NoContext(cid)) };
        if reader.u8()? != 1 {
            return Err(RohcError::Unsupported("a change of the profile"));
        }
        let at = bytes.len().saturating_sub(reader.rest().len());
        let crc = reader.u8()?;
        let Known { fixed, behaviour, .. } = *context.known();
        let told = read_dynamic(fixed.is_v4(), &mut reader)?;
        check(bytes, at, reader.rest().len(), crc)?;
        context.renew(now, Known::new(fixed, told, Some(behaviour)), reader.rest(), out)?;
        Ok(false)
    }

    fn compressed(
        &mut self,
        cid: u16,
        first: u8,
        reader: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, RohcError> {
        let now = self.now;
        match self.slot(cid) {
            Slot::Empty => Err(RohcError::NoContext(cid)),
            Slot::Uncompressed => {
                out.push(first);
                out.extend_from_slice(reader.rest());
                Ok(true)
            }
            Slot::Rtp { context, .. } => context.take(now, first, reader, out).map(|()| false),
        }
    }

    /// Decides whether the compressor is told what became of the packet (§5.4, §5.5).
    fn answer(&mut self, cid: u16, first: u8, taken: &Result<bool, RohcError>) {
        if self.mode == Mode::Unidirectional || self.feedback.len() >= WAITING {
            return;
        }
        let mode = self.mode;
        let tell = |acknowledgement, sn, mode| Feedback { cid, acknowledgement, mode, sn };
        let feedback = match self.contexts.get_mut(usize::from(cid)) {
            Some(Slot::Rtp { context, told, failed }) => {
                let sn = Some((context.known().last.sn, 16));
                if taken.is_ok() {
                    *failed = 0;
                    // UOR-2, IR-DYN and IR wait for it; the first makes the compressor change its mode.
                    let waits = first >= 0xc0;
                    let new = !core::mem::replace(told, *told || waits);
                    waits.then(|| tell(Acknowledgement::Ack, sn, (new || first >= 0xf8).then_some(mode)))
                } else {
                    *failed = failed.saturating_add(1);
                    // A repair is sooner done with than made.
                    let repairing = *taken == Err(RohcError::Repairing) && *failed & 3 == 1;
                    let due = repairing || context.complains() && *failed & 3 == 3;
                    let kind = if *failed > 16 { Acknowledgement::StaticNack } else { Acknowledgement::Nack };
                    due.then(|| tell(kind, sn, Some(mode)))
                }
            }
            Some(Slot::Uncompressed) => None,
            _ => taken.is_err().then(|| tell(Acknowledgement::StaticNack, None, Some(mode))),
        };
        self.feedback.extend(feedback);
    }

    /// The place of a context, which exists up to the highest that was agreed on.
    fn slot(&mut self, cid: u16) -> &mut Slot {
        let index = usize::from(cid);
        if self.contexts.len() <= index {
            self.contexts.resize_with(index.saturating_add(1), Slot::default);
        }
        // Never empty: it was just made long enough.
        let last = self.contexts.len().saturating_sub(1);
        #[allow(clippy::indexing_slicing, reason = "the line above")]
        &mut self.contexts[index.min(last)]
    }
}

/// Compares the checksum of IR and IR-DYN, which stands at `at` and covers all but the payload, itself as zero (§5.9.1).
fn check(bytes: &[u8], at: usize, payload: usize, crc: u8) -> Result<(), RohcError> {
    let end = bytes.len().saturating_sub(payload);
    if Crc::Eight.of_but(bytes.get(..end).unwrap_or_default(), at) == crc {
        Ok(())
    } else {
        Err(RohcError::Checksum)
    }
}

/// Pieces of feedback that wait at the most.
const WAITING: usize = 16;
