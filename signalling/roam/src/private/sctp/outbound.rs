//! What leaves on an association: what waits, what is on its way, and how much may be (RFC 9260 §6.1, §6.3, §7).

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::Instant;

use super::{
    inbound::{AT_ONCE, BEGINS, ENDS, Fault},
    packet::{MTU, Writer, halves, kind, padded},
    rules::{
        BURST, FIRST_TIMEOUT, FIRST_WINDOW, LEAST_TIMEOUT, MAX_WAITING, MISSES, MOST_TIMEOUT, MOST_WINDOW,
    },
};

/// The other direction of an association.
#[derive(Debug)]
pub(super) struct Outbound {
    queue: VecDeque<Piece>,
    /// With numbers from `acked` + 1 on, without a gap.
    sent: VecDeque<Sent>,
    /// The last number that the other end has, with all before.
    acked: u32,
    /// Bytes of queue and sent.
    waiting: usize,
    /// What may still be sent before the other end takes more.
    theirs: usize,
    flight: usize,
    window: usize,
    threshold: usize,
    /// Acknowledged since the window grew last.
    partial: usize,
    /// Until this number is acknowledged, a loss is the same loss.
    recovering: Option<u32>,
    /// One packet more than the window allows, right after a loss was found.
    urgent: bool,
    timeout: Duration,
    smoothed: Option<(Duration, Duration)>,
    /// What the round trip is measured with.
    measured: Option<(u32, Instant)>,
    timer: Option<Instant>,
    /// The next place in each stream.
    places: Vec<u16>,
}

#[derive(Debug)]
struct Piece {
    flags: u8,
    stream: u16,
    place: u16,
    protocol: u32,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Sent {
    piece: Piece,
    /// The other end has it, but not all before it.
    has: bool,
    /// On its way, as far as is known.
    flies: bool,
    /// To be sent again.
    again: bool,
    misses: u8,
}

impl Sent {
    fn len(&self) -> usize {
        self.piece.bytes.len()
    }
}

impl Outbound {
    /// Numbers begin at `first`; the other end takes so many streams, and keeps so many bytes.
    pub(super) fn new(first: u32, streams: u16, theirs: u32) -> Self {
        Self {
            queue: VecDeque::new(),
            sent: VecDeque::new(),
            acked: first.wrapping_sub(1),
            waiting: 0,
            theirs: size(theirs),
            flight: 0,
            window: MTU.saturating_mul(FIRST_WINDOW),
            threshold: MOST_WINDOW,
            partial: 0,
            recovering: None,
            urgent: false,
            timeout: FIRST_TIMEOUT,
            smoothed: None,
            measured: None,
            timer: None,
            places: vec![0; usize::from(streams.max(1))],
        }
    }

    /// How many streams there are.
    pub(super) fn streams(&self) -> u16 {
        u16::try_from(self.places.len()).unwrap_or(u16::MAX)
    }

    /// Whether all has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.sent.is_empty()
    }

