//! A thin link as a machine: IP packets in, frames out, and the other way; what is compressed is agreed on before.
//!
//! ```text
//!  IP packet ──▶ compressor ──▶ frame          frame ──▶ decompressor ──▶ IP packet
//!                    ▲                            │             │
//!                    └──── feedback of theirs ◀───┘             └─▶ feedback of ours, in front of the next frame
//! ```
//!
//! As long as the ends do not agree, packets go as they are. Frames and packets are ranges of the caller's scratch; once flows have their
//! contexts nothing is allocated.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod agreement;
mod counts;
mod feedback;
mod hello;
mod refuse;

use std::{collections::VecDeque, time::Duration};

use rove_base::{Instant, Machine, Now, Scratch, Span, Step};

use crate::{Compressor, Config, Decompressor, Mode, RohcError, cid::PADDING, split_feedback};

use agreement::{Agreement, Change};
use refuse::Troubles;

pub use counts::{Counts, Refused};
pub use hello::{Agreed, Hello, Terms};

/// What an end of a link is told to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LinkConfig {
    /// What it is able to do.
    pub terms: Terms,
    /// How many packets in a row may be lost without harm, as in [`Config::loss_run`].
    pub loss_run: u8,
    /// As in [`Config::renumber`].
    pub renumber: bool,
    /// As in [`Config::drop_checksums`].
    pub drop_checksums: bool,
    /// Compressed frames are made this long, by padding in front (RFC 3095 §5.2): what a link would lengthen at their end, where it looks
    /// like payload. 0 where it does not.
    pub shortest: usize,
}

/// What a frame of a link is, which the link below has to tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameKind {
    /// A [`Hello`].
    Hello,
    /// An IP packet as it is.
    Plain,
    /// A packet of RFC 3095.
    Rohc,
}

/// What happens to a link.
#[derive(Clone, Copy, Debug)]
pub enum LinkInput<'a> {
    /// An IP packet is to go over it.
    Packet(&'a [u8]),
    /// A frame has come from the other end.
    Frame(FrameKind, &'a [u8]),
}

/// What a link wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkEvent {
    /// This frame is to be sent to the other end.
    Send {
        /// What it is.
        kind: FrameKind,
        /// Which bytes of the scratch.
        range: Span,
    },
    /// This IP packet has come.
    Deliver {
        /// Which bytes of the scratch.
        range: Span,
    },
    /// Both ends agree from now on, or (`None`) no longer.
    Agreed(Option<Agreed>),
}

/// One end of a thin link.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    agreement: Agreement,
    /// There once it is known what the other end can take, and gives.
    coders: Option<Coders>,
    counts: Counts,
    troubles: Troubles,
    outbox: Outbox,
}

#[derive(Debug)]
struct Coders {
    agreed: Agreed,
    compressor: Compressor,
    decompressor: Decompressor,
    /// Feedback that is still to be sent, and until when it may wait for a frame to go in front of.
    feedback: Vec<u8>,
    until: Option<Instant>,
    wire: Vec<u8>,
    packet: Vec<u8>,
}

/// What is to be done, and the bytes of it.
#[derive(Debug, Default)]
struct Outbox {
    bytes: Vec<u8>,
    /// With where each one's bytes end.
    items: VecDeque<(Item, usize)>,
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Send(FrameKind),
    Deliver,
    Agreed(Option<Agreed>),
}

impl Outbox {
    fn push(&mut self, item: Item, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.items.push_back((item, self.bytes.len()));
    }

    fn next(&mut self, out: &mut Scratch) -> Option<LinkEvent> {
        let Some((item, end)) = self.items.pop_front() else {
            self.bytes.clear();
            self.taken = 0;
            return None;
        };
        let bytes = self.bytes.get(self.taken..end).unwrap_or_default();
        self.taken = end;
        Some(match item {
            Item::Send(kind) => LinkEvent::Send { kind, range: out.push(bytes) },
            Item::Deliver => LinkEvent::Deliver { range: out.push(bytes) },
            Item::Agreed(agreed) => LinkEvent::Agreed(agreed),
        })
    }
}

