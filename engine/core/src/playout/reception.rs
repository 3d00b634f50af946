//! Packets on their way into the playout: put in order, told apart, learnt from.

use rove_base::{PayloadType, RtpTimestamp, SeqNumber};
use rove_codecs::Decoder;

use super::Formats;
use crate::{
    jitter::{Slot, Verdict, Window, target::Arrivals},
    rtp::RedView,
};

/// What a packet is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Speech,
    /// Speech with copies of what was said before.
    Red,
    Event,
    Noise,
    Foreign,
}

/// The window, and what arrivals teach.
pub(super) struct Reception {
    pub(super) window: Window,
    pub(super) arrivals: Arrivals,
    pub(super) clock: Clock,
    pub(super) formats: Formats,
    /// Frames that have come, by their media time.
    known: [i64; KNOWN],
    /// Ticks of a frame.
    pub(super) frame: i64,
    /// Packets that came, by sequence number.
    seen: [bool; SEEN],
    /// The packet whose fate is judged next.
    judge_from: SeqNumber,
    /// Frames in a row whose delay fits nothing.
    odd: u32,
    /// Relative delay of the frame that was sent last of those that came.
    pub(super) newest: f64,
    pub(super) restarted: bool,
    pub(super) duplicates: u64,
    pub(super) late: u64,
    pub(super) strays: u64,
}

/// RTP timestamps as a count that does not wrap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    last: RtpTimestamp,
    ticks: i64,
}

impl Clock {
    const NEW: Self = Self { last: RtpTimestamp(0), ticks: 0 };

    /// The count of `timestamp`, which is within half a circle of what was seen last.
    pub(super) fn ticks(&self, timestamp: RtpTimestamp) -> i64 {
        self.ticks.saturating_add(i64::from(timestamp.since(self.last)))
    }

    /// The timestamp of a count.
    pub(super) fn timestamp(&self, ticks: i64) -> RtpTimestamp {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "modulo 2^32")]
        let by = ticks.wrapping_sub(self.ticks) as u32;
        self.last.plus(by)
    }

    fn saw(&mut self, timestamp: RtpTimestamp) {
        self.ticks = self.ticks(timestamp);
        self.last = timestamp;
    }
}

impl Reception {
    pub(super) fn new(window: usize, formats: Formats, frame: i64) -> Self {
        Self {
            window: Window::new(window),
            arrivals: Arrivals::new(),
            clock: Clock::NEW,
            formats,
            known: [i64::MIN; KNOWN],
            frame: frame.max(1),
            seen: [false; SEEN],
            judge_from: SeqNumber(0),
            odd: 0,
            newest: f64::NEG_INFINITY,
            restarted: false,
            duplicates: 0,
            late: 0,
            strays: 0,
        }
    }

    pub(super) fn kind(&self, slot: &Slot) -> Kind {
        let Formats { speech, red, telephone_event, comfort_noise, .. } = self.formats;
        let is = |format: Option<PayloadType>| format == Some(slot.payload_type);
        if slot.payload_type == speech {
            Kind::Speech
        } else if is(red) {
            Kind::Red
        } else if is(telephone_event) {
            Kind::Event
        } else if is(comfort_noise) {
            Kind::Noise
        } else {
            Kind::Foreign
        }
    }

    /// Takes in one packet.
    pub(super) fn accept(&mut self, slot: &Slot, decoder: &mut dyn Decoder) {
        let (first, highest) = (self.window.next().is_none(), self.window.highest());
        let verdict = self.window.accept(slot);
        match verdict {
            Verdict::Accepted | Verdict::Late => {}
            Verdict::Restarted => {
                self.restarted = true;
                self.arrivals.restart();
                self.odd = 0;
            }
            Verdict::Duplicate => return self.duplicates = self.duplicates.saturating_add(1),
            Verdict::Stray => return self.strays = self.strays.saturating_add(1),
        }
        if verdict == Verdict::Late {
            self.late = self.late.saturating_add(1);
        }
        let ahead = slot.seq.since(highest);
        if first || verdict == Verdict::Restarted {
            self.seen = [false; SEEN];
            self.judge_from = slot.seq;
        }
        if first || verdict == Verdict::Restarted || ahead > 0 {
            self.clock.saw(slot.timestamp);
        }
        self.learn(slot, decoder);
        self.judge(slot.seq, ahead);
    }