    /// How long the other end has for an answer.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When what is on its way is taken for lost.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.timer
    }

    /// A message for `stream`; `false` when too much waits already.
    pub(super) fn push(&mut self, stream: u16, protocol: u32, message: &[u8]) -> bool {
        let waiting = self.waiting.saturating_add(message.len());
        let Some(next) = self.places.get_mut(usize::from(stream)).filter(|_| waiting <= MAX_WAITING) else {
            return false;
        };
        let place = *next;
        *next = next.wrapping_add(1);
        self.waiting = waiting;
        let last = message.len().div_ceil(PIECE).saturating_sub(1);
        for (index, bytes) in message.chunks(PIECE).enumerate() {
            let flags = if index == 0 { BEGINS } else { 0 } | if index == last { ENDS | AT_ONCE } else { 0 };
            self.queue.push_back(Piece { flags, stream, place, protocol, bytes: bytes.to_vec() });
        }
        true
    }

    /// How many packets may leave at once.
    pub(super) const fn burst() -> usize {
        BURST
    }

    /// Whether anything may leave now.
    pub(super) fn has_some(&self) -> bool {
        let fits = |len: usize| self.flight == 0 || self.flight.saturating_add(len) <= self.window;
        self.sent.iter().find(|sent| sent.again).is_some_and(|sent| self.urgent || fits(sent.len()))
            || self.queue.front().is_some_and(|piece| fits(piece.bytes.len()))
    }

    /// Puts into `packet` what may leave now.
    pub(super) fn fill(&mut self, now: Instant, packet: &mut Writer) {
        let mut first_again = false;
        let mut number = self.acked;
        let urgent = core::mem::take(&mut self.urgent);
        for (index, sent) in self.sent.iter_mut().enumerate() {
            number = number.wrapping_add(1);
            if !sent.again {
                continue;
            }
            let over = self.flight > 0 && self.flight.saturating_add(sent.len()) > self.window;
            if !fits(packet, sent.len()) || (over && !urgent) {
                return self.arm(now, first_again);
            }
            write(packet, number, &sent.piece);
            (sent.again, sent.flies, sent.misses) = (false, true, 0);
            self.flight = self.flight.saturating_add(sent.len());
            first_again |= index == 0;
            // What was sent twice measures nothing (§6.3.1, Karn's rule).
            self.measured = self.measured.filter(|(measured, _)| *measured != number);
        }
        while let Some(piece) = self.queue.front() {
            let len = piece.bytes.len();
            let over = self.flight.saturating_add(len) > self.window || len > self.theirs;
            if !fits(packet, len) || (over && self.flight > 0) {
                break;
            }
            let Some(piece) = self.queue.pop_front() else { break };
            number = number.wrapping_add(1);
            write(packet, number, &piece);
            self.measured.get_or_insert((number, now));
            self.flight = self.flight.saturating_add(len);
            self.theirs = self.theirs.saturating_sub(len);
            self.sent.push_back(Sent { piece, has: false, flies: true, again: false, misses: 0 });
        }
        self.arm(now, first_again);
    }

    fn arm(&mut self, now: Instant, anew: bool) {
        if (self.timer.is_none() || anew) && !self.sent.is_empty() {
            self.timer = Some(now.later(self.timeout));
        }
    }

    /// The value of a SACK: whether it tells of anything new.
    pub(super) fn acknowledged(&mut self, now: Instant, value: &[u8]) -> Result<bool, Fault> {
        let Some((&[a, b, c, d, e, f, g, h, i, j, _, _], rest)) = value.split_first_chunk() else {
            return Err(Fault::Violation);
        };
        let (got, theirs) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let count = usize::from(u16::from_be_bytes([i, j]));
        let gaps = rest.as_chunks().0.get(..count).ok_or(Fault::Violation)?;
        let gaps = gaps.get(..MOST_GAPS).unwrap_or(gaps);
        let before = self.flight;
        let Some(new) = self.all_up_to(now, got)? else { return Ok(false) };
        let news = self.gaps(gaps);
        self.theirs = size(theirs).saturating_sub(self.flight);
        if new > 0 {
            self.grow(new, before);
        }
        if self.recovering.is_some_and(|until| !is_before(self.acked, until)) {
            self.recovering = None;
        }
        self.timer = match (self.sent.is_empty(), new > 0) {
            (true, _) => None,
            (false, true) => Some(now.later(self.timeout)),
            (false, false) => self.timer,
        };
        Ok(new > 0 || news)
    }

    /// The other end has all up to `got`: how many bytes of it are new. `None` when that is old news.
    pub(super) fn all_up_to(&mut self, now: Instant, got: u32) -> Result<Option<usize>, Fault> {
        let count = got.wrapping_sub(self.acked);
        if count > u32::MAX / 2 {
            return Ok(None);
        }
        if size(count) > self.sent.len() {
            return Err(Fault::Violation);
        }
        let mut new = 0_usize;
        for sent in self.sent.drain(..size(count)) {
            new = new.saturating_add(sent.len());
            if sent.flies {
                self.flight = self.flight.saturating_sub(sent.len());
            }
        }
        self.acked = got;
        self.waiting = self.waiting.saturating_sub(new);
        if let Some((_, at)) = self.measured.take_if(|(number, _)| !is_before(got, *number)) {
            self.measure(now.since(at));
        }
        Ok(Some(new))
    }

    /// What it has beyond that: whether any of it is new. What lies before what is new was missed once more.
    fn gaps(&mut self, gaps: &[[u8; 4]]) -> bool {
        let mut newest = None;
        let mut offset = 0_u16;
        for (index, sent) in self.sent.iter_mut().enumerate() {
            offset = offset.saturating_add(1);
            let within = |gap: &[u8; 4]| {
                let (first, last) = halves(*gap);
                (first..=last).contains(&offset)
            };
            let has = gaps.iter().any(within);
            if has && !sent.has {
                newest = Some(index);
                if sent.flies {
                    self.flight = self.flight.saturating_sub(sent.len());
                }
                (sent.flies, sent.again) = (false, false);
            } else if sent.has && !has {
                // It has thought better of it (§6.2.1).
                sent.again = true;
            }
            sent.has = has;
        }
        let Some(newest) = newest else { return false };
        let mut lost = false;
        for sent in self.sent.iter_mut().take(newest).filter(|sent| !sent.has && sent.flies) {
            sent.misses = sent.misses.saturating_add(1);
            if sent.misses >= MISSES {
                (sent.again, sent.flies, lost) = (true, false, true);
                self.flight = self.flight.saturating_sub(sent.len());
            }
        }
        if lost && self.recovering.is_none() {
            self.shrink();
            self.window = self.threshold;
            let last = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
            self.recovering = Some(self.acked.wrapping_add(last));
        }
        self.urgent |= lost;
        true
    }

    /// So much was acknowledged, with so much on its way before (§7.2.1, §7.2.2).
    fn grow(&mut self, new: usize, before: usize) {
        if before < self.window.saturating_sub(MTU) || self.recovering.is_some() {
            return;
        }
        if self.window <= self.threshold {
            self.window = self.window.saturating_add(new.min(MTU));
        } else {
            self.partial = self.partial.saturating_add(new);
            if self.partial >= self.window {
                self.partial = self.partial.saturating_sub(self.window);
                self.window = self.window.saturating_add(MTU);
            }
        }
        self.window = self.window.min(MOST_WINDOW);
    }

    fn shrink(&mut self) {
        self.threshold = (self.window / 2).max(MTU.saturating_mul(FIRST_WINDOW));
        self.partial = 0;
    }

    /// Nothing has come in time: all that is on its way is to be sent again, little by little (§6.3.3).
    pub(super) fn timed_out(&mut self) {
        self.shrink();
        self.window = MTU;
        self.back_off();
        self.recovering = None;
        for sent in self.sent.iter_mut().filter(|sent| !sent.has) {
            (sent.again, sent.flies) = (true, false);
        }
        (self.flight, self.timer, self.measured) = (0, None, None);
    }

    /// Somebody else's question was not answered in time.
    pub(super) fn back_off(&mut self) {
        self.timeout = self.timeout.saturating_mul(2).min(MOST_TIMEOUT);
    }

    /// A round trip took so long (§6.3.1).
    pub(super) fn measure(&mut self, round: Duration) {
        let (mean, spread) = match self.smoothed {
            None => (round, round.checked_div(2).unwrap_or_default()),
            Some((mean, spread)) => {
                let off = mean.abs_diff(round);
                let mix = |old: Duration, new: Duration, part: u32| {
                    let less = old.saturating_sub(old.checked_div(part).unwrap_or_default());
                    less.saturating_add(new.checked_div(part).unwrap_or_default())
                };
                (mix(mean, round, 8), mix(spread, off, 4))
            }
        };
        self.smoothed = Some((mean, spread));
        self.timeout = mean.saturating_add(spread.saturating_mul(4)).clamp(LEAST_TIMEOUT, MOST_TIMEOUT);
    }
}

fn fits(packet: &Writer, len: usize) -> bool {
    padded(len).saturating_add(DATA_HEADER) <= packet.room()
}

fn write(packet: &mut Writer, number: u32, piece: &Piece) {
    let head = [number.to_be_bytes(), pair(piece.stream, piece.place), piece.protocol.to_be_bytes()];
    packet.chunk(kind::DATA, piece.flags, &[head.as_flattened(), &piece.bytes]);
}

const fn pair(first: u16, second: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (first.to_be_bytes(), second.to_be_bytes());
    [a, b, c, d]
}

/// Whether number `a` comes before `b` on a circle.
const fn is_before(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) <= u32::MAX / 2
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// How many gaps of one acknowledgement are looked at.
const MOST_GAPS: usize = 256;
/// Of its chunk.
const DATA_HEADER: usize = 16;
/// What goes into one chunk, alone in its packet.
const PIECE: usize = MTU - 12 - DATA_HEADER;