impl Link {
    /// An end that has heard nothing of the other. `instance` is another number each time: a random one.
    #[must_use]
    pub fn new(config: LinkConfig, instance: u32) -> Self {
        let agreement = Agreement::new(config.terms, instance);
        let (counts, troubles) = (Counts::default(), Troubles::default());
        Self { config, agreement, coders: None, counts, troubles, outbox: Outbox::default() }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.counts;
        if let Some(coders) = &self.coders {
            counts.contexts_out = coders.compressor.flows() as u64;
            counts.contexts_in = coders.decompressor.known() as u64;
        }
        counts
    }

    /// What packets are compressed by at present.
    #[must_use]
    pub fn agreed(&self) -> Option<Agreed> {
        self.agreement.in_force()
    }

    fn send_packet(&mut self, now: Instant, packet: &[u8]) {
        up(&mut self.counts.bytes_before, packet.len());
        let agreed = self.agreement.in_force().is_some();
        let Some(coders) = self.coders.as_mut().filter(|_| agreed) else {
            up(&mut self.counts.plain_out, 1);
            return self.send(FrameKind::Plain, &[packet]);
        };
        coders.compressor.at(now);
        let mut wire = core::mem::take(&mut coders.wire);
        match coders.compressor.compress(packet, &mut wire) {
            Ok(written) if written.uncompressed => up(&mut self.counts.other_out, 1),
            Ok(written) => {
                up(&mut self.counts.rtp_out, 1);
                up(&mut self.counts.rtp_headers_before, written.before);
                up(&mut self.counts.rtp_headers_after, written.header);
            }
            Err(_) => wire.clear(),
        }
        if wire.is_empty() {
            up(&mut self.counts.refused.malformed, 1);
        } else {
            self.send_compressed(&wire);
        }
        if let Some(coders) = &mut self.coders {
            coders.wire = wire;
        }
    }

    /// Sends a packet of the link with the feedback that waits in front.
    fn send_compressed(&mut self, wire: &[u8]) {
        if wire.len() > SHORT && self.coders.as_ref().is_some_and(|coders| !coders.feedback.is_empty()) {
            // Both may be more than the link carries in one frame.
            self.send_compressed(&[]);
        }
        let Some(coders) = &mut self.coders else { return };
        let mut feedback = core::mem::take(&mut coders.feedback);
        coders.until = None;
        let length = feedback.len().saturating_add(wire.len());
        let missing = self.config.shortest.saturating_sub(length).min(PADS.len());
        let padding = PADS.get(..missing).unwrap_or_default();
        up(&mut self.counts.bytes_after, length.saturating_add(missing));
        self.outbox.push(Item::Send(FrameKind::Rohc), &[padding, &feedback, wire]);
        feedback.clear();
        if let Some(coders) = &mut self.coders {
            coders.feedback = feedback;
        }
    }

    fn send(&mut self, kind: FrameKind, parts: &[&[u8]]) {
        up(&mut self.counts.bytes_after, parts.iter().map(|part| part.len()).sum());
        self.outbox.push(Item::Send(kind), parts);
    }

    fn on_frame(&mut self, now: Instant, kind: FrameKind, bytes: &[u8]) {
        up(&mut self.counts.bytes_in, bytes.len());
        let taken = match kind {
            FrameKind::Hello => self.on_hello(now, bytes),
            FrameKind::Plain => self.on_plain(bytes),
            FrameKind::Rohc => self.on_compressed(now, bytes),
        };
        if let Err(error) = taken {
            self.refuse(kind, error);
        }
    }

    fn on_hello(&mut self, now: Instant, bytes: &[u8]) -> Result<(), RohcError> {
        let hello = Hello::read(bytes)?;
        up(&mut self.counts.hellos_in, 1);
        let was = self.agreement.in_force();
        let change = self.agreement.on_hello(now, &hello);
        if let Change::Anew(agreed) = change {
            self.coders = agreed.map(|agreed| Coders::new(agreed, self.config));
            self.troubles = Troubles::default();
        }
        self.tell(was);
        Ok(())
    }

    /// Tells where the agreement is another than it was.
    fn tell(&mut self, was: Option<Agreed>) {
        let is = self.agreement.in_force();
        if is != was {
            up(&mut self.counts.agreements, usize::from(is.is_some()));
            self.outbox.push(Item::Agreed(is), &[]);
        }
    }