    /// Notes that a packet came; those that are long past due are taken for lost when neither they nor a copy came.
    fn judge(&mut self, seq: SeqNumber, ahead: i16) {
        if let Some(seen) = self.seen.get_mut(usize::from(seq.0) % SEEN) {
            *seen = true;
        }
        for _ in 0..ahead.clamp(0, JUDGED_AFTER) {
            let due = self.judge_from;
            if seq.since(due) < JUDGED_AFTER {
                return;
            }
            let back = i64::from(seq.since(due)).saturating_mul(self.frame);
            let known = self.is_known(self.clock.ticks.saturating_sub(back));
            let Some(seen) = self.seen.get_mut(usize::from(due.0) % SEEN) else { return };
            self.arrivals.judged(core::mem::take(seen) || known);
            self.judge_from = due.plus(1);
        }
    }

    /// What the packet teaches about when frames come: its own, and those it brings again.
    fn learn(&mut self, slot: &Slot, decoder: &mut dyn Decoder) {
        let ticks = self.clock.ticks(slot.timestamp);
        match self.kind(slot) {
            Kind::Speech => {
                self.came(slot, ticks);
                self.learn_told(slot, slot.payload(), ticks, decoder);
            }
            Kind::Red => {
                self.came(slot, ticks);
                let Ok(red) = RedView::parse(slot.payload()) else { return };
                let speech = self.formats.speech;
                for block in red.redundant().filter(|block| block.payload_type == speech) {
                    self.came(slot, ticks.saturating_sub(i64::from(block.offset)));
                }
                self.learn_told(slot, red.primary().payload, ticks, decoder);
            }
            Kind::Event | Kind::Noise | Kind::Foreign => {}
        }
    }

    /// Only asked when the frame before has not come: it may cost as much as decoding.
    fn learn_told(&mut self, slot: &Slot, payload: &[u8], ticks: i64, decoder: &mut dyn Decoder) {
        let before = ticks.saturating_sub(self.frame);
        let missing = SeqNumber(slot.seq.0.wrapping_sub(1));
        let begun = self.window.next().is_some_and(|next| missing.since(next) >= 0);
        if begun && self.window.get(missing).is_none() && !self.is_known(before) && decoder.reach(payload) > 0
        {
            self.came(slot, before);
        }
    }

    fn place(&self, ticks: i64) -> usize {
        let number = ticks.checked_div_euclid(self.frame).unwrap_or(0);
        usize::try_from(number.rem_euclid(KNOWN_I64)).unwrap_or(0)
    }

    fn is_known(&self, ticks: i64) -> bool {
        self.known.get(self.place(ticks)) == Some(&ticks)
    }

    fn came(&mut self, slot: &Slot, ticks: i64) {
        let itself = ticks == self.clock.ticks(slot.timestamp);
        if self.is_known(ticks) {
            if itself {
                self.arrivals.overtaken();
            }
            return;
        }
        let place = self.place(ticks);
        if let Some(known) = self.known.get_mut(place) {
            *known = ticks;
        }
        let at = millis(slot.arrived);
        let relative = at - self.media_ms(ticks);
        let off = relative - self.arrivals.base(at);
        if off.is_finite() && !(FAR_EARLY..FAR_LATE).contains(&off) {
            self.odd = self.odd.saturating_add(1);
            if self.odd < ODD {
                return;
            }
            self.arrivals.restart();
        }
        self.odd = 0;
        if ticks >= self.clock.ticks {
            self.newest = relative;
        }
        if !itself {
            self.arrivals.told();
        }
        self.arrivals.came(at, relative);
    }

    /// Forgets where the timeline was; what is held teaches anew.
    pub(super) fn relearn(&mut self) {
        self.arrivals.restart();
        (self.odd, self.newest) = (0, f64::NEG_INFINITY);
        let Self { window, arrivals, clock, formats, .. } = self;
        let hertz = f64::from(formats.clock.hertz());
        for slot in window.held(HELD) {
            let at = millis(slot.arrived);
            #[expect(clippy::cast_precision_loss, reason = "a stream of some thousand years")]
            let media = clock.ticks(slot.timestamp) as f64 * 1_000.0 / hertz;
            arrivals.came(at, at - media);
        }
    }

    /// Media time of a count of ticks.
    pub(super) fn media_ms(&self, ticks: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a stream of some thousand years")]
        let ticks = ticks as f64;
        ticks * 1_000.0 / f64::from(self.formats.clock.hertz())
    }
}

/// Milliseconds since the driver's first instant.
pub(super) fn millis(at: rove_base::Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a hundred days fit without loss")]
    let nanos = at.as_nanos() as f64;
    nanos / 1e6
}

const KNOWN: usize = 128;
const KNOWN_I64: i64 = 128;
/// A frame this much earlier or later than the base is on another timeline.
const FAR_EARLY: f64 = -1_000.0;
const FAR_LATE: f64 = 3_000.0;
/// Frames in a row that are needed to believe in another timeline.
const ODD: u32 = 3;
const HELD: u16 = 64;
const SEEN: usize = 256;
/// So many packets later, a packet that did not come is lost.
const JUDGED_AFTER: i16 = 40;