    fn on_plain(&mut self, bytes: &[u8]) -> Result<(), RohcError> {
        if !bytes.first().is_some_and(|first| matches!(first >> 4, 4 | 6)) {
            return Err(RohcError::Invalid("IP packet"));
        }
        up(&mut self.counts.plain_in, 1);
        up(&mut self.counts.bytes_delivered, bytes.len());
        self.outbox.push(Item::Deliver, &[bytes]);
        Ok(())
    }

    fn on_compressed(&mut self, now: Instant, bytes: &[u8]) -> Result<(), RohcError> {
        let Some(coders) = &mut self.coders else { return Err(RohcError::Unsupported(UNAGREED)) };
        let mut rest = bytes;
        loop {
            let (feedback, after) = split_feedback(rest)?;
            rest = after;
            let Some(feedback) = feedback else { break };
            // What stands behind feedback that is not understood is as good as before.
            match coders.compressor.on_feedback(feedback) {
                Ok(said) => self.counts.heard(said.acknowledgement),
                Err(_) => up(&mut self.counts.refused.malformed, 1),
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        coders.decompressor.at(now);
        let taken = coders.decompressor.decompress(rest, &mut coders.packet);
        self.counts.fate(&mut self.troubles, rest, coders.agreed.cids, &taken);
        if taken.is_ok() {
            up(&mut self.counts.bytes_delivered, coders.packet.len());
            self.outbox.push(Item::Deliver, &[&coders.packet]);
        }
        self.gather_feedback(now);
        taken.map(drop)
    }
}

impl Coders {
    fn new(agreed: Agreed, config: LinkConfig) -> Self {
        let LinkConfig { loss_run, renumber, drop_checksums, .. } = config;
        let mode = if agreed.feedback { Mode::Optimistic } else { Mode::Unidirectional };
        let compressor = Config {
            cids: agreed.cids,
            loss_run,
            renumber,
            drop_checksums,
            second_look: true,
            ..Config::default()
        };
        Self {
            agreed,
            compressor: Compressor::new(compressor),
            decompressor: Decompressor::new(agreed.cids, mode),
            feedback: Vec::new(),
            until: None,
            wire: Vec::new(),
            packet: Vec::new(),
        }
    }
}

impl Machine for Link {
    type Input<'a> = LinkInput<'a>;
    type Event = LinkEvent;

    fn handle(&mut self, now: Now, input: LinkInput<'_>) {
        match input {
            LinkInput::Packet(packet) => self.send_packet(now.mono, packet),
            LinkInput::Frame(kind, bytes) => self.on_frame(now.mono, kind, bytes),
        }
        self.tick(now);
    }

    fn tick(&mut self, now: Now) {
        let was = self.agreement.in_force();
        if self.agreement.tick(now.mono) == Change::Gone {
            self.coders = None;
            self.tell(was);
        }
        if let Some(hello) = self.agreement.due(now.mono) {
            up(&mut self.counts.hellos_out, 1);
            let begin = self.outbox.bytes.len();
            hello.write(&mut self.outbox.bytes);
            up(&mut self.counts.bytes_after, self.outbox.bytes.len().saturating_sub(begin));
            self.outbox.push(Item::Send(FrameKind::Hello), &[]);
        }
        let waits = self.coders.as_ref().and_then(|coders| coders.until);
        if waits.is_some_and(|until| until <= now.mono) {
            self.send_compressed(&[]);
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<LinkEvent> {
        match self.outbox.next(out) {
            Some(event) => Step::Event(event),
            None => {
                let feedback = self.coders.as_ref().and_then(|coders| coders.until);
                Step::Wait(Instant::earliest(self.agreement.wake(), feedback))
            }
        }
    }
}

/// Counts something.
fn up(count: &mut u64, by: usize) {
    *count = count.saturating_add(by as u64);
}

/// How long feedback that is not urgent waits for a frame to go in front of.
const PATIENCE: Duration = Duration::from_millis(20);
/// Bytes of padding at the most.
const PADS: [u8; 64] = [PADDING; 64];
/// Bytes of a packet that feedback goes in front of.
const SHORT: usize = 1_000;
const UNAGREED: &str = "a compressed packet where nothing was agreed on";
